//! The records of whole commands.

use serde::{Deserialize, Serialize};

use super::{ColumnRecord, CrossValidation, LossRecord};

/// What a model was trained and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// The name of the data set or file, if it has one.
    pub name: Option<String>,
    /// The column that is predicted.
    pub target: String,
    /// The number of rows trained on.
    pub train_rows: usize,
    /// The number of rows tested on; `None` without a test set.
    pub test_rows: Option<usize>,
    /// The number of features after encoding.
    pub features: usize,
    /// The number of classes.
    pub classes: usize,
    /// The names of the classes, in the order of their indices.
    pub class_names: Vec<String>,
}

/// One value of sigma along the path that EXACT follows, at the selected L2 penalty and margin; means over
/// folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SigmaPathPoint {
    /// The standard deviation of the class scores.
    pub sigma: f64,
    /// The coefficient of the L2 penalty.
    pub l2: f64,
    /// The margin; `None` without one.
    pub margin: Option<f64>,
    /// Accuracy, or the other metric of the run, on the rows trained on.
    pub train_accuracy: f64,
    /// The same on the rows held out.
    pub validation_accuracy: f64,
    /// The objective's own value: the expectation of the metric on the rows trained on.
    pub expected_accuracy: f64,
}

/// What `exact fit` prints and reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitRecord {
    /// What the model was trained and tested on.
    pub data: DataRecord,
    /// What the columns of the training table were taken for.
    pub columns: Vec<ColumnRecord>,
    /// The outcome; its fields stand beside `data` in JSON.
    #[serde(flatten)]
    pub outcome: LossRecord,
    /// What cross-entropy reaches over the folds, where `auto` chose another loss.
    #[serde(default)]
    pub cross_entropy_cv: Option<CrossValidation>,
    /// The seed of all randomness.
    pub seed: u64,
    /// The solver that trained the final model, such as `lbfgs`.
    pub solver: String,
    /// The path of the model file; `None` if none was written.
    pub model: Option<String>,
    /// The path of EXACT over sigma; empty for losses without one.
    pub sigma_path: Vec<SigmaPathPoint>,
}

/// What `exact compare` prints and reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompareRecord {
    /// What the models were trained and tested on.
    pub data: DataRecord,
    /// What the columns of the training table were taken for.
    pub columns: Vec<ColumnRecord>,
    /// One outcome per loss, in the order that was asked for.
    pub rows: Vec<LossRecord>,
    /// The path of EXACT over sigma; empty if EXACT was not among the losses.
    pub sigma_path: Vec<SigmaPathPoint>,
    /// The seed of all randomness.
    pub seed: u64,
    /// The number of folds of the cross-validation; 0 without one.
    pub folds: usize,
    /// The path of the HTML report; `None` if none was written.
    pub report: Option<String>,
}
