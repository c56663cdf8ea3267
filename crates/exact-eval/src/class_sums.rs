//! Sums per class from which recall, precision and F1 follow.

use crate::EvalError;
use crate::samples::{Samples, check_classes};

/// Weighted sums over samples, each `[n_classes]`.
pub(crate) struct ClassSums {
    /// Weight of the samples of each true class.
    pub(crate) actual: Vec<f64>,
    /// Weight of the samples predicted as each class.
    pub(crate) predicted: Vec<f64>,
    /// Weight of the samples of each class that are predicted as it.
    pub(crate) correct: Vec<f64>,
}

impl ClassSums {
    pub(crate) fn new(
        samples: Samples<'_>,
        predictions: &[u32],
        n_classes: usize,
    ) -> Result<Self, EvalError> {
        samples.check_predictions(predictions)?;
        samples.check_labels(n_classes)?;
        check_classes("the prediction", predictions, n_classes)?;
        let mut sums = Self {
            actual: vec![0.0; n_classes],
            predicted: vec![0.0; n_classes],
            correct: vec![0.0; n_classes],
        };
        for (row, (&label, &prediction)) in samples.labels.iter().zip(predictions).enumerate() {
            let weight = samples.weight(row);
            sums.actual[label as usize] += weight;
            sums.predicted[prediction as usize] += weight;
            if label == prediction {
                sums.correct[label as usize] += weight;
            }
        }
        Ok(sums)
    }
}
