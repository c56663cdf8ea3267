//! What comes from Python: arrays of `f32` or `f64`, labels and sigmas.

use exact_core::Real;
use exact_core::expected::Sigma;
use numpy::{Element, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::types::{PyAnyMethods, PyFloat};
use pyo3::{Borrowed, Bound, FromPyObject, PyAny, PyErr, PyResult};

/// An element type that both `NumPy` and the kernels have.
pub trait Number: Real + Element {}

impl Number for f32 {}
impl Number for f64 {}

/// A matrix of either precision.
pub enum Matrix<'py> {
    Single(PyReadonlyArray2<'py, f32>),
    Double(PyReadonlyArray2<'py, f64>),
}

// Not derived: that would write a message for each type that an array is not, which takes longer than a small
// kernel.
impl<'py> FromPyObject<'_, 'py> for Matrix<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(match object.cast::<PyArray2<f32>>() {
            Ok(matrix) => Self::Single(matrix.try_readonly()?),
            Err(_) => Self::Double(object.extract()?),
        })
    }
}

/// The standard deviations of the scores, as Python gives them.
pub enum SigmaArgument<'py, T: Element> {
    Common(T),
    PerSample(PyReadonlyArray1<'py, T>),
    PerClass(PyReadonlyArray2<'py, T>),
}

impl<'py, T: Number> SigmaArgument<'py, T> {
    /// A float, or an array of the element type of the logits.
    ///
    /// # Errors
    /// A `TypeError` for everything else.
    pub fn extract(sigma: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(sigma) = sigma.cast::<PyFloat>() {
            return Ok(Self::Common(T::from_f64(sigma.extract()?)));
        }
        if let Ok(sigma) = sigma.cast::<PyArray1<T>>() {
            return Ok(Self::PerSample(sigma.try_readonly()?));
        }
        Ok(Self::PerClass(sigma.extract()?))
    }

    /// The sigmas as the kernels take them.
    ///
    /// # Errors
    /// A `ValueError` for an array that is not C-contiguous.
    pub fn get(&self) -> PyResult<Sigma<'_, T>> {
        Ok(match self {
            Self::Common(sigma) => Sigma::Common(*sigma),
            Self::PerSample(sigmas) => Sigma::PerSample(sigmas.as_slice()?),
            Self::PerClass(sigmas) => Sigma::PerClass(sigmas.as_slice()?),
        })
    }
}

/// The labels as the kernels take them, 0 for those that are ignored.
///
/// # Errors
/// A `ValueError` for a label that is neither a class nor ignored.
pub fn classes(
    labels: &PyReadonlyArray1<'_, i64>,
    n_classes: usize,
    ignore_index: Option<i64>,
) -> PyResult<Vec<u32>> {
    let class = |(row, &label): (usize, &i64)| match u32::try_from(label) {
        _ if ignore_index == Some(label) => Ok(0),
        Ok(class) if (class as usize) < n_classes => Ok(class),
        _ => Err(PyValueError::new_err(format!(
            "label {label} of sample {row} is not from 0 to {}; number the classes from 0",
            n_classes.saturating_sub(1)
        ))),
    };
    labels.as_slice()?.iter().enumerate().map(class).collect()
}
