//! How a table is to be read: which columns, of which kinds, with which missing values.

use crate::profile::{DateOrder, Reading};
use crate::{ColumnKind, DataError, FileForm};

/// How to read a table.
///
/// A column is named by its name, or else by its position: from 1, or from -1 at the right.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// How the file is written.
    pub form: FileForm,
    /// Fields that stand for a missing value in every column; a number does so however it is written, `-9999`
    /// as `-9999.0`. The empty field always does, and the usual ones like `NA` do in columns of numbers and
    /// dates.
    pub missing: Vec<String>,
    /// Texts that stand for a missing value in one column of numbers or dates alone, as they did in training.
    pub missing_in: Vec<(String, Vec<String>)>,
    /// The target column, which is always read as categories. Rows without a label are left out.
    pub target: Option<String>,
    /// The classes of the target where they are known: a text that is one of them is a label, also where it
    /// usually stands for a missing value.
    pub classes: Vec<String>,
    /// The column of sample weights, which is no feature.
    pub weight: Option<String>,
    /// The column of the groups of rows, which is no feature: rows with the same value belong together.
    pub group: Option<String>,
    /// Columns that are kept beside the predictions as they are, and are features only if they are known to
    /// be.
    pub id: Vec<String>,
    /// The order of day and month in dates that allow both; the day is first by default.
    pub date_order: Option<DateOrder>,
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
    /// All, or those asked for; what is not declared follows from the values.
    Infer(Declared),
    /// These, read so; others are ignored.
    Known(Vec<(String, Reading)>),
}

/// What is declared of columns.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Declared {
    /// Columns of categories. A target that is declared so may have as many different numbers as it likes.
    pub categorical: Vec<String>,
    /// Columns of numbers.
    pub numeric: Vec<String>,
    /// Columns of texts, whose words become features.
    pub text: Vec<String>,
    /// Columns to leave out.
    pub drop: Vec<String>,
    /// The only columns to keep beside the target, the weights, the groups and the identifiers; all if it is
    /// empty.
    pub keep: Vec<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self::Infer(Declared::default())
    }
}

/// How a column of a file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    Ignore,
    Infer,
    Declared(ColumnKind),
    /// `id` says that it is kept beside the predictions too.
    Known {
        reading: Reading,
        id: bool,
    },
    Target {
        declared: bool,
    },
    Weight,
    Group,
    Id,
}

/// How to read each column of a header.
pub(crate) fn plan(file: &str, header: &[String], options: &ReadOptions) -> Result<Vec<Plan>, DataError> {
    let position = |column: &str| position(file, header, column);
    let positions =
        |columns: &[String]| columns.iter().map(|column| position(column)).collect::<Result<Vec<_>, _>>();
    let mut plans;
    match &options.columns {
        Columns::Infer(declared) => {
            let keep = positions(&declared.keep)?;
            let kept = |at: usize| keep.is_empty() || keep.contains(&at);
            plans = (0..header.len())
                .map(|at| if kept(at) { Plan::Infer } else { Plan::Ignore })
                .collect::<Vec<_>>();
            // What each column was declared to be first.
            let mut names: Vec<Option<&'static str>> = vec![None; header.len()];
            for at in keep {
                names[at] = Some("to be kept");
            }
            let kinds = [
                (&declared.drop, Plan::Ignore, "to be dropped"),
                (&declared.categorical, Plan::Declared(ColumnKind::Categorical), "categorical"),
                (&declared.numeric, Plan::Declared(ColumnKind::Numeric), "numeric"),
                (&declared.text, Plan::Declared(ColumnKind::Text), "text"),
            ];
            for (columns, plan, second) in kinds {
                for at in positions(columns)? {
                    match names[at] {
                        Some(first) if first != second && (first != "to be kept" || plan == Plan::Ignore) => {
                            let column = header[at].clone();
                            return Err(DataError::ConflictingKinds { column, first, second });
                        }
                        _ => {
                            plans[at] = plan.clone();
                            names[at] = Some(second);
                        }
                    }
                }
            }
        }
        Columns::Known(columns) => {
            plans = vec![Plan::Ignore; header.len()];
            let places: std::collections::HashMap<&str, usize> =
                header.iter().map(String::as_str).zip(0..).collect();
            let mut missing = Vec::new();
            for (column, reading) in columns {
                match places.get(column.as_str()) {
                    Some(&at) => plans[at] = Plan::Known { reading: reading.clone(), id: false },
                    None => missing.push(column.clone()),
                }
            }
            if !missing.is_empty() {
                let columns = header.to_vec();
                return Err(DataError::MissingColumns { file: file.into(), missing, columns });
            }
        }
    }
    let mut roles: Vec<(&str, &'static str, Plan)> = Vec::new();
    roles.extend(
        options.target.iter().map(|name| (name.as_str(), "the target", Plan::Target { declared: false })),
    );
    roles.extend(options.weight.iter().map(|name| (name.as_str(), "the weight", Plan::Weight)));
    roles.extend(options.group.iter().map(|name| (name.as_str(), "the group", Plan::Group)));
    roles.extend(options.id.iter().map(|name| (name.as_str(), "an identifier", Plan::Id)));
    let mut taken: Vec<(usize, &'static str)> = Vec::new();
    for (name, role, mut new) in roles {
        let at = position(name)?;
        let conflict =
            |first| Err(DataError::ConflictingKinds { column: header[at].clone(), first, second: role });
        if let Some(&(_, first)) = taken.iter().find(|(other, first)| *other == at && *first != role) {
            return conflict(first);
        }
        match (&plans[at], &mut new) {
            (Plan::Declared(ColumnKind::Categorical), Plan::Target { declared }) => *declared = true,
            (Plan::Declared(ColumnKind::Numeric), Plan::Target { .. }) => {
                let (column, first, second) = (header[at].clone(), "the target", "numeric");
                return Err(DataError::ConflictingKinds { column, first, second });
            }
            (Plan::Declared(ColumnKind::Text), Plan::Target { .. }) => return conflict("text"),
            (Plan::Known { reading, .. }, Plan::Id) => {
                new = Plan::Known { reading: reading.clone(), id: true }
            }
            _ => {}
        }
        if matches!(&options.columns, Columns::Infer(declared)
            if positions(&declared.drop)?.contains(&at))
        {
            return conflict("to be dropped");
        }
        plans[at] = new;
        taken.push((at, role));
    }
    Ok(plans)
}

/// The place of a column that is named, or counted from 1 or, below 0, from the right.
pub(crate) fn position(file: &str, header: &[String], column: &str) -> Result<usize, DataError> {
    if let Some(at) = header.iter().position(|name| name == column) {
        return Ok(at);
    }
    let counted = column.parse::<i64>().ok().and_then(|at| {
        let from_left = usize::try_from(at - 1).ok();
        let from_right = || header.len().checked_sub(usize::try_from(-at).ok()?);
        from_left.or_else(from_right).filter(|&at| at < header.len())
    });
    counted.ok_or_else(|| DataError::NoSuchColumn {
        file: file.into(),
        column: column.into(),
        columns: header.to_vec(),
    })
}
