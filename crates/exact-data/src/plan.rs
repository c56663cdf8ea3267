//! How a table is to be read: which columns, of which kinds, with which missing values.

use crate::{ColumnKind, DataError};

/// How to read a table.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The delimiter, or `None` to detect it: a tab if the source is named `.tsv` (or `.tsv.gz`, `.tsv.zst`),
    /// else the one of comma, semicolon, tab and bar that the first line has most of.
    pub delimiter: Option<u8>,
    /// Fields that stand for a missing value, like `NA` or `?`. The empty field always does.
    pub missing: Vec<String>,
    /// The target column, which is always read as text.
    pub target: Option<String>,
    /// The other columns.
    pub columns: Columns,
}

impl ReadOptions {
    /// The defaults, with a target column.
    pub fn with_target(target: &str) -> Self {
        Self { target: Some(target.into()), ..Self::default() }
    }
}

/// Which columns to read beside the target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Columns {
    /// All. A column that is not declared is numeric if all its values that are not missing are numbers.
    Infer {
        /// Columns declared categorical.
        categorical: Vec<String>,
        /// Columns declared numeric.
        numeric: Vec<String>,
    },
    /// These, of these kinds; others are ignored.
    Known(Vec<(String, ColumnKind)>),
}

impl Default for Columns {
    fn default() -> Self {
        Self::Infer { categorical: Vec::new(), numeric: Vec::new() }
    }
}

/// How a column of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    Ignore,
    Known(ColumnKind),
    Infer,
}

/// How to read each column of a header.
pub(crate) fn plan(file: &str, header: &[String], options: &ReadOptions) -> Result<Vec<Plan>, DataError> {
    let position = |column: &String| header.iter().position(|name| name == column);
    let no_such = |column: &String| DataError::NoSuchColumn {
        file: file.into(),
        column: column.clone(),
        columns: header.to_vec(),
    };
    let target = match &options.target {
        Some(target) => Some(position(target).ok_or_else(|| no_such(target))?),
        None => None,
    };
    let mut plans;
    match &options.columns {
        Columns::Infer { categorical, numeric } => {
            plans = vec![Plan::Infer; header.len()];
            let declared = [(categorical, ColumnKind::Categorical), (numeric, ColumnKind::Numeric)];
            for (columns, kind) in declared {
                for column in columns {
                    let at = position(column).ok_or_else(|| no_such(column))?;
                    if plans[at] == Plan::Known(ColumnKind::Categorical) && kind == ColumnKind::Numeric {
                        let (first, second) = ("categorical", "numeric");
                        return Err(DataError::ConflictingKinds { column: column.clone(), first, second });
                    }
                    if Some(at) == target && kind == ColumnKind::Numeric {
                        let (first, second) = ("the target", "numeric");
                        return Err(DataError::ConflictingKinds { column: column.clone(), first, second });
                    }
                    plans[at] = Plan::Known(kind);
                }
            }
        }
        Columns::Known(columns) => {
            plans = vec![Plan::Ignore; header.len()];
            let mut missing = Vec::new();
            for (column, kind) in columns {
                match position(column) {
                    Some(at) => plans[at] = Plan::Known(*kind),
                    None => missing.push(column.clone()),
                }
            }
            if !missing.is_empty() {
                return Err(DataError::MissingColumns {
                    file: file.into(),
                    missing,
                    columns: header.to_vec(),
                });
            }
        }
    }
    if let Some(target) = target {
        plans[target] = Plan::Known(ColumnKind::Categorical);
    }
    Ok(plans)
}
