//! Expected cost.

use exact_core::expected;
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::types::{PyAnyMethods, PyTuple};
use pyo3::{Bound, PyAny, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number, SigmaArgument};
use crate::rows::evaluate_rows;
use crate::rule::precise;
use crate::samples::{LabelledSamples, Reduction};

/// The expected cost of each row's prediction, with its gradients with respect to the logits and to sigma;
/// reduced, if a reduction is given. Row y of `costs` holds what each prediction costs for the label y.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn expected_cost<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    costs: &Bound<'py, PyAny>,
    sigma: &Bound<'py, PyAny>,
    reduction: Option<Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    match logits {
        Matrix::Single(logits) => {
            evaluate(py, &logits, &labels, &costs.extract()?, sigma, reduction.as_ref())
        }
        Matrix::Double(logits) => {
            evaluate(py, &logits, &labels, &costs.extract()?, sigma, reduction.as_ref())
        }
    }
}

fn evaluate<'py, T: Number>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    labels: &PyReadonlyArray1<'py, i64>,
    costs: &PyReadonlyArray2<'py, T>,
    sigma: &Bound<'py, PyAny>,
    reduction: Option<&Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let n_classes = logits.shape()[1];
    let [n_labels, n_predictions] = [costs.shape()[0], costs.shape()[1]];
    if n_predictions != n_classes {
        return Err(PyValueError::new_err(format!(
            "costs has {n_predictions} columns, expected {n_classes}, one per logit"
        )));
    }
    let samples = LabelledSamples::new(logits.as_slice()?, n_classes, labels, n_labels, reduction)?;
    let sigma = SigmaArgument::extract(sigma)?;
    let costs = costs.as_slice()?;
    let outputs = evaluate_rows(py, &samples.logits, n_classes, sigma.get()?, |rows| {
        let labels = &samples.labels[rows.range];
        let costs_of = |label: &u32| &costs[*label as usize * n_classes..][..n_classes];
        let costs: Vec<T> = labels.iter().flat_map(costs_of).copied().collect();
        let sigma_gradient = Some(rows.sigma_gradient);
        expected::expected_cost(
            rows.logits,
            &costs,
            rows.sigma,
            precise::<T>(),
            rows.values,
            rows.gradient,
            sigma_gradient,
        )
    })?;
    py.detach(|| samples.reduce(outputs)).into_tuple(py)
}
