//! What training produces and reports and the command line consume: plain data, stable names.
//!
//! Accuracies and other rates are fractions in `0..=1`. JSON has no NaN: a value that is not known is `None`,
//! which is written as `null`.

mod loss;
mod runs;
mod toy;

pub use loss::{CrossValidation, LossRecord, Selected, TestMetrics, TrainMetrics};
pub use runs::{CompareRecord, DataRecord, FitRecord, SigmaPathPoint};
pub use toy::{ToyCurve, ToyRecord, ToyRun};
