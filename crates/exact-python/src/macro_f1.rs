//! Macro-F1 from expected counts.

use exact_core::expected;
use exact_core::loss::{Logits, LossError, Samples};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::types::PyTuple;
use pyo3::{Bound, PyAny, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number, SigmaArgument};
use crate::error::value_error;
use crate::outputs::Outputs;
use crate::rows::parameters_of;
use crate::rule::precise;
use crate::samples::{LabelledSamples, Reduction};
use crate::threads::in_pool;

/// Macro-F1 of the whole batch, with its gradients with respect to the logits and to sigma. Of the reduction,
/// the weights and the ignored samples count.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn expected_macro_f1<'py>(
    py: Python<'py>,
    logits: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    sigma: &Bound<'py, PyAny>,
    reduction: Option<Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    match logits {
        Matrix::Single(logits) => evaluate(py, &logits, &labels, sigma, reduction.as_ref()),
        Matrix::Double(logits) => evaluate(py, &logits, &labels, sigma, reduction.as_ref()),
    }
}

fn evaluate<'py, T: Number>(
    py: Python<'py>,
    logits: &PyReadonlyArray2<'py, T>,
    labels: &PyReadonlyArray1<'py, i64>,
    sigma: &Bound<'py, PyAny>,
    reduction: Option<&Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let [n, n_classes] = [logits.shape()[0], logits.shape()[1]];
    let LabelledSamples { logits, labels, weights, .. } =
        LabelledSamples::new(logits.as_slice()?, n_classes, labels, n_classes, reduction)?;
    let sigma = SigmaArgument::extract(sigma)?;
    let sigma = sigma.get()?;
    let evaluate = || -> Result<Outputs<T>, LossError> {
        let samples = Samples::sum(Logits::new(&logits, n_classes)?, &labels, weights.as_deref())?;
        let mut outputs = Outputs::zeros(n, n_classes, parameters_of(sigma));
        let sigma_gradient = Some(outputs.parameter_gradient.as_mut_slice());
        let gradient = &mut outputs.gradient;
        let value = expected::expected_macro_f1(samples, sigma, precise::<T>(), gradient, sigma_gradient)?;
        outputs.add_up();
        outputs.values = vec![value];
        Ok(outputs)
    };
    py.detach(|| in_pool(evaluate)).map_err(|error| value_error(&error))?.into_tuple(py)
}
