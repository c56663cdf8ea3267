//! Checked batches: logits, labels and sample weights that a loss can rely on.

use crate::Real;

/// Why a batch cannot be evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// The number of logits is not a multiple of the number of classes.
    #[error("{values} logits cannot be rows of {n_classes} classes")]
    LogitsShape {
        /// How many logits there are.
        values: usize,
        /// How many classes were stated.
        n_classes: usize,
    },
    /// There are no samples.
    #[error("the batch has no samples")]
    Empty,
    /// Labels or weights do not match the rows of logits.
    #[error("{what} has length {found}, the batch has {expected} samples")]
    SamplesLength {
        /// "labels" or "weights".
        what: &'static str,
        /// Its length.
        found: usize,
        /// The number of rows of logits.
        expected: usize,
    },
    /// An input or output with a value for each sample and class, or for each sigma, has another length.
    #[error("{what} has length {found}, expected {expected}")]
    Length {
        /// Which.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// The gradient buffer does not have the shape of the logits.
    #[error("the gradient buffer has length {found}, expected {expected}")]
    GradientLength {
        /// The buffer's length.
        found: usize,
        /// Rows times classes.
        expected: usize,
    },
    /// A label is not a class.
    #[error("label {label} of sample {row} is not below the number of classes, {n_classes}")]
    Label {
        /// The sample.
        row: usize,
        /// Its label.
        label: u32,
        /// The number of classes.
        n_classes: usize,
    },
    /// A logit is NaN or infinite.
    #[error("logit {value} of sample {row}, class {class}, is not finite")]
    Logit {
        /// The sample.
        row: usize,
        /// The class.
        class: usize,
        /// The value.
        value: f64,
    },
    /// A weight is negative, NaN or infinite.
    #[error("weight {value} of sample {row} is not a finite number of at least 0")]
    Weight {
        /// The sample.
        row: usize,
        /// The value.
        value: f64,
    },
    /// The weights sum to 0, so a mean is not defined.
    #[error("the sample weights sum to 0")]
    ZeroWeights,
    /// The weights sum to a number whose reciprocal is out of range.
    #[error(
        "the sample weights sum to {total}, which is too close to the ends of the type's range to divide by: rescale them"
    )]
    WeightSum {
        /// The sum.
        total: f64,
    },
    /// A setting of the loss is outside its range.
    #[error("{name} must be {expected}, got {value}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// The value.
        value: f64,
    },
    /// A loss cannot be built without a setting that has no default.
    #[error("the loss {loss} needs {setting}")]
    MissingSetting {
        /// The loss.
        loss: &'static str,
        /// The setting.
        setting: &'static str,
    },
}

/// How many rows of `n_classes` so many logits are.
pub(crate) fn n_rows(values: usize, n_classes: usize) -> Result<usize, LossError> {
    if n_classes == 0 || !values.is_multiple_of(n_classes) {
        return Err(LossError::LogitsShape { values, n_classes });
    }
    Ok(values / n_classes)
}

/// Checks that there is one value per sample.
pub(crate) fn check_samples<V>(what: &'static str, values: &[V], expected: usize) -> Result<(), LossError> {
    if values.len() == expected {
        return Ok(());
    }
    Err(LossError::SamplesLength { what, found: values.len(), expected })
}

/// Checks the length of an input or output that has no error of its own.
pub(crate) fn check_length<V>(what: &'static str, values: &[V], expected: usize) -> Result<(), LossError> {
    if values.len() == expected {
        return Ok(());
    }
    Err(LossError::Length { what, found: values.len(), expected })
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
    /// [`LossError`] if the length is not a multiple of `n_classes`, there is no row, or a value is not finite.
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
        if let Some(row) = labels.iter().position(|&label| label as usize >= n_classes) {
            return Err(LossError::Label { row, label: labels[row], n_classes });
        }
        if let Some(weights) = weights {
            check_samples("weights", weights, n)?;
            let unusable = |weight: &T| !weight.is_finite() || *weight < T::ZERO;
            if let Some(row) = weights.iter().position(unusable) {
                return Err(LossError::Weight { row, value: weights[row].to_f64() });
            }
        }
        Ok(Self { logits: logits.values, n_classes, labels, weights, scale: T::ONE })
    }

    /// Samples whose weights are divided by their total, so that a sum over them is a weighted mean.
    ///
    /// # Errors
    /// As [`Samples::sum`], and [`LossError::ZeroWeights`] if the weights sum to 0, or [`LossError::WeightSum`] if they cannot
    /// be divided by their sum.
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
