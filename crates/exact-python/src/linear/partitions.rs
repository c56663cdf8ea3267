//! Training on partitions of the rows, which Python has wherever it likes.

use exact_core::loss::Hyperparameters;
use exact_data::DenseMatrix;
use exact_linear::{
    Fitted, LinearClassifier, LinearError, PartitionMoments, PartitionSums, Partitions, Query, Settings,
};
use numpy::{PyArray1, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::types::{PyAnyMethods, PyTuple};
use pyo3::{Bound, IntoPyObject, PyAny, PyErr, PyResult, Python, pyclass, pymethods};

use super::arguments::{SettingsArgument, loss_settings};
use super::error::linear_error;
use crate::arrays::{Matrix, classes};
use crate::threads::in_pool;

/// The rows of one partition, a copy of them, and the numbers of the losses that they are trained with.
#[pyclass(frozen, module = "exact_learn._core")]
pub struct Partition {
    rows: exact_linear::Partition<'static>,
    numbers: Hyperparameters,
}

#[pymethods]
impl Partition {
    /// Rows with labels from 0 on and, unless all weigh the same, weights, for training with these settings.
    ///
    /// # Errors
    /// A `ValueError` for data that cannot be trained with.
    #[new]
    #[pyo3(signature = (*, inputs, labels, n_classes, sample_weight, settings))]
    fn new(
        inputs: Matrix<'_>,
        labels: PyReadonlyArray1<'_, i64>,
        n_classes: usize,
        sample_weight: Option<PyReadonlyArray1<'_, f64>>,
        settings: SettingsArgument,
    ) -> PyResult<Self> {
        let rows = match &inputs {
            Matrix::Single(values) => DenseMatrix::new(values.as_slice()?.to_vec(), values.shape()[1]),
            Matrix::Double(values) => DenseMatrix::new(values.as_slice()?.to_vec(), values.shape()[1]),
        };
        let rows = rows.map_err(|error| linear_error(&error.into()))?;
        let weights = match &sample_weight {
            Some(weights) => Some(weights.as_slice()?.to_vec()),
            None => None,
        };
        let labels = classes(&labels, n_classes, None)?;
        let rows = exact_linear::Partition::new(rows, labels, n_classes, weights);
        let rows = rows.map_err(|error| linear_error(&error))?;
        Ok(Self { rows, numbers: settings.numbers() })
    }

    /// The weight, means and variances of the columns.
    ///
    /// # Errors
    /// A `ValueError` for values that are too large.
    fn moments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        moments_tuple(py, py.detach(|| in_pool(|| self.rows.moments())))
    }

    /// The weight, mean and variance of the logits.
    ///
    /// # Errors
    /// A `ValueError` for too few or too many parameters.
    fn logit_moments<'py>(
        &self,
        py: Python<'py>,
        parameters: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let parameters = parameters.as_slice()?;
        moments_tuple(py, py.detach(|| in_pool(|| self.rows.logit_moments(parameters))))
    }

    /// The sums of losses and gradients.
    ///
    /// # Errors
    /// A `ValueError` for too few or too many parameters, and settings that the loss refuses.
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        loss: &str,
        parameters: PyReadonlyArray1<'_, f64>,
        loss_parameters: PyReadonlyArray1<'_, f64>,
        normalization: Option<(f64, f64)>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let loss = &loss_settings(loss, &self.numbers)?;
        let (parameters, loss_parameters) = (parameters.as_slice()?, loss_parameters.as_slice()?);
        let query = Query { loss, parameters, loss_parameters, normalization };
        let sums =
            py.detach(|| in_pool(|| self.rows.evaluate(query))).map_err(|error| linear_error(&error))?;
        let PartitionSums { loss, loss_gradient, gradient, logit_gradient, slope, slope_dot } = sums;
        let [loss_gradient, gradient, logit_gradient] =
            [loss_gradient, gradient, logit_gradient].map(|values| PyArray1::from_vec(py, values));
        (loss, loss_gradient, gradient, logit_gradient, slope, slope_dot).into_pyobject(py)
    }
}

fn moments_tuple(
    py: Python<'_>,
    moments: Result<PartitionMoments, LinearError>,
) -> PyResult<Bound<'_, PyTuple>> {
    let PartitionMoments { total_weight, mean, variance } = moments.map_err(|error| linear_error(&error))?;
    (total_weight, PyArray1::from_vec(py, mean), PyArray1::from_vec(py, variance)).into_pyobject(py)
}

/// `ask(method, *arguments)` calls this method of every [`Partition`] and returns the list of the results.
struct Asked<'a, 'py>(&'a Bound<'py, PyAny>);

/// An exception, of Python or for an error of training.
struct Exception(PyErr);

impl From<LinearError> for Exception {
    fn from(error: LinearError) -> Self {
        Self(linear_error(&error))
    }
}

impl From<PyErr> for Exception {
    fn from(error: PyErr) -> Self {
        Self(error)
    }
}

type MomentsAnswer<'py> = (f64, PyReadonlyArray1<'py, f64>, PyReadonlyArray1<'py, f64>);
type SumsAnswer<'py> =
    (f64, PyReadonlyArray1<'py, f64>, PyReadonlyArray1<'py, f64>, PyReadonlyArray1<'py, f64>, f64, f64);

impl Asked<'_, '_> {
    fn moments(answers: Bound<'_, PyAny>) -> Result<Vec<PartitionMoments>, Exception> {
        let answers: Vec<MomentsAnswer<'_>> = answers.extract()?;
        let moments = answers.into_iter().map(|(total_weight, mean, variance)| {
            let (mean, variance) = (mean.as_slice()?.to_vec(), variance.as_slice()?.to_vec());
            Ok(PartitionMoments { total_weight, mean, variance })
        });
        moments.collect::<PyResult<_>>().map_err(Exception)
    }
}

impl Partitions for Asked<'_, '_> {
    type Error = Exception;

    fn moments(&mut self) -> Result<Vec<PartitionMoments>, Exception> {
        Self::moments(self.0.call1(("moments",))?)
    }

    fn logit_moments(&mut self, parameters: &[f64]) -> Result<Vec<PartitionMoments>, Exception> {
        let parameters = PyArray1::from_slice(self.0.py(), parameters);
        Self::moments(self.0.call1(("logit_moments", parameters))?)
    }

    fn evaluate(&mut self, query: Query<'_>) -> Result<Vec<PartitionSums>, Exception> {
        let py = self.0.py();
        let parameters = PyArray1::from_slice(py, query.parameters);
        let loss_parameters = PyArray1::from_slice(py, query.loss_parameters);
        let loss = query.loss.name();
        let answers = self.0.call1(("evaluate", loss, parameters, loss_parameters, query.normalization))?;
        let answers: Vec<SumsAnswer<'_>> = answers.extract()?;
        let sums =
            answers.into_iter().map(|(loss, loss_gradient, gradient, logit_gradient, slope, slope_dot)| {
                Ok(PartitionSums {
                    loss,
                    loss_gradient: loss_gradient.as_slice()?.to_vec(),
                    gradient: gradient.as_slice()?.to_vec(),
                    logit_gradient: logit_gradient.as_slice()?.to_vec(),
                    slope,
                    slope_dot,
                })
            });
        sums.collect::<PyResult<_>>().map_err(Exception)
    }
}

/// Trains on the partitions that `ask` asks.
///
/// # Errors
/// A `ValueError` for settings that cannot be trained with, and what `ask` raises.
pub fn fit(ask: &Bound<'_, PyAny>, n_classes: usize, settings: &Settings) -> PyResult<Fitted> {
    LinearClassifier::fit_partitions(&mut Asked(ask), n_classes, settings).map_err(|Exception(error)| error)
}
