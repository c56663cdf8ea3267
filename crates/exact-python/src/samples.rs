//! Labelled samples: which of them count, with what weight, and how their losses are reduced.

use std::borrow::Cow;

use exact_core::loss::LossError;
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::types::PyAnyMethods;
use pyo3::{Bound, FromPyObject, PyAny, PyResult};

use crate::arrays::{Number, classes};
use crate::error::value_error;
use crate::outputs::Outputs;

/// What a loss does with its samples, as `torch.nn.CrossEntropyLoss`: a tuple of the weights of the classes
/// or None, the label of samples that do not count, and "mean", "sum" or "none".
#[derive(FromPyObject)]
pub struct Reduction<'py>(Option<Bound<'py, PyAny>>, i64, String);

/// How losses become the result.
#[derive(Clone, Copy, PartialEq)]
enum Total {
    /// The weighted sum over the sum of the weights.
    Mean,
    /// The weighted sum.
    Sum,
    /// Each loss times its weight.
    None,
}

/// Rows with their labels. Ignored samples have the label 0, logits of 0 and no weight.
pub struct LabelledSamples<'a, T: Clone> {
    /// `[n, c]`.
    pub logits: Cow<'a, [T]>,
    /// `[n]`.
    pub labels: Vec<u32>,
    /// `[n]`; none for equal weights of 1.
    pub weights: Option<Vec<T>>,
    total: Total,
}

impl<'a, T: Number> LabelledSamples<'a, T> {
    /// Rows of `n_classes` logits with labels below `n_labels`, of which all count without a reduction.
    ///
    /// # Errors
    /// A `ValueError` for rows without classes, another number of labels than of rows, a label that is
    /// neither ignored nor below `n_labels`, and weights that do not fit.
    pub fn new(
        logits: &'a [T],
        n_classes: usize,
        labels: &PyReadonlyArray1<'_, i64>,
        n_labels: usize,
        reduction: Option<&Reduction<'_>>,
    ) -> PyResult<Self> {
        let given = labels.as_slice()?;
        check_shape(logits.len(), n_classes, given.len()).map_err(|error| value_error(&error))?;
        let Some(Reduction(class_weights, ignore_index, total)) = reduction else {
            return Ok(Self {
                logits: Cow::Borrowed(logits),
                labels: classes(labels, n_labels, None)?,
                weights: None,
                total: Total::None,
            });
        };
        let total = match total.as_str() {
            "mean" => Total::Mean,
            "sum" => Total::Sum,
            "none" => Total::None,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "reduction must be mean, sum or none, got {total}"
                )));
            }
        };
        let labels = classes(labels, n_labels, Some(*ignore_index))?;
        let any_ignored = given.contains(ignore_index);
        let mut logits = Cow::Borrowed(logits);
        let mut weights = match class_weights {
            Some(class_weights) => Some(weights_of(&labels, class_weights, n_labels)?),
            None => any_ignored.then(|| vec![T::ONE; labels.len()]),
        };
        if any_ignored && let Some(weights) = &mut weights {
            let rows = logits.to_mut().chunks_mut(n_classes);
            for ((row, weight), label) in rows.zip(weights).zip(given) {
                if label == ignore_index {
                    row.fill(T::ZERO);
                    *weight = T::ZERO;
                }
            }
        }
        Ok(Self { logits, labels, weights, total })
    }

    /// Weights the losses and their gradients, and adds them up. Samples without weight have no gradient,
    /// whatever the sum of the weights.
    pub fn reduce(&self, mut outputs: Outputs<T>) -> Outputs<T> {
        let n = self.labels.len();
        let total = match (self.total, &self.weights) {
            (Total::Mean, None) => n as f64,
            (Total::Mean, Some(weights)) => weights.iter().map(|weight| weight.to_f64()).sum(),
            (Total::Sum | Total::None, _) => 1.0,
        };
        if let Some(weights) = &self.weights {
            outputs.scale(|row| if weights[row] == T::ZERO { 0.0 } else { weights[row].to_f64() / total });
        } else if total != 1.0 {
            outputs.scale(|_| 1.0 / total);
        }
        if self.total != Total::None {
            outputs.add_up();
            if total == 0.0 {
                outputs.values[0] = T::from_f64(f64::NAN);
            }
        }
        outputs
    }
}

/// Checks that there is a label for each of the rows, which have classes.
fn check_shape(values: usize, n_classes: usize, labels: usize) -> Result<(), LossError> {
    if n_classes == 0 {
        return Err(LossError::LogitsShape { values, n_classes });
    }
    let expected = values / n_classes;
    if labels != expected {
        return Err(LossError::SamplesLength { what: "labels", found: labels, expected });
    }
    Ok(())
}

/// The weight of each label, which is below `n_labels`.
fn weights_of<T: Number>(
    labels: &[u32],
    class_weights: &Bound<'_, PyAny>,
    n_labels: usize,
) -> PyResult<Vec<T>> {
    let class_weights: PyReadonlyArray1<'_, T> = class_weights.extract()?;
    let class_weights = class_weights.as_slice()?;
    if class_weights.len() != n_labels {
        let found = class_weights.len();
        return Err(PyValueError::new_err(format!(
            "weight has {found} entries, expected {n_labels}, one per class"
        )));
    }
    Ok(labels.iter().map(|&label| class_weights[label as usize]).collect())
}
