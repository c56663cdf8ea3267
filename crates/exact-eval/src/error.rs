//! What can be wrong with the inputs of a metric.

/// Why a metric could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// There are no samples, so a mean is not defined.
    #[error("no samples: a metric needs at least one row")]
    Empty,
    /// Two inputs that run over the same samples have different lengths.
    #[error(
        "{what} has {found} values, but {expected} were expected (one per row of the labels, times columns)"
    )]
    Length {
        /// The input that has the wrong length.
        what: &'static str,
        /// The length that the labels ask for.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// A class index is not below the number of classes.
    #[error("{what} in row {row} is class {class}, but classes must be below {n_classes}")]
    Class {
        /// `label` or `prediction`.
        what: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The class that was found.
        class: u32,
        /// The number of classes.
        n_classes: usize,
    },
    /// A class count of zero, or a `k` outside `1..=n_classes`.
    #[error("{what} is {found}, but it must be in {minimum}..={maximum}")]
    OutOfRange {
        /// The argument.
        what: &'static str,
        /// The smallest value that is allowed.
        minimum: usize,
        /// The largest value that is allowed.
        maximum: usize,
        /// The value that was given.
        found: usize,
    },
    /// A sample weight is negative, infinite or not a number.
    #[error("the sample weight of row {row} is {value}, but weights must be finite and at least 0")]
    Weight {
        /// The row, counted from 0.
        row: usize,
        /// The weight that was found.
        value: f64,
    },
    /// All sample weights are zero (or their sum overflows), so a mean is not defined.
    #[error("the sample weights sum to {sum}, but the sum must be positive and finite")]
    WeightSum {
        /// The sum that was found.
        sum: f64,
    },
    /// A probability or score is not usable.
    #[error("the probability of row {row}, class {class} is {value}, but it must be in 0..=1")]
    Probability {
        /// The row, counted from 0.
        row: usize,
        /// The class (column), counted from 0.
        class: usize,
        /// The value that was found.
        value: f64,
    },
    /// The probabilities of a row do not sum to one.
    #[error("the probabilities of row {row} sum to {sum}, but they must sum to 1; normalise the row")]
    ProbabilitySum {
        /// The row, counted from 0.
        row: usize,
        /// The sum that was found.
        sum: f64,
    },
    /// A score is infinite or not a number.
    #[error("the score of row {row}, class {class} is {value}, but scores must be finite")]
    Score {
        /// The row, counted from 0.
        row: usize,
        /// The class (column), counted from 0.
        class: usize,
        /// The value that was found.
        value: f64,
    },
    /// The metric compares classes, but all samples with weight belong to one class (or to its complement).
    #[error("all samples are of one class, so {metric} is not defined; it needs at least two classes")]
    OneClass {
        /// The metric.
        metric: &'static str,
    },
    /// A test over folds needs at least two of them, of finite values.
    #[error("the paired test got {found} usable folds, but it needs at least 2 with finite values")]
    Folds {
        /// The number of folds that can be used.
        found: usize,
    },
    /// The ratio of test to train rows is not a positive finite number.
    #[error("the ratio of test to train rows is {value}, but it must be positive and finite")]
    TestTrainRatio {
        /// The value that was given.
        value: f64,
    },
    /// There are too few data sets or methods to compare.
    #[error("a comparison of methods over data sets needs at least 2 {what}, got {found}")]
    TooFew {
        /// `data sets` or `methods`.
        what: &'static str,
        /// The number of them.
        found: usize,
    },
    /// The score of a method on a data set is infinite or not a number.
    #[error("the score of method {method} on data set {set} is {value}, but scores must be finite")]
    SetScore {
        /// The data set, counted from 0.
        set: usize,
        /// The method, counted from 0.
        method: usize,
        /// The value that was found.
        value: f64,
    },
    /// A level of significance is not between 0 and 1.
    #[error("the level of significance is {value}, but it must be above 0 and below 1")]
    Alpha {
        /// The value that was given.
        value: f64,
    },
}
