//! How settings are chosen, from Python: among which, by what and on which folds.

use exact_data::Split;
use exact_linear::{Callback, Dataset, LinearError, LossChoice, TrainOptions, Trained, Trainer};
use numpy::PyReadonlyArray1;
use pyo3::{FromPyObject, Py, PyAny, PyResult};

use super::arguments::MetricArgument;
use super::error::linear_error;
use super::scorer::scorer;

/// How to choose settings: the items of a dictionary.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct SearchArgument<'py> {
    loss: String,
    metric: MetricArgument<'py>,
    l2s: Option<Vec<f64>>,
    sigmas: Option<Vec<f64>>,
    margins: Option<Vec<Option<f64>>>,
    folds: FoldsArgument<'py>,
    solver: String,
    features: String,
    seed: u64,
}

/// How many folds there are, or the rows to train and to validate on of each.
#[derive(FromPyObject)]
enum FoldsArgument<'py> {
    Number(usize),
    Splits(Vec<(PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>)>),
}

/// How to choose settings.
pub struct Search {
    loss: LossChoice,
    pub options: TrainOptions,
    /// The folds, if they are not to be drawn.
    splits: Option<Vec<Split>>,
}

impl SearchArgument<'_> {
    /// What it says, with the settings chosen by `score` (as in [`scorer`]) if there is one.
    ///
    /// # Errors
    /// A `ValueError` for names that there are not.
    pub fn get(self, score: Option<Py<PyAny>>) -> PyResult<Search> {
        let mut options = TrainOptions::default()
            .with_metric(self.metric.get()?)
            .with_solver(self.solver.parse().map_err(|error| linear_error(&error))?)
            .with_features(self.features.parse().map_err(|error| linear_error(&error))?)
            .with_seed(self.seed);
        options.scorer = score.map(scorer);
        (options.l2s, options.sigmas, options.margins) = (self.l2s, self.sigmas, self.margins);
        let splits = match self.folds {
            FoldsArgument::Number(number) => {
                options.folds = number;
                None
            }
            FoldsArgument::Splits(folds) => Some(splits(&folds)?),
        };
        let loss = self.loss.parse().map_err(|error| linear_error(&error))?;
        Ok(Search { loss, options, splits })
    }
}

impl Search {
    /// Chooses the settings and trains with them.
    ///
    /// # Errors
    /// As [`Trainer::on`], [`Trainer::with_folds`] and [`Trainer::train`].
    pub fn train(self, data: Dataset<'_>, callback: Callback<'_>) -> Result<Trained, LinearError> {
        let trainer = match self.splits {
            Some(splits) => Trainer::with_folds(data, &splits, self.options)?,
            None => Trainer::on(data, self.options)?,
        };
        trainer.train(self.loss, callback)
    }
}

/// Rows by their numbers. Those below 0 become ones that no data set has.
fn splits(folds: &[(PyReadonlyArray1<'_, i64>, PyReadonlyArray1<'_, i64>)]) -> PyResult<Vec<Split>> {
    let rows = |rows: &PyReadonlyArray1<'_, i64>| -> PyResult<Vec<usize>> {
        Ok(rows.as_slice()?.iter().map(|&row| usize::try_from(row).unwrap_or(usize::MAX)).collect())
    };
    folds.iter().map(|(train, test)| Ok(Split { train: rows(train)?, test: rows(test)? })).collect()
}
