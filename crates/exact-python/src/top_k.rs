//! Expected top-k accuracy.

use exact_core::expected::{ExpectedTopK, Probability};
use exact_core::loss::LossError;
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::types::PyTuple;
use pyo3::{Bound, PyAny, PyResult, Python, pyfunction};

use crate::accuracy::Quantity;
use crate::arrays::{Matrix, Number, SigmaArgument, classes};
use crate::rows::{Rows, evaluate_rows};
use crate::rule::precise;

/// The expected top-k accuracy ("accuracy") or error ("error") of each row, with its gradients with respect to the
/// logits and to sigma.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn top_k<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    k: usize,
    sigma: &Bound<'py, PyAny>,
    margin: Option<f64>,
    quantity: &str,
) -> PyResult<Bound<'py, PyTuple>> {
    let settings = Settings { k, margin, quantity: Quantity::named(quantity)? };
    match logits {
        Matrix::Single(logits) => evaluate(py, &logits, &labels, sigma, &settings),
        Matrix::Double(logits) => evaluate(py, &logits, &labels, sigma, &settings),
    }
}

/// Settings of expected top-k accuracy.
struct Settings {
    k: usize,
    margin: Option<f64>,
    quantity: Quantity,
}

fn evaluate<'py, T: Number>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    labels: &PyReadonlyArray1<'py, i64>,
    sigma: &Bound<'py, PyAny>,
    settings: &Settings,
) -> PyResult<Bound<'py, PyTuple>> {
    let n_classes = logits.shape()[1];
    let labels = classes(labels, n_classes)?;
    let sigma = SigmaArgument::extract(sigma)?;
    evaluate_rows(py, logits.as_slice()?, n_classes, sigma.get()?, |rows| {
        evaluate_block(rows, &labels, settings)
    })?
    .into_tuple(py)
}

/// Evaluates some rows of a batch with these labels.
///
/// # Errors
/// As [`ExpectedTopK::evaluate`].
fn evaluate_block<T: Number>(
    rows: Rows<'_, T>,
    labels: &[u32],
    settings: &Settings,
) -> Result<(), LossError> {
    let mut accuracy = ExpectedTopK::new(settings.k, precise::<T>().clone())?;
    if let Some(margin) = settings.margin {
        accuracy = accuracy.with_margin(margin)?;
    }
    if matches!(settings.quantity, Quantity::Logarithm) {
        accuracy = accuracy.of_logarithm();
    }
    let mut probabilities = vec![Probability::default(); rows.values.len()];
    accuracy.evaluate_with_sigma_gradient(
        rows.logits,
        labels.get(rows.range).unwrap_or(&[]),
        rows.sigma,
        &mut probabilities,
        rows.gradient,
        (rows.sigma_gradient.len() == rows.gradient.len()).then_some(&mut *rows.sigma_gradient),
    )?;
    settings.quantity.store(&probabilities, rows.values, rows.gradient, rows.sigma_gradient);
    Ok(())
}
