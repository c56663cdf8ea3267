//! Weights that give each class the same say.

use exact_core::expected::balanced_weights as balance;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::{Bound, PyResult, Python, pyfunction};

use super::error::linear_error;
use crate::arrays::classes;

/// Sample weights, `[n]`, that give each class the same total, of weights that the samples have anyway.
///
/// # Errors
/// A `ValueError` for labels that are not below `n_classes`, and another number of weights than of labels.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python arguments")]
pub fn balanced_weights<'py>(
    py: Python<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    n_classes: usize,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let labels = classes(&labels, n_classes, None)?;
    let sample_weight = match &sample_weight {
        Some(weights) => Some(weights.as_slice()?),
        None => None,
    };
    let weights = balance(&labels, n_classes, sample_weight).map_err(|error| linear_error(&error.into()))?;
    Ok(PyArray1::from_vec(py, weights))
}
