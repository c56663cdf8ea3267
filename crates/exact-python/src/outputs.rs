//! What goes to Python.

use numpy::{PyArray1, PyArrayMethods};
use pyo3::types::PyTuple;
use pyo3::{Bound, IntoPyObject, PyAny, PyResult, Python};

use crate::arrays::Number;

/// A value per sample and its gradients.
pub struct Outputs<T> {
    pub n_classes: usize,
    /// `[n]`.
    pub values: Vec<T>,
    /// `[n, c]`.
    pub gradient: Vec<T>,
    /// `[n, c]` for a sigma per class, `[n]` otherwise.
    pub sigma_gradient: Vec<T>,
}

impl<T: Number> Outputs<T> {
    /// Zeros, for the gradient with respect to a sigma per class or a single one.
    pub fn zeros(n: usize, n_classes: usize, sigma_per_class: bool) -> Self {
        let zeros = |len| vec![T::ZERO; len];
        let n_sigmas = if sigma_per_class { n * n_classes } else { n };
        Self { n_classes, values: zeros(n), gradient: zeros(n * n_classes), sigma_gradient: zeros(n_sigmas) }
    }

    /// The tuple of all three arrays.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn into_tuple(self, py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        let (n, n_classes) = (self.values.len(), self.n_classes);
        let sigma_gradient = if self.sigma_gradient.len() == n {
            PyArray1::from_vec(py, self.sigma_gradient).into_any()
        } else {
            matrix(py, self.sigma_gradient, n, n_classes)?
        };
        let gradient = matrix(py, self.gradient, n, n_classes)?;
        (PyArray1::from_vec(py, self.values), gradient, sigma_gradient).into_pyobject(py)
    }
}

/// Values as an array of rows.
///
/// # Errors
/// If memory runs out.
pub fn matrix<T: Number>(
    py: Python<'_>,
    values: Vec<T>,
    n_rows: usize,
    n_columns: usize,
) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyArray1::from_vec(py, values).reshape([n_rows, n_columns])?.into_any())
}
