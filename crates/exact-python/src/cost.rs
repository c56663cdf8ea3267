//! Expected cost.

use exact_core::expected;
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::types::{PyAnyMethods, PyTuple};
use pyo3::{Bound, PyAny, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number, SigmaArgument};
use crate::rows::evaluate_rows;
use crate::rule::precise;

/// The expected cost of each row's prediction, with its gradients with respect to the logits and to sigma. A row of
/// `costs` holds what each prediction would cost.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn expected_cost<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    costs: &Bound<'py, PyAny>,
    sigma: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    match logits {
        Matrix::Single(logits) => evaluate(py, &logits, &costs.extract()?, sigma),
        Matrix::Double(logits) => evaluate(py, &logits, &costs.extract()?, sigma),
    }
}

fn evaluate<'py, T: Number>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    costs: &PyReadonlyArray2<'py, T>,
    sigma: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let n_classes = logits.shape()[1];
    let sigma = SigmaArgument::extract(sigma)?;
    let costs = costs.as_slice()?;
    evaluate_rows(py, logits.as_slice()?, n_classes, sigma.get()?, |rows| {
        let costs = costs.get(rows.range.start * n_classes..rows.range.end * n_classes).unwrap_or(&[]);
        let sigma_gradient = Some(rows.sigma_gradient);
        expected::expected_cost(
            rows.logits,
            costs,
            rows.sigma,
            precise::<T>(),
            rows.values,
            rows.gradient,
            sigma_gradient,
        )
    })?
    .into_tuple(py)
}
