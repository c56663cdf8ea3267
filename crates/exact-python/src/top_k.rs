//! Expected top-k accuracy.

use exact_core::expected::{ExpectedTopK, Probability};
use exact_core::loss::LossError;
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::types::PyTuple;
use pyo3::{Bound, PyAny, PyResult, Python, pyfunction};

use crate::accuracy::Quantity;
use crate::arrays::{Matrix, Number, SigmaArgument};
use crate::rows::{Rows, evaluate_rows};
use crate::rule::precise;
use crate::samples::{LabelledSamples, Reduction};

/// The expected top-k accuracy ("accuracy") or error ("error") of each row, with its gradients with respect
/// to the logits and to sigma; reduced, if a reduction is given.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python package calls it by name")]
pub fn top_k<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    k: usize,
    sigma: &Bound<'py, PyAny>,
    margin: Option<f64>,
    quantity: &str,
    reduction: Option<Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let settings = Settings { k, margin, quantity: Quantity::named(quantity)? };
    match logits {
        Matrix::Single(logits) => evaluate(py, &logits, &labels, sigma, &settings, reduction.as_ref()),
        Matrix::Double(logits) => evaluate(py, &logits, &labels, sigma, &settings, reduction.as_ref()),
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
    reduction: Option<&Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let n_classes = logits.shape()[1];
    let samples = LabelledSamples::new(logits.as_slice()?, n_classes, labels, n_classes, reduction)?;
    let sigma = SigmaArgument::extract(sigma)?;
    let outputs = evaluate_rows(py, &samples.logits, n_classes, sigma.get()?, |rows| {
        evaluate_block(rows, &samples.labels, settings)
    })?;
    py.detach(|| samples.reduce(outputs)).into_tuple(py)
}

/// Evaluates some rows of a batch with these labels, one for each row of the batch.
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
        &labels[rows.range],
        rows.sigma,
        &mut probabilities,
        rows.gradient,
        (rows.sigma_gradient.len() == rows.gradient.len()).then_some(&mut *rows.sigma_gradient),
    )?;
    settings.quantity.store(&probabilities, rows.values, rows.gradient, rows.sigma_gradient);
    Ok(())
}
