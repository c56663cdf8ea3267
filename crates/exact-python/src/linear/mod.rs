//! Linear classifiers: weights of samples, training with given settings, and predictions.

mod arguments;
mod class_weight;
mod classifier;
mod error;
mod partitions;
mod training;

pub use class_weight::balanced_weights;
pub use classifier::LinearClassifier;
pub use partitions::Partition;
