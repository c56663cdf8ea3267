//! Linear classifiers: weights of samples, training with given settings or by cross-validation, and
//! predictions.

mod arguments;
mod class_weight;
mod classifier;
mod error;
mod partitions;
mod scorer;
mod search;
mod selection;
mod training;

pub use class_weight::balanced_weights;
pub use classifier::LinearClassifier;
pub use error::linear_error;
pub use partitions::Partition;
pub use search::SearchArgument;
pub use selection::{ExpandedTo, Selection, Setting};
pub use training::train;
