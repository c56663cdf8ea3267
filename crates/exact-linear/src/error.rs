//! What can go wrong in training and with model files.

use std::error::Error;
use std::path::PathBuf;

use exact_core::loss::{LossError, LossKind};
use exact_core::schedule::ScheduleError;
use exact_data::DataError;
use exact_eval::EvalError;

/// Why a [`Scorer`](crate::Scorer) has no score.
pub type ScorerError = Box<dyn Error + Send + Sync>;

/// Why a classifier cannot be trained, applied, stored or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinearError {
    /// Features and labels have different numbers of rows.
    #[error("there are {labels} labels for {rows} rows of features")]
    Rows {
        /// Rows of features.
        rows: usize,
        /// Labels.
        labels: usize,
    },
    /// There is not one weight for each row.
    #[error("there are {weights} sample weights for {rows} rows")]
    Weights {
        /// Rows.
        rows: usize,
        /// Weights.
        weights: usize,
    },
    /// Features have another number of columns than the classifier.
    #[error("the features have {found} columns, the classifier was trained on {expected}")]
    Columns {
        /// Columns of the features.
        found: usize,
        /// Columns of the classifier.
        expected: usize,
    },
    /// A partition has no rows.
    #[error("a partition has no rows with a weight; leave it out")]
    NoRows,
    /// There is not one parameter for each weight and bias.
    #[error("there are {found} parameters for the {expected} weights and biases of the classes")]
    Parameters {
        /// What was given.
        found: usize,
        /// Weights and biases.
        expected: usize,
    },
    /// The values of a column are so large that their standard deviation overflows.
    #[error("column {column} has values too large to standardise")]
    ColumnRange {
        /// The column, counted from 0.
        column: usize,
    },
    /// The classifier to start from has another number of classes than the data.
    #[error("the classifier to start from has {found} classes, the data have {expected}")]
    StartClasses {
        /// Classes of the classifier.
        found: usize,
        /// Classes of the data.
        expected: usize,
    },
    /// A class has no rows, or there are fewer than two.
    #[error("training needs at least two classes with rows, found {0}")]
    Classes(usize),
    /// A fold that was given cannot be used.
    #[error("fold {fold} of the cross-validation has {problem}")]
    Fold {
        /// The fold, counted from 0.
        fold: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Linear classifiers are not trained with a loss of this name.
    #[error("there is no loss '{name}'; the losses are {}", offered())]
    UnknownLoss {
        /// What was asked for.
        name: String,
    },
    /// The scores of a loss have a schedule, or a normalisation of their own.
    #[error("the scores of a linear classifier have one sigma, and its training normalises them itself")]
    Scores,
    /// No features have this name.
    #[error(
        "there are no features '{name}'; the features are auto, linear, splines, interactions, kernel, cells"
    )]
    UnknownFeatures {
        /// What was asked for.
        name: String,
    },
    /// Columns that are standardised, and centred, wherever they go are to be trained on as they are.
    #[error(
        "the columns of tables, and what columns are expanded to, are standardised and have an intercept"
    )]
    StandardisedColumns,
    /// The columns cannot be expanded as was asked for.
    #[error("there are no {kind} of these columns: {problem}")]
    Expansion {
        /// The features that were asked for.
        kind: &'static str,
        /// What the columns lack.
        problem: &'static str,
    },
    /// The expanded columns of all rows and folds, which are held at once, would take too much memory.
    #[error(
        "the features {kind} would be up to {columns} columns of {rows} rows: {} GB for these and {folds} \
         folds of them, the most is {} GB",
        gigabytes(*bytes),
        gigabytes(*limit)
    )]
    ExpansionSize {
        /// The features that were asked for.
        kind: &'static str,
        /// Columns with what they would be expanded to, at most.
        columns: usize,
        /// Rows that are trained on in the end.
        rows: usize,
        /// Folds, each with as many rows but where selection sees a sample of them.
        folds: usize,
        /// Bytes of all.
        bytes: u64,
        /// Bytes that are allowed.
        limit: u64,
    },
    /// There are no values of a hyper-parameter to try.
    #[error("{name} has no values to try")]
    NothingToTry {
        /// The hyper-parameter.
        name: &'static str,
    },
    /// No solver has this name.
    #[error("there is no solver '{name}'; the solvers are auto, lbfgs, sgd")]
    UnknownSolver {
        /// What was asked for.
        name: String,
    },
    /// Training did not produce finite parameters.
    #[error("training with the loss '{loss}' diverged: its parameters are not finite")]
    Diverged {
        /// The loss.
        loss: &'static str,
    },
    /// A scorer has no score.
    #[error("the scorer failed: {0}")]
    Scorer(#[source] ScorerError),
    /// The caller's callback stopped training.
    #[error("training was interrupted")]
    Interrupted,
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not a model, or not an intact one.
    #[error("{file} is not a usable model: {problem}")]
    ModelFile {
        /// The file.
        file: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// The data do not fit.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A loss refused its settings or a batch.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// A schedule refused its settings.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A metric cannot be measured.
    #[error(transparent)]
    Eval(#[from] EvalError),
}

/// The names of the losses that linear classifiers are trained with.
fn offered() -> String {
    LossKind::FOR_ACCURACY.map(LossKind::name).join(", ")
}

fn gigabytes(bytes: u64) -> String {
    let gigabytes = bytes as f64 / 1e9;
    if gigabytes < 100.0 { format!("{gigabytes:.1}") } else { format!("{gigabytes:.0}") }
}

impl LinearError {
    /// Linear classifiers are not trained with this loss.
    pub(crate) fn loss_not_offered(kind: LossKind) -> Self {
        Self::UnknownLoss { name: kind.name().into() }
    }

    /// How to mend it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::ModelFile { .. } => Some("train the model again with `exact fit`".into()),
            Self::ColumnRange { .. } => {
                Some("are the values, or their unit, right? rescale the column".into())
            }
            Self::ExpansionSize { .. } => Some(
                "train on fewer rows or folds, or on other features; auto leaves out what is too large"
                    .into(),
            ),
            Self::StandardisedColumns => {
                Some("train on the columns of a matrix as they are, with linear features".into())
            }
            Self::NothingToTry { .. } => Some("give one at least, or None for those of the search".into()),
            Self::Scores => Some("describe them by RandomScores::constant".into()),
            Self::Diverged { .. } => {
                Some("look for extreme values in the data, or use another solver".into())
            }
            _ => None,
        }
    }
}
