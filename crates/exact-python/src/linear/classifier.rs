//! A trained linear classifier.

use exact_linear::{FitOptions, Fitted, Inputs, LinearError, Link};
use numpy::PyArray1;
use pyo3::types::PyBytes;
use pyo3::{Bound, Py, PyAny, PyResult, Python, pyclass, pymethods};

use super::arguments::{DatasetArgument, InputsArgument, MetricArgument, SettingsArgument};
use super::error::linear_error;
use super::partitions;
use super::search::SearchArgument;
use super::selection::Selection;
use super::training::train;
use crate::outputs::matrix;
use crate::threads::in_pool;

/// A trained linear classifier of dense and CSR matrices.
#[pyclass(frozen, module = "exact_learn._core")]
pub struct LinearClassifier(exact_linear::LinearClassifier);

#[pymethods]
impl LinearClassifier {
    /// Trains with given settings, from `start` if there is one. Returns the classifier, the number of steps
    /// and whether training ended by itself.
    ///
    /// # Errors
    /// A `ValueError` for data and settings that cannot be trained with, and what `progress` and handlers of
    /// signals raise.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "they are named in Python")]
    #[pyo3(signature = (*, data, loss, metric, settings, start, n_threads, progress))]
    fn fit(
        py: Python<'_>,
        data: DatasetArgument<'_>,
        loss: &str,
        metric: MetricArgument<'_>,
        settings: SettingsArgument,
        start: Option<Py<Self>>,
        n_threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Self, usize, bool)> {
        let settings = settings.settings(loss)?;
        let (dataset, metric) = (data.get()?, metric.get()?);
        let start = start.as_ref().map(|start| &start.get().0);
        let fitted = train(py, n_threads, progress, move |callback| {
            let mut options = FitOptions::default().with_metric(metric).with_callback(callback);
            options.start = start;
            exact_linear::LinearClassifier::fit(&dataset()?, &settings, &options)
        })?;
        let Fitted { classifier, iterations, converged, .. } = fitted;
        Ok((Self(classifier), iterations, converged))
    }

    /// Trains with given settings on the partitions that `ask(method, *arguments)` asks: it returns the list
    /// of what this method of each [`Partition`](super::Partition) returns. Returns what `fit` does.
    ///
    /// # Errors
    /// A `ValueError` for settings that cannot be trained with, and what `ask` raises.
    #[staticmethod]
    fn fit_partitions(
        ask: &Bound<'_, PyAny>,
        n_classes: usize,
        loss: &str,
        settings: SettingsArgument,
    ) -> PyResult<(Self, usize, bool)> {
        let fitted = partitions::fit(ask, n_classes, &settings.settings(loss)?)?;
        let Fitted { classifier, iterations, converged, .. } = fitted;
        Ok((Self(classifier), iterations, converged))
    }

    /// Trains with the settings that cross-validation chooses, by the metric or by `score` (as in
    /// [`scorer`](super::scorer::scorer)). Returns the classifier and how they were chosen.
    ///
    /// # Errors
    /// As for a fit, a `ValueError` for folds that cannot be used, and what `score` raises.
    #[staticmethod]
    #[pyo3(signature = (*, data, search, score, n_threads, progress))]
    fn cross_validate(
        py: Python<'_>,
        data: DatasetArgument<'_>,
        search: SearchArgument<'_>,
        score: Option<Py<PyAny>>,
        n_threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Self, Selection)> {
        let (search, dataset) = (search.get(score)?, data.get()?);
        let trained = train(py, n_threads, progress, move |callback| search.train(dataset()?, callback))?;
        let selection = Selection::of(&trained);
        Ok((Self(trained.classifier), selection))
    }

    /// The weights of each class, `[n_classes, n_features]`; those of a feature sum to 0.
    fn coefficients<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        matrix(py, self.0.coefficients(), self.0.n_classes(), self.0.n_features())
    }

    /// The bias of each class, `[n_classes]`.
    fn intercepts<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_vec(py, self.0.intercepts())
    }

    /// The name and the scale of what makes probabilities of logits: "softmax" with a temperature, or
    /// "probit" with a sigma.
    fn link(&self) -> (&'static str, f64) {
        let link = self.0.link();
        (if matches!(link, Link::Probit { .. }) { "probit" } else { "softmax" }, link.scale())
    }

    /// The costs `[n_classes, n_classes]` that it decides by, if it does.
    fn costs<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let n_classes = self.0.n_classes();
        self.0.costs().map(|costs| matrix(py, costs.to_vec(), n_classes, n_classes)).transpose()
    }

    /// The logits of rows, `[n_rows, n_classes]`.
    ///
    /// # Errors
    /// A `ValueError` for rows with another number of columns, and for values that are not finite.
    fn logits<'py>(&self, py: Python<'py>, inputs: InputsArgument<'_>) -> PyResult<Bound<'py, PyAny>> {
        self.of_classes(py, &inputs, |classifier, inputs| classifier.logits(inputs))
    }

    /// The class of each row, `[n_rows]`.
    ///
    /// # Errors
    /// As for the logits.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        inputs: InputsArgument<'_>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let inputs = inputs.get()?;
        let classes = py.detach(|| in_pool(|| self.0.predict(&inputs)));
        let classes = classes.map_err(|error| linear_error(&error))?;
        Ok(PyArray1::from_vec(py, classes.into_iter().map(i64::from).collect()))
    }

    /// The probabilities of the classes of rows, `[n_rows, n_classes]`.
    ///
    /// # Errors
    /// As for the logits.
    fn probabilities<'py>(&self, py: Python<'py>, inputs: InputsArgument<'_>) -> PyResult<Bound<'py, PyAny>> {
        self.of_classes(py, &inputs, |classifier, inputs| classifier.probabilities(inputs))
    }

    /// The classifier as safetensors.
    ///
    /// # Errors
    /// A `ValueError` if it is too large for the format.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.0.to_bytes().map_err(|error| linear_error(&error))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The classifier of such bytes.
    ///
    /// # Errors
    /// A `ValueError` if they are of another format or version, or damaged.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        let classifier = exact_linear::LinearClassifier::from_bytes("the pickled classifier", bytes);
        classifier.map(Self).map_err(|error| linear_error(&error))
    }
}

impl LinearClassifier {
    /// A value for each row and class, computed with other Python threads running.
    fn of_classes<'py, F>(
        &self,
        py: Python<'py>,
        inputs: &InputsArgument<'_>,
        evaluate: F,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        F: Fn(&exact_linear::LinearClassifier, &Inputs<'_>) -> Result<Vec<f64>, LinearError> + Sync,
    {
        let inputs = inputs.get()?;
        let values = py.detach(|| in_pool(|| evaluate(&self.0, &inputs)));
        let values = values.map_err(|error| linear_error(&error))?;
        let n_classes = self.0.n_classes();
        let n_rows = values.len() / n_classes;
        matrix(py, values, n_rows, n_classes)
    }
}
