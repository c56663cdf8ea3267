//! The outcome of training with one loss.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{MetricName, Spread};
use crate::{
    EvalError, ReliabilityBin, accuracy, balanced_accuracy, brier_score, confusion_matrix,
    expected_calibration_error, log_loss, macro_f1, reliability_bins,
};

/// The bins of the reliability diagram of [`TestMetrics`].
const RELIABILITY_BINS: usize = 10;

/// The numbers that a loss was trained with, as reports show them: plain values that whoever trained fills
/// in. What they mean to training is described with the losses (`exact_core::loss::LossSettings`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Selected {
    /// The coefficient of the L2 penalty.
    pub l2: f64,
    /// The coefficient of the L1 penalty; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l1: Option<f64>,
    /// The coefficient of the group penalty; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_l1: Option<f64>,
    /// The standard deviation of the class scores; `None` for losses without one.
    pub sigma: Option<f64>,
    /// The margin at which differences of scores are clipped; `None` without a margin.
    pub margin: Option<f64>,
    /// The temperature of a relaxation of the 0-1 loss; `None` for losses without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The coefficient of the linear term of Poly-1; `None` for other losses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// The first learning rate of stochastic gradient descent; `None` for other solvers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
}

/// What the columns were expanded to before the linear map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectedFeatures {
    /// `linear` for the columns as they are, or the name of an expansion.
    pub kind: String,
    /// The bandwidth of kernel features in units of the median distance of rows; `None` for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<f64>,
}

impl Default for SelectedFeatures {
    fn default() -> Self {
        Self { kind: "linear".into(), bandwidth: None }
    }
}

impl fmt::Display for SelectedFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        self.bandwidth.map_or(Ok(()), |bandwidth| write!(f, ", bandwidth {bandwidth}"))
    }
}

/// A metric over the folds of a cross-validation within the training rows, at the selected hyper-parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// The mean over folds.
    pub mean: f64,
    /// The standard deviation over folds (sum of squares over `folds - 1`); 0 for one fold.
    pub std: f64,
    /// The metric on the rows that each fold holds out, in the order of folds, which is the same for every
    /// loss of a run.
    pub folds: Vec<f64>,
    /// The mean over folds of the metric there of the settings that the other folds choose: what can be
    /// expected of new rows. `mean`, over the folds that chose, is in part the luck of the best of many
    /// settings. `None` where there is but one fold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<f64>,
}

impl CrossValidation {
    /// Mean and standard deviation of the values of folds; `None` if there are no folds or one is not
    /// finite.
    ///
    /// # Example
    /// ```
    /// let cv = exact_eval::record::CrossValidation::of_folds(vec![0.5, 0.75, 1.0]).unwrap();
    /// assert_eq!((cv.mean, cv.std), (0.75, 0.25));
    /// ```
    pub fn of_folds(folds: Vec<f64>) -> Option<Self> {
        let Spread { mean, std } = Spread::of(&folds)?;
        Some(Self { mean, std, folds, nested: None })
    }

    /// The same with the values of folds, each of the settings that the others choose.
    #[must_use]
    pub fn with_nested(self, folds: &[f64]) -> Self {
        Self { nested: Spread::of(folds).map(|spread| spread.mean), ..self }
    }
}

/// Metrics on the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainMetrics {
    /// The fraction of correct predictions.
    pub accuracy: f64,
}

/// Metrics on the test rows, which selection never sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestMetrics {
    /// The fraction of correct predictions.
    pub accuracy: f64,
    /// The mean recall of the classes that the test labels have.
    pub balanced_accuracy: f64,
    /// The mean F1 of the classes that the test labels or predictions have.
    pub macro_f1: f64,
    /// The mean negative log probability of the label, in nats; see [`log_loss`](crate::log_loss()).
    pub log_loss: f64,
    /// The mean squared distance of the probabilities from the one-hot label, `0..=2`.
    pub brier: f64,
    /// The mean distance between confidence and accuracy over the bins of `reliability`.
    pub expected_calibration_error: f64,
    /// The number of samples of each true class (row) predicted as each class (column).
    pub confusion: Vec<Vec<u64>>,
    /// The fraction of rows of which the classifier predicts no class, where it may. The other metrics are
    /// those of the classes that it would predict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<f64>,
    /// Confidence and accuracy in ten bins of equal width; empty bins are left out.
    pub reliability: Vec<ReliabilityBin>,
}

impl TestMetrics {
    /// Measures predictions (`[n]`) and probabilities (row-major `[n, n_classes]`) against `labels` (`[n]`).
    ///
    /// # Errors
    /// [`EvalError`] if there are no samples, shapes differ, a class is not below `n_classes`, or a row of
    /// `probabilities` is not a distribution.
    ///
    /// # Example
    /// ```
    /// use exact_eval::record::TestMetrics;
    ///
    /// let test = TestMetrics::measure(&[0, 1], &[0, 0], &[0.75, 0.25, 0.5, 0.5], 2)?;
    /// assert_eq!((test.accuracy, test.brier), (0.5, 0.3125));
    /// # Ok::<(), exact_eval::EvalError>(())
    /// ```
    pub fn measure(
        labels: &[u32],
        predictions: &[u32],
        probabilities: &[f64],
        n_classes: usize,
    ) -> Result<Self, EvalError> {
        let reliability = reliability_bins(labels, probabilities, n_classes, RELIABILITY_BINS, None)?;
        Ok(Self {
            accuracy: accuracy(labels, predictions, None)?,
            balanced_accuracy: balanced_accuracy(labels, predictions, n_classes, None)?,
            macro_f1: macro_f1(labels, predictions, n_classes, None)?,
            log_loss: log_loss(labels, probabilities, n_classes, None)?,
            brier: brier_score(labels, probabilities, n_classes, None)?,
            expected_calibration_error: expected_calibration_error(&reliability),
            confusion: confusion_matrix(labels, predictions, n_classes)?,
            rejected: None,
            reliability,
        })
    }
}

/// The outcome of training with one loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossRecord {
    /// The name that was asked for, such as `exact`, `cross-entropy` or `auto`.
    pub loss: String,
    /// The hyper-parameters that selection chose.
    pub selected: Selected,
    /// What the columns were expanded to.
    #[serde(default)]
    pub features: SelectedFeatures,
    /// What the hyper-parameters were chosen by, and what `cv` and `test_value` are of.
    #[serde(default)]
    pub metric: MetricName,
    /// The metric over the folds at these hyper-parameters; `None` without cross-validation.
    pub cv: Option<CrossValidation>,
    /// Metrics of the final model on the rows that it was trained on.
    pub train: TrainMetrics,
    /// Metrics of the final model on the test rows; `None` without a test set.
    pub test: Option<TestMetrics>,
    /// The metric on the test rows; `None` without a test set.
    #[serde(default)]
    pub test_value: Option<f64>,
    /// Wall-clock time of selection and training, in seconds.
    pub seconds: f64,
    /// For `auto`: the loss that selection chose.
    pub chosen_loss: Option<String>,
}
