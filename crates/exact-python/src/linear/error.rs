//! Errors of exact-linear as Python exceptions.

use exact_linear::LinearError;
use pyo3::exceptions::PyValueError;
use pyo3::{PyErr, Python};

/// A `ValueError` that says what was wrong and how to mend it; what a scorer raised as it is.
pub fn linear_error(error: &LinearError) -> PyErr {
    if let LinearError::Scorer(source) = error
        && let Some(raised) = source.downcast_ref::<PyErr>()
    {
        return Python::attach(|py| raised.clone_ref(py));
    }
    let hint = match error {
        LinearError::ModelFile { .. } => Some("train it again and pickle it anew".into()),
        LinearError::Columns { .. } | LinearError::StartClasses { .. } => {
            Some("train without a warm start".into())
        }
        LinearError::StandardisedColumns => {
            Some("give features='linear', or leave fit_intercept and standardize as they are".into())
        }
        LinearError::Fold { .. } => Some("give cv other folds".into()),
        error => error.hint(),
    };
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    PyValueError::new_err(format!("{error}{hint}"))
}
