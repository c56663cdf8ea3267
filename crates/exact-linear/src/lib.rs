//! Linear classifiers trained for expected accuracy: objective, solvers, cross-validated selection and the
//! model file.

mod blocks;
mod classifier;
mod column_groups;
mod cross_entropy;
mod dataset;
mod decision;
mod error;
mod expansion;
mod feature_choice;
mod feature_selection;
mod fit;
mod folded_data;
mod goal;
mod grid;
mod lbfgs;
mod linear_map;
mod loss_choice;
mod mean_loss;
mod metric;
mod model;
mod model_file;
mod moments;
mod objective;
mod owlqn;
mod paired_gain;
mod partition;
mod partitions;
mod progress;
mod proximal;
mod refine;
mod rows;
mod scorer;
mod search;
mod settings;
mod sgd;
mod shape;
mod shape_functions;
mod solver;
mod standardisation;
mod strength;
pub mod toy;
mod train_options;
mod trainer;

pub use classifier::LinearClassifier;
pub use dataset::Dataset;
pub use decision::Predictions;
pub use error::{LinearError, ScorerError};
pub use exact_core::Link;
pub use exact_core::expected::balanced_weights;
pub use exact_core::loss::{LossKind, LossSettings, RandomScores};
pub use feature_choice::{FeatureChoice, FeatureKind};
pub use feature_selection::FeatureScore;
pub use fit::{FitOptions, Fitted};
pub use loss_choice::{LossChoice, loss_named};
pub use metric::Metric;
pub use model::Model;
pub use partition::{Partition, PartitionMoments, PartitionSums, Query};
pub use partitions::Partitions;
pub use progress::{Callback, Progress};
pub use rows::{Inputs, Rows};
pub use scorer::{Scored, Scorer};
pub use settings::Settings;
pub use shape_functions::ShapeFunction;
pub use solver::Solver;
pub use train_options::TrainOptions;
pub use trainer::{PathPoint, Trained, Trainer};

/// The examples of the README, as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;

/// Those of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/rust.md")]
struct GuideExamples;
