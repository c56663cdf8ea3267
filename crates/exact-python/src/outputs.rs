//! What goes to Python.

use numpy::ndarray::Ix0;
use numpy::{PyArray1, PyArrayMethods};
use pyo3::types::PyTuple;
use pyo3::{Bound, IntoPyObject, PyAny, PyResult, Python};

use crate::arrays::Number;

/// A loss's parameters: sigmas, or those that are learned.
#[derive(Clone, Copy)]
pub enum Parameters {
    /// One for all samples.
    Common,
    /// One per sample.
    PerSample,
    /// One per sample and class.
    PerClass,
    /// So many for all samples.
    Vector(usize),
}

/// A value per sample and its gradients.
pub struct Outputs<T> {
    n_classes: usize,
    parameters: Parameters,
    added_up: bool,
    /// `[n]`; the total alone once added up.
    pub values: Vec<T>,
    /// `[n, c]`.
    pub gradient: Vec<T>,
    /// For each sample, of as many parameters as there are; added up, of the parameters.
    pub parameter_gradient: Vec<T>,
}

impl<T: Number> Outputs<T> {
    /// Zeros, for rows of at least one class.
    pub fn zeros(n: usize, n_classes: usize, parameters: Parameters) -> Self {
        let zeros = |len| vec![T::ZERO; len];
        Self {
            n_classes,
            parameters,
            added_up: false,
            values: zeros(n),
            gradient: zeros(n * n_classes),
            parameter_gradient: zeros(n * width(parameters, n_classes)),
        }
    }

    /// Multiplies the value of each sample and its gradients by its factor.
    pub fn scale(&mut self, factor: impl Fn(usize) -> f64) {
        let width = width(self.parameters, self.n_classes);
        let mut gradient = self.gradient.chunks_mut(self.n_classes);
        // Without parameters there is nothing to split, whatever the width.
        let mut parameter_gradient = self.parameter_gradient.chunks_mut(width.max(1));
        for (row, value) in self.values.iter_mut().enumerate() {
            let factor = T::from_f64(factor(row));
            *value *= factor;
            let rows = gradient.next().into_iter().chain(parameter_gradient.next());
            rows.flatten().for_each(|slope| *slope *= factor);
        }
    }

    /// Adds up the values, and the gradients with respect to parameters that all samples share.
    pub fn add_up(&mut self) {
        let sum = |values: &mut dyn Iterator<Item = &T>| {
            T::from_f64(values.map(|value| value.to_f64()).sum::<f64>())
        };
        self.added_up = true;
        self.values = vec![sum(&mut self.values.iter())];
        if let Parameters::Common | Parameters::Vector(_) = self.parameters {
            let width = width(self.parameters, self.n_classes);
            let slopes = &self.parameter_gradient;
            self.parameter_gradient =
                (0..width).map(|column| sum(&mut slopes.iter().skip(column).step_by(width))).collect();
        }
    }

    /// The tuple of all three arrays. A total has no dimensions, nor has the gradient of a total with respect
    /// to a common sigma.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn into_tuple(self, py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        let n = self.gradient.len() / self.n_classes;
        let gradient = matrix(py, self.gradient, n, self.n_classes)?;
        let (values, slopes) = (self.values, self.parameter_gradient);
        let values =
            if self.added_up { scalar(py, values)? } else { PyArray1::from_vec(py, values).into_any() };
        let parameter_gradient = match (self.parameters, self.added_up) {
            (Parameters::Common, true) => scalar(py, slopes)?,
            (Parameters::PerClass, _) => matrix(py, slopes, n, self.n_classes)?,
            (Parameters::Vector(width), false) => matrix(py, slopes, n, width)?,
            (Parameters::Common | Parameters::PerSample, _) | (Parameters::Vector(_), true) => {
                PyArray1::from_vec(py, slopes).into_any()
            }
        };
        (values, gradient, parameter_gradient).into_pyobject(py)
    }
}

/// How many parameters a sample has.
fn width(parameters: Parameters, n_classes: usize) -> usize {
    match parameters {
        Parameters::Common | Parameters::PerSample => 1,
        Parameters::PerClass => n_classes,
        Parameters::Vector(width) => width,
    }
}

/// Values as an array of rows.
///
/// # Errors
/// If memory runs out.
pub fn matrix<T: Number>(
    py: Python<'_>,
    values: Vec<T>,
    n_rows: usize,
    n_columns: usize,
) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyArray1::from_vec(py, values).reshape([n_rows, n_columns])?.into_any())
}

/// One value as an array without dimensions.
fn scalar<T: Number>(py: Python<'_>, value: Vec<T>) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyArray1::from_vec(py, value).reshape(Ix0())?.into_any())
}
