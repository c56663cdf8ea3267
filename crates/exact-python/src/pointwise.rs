//! Losses on logits that need no integral, sample by sample.

use exact_core::loss::{
    BetaBernoulli, CrossEntropy, Focal, Hinge, Logits, Loss, LossError, Poly1, Polynomial, Samples, Sigmoid,
};
use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::types::PyTuple;
use pyo3::{Bound, IntoPyObject, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number, classes};
use crate::error::value_error;
use crate::outputs::matrix;

/// The loss of each row, with its gradients with respect to the logits and to the loss's parameters. `setting` is the
/// loss's only one: margin, temperature, epsilon, gamma or label smoothing.
///
/// # Errors
/// A `ValueError` for values that cannot be evaluated.
#[pyfunction]
pub fn pointwise_loss<'py>(
    py: Python<'py>,
    name: &str,
    setting: f64,
    logits: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    parameters: Vec<f64>,
) -> PyResult<Bound<'py, PyTuple>> {
    match logits {
        Matrix::Single(logits) => evaluate(py, &*named(name, setting)?, &logits, &labels, &parameters),
        Matrix::Double(logits) => evaluate(py, &*named(name, setting)?, &logits, &labels, &parameters),
    }
}

fn named<T: Number>(name: &str, setting: f64) -> PyResult<Box<dyn Loss<T>>> {
    fn boxed<T: Number, L: Loss<T> + 'static>(loss: Result<L, LossError>) -> PyResult<Box<dyn Loss<T>>> {
        match loss {
            Ok(loss) => Ok(Box::new(loss)),
            Err(error) => Err(value_error(&error)),
        }
    }
    match name {
        "hinge" => boxed(Hinge::new(setting)),
        "sigmoid" => boxed(Sigmoid::new(setting)),
        "beta-bernoulli" => boxed(BetaBernoulli::new(setting)),
        "polynomial" => boxed(Polynomial::new(setting)),
        "poly1" => boxed(Poly1::new(setting)),
        "focal" => boxed(Focal::new(setting)),
        "cross-entropy" => boxed(CrossEntropy::with_label_smoothing(setting)),
        _ => Err(PyValueError::new_err(format!("there is no loss named {name}"))),
    }
}

fn evaluate<'py, T: Number>(
    py: Python<'py>,
    loss: &dyn Loss<T>,
    logits: &PyReadonlyArray2<'py, T>,
    labels: &PyReadonlyArray1<'py, i64>,
    parameters: &[f64],
) -> PyResult<Bound<'py, PyTuple>> {
    let [n, n_classes] = [logits.shape()[0], logits.shape()[1]];
    let labels = classes(labels, n_classes)?;
    let logits = logits.as_slice()?;
    let parameters: Vec<T> = parameters.iter().map(|&parameter| T::from_f64(parameter)).collect();
    let mut values = Vec::with_capacity(n);
    let mut gradient = vec![T::ZERO; logits.len()];
    let mut parameter_gradient: Vec<T> = Vec::with_capacity(n * parameters.len());
    py.detach(|| -> Result<(), LossError> {
        if n == 0 {
            return Ok(());
        }
        let mut rest = Samples::sum(Logits::new(logits, n_classes)?, &labels, None)?;
        for gradient in gradient.chunks_exact_mut(n_classes) {
            let (sample, others) = rest.split_at(1);
            rest = others;
            let sum = loss.sum(sample, &parameters, gradient);
            values.push(sum.value);
            parameter_gradient.extend(sum.parameters.iter().take(parameters.len()));
        }
        Ok(())
    })
    .map_err(|error| value_error(&error))?;
    let gradient = matrix(py, gradient, n, n_classes)?;
    let parameter_gradient = matrix(py, parameter_gradient, n, parameters.len())?;
    (PyArray1::from_vec(py, values), gradient, parameter_gradient).into_pyobject(py)
}
