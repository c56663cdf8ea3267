//! Losses on logits that need no integral, sample by sample.

use std::sync::Arc;

use exact_core::loss::{
    Hyperparameters, Logits, Loss, LossError, LossKind, LossSettings, Samples, UnknownLoss,
};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::types::PyTuple;
use pyo3::{Bound, PyResult, Python, pyfunction};

use crate::arrays::{Matrix, Number};
use crate::error::value_error;
use crate::outputs::{Outputs, Parameters};
use crate::samples::{LabelledSamples, Reduction};

/// The loss of each row, with its gradients with respect to the logits and to the loss's parameters; reduced,
/// if a reduction is given. `loss` is a loss of [`LossKind`] on the logits themselves, `setting` the name of
/// the one setting that it has, and `value` its value.
///
/// # Errors
/// A `ValueError` for an unknown loss or setting, and values that cannot be evaluated.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python package has them in one tuple")]
pub fn pointwise_loss<'py>(
    py: Python<'py>,
    loss: &str,
    setting: &str,
    value: f64,
    logits: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    parameters: Vec<f64>,
    reduction: Option<Reduction<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let loss = described(loss, with_setting(setting, value)?)?;
    match logits {
        Matrix::Single(logits) => {
            evaluate(py, &*build(&loss)?, &logits, &labels, &parameters, reduction.as_ref())
        }
        Matrix::Double(logits) => {
            evaluate(py, &*build(&loss)?, &logits, &labels, &parameters, reduction.as_ref())
        }
    }
}

/// The values that the learned parameters of a loss on the logits themselves start from.
///
/// # Errors
/// A `ValueError` for an unknown loss, and one that needs a setting.
#[pyfunction]
pub fn initial_parameters(loss: &str) -> PyResult<Vec<f64>> {
    let loss = build::<f64>(&described(loss, Hyperparameters::default())?)?;
    Ok(loss.initial_parameters())
}

/// The settings of a loss that is evaluated row by row: one on random scores has functions of its own.
fn described(loss: &str, numbers: Hyperparameters) -> PyResult<LossSettings> {
    let kind: LossKind =
        loss.parse().map_err(|error: UnknownLoss| PyValueError::new_err(error.to_string()))?;
    let settings = numbers.settings(kind).map_err(|error| value_error(&error))?;
    if settings.scores().is_some() {
        return Err(PyValueError::new_err(format!("{kind} is a loss on random scores, not on logits")));
    }
    Ok(settings)
}

/// The setting of this name, and no other.
fn with_setting(name: &str, value: f64) -> PyResult<Hyperparameters> {
    let mut numbers = Hyperparameters::default();
    let setting = match name {
        "margin" => &mut numbers.margin,
        "temperature" => &mut numbers.temperature,
        "epsilon" => &mut numbers.epsilon,
        "gamma" => &mut numbers.gamma,
        "label_smoothing" => &mut numbers.label_smoothing,
        _ => return Err(PyValueError::new_err(format!("no loss has a setting named {name}"))),
    };
    *setting = Some(value);
    Ok(numbers)
}

fn build<T: Number>(loss: &LossSettings) -> PyResult<Arc<dyn Loss<T>>> {
    loss.build().map_err(|error| value_error(&error))
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
    let (found, expected) = (parameters.len(), loss.initial_parameters().len());
    if found != expected {
        let what = "parameters of the loss";
        return Err(value_error(&LossError::Length { what, found, expected }));
    }
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
