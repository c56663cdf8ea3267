//! Why a batch cannot be evaluated.

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
        "the sample weights sum to {total}, which is too close to the ends of the type's range to divide by: \
         rescale them"
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
