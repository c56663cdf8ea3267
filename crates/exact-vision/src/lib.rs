//! Image classifiers on [Burn](burn), trained with the losses of [`exact_core`].

pub mod error;
pub mod loss;

pub use burn;
pub use error::VisionError;
