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
    /// There is no such network.
    #[error(
        "there is no network {name}: expected small-cnn, m3, wrn-DEPTH-WIDTH with a depth of 6 n + 4 from 10, \
         resnet-18, -34 or -50, or vgg-11, -13, -16 or -19"
    )]
    Architecture {
        /// The name.
        name: String,
    },
    /// The images would vanish on their way through the network.
    #[error("{model} needs images of at least {smallest} x {smallest} pixels, these have {height} x {width}")]
    InputSize {
        /// The network.
        model: &'static str,
        /// The smallest height and width.
        smallest: usize,
        /// The height of the images.
        height: usize,
        /// Their width.
        width: usize,
    },
    /// Something of which there must be at least one.
    #[error("there are no {what}")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// A setting outside its range.
    #[error("{name} must be {expected}, got {value}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// The value.
        value: f64,
    },
}
