//! Image classifiers on [Burn](burn), trained with the losses of [`exact_core`].

pub mod augment;
pub mod batches;
pub mod error;
pub mod loss;
pub mod models;
pub mod optim;
mod shape;

pub use burn;
pub use error::VisionError;
pub use shape::ImageShape;
