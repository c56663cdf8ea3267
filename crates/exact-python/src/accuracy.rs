//! Expected accuracy.

use exact_core::expected::{ExpectedAccuracy, Probability};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::types::PyTuple;
use pyo3::{Bound, PyAny, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number, SigmaArgument};
use crate::rows::evaluate_rows;
use crate::rule::precise;
use crate::samples::{LabelledSamples, Reduction};

/// What is returned for a sample.
#[derive(Clone, Copy)]
pub enum Quantity {
    /// P.
    Accuracy,
    /// 1 - P.
    Error,
    /// log P.
    Logarithm,
}

impl Quantity {
    /// # Errors
    /// A `ValueError` for an unknown name.
    pub fn named(name: &str) -> PyResult<Self> {
        match name {
            "accuracy" => Ok(Self::Accuracy),
            "error" => Ok(Self::Error),
            "log" => Ok(Self::Logarithm),
            _ => Err(PyValueError::new_err(format!("quantity must be accuracy, error or log, got {name}"))),
        }
    }

    /// Takes the values and sigma gradients from the probabilities, and turns the gradient of P into that of
    /// 1 - P.
    pub fn store<T: Number>(
        self,
        probabilities: &[Probability<T>],
        values: &mut [T],
        gradient: &mut [T],
        sigma_gradient: &mut [T],
    ) {
        for (value, probability) in values.iter_mut().zip(probabilities) {
            *value = match self {
                Self::Accuracy => probability.p,
                Self::Error => probability.one_minus_p,
                Self::Logarithm => probability.log_p,
            };
        }
        if sigma_gradient.len() == values.len() && gradient.len() != values.len() {
            for (slope, probability) in sigma_gradient.iter_mut().zip(probabilities) {
                *slope = probability.dsigma;
            }
        }
        if matches!(self, Self::Error) {
            for slope in gradient.iter_mut().chain(sigma_gradient) {
                *slope = -*slope;
            }
        }
    }
}

/// The expected accuracy ("accuracy"), expected error ("error") or logarithm of the accuracy ("log") of each
/// row, with its gradients with respect to the logits and to sigma; reduced, if a reduction is given.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn expected_accuracy<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    sigma: &Bound<'py, PyAny>,
    margin: Option<f64>,
    quantity: &str,
    reduction: Option<Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let quantity = Quantity::named(quantity)?;
    match logits {
        Matrix::Single(logits) => evaluate(py, &logits, &labels, sigma, margin, quantity, reduction.as_ref()),
        Matrix::Double(logits) => evaluate(py, &logits, &labels, sigma, margin, quantity, reduction.as_ref()),
    }
}

fn evaluate<'py, T: Number>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    labels: &PyReadonlyArray1<'py, i64>,
    sigma: &Bound<'py, PyAny>,
    margin: Option<f64>,
    quantity: Quantity,
    reduction: Option<&Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let n_classes = logits.shape()[1];
    let samples = LabelledSamples::new(logits.as_slice()?, n_classes, labels, n_classes, reduction)?;
    let sigma = SigmaArgument::extract(sigma)?;
    let outputs = evaluate_rows(py, &samples.logits, n_classes, sigma.get()?, |rows| {
        let mut accuracy = ExpectedAccuracy::new(precise::<T>().clone());
        if let Some(margin) = margin {
            accuracy = accuracy.with_margin(margin)?;
        }
        if matches!(quantity, Quantity::Logarithm) {
            accuracy = accuracy.of_logarithm();
        }
        let mut probabilities = vec![Probability::default(); rows.values.len()];
        accuracy.evaluate_with_sigma_gradient(
            rows.logits,
            &samples.labels[rows.range],
            rows.sigma,
            &mut probabilities,
            rows.gradient,
            (rows.sigma_gradient.len() == rows.gradient.len()).then_some(&mut *rows.sigma_gradient),
        )?;
        quantity.store(&probabilities, rows.values, rows.gradient, rows.sigma_gradient);
        Ok(())
    })?;
    py.detach(|| samples.reduce(outputs)).into_tuple(py)
}
