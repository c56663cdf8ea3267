//! What comes from Python to be trained on: matrices, labels, weights and settings.

use exact_core::loss::Hyperparameters;
use exact_data::{CsrMatrix, DenseMatrix, Indices, Numbers};
use exact_linear::{Dataset, Inputs, LinearError, LossSettings, Metric, Settings, loss_named};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::{FromPyObject, PyResult};

use super::error::linear_error;
use crate::arrays::{Matrix, classes};

/// Rows: a C-contiguous array, or a CSR matrix of `SciPy` with sorted columns.
#[derive(FromPyObject)]
pub enum InputsArgument<'py> {
    Dense(Matrix<'py>),
    Sparse(Csr<'py>),
}

/// The attributes of a CSR matrix.
#[derive(FromPyObject)]
pub struct Csr<'py> {
    indptr: Integers<'py>,
    indices: Integers<'py>,
    data: Reals<'py>,
    shape: (usize, usize),
}

#[derive(FromPyObject)]
enum Integers<'py> {
    Narrow(PyReadonlyArray1<'py, i32>),
    Wide(PyReadonlyArray1<'py, i64>),
}

#[derive(FromPyObject)]
enum Reals<'py> {
    Single(PyReadonlyArray1<'py, f32>),
    Double(PyReadonlyArray1<'py, f64>),
}

impl InputsArgument<'_> {
    /// The rows, without a copy.
    ///
    /// # Errors
    /// A `ValueError` for an array that is not C-contiguous, values that are not finite and a CSR matrix that
    /// is not consistent.
    pub fn get(&self) -> PyResult<Inputs<'_>> {
        Ok(match self {
            Self::Dense(matrix) => {
                let (values, width) = match matrix {
                    Matrix::Single(values) => (Numbers::from(values.as_slice()?), values.shape()[1]),
                    Matrix::Double(values) => (Numbers::from(values.as_slice()?), values.shape()[1]),
                };
                DenseMatrix::new(values, width).map_err(|error| linear_error(&error.into()))?.into()
            }
            Self::Sparse(Csr { indptr, indices, data, shape }) => {
                let data = match data {
                    Reals::Single(values) => Numbers::from(values.as_slice()?),
                    Reals::Double(values) => Numbers::from(values.as_slice()?),
                };
                let matrix = CsrMatrix::new(indptr.get()?, indices.get()?, data, shape.1);
                matrix.map_err(|error| linear_error(&error.into()))?.into()
            }
        })
    }
}

impl Integers<'_> {
    fn get(&self) -> PyResult<Indices<'_>> {
        Ok(match self {
            Self::Narrow(integers) => integers.as_slice()?.into(),
            Self::Wide(integers) => integers.as_slice()?.into(),
        })
    }
}

/// Rows with labels from 0 on and, unless all weigh the same, weights, and how their columns are trained on:
/// the items of a dictionary.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct DatasetArgument<'py> {
    inputs: InputsArgument<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    n_classes: usize,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    standardize: bool,
    fit_intercept: bool,
}

impl DatasetArgument<'_> {
    /// How to make the data set, on the threads of training.
    ///
    /// # Errors
    /// A `ValueError` for arrays that cannot be trained on.
    pub fn get<'a>(&'a self) -> PyResult<impl FnOnce() -> Result<Dataset<'a>, LinearError> + Send> {
        let inputs = self.inputs.get()?;
        let labels = classes(&self.labels, self.n_classes, None)?;
        let weights = match &self.sample_weight {
            Some(weights) => Some(weights.as_slice()?.to_vec()),
            None => None,
        };
        let Self { n_classes, standardize, fit_intercept, .. } = *self;
        Ok(move || {
            let mut data = Dataset::new(inputs, labels, n_classes, weights)?;
            if !standardize {
                data = data.without_standardisation()?;
            }
            if !fit_intercept {
                data = data.without_intercept()?;
            }
            Ok(data)
        })
    }
}

/// Hyper-parameters of one fit: the items of a dictionary.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct SettingsArgument {
    l2: f64,
    l1: f64,
    group_l1: f64,
    sigma: Option<f64>,
    margin: Option<f64>,
    temperature: Option<f64>,
    epsilon: Option<f64>,
    max_iter: Option<usize>,
}

impl SettingsArgument {
    /// The numbers that losses are set by.
    pub fn numbers(&self) -> Hyperparameters {
        let Self { sigma, margin, temperature, epsilon, .. } = *self;
        Hyperparameters { sigma, margin, temperature, epsilon, ..Hyperparameters::default() }
    }

    /// The settings of training with a loss.
    ///
    /// # Errors
    /// A `ValueError` if linear classifiers have no loss of this name.
    pub fn settings(&self, loss: &str) -> PyResult<Settings> {
        let settings = Settings::new(loss_settings(loss, &self.numbers())?, self.l2);
        let mut settings = settings.with_l1(self.l1).with_group_l1(self.group_l1);
        settings.max_iterations = self.max_iter;
        Ok(settings)
    }
}

/// The loss of linear classifiers with this name and these numbers.
///
/// # Errors
/// A `ValueError` if there is none.
pub fn loss_settings(name: &str, numbers: &Hyperparameters) -> PyResult<LossSettings> {
    let settings = loss_named(name).and_then(|kind| Ok(numbers.settings(kind)?));
    settings.map_err(|error| linear_error(&error))
}

/// A metric: its name, the number of guesses of top-k accuracy, or costs `[n_classes, n_classes]`.
#[derive(FromPyObject)]
pub enum MetricArgument<'py> {
    Name(String),
    TopK(usize),
    Costs(PyReadonlyArray2<'py, f64>),
}

impl MetricArgument<'_> {
    /// The metric.
    ///
    /// # Errors
    /// A `ValueError` for an unknown name.
    pub fn get(&self) -> PyResult<Metric> {
        Ok(match self {
            Self::Name(name) => match name.as_str() {
                "accuracy" => Metric::Accuracy,
                "balanced_accuracy" => Metric::Balanced,
                "macro_f1" => Metric::MacroF1,
                "log_loss" => Metric::LogLoss,
                _ => return Err(PyValueError::new_err(format!("there is no metric '{name}'"))),
            },
            Self::TopK(k) => Metric::TopK(*k),
            Self::Costs(costs) => Metric::Cost(costs.as_slice()?.to_vec()),
        })
    }
}
