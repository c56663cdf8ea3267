//! Checked batches: logits, labels and sample weights that a loss can rely on.

use crate::Real;
use crate::error::LossError;

/// How many rows of `n_classes` so many logits are.
pub(crate) fn n_rows(values: usize, n_classes: usize) -> Result<usize, LossError> {
    if n_classes == 0 || !values.is_multiple_of(n_classes) {
        return Err(LossError::LogitsShape { values, n_classes });
    }
    Ok(values / n_classes)
}

/// Rows that one task evaluates: a few thousand logits, so that a block's cost dwarfs that of the split.
pub(crate) fn rows_per_block(n_classes: usize) -> usize {
    (4096 / n_classes.max(1)).next_power_of_two().clamp(16, 512)
}

/// Checks that there is one value per sample.
pub(crate) fn check_samples<V>(what: &'static str, values: &[V], expected: usize) -> Result<(), LossError> {
    if values.len() == expected {
        return Ok(());
    }
    Err(LossError::SamplesLength { what, found: values.len(), expected })
}

/// Checks that every label is a class.
pub(crate) fn check_labels(labels: &[u32], n_classes: usize) -> Result<(), LossError> {
    match labels.iter().position(|&label| label as usize >= n_classes) {
        Some(row) => Err(LossError::Label { row, label: labels[row], n_classes }),
        None => Ok(()),
    }
}

/// Checks that there is one usable weight per sample.
pub(crate) fn check_weights<T: Real>(weights: &[T], expected: usize) -> Result<(), LossError> {
    check_samples("weights", weights, expected)?;
    match weights.iter().position(|weight| !weight.is_finite() || *weight < T::ZERO) {
        Some(row) => Err(LossError::Weight { row, value: weights[row].to_f64() }),
        None => Ok(()),
    }
}

/// Checks the length of an input or output that has no error of its own.
pub(crate) fn check_length<V>(what: &'static str, values: &[V], expected: usize) -> Result<(), LossError> {
    if values.len() == expected {
        return Ok(());
    }
    Err(LossError::Length { what, found: values.len(), expected })
}

/// Checks that all values are finite.
pub(crate) fn check_finite<T: Real>(name: &'static str, values: &[T]) -> Result<(), LossError> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(LossError::Setting { name, expected: "finite", value: value.to_f64() }),
        None => Ok(()),
    }
}

/// A row-major `[n, c]` batch of finite logits.
#[derive(Debug, Clone, Copy)]
pub struct Logits<'a, T> {
    values: &'a [T],
    n_classes: usize,
}

impl<'a, T: Real> Logits<'a, T> {
    /// Rows of `n_classes` logits each.
    ///
    /// # Errors
    /// [`LossError`] if the length is not a multiple of `n_classes`, there is no row, or a value is not
    /// finite.
    pub fn new(values: &'a [T], n_classes: usize) -> Result<Self, LossError> {
        n_rows(values.len(), n_classes)?;
        if values.is_empty() {
            return Err(LossError::Empty);
        }
        // Without an early exit, so that the compiler vectorises it.
        let finite = values.iter().fold(true, |finite, value| finite & value.is_finite());
        if !finite && let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (row, class) = (at / n_classes, at % n_classes);
            return Err(LossError::Logit { row, class, value: values[at].to_f64() });
        }
        Ok(Self { values, n_classes })
    }

    /// All logits, row after row.
    pub fn values(&self) -> &'a [T] {
        self.values
    }

    /// Classes per row.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.values.len() / self.n_classes
    }
}

/// Logits with labels and weights, checked: every label is a class, every logit and weight is finite.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a, T> {
    logits: &'a [T],
    n_classes: usize,
    labels: &'a [u32],
    weights: Option<&'a [T]>,
    scale: T,
}

impl<'a, T: Real> Samples<'a, T> {
    /// Samples whose loss is summed with the given weights (1 each without weights).
    ///
    /// # Errors
    /// [`LossError`] if lengths differ, a label is out of range, or a weight is negative or not finite.
    pub fn sum(
        logits: Logits<'a, T>,
        labels: &'a [u32],
        weights: Option<&'a [T]>,
    ) -> Result<Self, LossError> {
        let (n, n_classes) = (logits.n_rows(), logits.n_classes);
        check_samples("labels", labels, n)?;
        check_labels(labels, n_classes)?;
        if let Some(weights) = weights {
            check_weights(weights, n)?;
        }
        Ok(Self { logits: logits.values, n_classes, labels, weights, scale: T::ONE })
    }

    /// Samples whose weights are divided by their total, so that a sum over them is a weighted mean.
    ///
    /// # Errors
    /// As [`Samples::sum`], and [`LossError::ZeroWeights`] if the weights sum to 0, or
    /// [`LossError::WeightSum`] if they cannot be divided by their sum.
    pub fn mean(
        logits: Logits<'a, T>,
        labels: &'a [u32],
        weights: Option<&'a [T]>,
    ) -> Result<Self, LossError> {
        let samples = Self::sum(logits, labels, weights)?;
        let total = match weights {
            None => labels.len() as f64,
            Some(weights) => weights.iter().map(|weight| weight.to_f64()).sum(),
        };
        if total == 0.0 {
            return Err(LossError::ZeroWeights);
        }
        let scale = T::from_f64(1.0 / total);
        if scale == T::ZERO || !scale.is_finite() {
            return Err(LossError::WeightSum { total });
        }
        Ok(Self { scale, ..samples })
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Classes per row.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// All logits, row after row.
    pub fn logits(&self) -> &'a [T] {
        self.logits
    }

    /// The labels.
    pub fn labels(&self) -> &'a [u32] {
        self.labels
    }

    /// The weights that were given, of which [`Samples::weight`] is a multiple.
    pub(crate) fn weights(&self) -> Option<&'a [T]> {
        self.weights
    }

    /// The same samples with other logits, as many and finite.
    pub(crate) fn with_logits<'b>(self, logits: &'b [T]) -> Samples<'b, T>
    where
        'a: 'b,
    {
        Samples { logits, ..self }
    }

    /// The factor of sample `row` in the sum.
    #[inline]
    pub fn weight(&self, row: usize) -> T {
        self.weights.map_or(self.scale, |weights| self.scale * weights[row])
    }

    /// The samples before `row` and those from it on.
    pub fn split_at(&self, row: usize) -> (Self, Self) {
        let (left, right) = self.logits.split_at(row * self.n_classes);
        let (labels_left, labels_right) = self.labels.split_at(row);
        let weights = self.weights.map(|weights| weights.split_at(row));
        (
            Self { logits: left, labels: labels_left, weights: weights.map(|w| w.0), ..*self },
            Self { logits: right, labels: labels_right, weights: weights.map(|w| w.1), ..*self },
        )
    }

    pub(crate) fn check_gradient(&self, grad: &[T]) -> Result<(), LossError> {
        if grad.len() != self.logits.len() {
            let (found, expected) = (grad.len(), self.logits.len());
            return Err(LossError::GradientLength { found, expected });
        }
        Ok(())
    }
}
