//! Why a report could not be written.

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A comparison without a single loss.
    #[error("the record has no losses to report; compare at least one")]
    NoLosses,
    /// Training without a single run.
    #[error("the record has no runs to report")]
    NoRuns,
    /// The points and labels of the toy example differ in number.
    #[error("the record has {labels} labels, but {points} points; they must be as many")]
    Labels {
        /// The number of points.
        points: usize,
        /// The number of labels.
        labels: usize,
    },
    /// The template failed.
    #[error("the report's template could not be rendered")]
    Template(#[from] minijinja::Error),
}
