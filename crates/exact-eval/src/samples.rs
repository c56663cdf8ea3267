//! Labels with their weights, checked once.

use crate::EvalError;

/// True classes and sample weights that have been checked: at least one row, positive total weight.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    pub(crate) labels: &'a [u32],
    weights: Option<&'a [f64]>,
    total_weight: f64,
}

impl<'a> Samples<'a> {
    pub(crate) fn new(labels: &'a [u32], weights: Option<&'a [f64]>) -> Result<Self, EvalError> {
        if labels.is_empty() {
            return Err(EvalError::Empty);
        }
        let Some(values) = weights else {
            return Ok(Self { labels, weights, total_weight: labels.len() as f64 });
        };
        check_length("the sample weight", labels.len(), values.len())?;
        if let Some((row, &value)) = values.iter().enumerate().find(|(_, w)| !w.is_finite() || **w < 0.0) {
            return Err(EvalError::Weight { row, value });
        }
        let sum: f64 = values.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(EvalError::WeightSum { sum });
        }
        Ok(Self { labels, weights, total_weight: sum })
    }

    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The weighted mean over rows of `value(row, label)`.
    pub(crate) fn mean(&self, value: impl Fn(usize, usize) -> f64) -> f64 {
        let sum: f64 =
            self.labels.iter().enumerate().map(|(row, &y)| self.weight(row) * value(row, y as usize)).sum();
        sum / self.total_weight
    }

    pub(crate) fn check_labels(&self, n_classes: usize) -> Result<(), EvalError> {
        check_classes("the label", self.labels, n_classes)
    }

    pub(crate) fn check_predictions(&self, predictions: &[u32]) -> Result<(), EvalError> {
        check_length("the predictions", self.len(), predictions.len())
    }
}

pub(crate) fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), EvalError> {
    if expected == found { Ok(()) } else { Err(EvalError::Length { what, expected, found }) }
}

pub(crate) fn check_classes(what: &'static str, classes: &[u32], n_classes: usize) -> Result<(), EvalError> {
    check_range("the number of classes", 1, u32::MAX as usize, n_classes)?;
    match classes.iter().enumerate().find(|(_, class)| **class as usize >= n_classes) {
        Some((row, &class)) => Err(EvalError::Class { what, row, class, n_classes }),
        None => Ok(()),
    }
}

pub(crate) fn check_range(
    what: &'static str,
    minimum: usize,
    maximum: usize,
    found: usize,
) -> Result<(), EvalError> {
    if (minimum..=maximum).contains(&found) {
        Ok(())
    } else {
        Err(EvalError::OutOfRange { what, minimum, maximum, found })
    }
}
