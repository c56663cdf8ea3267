//! Losses on logits that need no integral, sample by sample.

use exact_core::loss::{
    BetaBernoulli, CrossEntropy, Focal, Hinge, Logits, Loss, LossError, Poly1, Polynomial, Samples, Sigmoid,
};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::types::PyTuple;
use pyo3::{Bound, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number};
use crate::error::value_error;
use crate::outputs::{Outputs, Parameters};
use crate::samples::{LabelledSamples, Reduction};

/// The loss of each row, with its gradients with respect to the logits and to the loss's parameters; reduced, if a
/// reduction is given. `setting` is the loss's only one: margin, temperature, epsilon, gamma or label smoothing.
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
    reduction: Option<Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    match logits {
        Matrix::Single(logits) => {
            evaluate(py, &*named(name, setting)?, &logits, &labels, &parameters, reduction.as_ref())
        }
        Matrix::Double(logits) => {
            evaluate(py, &*named(name, setting)?, &logits, &labels, &parameters, reduction.as_ref())
        }
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
    reduction: Option<&Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let [n, n_classes] = [logits.shape()[0], logits.shape()[1]];
    let samples = LabelledSamples::new(logits.as_slice()?, n_classes, labels, n_classes, reduction)?;
    let parameters: Vec<T> = parameters.iter().map(|&parameter| T::from_f64(parameter)).collect();
    py.detach(|| -> Result<Outputs<T>, LossError> {
        let mut outputs = Outputs::zeros(n, n_classes, Parameters::Vector(parameters.len()));
        if n > 0 {
            let mut rest = Samples::sum(Logits::new(&samples.logits, n_classes)?, &samples.labels, None)?;
            let gradients = outputs.gradient.chunks_exact_mut(n_classes);
            let mut slopes = outputs.parameter_gradient.iter_mut();
            for (value, gradient) in outputs.values.iter_mut().zip(gradients) {
                let (sample, others) = rest.split_at(1);
                rest = others;
                let sum = loss.sum(sample, &parameters, gradient);
                *value = sum.value;
                for (slope, of_sample) in slopes.by_ref().take(parameters.len()).zip(sum.parameters) {
                    *slope = of_sample;
                }
            }
        }
        Ok(samples.reduce(outputs))
    })
    .map_err(|error| value_error(&error))?
    .into_tuple(py)
}
