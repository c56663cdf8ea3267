//! A trained classifier of tables: the model that the command line writes and reads.

use std::path::Path;

use exact_data::{ColumnProfile, Columns};
use exact_linear::{Dataset, Metric, Model, loss_named};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::types::{PyAnyMethods, PyBytes};
use pyo3::{Bound, IntoPyObject, PyAny, PyResult, Python, pyclass, pymethods};

use super::arguments::{FormArgument, ReadingArgument};
use super::columns::{ColumnArgument, TableArgument, Unread, label_table};
use super::error::{data_error, model_error};
use super::inputs::{ClassWeightArgument, Inputs, Target, Weighting, messages};
use crate::arrays::classes;
use crate::linear::{ExpandedTo, SearchArgument, Selection, Setting, linear_error, train};
use crate::outputs::matrix;
use crate::threads::in_pool;

/// A trained classifier of tables.
#[pyclass(frozen, module = "exact_learn._core")]
pub struct TableModel(Model);

/// What a column was taken for.
#[derive(IntoPyObject)]
struct Column {
    name: String,
    kind: String,
    distinct: Option<usize>,
    missing: usize,
    numbers: usize,
    texts: usize,
    note: String,
}

/// The classes of rows, their probabilities, the true classes if they were asked for, and warnings.
type Predicted<'py> =
    (Bound<'py, PyArray1<i64>>, Bound<'py, PyAny>, Option<Bound<'py, PyArray1<i64>>>, Vec<String>);

#[pymethods]
impl TableModel {
    /// Trains on a table with the settings that cross-validation chooses. What is predicted is the column
    /// `target`, or `labels`: a name, the distinct values and which of them each row has. Returns the model,
    /// how the settings were chosen, and warnings.
    ///
    /// `score(classes, order)` makes the function that settings are chosen by, of the names of the classes of
    /// the model and the number in it of each of the distinct values. Costs are in the order of these values.
    ///
    /// # Errors
    /// An `OSError` for files that cannot be read, a `ValueError` for tables and settings that cannot be
    /// trained with, and what `progress` and handlers of signals raise.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "they are named in Python")]
    #[pyo3(signature = (*, table, target, labels, reading, missing_indicator, sample_weight, class_weight,
                        search, score, n_threads, progress))]
    fn fit(
        py: Python<'_>,
        table: TableArgument<'_>,
        target: Option<String>,
        labels: Option<(String, ColumnArgument<'_>, PyReadonlyArray1<'_, i64>)>,
        reading: ReadingArgument,
        missing_indicator: bool,
        sample_weight: Option<PyReadonlyArray1<'_, f64>>,
        class_weight: Option<ClassWeightArgument>,
        search: SearchArgument<'_>,
        score: Option<&Bound<'_, PyAny>>,
        n_threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Self, Selection, Vec<String>)> {
        let target = match labels {
            None => Target::Column(target),
            Some((name, values, numbers)) => {
                let n_classes = numbers.as_slice()?.iter().max().map_or(0, |&last| last as usize + 1);
                let labels = classes(&numbers, n_classes, None)?.into_iter().map(|label| label as usize);
                Target::Given { name, classes: values.values()?, labels: labels.collect() }
            }
        };
        let samples = match &sample_weight {
            Some(weights) => Some(weights.as_slice()?.to_vec()),
            None => None,
        };
        let weighting = Weighting { samples, classes: class_weight };
        let (unread, reading) = (Unread::of(table)?, reading.options()?);
        let inputs =
            py.detach(|| in_pool(|| Inputs::read(unread, target, reading, missing_indicator, weighting)))?;
        let Inputs { encoder, labels, target, columns, order, features, codes, weights, groups, warnings } =
            inputs;
        let score = match score {
            Some(score) => Some(score.call1((labels.classes(), integers(py, &order)))?.unbind()),
            None => None,
        };
        let mut search = search.get(score)?;
        if let Metric::Cost(costs) = &search.options.metric {
            search.options.metric = Metric::Cost(in_order(costs, &order, labels.classes())?);
        }
        let n_classes = labels.n_classes();
        let trained = train(py, n_threads, progress, move |callback| {
            let data = match groups {
                Some(groups) => Dataset::with_groups(features, codes, n_classes, weights, groups)?,
                None => Dataset::new(features, codes, n_classes, weights)?,
            };
            search.train(data, callback)
        })?;
        let model = Model::new(encoder, labels, target, &trained).with_columns(columns);
        Ok((Self(model), Selection::of(&trained), warnings))
    }

    /// Predicts the rows of a table that is read as in training, and with `target` looks up their labels.
    /// Rows without a label are left out then.
    ///
    /// # Errors
    /// As for a fit.
    #[pyo3(signature = (table, form, target))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        table: TableArgument<'_>,
        form: FormArgument,
        target: Option<String>,
    ) -> PyResult<Predicted<'py>> {
        let mut options = self.0.encoder().read_options();
        options.form = form.over(options.form)?;
        options.target = target;
        options.classes = self.0.labels().classes().to_vec();
        let unread = Unread::of(table)?;
        let predict = || {
            let table = unread.read(&options)?;
            let (features, noticed) = self.0.encoder().transform_with_warnings(&table)?;
            let labels = match table.target() {
                Some(target) => Some(self.0.labels().transform(&table, target)?),
                None => None,
            };
            let mut warnings = messages(&table, table.warnings());
            warnings.extend(messages(&table, &noticed));
            Ok((self.0.predict_features(&features)?, labels, warnings))
        };
        let (predictions, labels, warnings) =
            py.detach(|| in_pool(predict)).map_err(|error| model_error(&error))?;
        let (n_rows, n_classes) = (predictions.classes.len(), self.0.labels().n_classes());
        let probabilities = matrix(py, predictions.probabilities, n_rows, n_classes)?;
        let labels = labels.map(|labels| integers(py, &labels));
        Ok((integers(py, &predictions.classes), probabilities, labels, warnings))
    }

    /// The number of each label's class.
    ///
    /// # Errors
    /// A `ValueError` for a label that is missing or none of the classes.
    fn codes<'py>(&self, py: Python<'py>, labels: ColumnArgument<'_>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let labels = label_table(self.0.target(), labels.values()?).map_err(|error| data_error(&error))?;
        let codes = self.0.labels().transform(&labels, self.0.target());
        Ok(integers(py, &codes.map_err(|error| data_error(&error))?))
    }

    /// The names of the classes.
    fn classes(&self) -> Vec<String> {
        self.0.labels().classes().to_vec()
    }

    /// The name of what is predicted.
    fn target(&self) -> &str {
        self.0.target()
    }

    /// The columns that are read.
    fn features(&self) -> Vec<String> {
        match self.0.encoder().read_options().columns {
            Columns::Known(columns) => columns.into_iter().map(|(name, _)| name).collect(),
            _ => Vec::new(),
        }
    }

    /// What the columns of training were taken for.
    fn columns(&self) -> Vec<Column> {
        let column = |profile: &ColumnProfile| Column {
            name: profile.name.clone(),
            kind: profile.kind.to_string(),
            distinct: profile.distinct,
            missing: profile.missing,
            numbers: profile.numbers,
            texts: profile.texts,
            note: profile.note.clone(),
        };
        self.0.columns().iter().map(column).collect()
    }

    /// The loss and the hyper-parameters that were chosen, their accuracy over the folds, and what the
    /// columns are expanded to.
    ///
    /// # Errors
    /// A `ValueError` if linear classifiers have no loss of the name in the model.
    fn chosen(&self) -> PyResult<(Setting, f64, ExpandedTo)> {
        let loss = loss_named(self.0.loss()).map_err(|error| linear_error(&error))?;
        let setting = Setting::of(loss, self.0.selected());
        Ok((setting, self.0.cross_validated(), ExpandedTo::of(self.0.features())))
    }

    /// Writes the file of the model.
    ///
    /// # Errors
    /// An `OSError` if it cannot be written.
    fn save(&self, path: &str) -> PyResult<()> {
        self.0.save(Path::new(path)).map_err(|error| model_error(&error))
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// An `OSError` if it cannot be read, and a `ValueError` if it is no model of tables.
    #[staticmethod]
    fn load(path: &str) -> PyResult<Self> {
        Model::load(Path::new(path)).map(Self).map_err(|error| model_error(&error))
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// A `ValueError` if it is too large for the format.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_bytes().map_err(|error| model_error(&error))?))
    }

    /// The model of such bytes.
    ///
    /// # Errors
    /// A `ValueError` if they are of another format or version, or damaged.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        Model::from_bytes("the pickled classifier", bytes).map(Self).map_err(|error| linear_error(&error))
    }
}

fn integers<'py>(py: Python<'py>, codes: &[u32]) -> Bound<'py, PyArray1<i64>> {
    PyArray1::from_vec(py, codes.iter().map(|&code| i64::from(code)).collect())
}

/// Costs, `[n_classes, n_classes]`, in the order of the model, of which `order` has the number of each class.
///
/// # Errors
/// A `ValueError` for costs of another number of classes.
fn in_order(costs: &[f64], order: &[u32], classes: &[String]) -> PyResult<Vec<f64>> {
    let n_classes = order.len();
    if costs.len() != n_classes * n_classes {
        return Err(PyValueError::new_err(format!(
            "metric is a cost matrix of {} costs, expected {n_classes} rows and columns, for the classes {}",
            costs.len(),
            exact_data::message::list(classes)
        )));
    }
    let mut ordered = costs.to_vec();
    for (row, &label) in costs.chunks(n_classes).zip(order) {
        for (&cost, &prediction) in row.iter().zip(order) {
            ordered[label as usize * n_classes + prediction as usize] = cost;
        }
    }
    Ok(ordered)
}
