//! The predictive distribution.

use exact_core::expected;
use exact_core::loss::LossError;
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::types::{PyAnyMethods, PyTuple, PyTupleMethods};
use pyo3::{Bound, IntoPyObject, PyAny, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number, SigmaArgument};
use crate::error::value_error;
use crate::outputs::matrix;
use crate::rows::evaluate_rows;
use crate::rule::precise;

/// The probability of each class, in each row, to have the largest score.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn predictive_distribution<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    sigma: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    match logits {
        Matrix::Single(logits) => probabilities(py, &logits, sigma),
        Matrix::Double(logits) => probabilities(py, &logits, sigma),
    }
}

fn probabilities<'py, T: Number>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    sigma: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let [n, n_classes] = [logits.shape()[0], logits.shape()[1]];
    let sigma = SigmaArgument::extract(sigma)?;
    let outputs = evaluate_rows(py, logits.as_slice()?, n_classes, sigma.get()?, |rows| {
        expected::predictive_distribution(rows.logits, rows.sigma, precise::<T>(), rows.gradient)
    })?;
    matrix(py, outputs.gradient, n, n_classes)
}

/// The vector-Jacobian products of the predictive distribution with respect to the logits and to sigma.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn predictive_distribution_gradient<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    sigma: &Bound<'py, PyAny>,
    cotangent: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    match logits {
        Matrix::Single(logits) => product(py, &logits, sigma, &cotangent.extract()?),
        Matrix::Double(logits) => product(py, &logits, sigma, &cotangent.extract()?),
    }
}

fn product<'py, T: Number>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    sigma: &Bound<'py, PyAny>,
    cotangent: &PyReadonlyArray2<'py, T>,
) -> PyResult<Bound<'py, PyTuple>> {
    let n_classes = logits.shape()[1];
    let (logits, cotangent) = (logits.as_slice()?, cotangent.as_slice()?);
    if cotangent.len() != logits.len() {
        let (what, found, expected) = ("cotangent", cotangent.len(), logits.len());
        return Err(value_error(&LossError::Length { what, found, expected }));
    }
    let sigma = SigmaArgument::extract(sigma)?;
    let outputs = evaluate_rows(py, logits, n_classes, sigma.get()?, |rows| {
        let cotangent = &cotangent[rows.range.start * n_classes..rows.range.end * n_classes];
        let sigma_gradient = Some(rows.sigma_gradient);
        expected::predictive_distribution_gradient(
            rows.logits,
            rows.sigma,
            precise::<T>(),
            cotangent,
            rows.gradient,
            sigma_gradient,
        )
    })?;
    let whole = outputs.into_tuple(py)?;
    (whole.get_item(1)?, whole.get_item(2)?).into_pyobject(py)
}
