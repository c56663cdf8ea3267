//! Linear classifiers: training with given settings, and predictions.

mod arguments;
mod classifier;
mod error;
mod training;

pub use classifier::LinearClassifier;
