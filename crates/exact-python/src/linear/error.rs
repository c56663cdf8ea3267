//! Errors of exact-linear as Python exceptions.

use exact_linear::LinearError;
use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

/// A `ValueError` that says what was wrong and how to mend it.
pub fn linear_error(error: &LinearError) -> PyErr {
    let hint = match error {
        LinearError::ModelFile { .. } => Some("train it again and pickle it anew".into()),
        LinearError::Columns { .. } | LinearError::StartClasses { .. } => {
            Some("train without a warm start".into())
        }
        LinearError::Fold { .. } => Some("give cv other folds".into()),
        error => error.hint(),
    };
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    PyValueError::new_err(format!("{error}{hint}"))
}
