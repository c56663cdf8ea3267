//! Macro-F1 from expected counts.

use exact_core::expected;
use exact_core::expected::Sigma;
use exact_core::loss::{Logits, LossError, Samples};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::types::{PyAnyMethods, PyTuple};
use pyo3::{Bound, PyAny, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number, SigmaArgument, classes};
use crate::error::value_error;
use crate::outputs::Outputs;
use crate::rule::precise;
use crate::threads::in_pool;

/// Macro-F1 of the whole batch in the first value, with its gradients with respect to the logits and to sigma.
/// `weights` are sample weights.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn expected_macro_f1<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    sigma: &Bound<'py, PyAny>,
    weights: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    match logits {
        Matrix::Single(logits) => evaluate(py, &logits, &labels, sigma, weights),
        Matrix::Double(logits) => evaluate(py, &logits, &labels, sigma, weights),
    }
}

fn evaluate<'py, T: Number>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    labels: &PyReadonlyArray1<'py, i64>,
    sigma: &Bound<'py, PyAny>,
    weights: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let [n, n_classes] = [logits.shape()[0], logits.shape()[1]];
    let labels = classes(labels, n_classes)?;
    let sigma = SigmaArgument::extract(sigma)?;
    let weights: Option<PyReadonlyArray1<'py, T>> = weights.map(PyAnyMethods::extract).transpose()?;
    let weights = weights.as_ref().map(|weights| weights.as_slice()).transpose()?;
    let (logits, sigma) = (logits.as_slice()?, sigma.get()?);
    let evaluate = || -> Result<Outputs<T>, LossError> {
        let samples = Samples::sum(Logits::new(logits, n_classes)?, &labels, weights)?;
        let mut outputs = Outputs::zeros(n, n_classes, matches!(sigma, Sigma::PerClass(_)));
        let sigma_gradient = Some(outputs.sigma_gradient.as_mut_slice());
        let gradient = &mut outputs.gradient;
        let value = expected::expected_macro_f1(samples, sigma, precise::<T>(), gradient, sigma_gradient)?;
        outputs.values[0] = value;
        Ok(outputs)
    };
    py.detach(|| in_pool(evaluate)).map_err(|error| value_error(&error))?.into_tuple(py)
}
