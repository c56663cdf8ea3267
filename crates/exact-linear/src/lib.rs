//! Linear classifiers trained for expected accuracy: objective, solvers, cross-validated selection and the model file.

mod calibration;
mod classifier;
mod dataset;
mod error;
mod lbfgs;
mod linear_map;
mod model;
mod model_file;
mod objective;
mod progress;
mod refine;
mod settings;
mod sgd;
mod solver;
pub mod toy;
mod trainer;

pub use classifier::{LinearClassifier, Link};
pub use error::LinearError;
pub use model::{Model, Predictions};
pub use progress::{Callback, Progress};
pub use settings::LossKind;
pub use solver::Solver;
pub use trainer::{LossChoice, TrainOptions, Trained, Trainer};

/// The examples of the README, as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadmeExamples;
