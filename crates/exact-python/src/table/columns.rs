//! Tables as Python hands them over: columns in memory, or the paths of files.

use std::path::{Path, PathBuf};

use exact_data::{DataError, ReadOptions, Source, Table, Values, expand};
use numpy::PyReadonlyArray1;
use pyo3::{FromPyObject, PyResult};

/// What messages call columns in memory.
const IN_MEMORY: &str = "X";
/// What they call labels in memory.
const LABELS: &str = "y";

/// Paths and patterns of paths, or columns with their names.
#[derive(FromPyObject)]
pub enum TableArgument<'py> {
    Paths(Vec<String>),
    Columns(Vec<(String, ColumnArgument<'py>)>),
}

/// Whether the numbers of a column are moments, in seconds since the beginning of 1970, and its values.
#[derive(FromPyObject)]
pub struct ColumnArgument<'py>(bool, ValuesArgument<'py>);

/// Numbers, of which NaN is missing, or texts.
#[derive(FromPyObject)]
enum ValuesArgument<'py> {
    Numbers(PyReadonlyArray1<'py, f64>),
    Texts(Vec<Option<String>>),
}

impl ColumnArgument<'_> {
    /// The values.
    ///
    /// # Errors
    /// A `ValueError` for an array that is not contiguous.
    pub fn values(self) -> PyResult<Values> {
        Ok(match self {
            Self(false, ValuesArgument::Numbers(numbers)) => Values::Numbers(numbers.as_slice()?.to_vec()),
            Self(true, ValuesArgument::Numbers(moments)) => Values::Moments(moments.as_slice()?.to_vec()),
            Self(_, ValuesArgument::Texts(texts)) => Values::Texts(texts),
        })
    }
}

/// A table that is not read yet.
pub enum Unread {
    Files(Vec<String>),
    Columns(Vec<(String, Values)>),
}

impl Unread {
    /// What does not need the interpreter.
    ///
    /// # Errors
    /// As [`ColumnArgument::values`].
    pub fn of(argument: TableArgument<'_>) -> PyResult<Self> {
        Ok(match argument {
            TableArgument::Paths(patterns) => Self::Files(patterns),
            TableArgument::Columns(columns) => {
                let values = columns.into_iter().map(|(name, column)| Ok((name, column.values()?)));
                Self::Columns(values.collect::<PyResult<_>>()?)
            }
        })
    }

    /// The number of rows, if that is known before it is read.
    pub fn n_rows(&self) -> Option<usize> {
        match self {
            Self::Files(_) => None,
            Self::Columns(columns) => columns.first().map(|(_, values)| match values {
                Values::Numbers(numbers) | Values::Moments(numbers) => numbers.len(),
                Values::Texts(texts) => texts.len(),
            }),
        }
    }

    /// Reads the table.
    ///
    /// # Errors
    /// As [`Table::read_all`] and [`Table::of_columns`].
    pub fn read(self, options: &ReadOptions) -> Result<Table, DataError> {
        match self {
            Self::Columns(columns) => Table::of_columns(IN_MEMORY, columns, options),
            Self::Files(patterns) => read_files(&expand(&patterns)?, options),
        }
    }
}

fn read_files(paths: &[PathBuf], options: &ReadOptions) -> Result<Table, DataError> {
    let source = |path| Source::file(Path::new(path));
    let sources: Vec<Source<'_>> = paths.iter().map(source).collect::<Result<_, _>>()?;
    Table::read_all(&sources, options)
}

/// Labels in memory as a table of one column, the target. Rows without a label are left out.
///
/// # Errors
/// As [`Table::of_columns`].
pub fn label_table(target: &str, labels: Values) -> Result<Table, DataError> {
    let mut declared = exact_data::Declared::default();
    // However many numbers there are, they are classes.
    declared.categorical = vec![target.into()];
    let mut options = ReadOptions::with_target(target);
    options.columns = exact_data::Columns::Infer(declared);
    Table::of_columns(LABELS, vec![(target.into(), labels)], &options)
}
