//! What can go wrong.

use burn::tensor::TensorReadError;
use exact_core::loss::LossError;

/// Why images could not be trained on or classified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisionError {
    /// A batch that the loss cannot be evaluated on.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Values could not be read from the device.
    #[error("the device could not compute: {0}")]
    Device(#[from] TensorReadError),
}
