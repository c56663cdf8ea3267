//! What can be wrong with data, where, and how to mend it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::ColumnKind;

/// The most bytes a field may have.
pub const FIELD_LIMIT: usize = 1 << 20;

/// A cell of a source: its name, the 1-based line and the column's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, or the name of what was read.
    pub source: String,
    /// The line, counted from 1 (the header is line 1).
    pub line: u64,
    /// The column's name.
    pub column: String,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, line {}, column `{}`", self.source, self.line, self.column)
    }
}

/// Why data cannot be read, encoded, split or written.
///
/// The message says what is wrong and where; [`DataError::hint`] says how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file cannot be opened or read, or its compressed data is damaged.
    #[error("cannot read {file}: {error}")]
    Read {
        /// The file.
        file: String,
        /// What the system or the decompressor said.
        error: io::Error,
    },
    /// A file cannot be written; what stood there before is untouched.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is not even a header.
    #[error("{file} is empty")]
    EmptyFile {
        /// The file.
        file: String,
    },
    /// There is a header and nothing below it.
    #[error("{file} has a header but no rows")]
    NoRows {
        /// The file.
        file: String,
    },
    /// A row has more or fewer fields than the header.
    #[error("{file}, line {line}: the row has {}, the header has {expected}", count(*found, "field"))]
    RaggedRow {
        /// The file.
        file: String,
        /// The row's line.
        line: u64,
        /// Its number of fields.
        found: usize,
        /// The number of columns.
        expected: usize,
    },
    /// Two columns have the same name.
    #[error("{file}: columns {first} and {second} are both named `{column}`")]
    DuplicateColumn {
        /// The file.
        file: String,
        /// The name.
        column: String,
        /// The first column with that name, counted from 1.
        first: usize,
        /// The second one.
        second: usize,
    },
    /// A column has no name.
    #[error("{file}: column {position} of the header has no name")]
    UnnamedColumn {
        /// The file.
        file: String,
        /// The column, counted from 1.
        position: usize,
    },
    /// A column that was asked for does not exist.
    #[error("{file} has no column `{column}`")]
    NoSuchColumn {
        /// The file.
        file: String,
        /// The name asked for.
        column: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// Columns that the fitted encoder needs do not exist.
    #[error("{file} lacks {} that the model was trained on: {}", count(missing.len(), "column"), list(missing))]
    MissingColumns {
        /// The file.
        file: String,
        /// The columns it lacks.
        missing: Vec<String>,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// A column is declared to be two things.
    #[error("column `{column}` is declared both {first} and {second}")]
    ConflictingKinds {
        /// The column.
        column: String,
        /// "numeric", "categorical" or "the target".
        first: &'static str,
        /// Another of them.
        second: &'static str,
    },
    /// A column of the table is of another kind than is needed.
    #[error("{file}: column `{column}` is {found}, {expected} is needed")]
    WrongKind {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Its kind.
        found: ColumnKind,
        /// The kind needed.
        expected: ColumnKind,
    },
    /// A column of a record batch is neither `Float64` nor a dictionary of text.
    #[error("{file}: column `{column}` has type {found}, expected Float64 or Dictionary(UInt32, LargeUtf8)")]
    UnsupportedType {
        /// The name of the table.
        file: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// A field is not UTF-8.
    #[error("{place}: the field is not UTF-8")]
    NotUtf8 {
        /// The field.
        place: Place,
    },
    /// A field is longer than [`FIELD_LIMIT`].
    #[error("{place}: the field is longer than {FIELD_LIMIT} bytes")]
    FieldTooLong {
        /// Where the field begins.
        place: Place,
    },
    /// A field of a numeric column is not a number.
    #[error("{place}: `{}` is not a number", shorten(value))]
    NotANumber {
        /// The field.
        place: Place,
        /// What it holds.
        value: String,
    },
    /// A field of a numeric column is NaN or infinite, or too large for a 64-bit float.
    #[error("{place}: `{}` is not a finite number", shorten(value))]
    NotFinite {
        /// The field.
        place: Place,
        /// What it holds.
        value: String,
    },
    /// A value is so far from the training values that its standardised value overflows.
    #[error("{place}: {value:e} is too large to standardise")]
    TooLarge {
        /// The field.
        place: Place,
        /// The value.
        value: f64,
    },
    /// A row has no label.
    #[error("{place}: the target value is missing")]
    MissingTarget {
        /// The field.
        place: Place,
    },
    /// A label that is none of the classes of training.
    #[error("{place}: the label `{}` does not occur in the training data", shorten(label))]
    UnseenLabel {
        /// The field.
        place: Place,
        /// The label.
        label: String,
        /// The classes of training.
        classes: Vec<String>,
    },
    /// All rows have the same label.
    #[error("{file}: every row has the label `{class}` in column `{column}`, at least 2 classes are needed")]
    OneClass {
        /// The file.
        file: String,
        /// The target column.
        column: String,
        /// The only class.
        class: String,
    },
    /// A class has a single row, so that it cannot be in training and validation data.
    #[error("{place}: the class `{class}` has only this row, at least 2 are needed")]
    ClassWithOneRow {
        /// The row's label.
        place: Place,
        /// The class.
        class: String,
    },
    /// No column tells rows apart.
    #[error("{file}: no usable column is left, all are constant or empty")]
    NoUsableColumn {
        /// The file.
        file: String,
    },
    /// There are fewer rows than parts to divide them into.
    #[error("{rows} rows cannot be divided into {parts} parts")]
    TooFewRows {
        /// The rows there are.
        rows: usize,
        /// The folds, or 2 for a split.
        parts: usize,
    },
    /// A label is not a class.
    #[error("label {label} of row {row} is not below the number of classes, {n_classes}")]
    LabelOutOfRange {
        /// The row, counted from 0.
        row: usize,
        /// Its label.
        label: u32,
        /// The number of classes.
        n_classes: usize,
    },
    /// A setting is outside its range.
    #[error("{name} must be {expected}, got {value}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// The value.
        value: f64,
    },
    /// Arrays, or the parts of a stored encoder, do not fit together.
    #[error("{what} {problem}")]
    Inconsistent {
        /// What was checked.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A column has more distinct texts than 32-bit codes.
    #[error("{place}: the column has more distinct values than can be counted in 32 bits")]
    TooManyCategories {
        /// Where the count overflows.
        place: Place,
    },
}

impl DataError {
    /// How to mend it, where that can be said.
    ///
    /// ```
    /// let error = exact_data::DataError::NoSuchColumn {
    ///     file: "cars.csv".into(),
    ///     column: "colour".into(),
    ///     columns: vec!["doors".into(), "color".into()],
    /// };
    /// assert_eq!(error.to_string(), "cars.csv has no column `colour`");
    /// assert_eq!(error.hint().unwrap(), "did you mean `color`? the columns are `doors`, `color`");
    /// ```
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { error, .. } => return read_hint(error),
            Self::Write { path, error } => return write_hint(path, error),
            Self::EmptyFile { .. } | Self::NoRows { .. } => {
                "the first line names the columns, each further line is a row".into()
            }
            Self::RaggedRow { .. } => {
                "put quotes around a field that contains the delimiter, or name the delimiter if it was taken for \
                 another"
                    .into()
            }
            Self::DuplicateColumn { .. } | Self::UnnamedColumn { .. } => {
                "the first line must name each column, and each differently".into()
            }
            Self::NoSuchColumn { column, columns, .. } => column_hint(std::slice::from_ref(column), columns),
            Self::MissingColumns { missing, columns, .. } => column_hint(missing, columns),
            Self::ConflictingKinds { column, .. } => format!("name `{column}` in one place only"),
            Self::WrongKind { .. } => {
                "read the table with the options of the fitted encoder, and its target as the target".into()
            }
            Self::NotUtf8 { .. } => "save the file as UTF-8".into(),
            Self::FieldTooLong { .. } => "is a quote not closed, or the delimiter another one?".into(),
            Self::NotANumber { value, .. } => format!(
                "if it stands for a missing value, leave the field empty or name it (`--missing {}`); if the column \
                 is not numeric, declare it categorical before training",
                shorten(value)
            ),
            Self::NotFinite { value, .. } => format!(
                "leave the field empty if the value is missing, or name the token as missing (`--missing {}`)",
                shorten(value)
            ),
            Self::TooLarge { .. } => "is the value, or its unit, right?".into(),
            Self::MissingTarget { .. } => "fill in the label or remove the row".into(),
            Self::UnseenLabel { label, classes, .. } => {
                let near = did_you_mean(std::slice::from_ref(label), classes);
                format!("{near}the classes are {}", list(classes))
            }
            Self::OneClass { .. } => "is this the target column?".into(),
            Self::ClassWithOneRow { .. } => {
                "add rows of the class, merge it with another one, or remove the row".into()
            }
            Self::NoUsableColumn { .. } => "a usable column has at least two different values".into(),
            Self::TooFewRows { .. } => "use fewer folds or more rows".into(),
            Self::TooManyCategories { .. } => "remove the column".into(),
            Self::UnsupportedType { .. }
            | Self::LabelOutOfRange { .. }
            | Self::Setting { .. }
            | Self::Inconsistent { .. } => return None,
        };
        Some(hint)
    }
}

/// Something that was done to the data and should be known, though it stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A column without any value was dropped.
    EmptyColumn {
        /// The column.
        column: String,
    },
    /// A column with the same value in each row was dropped.
    ConstantColumn {
        /// The column.
        column: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyColumn { column } => {
                write!(formatter, "column `{column}` has no values and is dropped")
            }
            Self::ConstantColumn { column } => {
                write!(formatter, "column `{column}` is constant and is dropped")
            }
        }
    }
}

fn read_hint(error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Some("the compressed file is cut short; copy it again".into()),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            Some("the compressed file is damaged; copy it again".into())
        }
        _ => None,
    }
}

fn write_hint(path: &std::path::Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
            Some(format!("the folder {} does not exist", folder.display()))
        }
        io::ErrorKind::PermissionDenied => Some("choose a folder that you may write to".into()),
        _ => None,
    }
}

fn column_hint(wanted: &[String], columns: &[String]) -> String {
    format!("{}the columns are {}", did_you_mean(wanted, columns), list(columns))
}

/// "did you mean `a`, `b`? ", or nothing if no name is near.
fn did_you_mean(wanted: &[String], names: &[String]) -> String {
    let similarity = |a: &str, b: &str| {
        strsim::normalized_damerau_levenshtein(&shorten(a).to_lowercase(), &shorten(b).to_lowercase())
    };
    let nearest = |wanted: &String| {
        let scored = names.iter().map(|name| (similarity(wanted, name), name));
        scored
            .filter(|(score, _)| *score >= 0.5)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name.clone())
    };
    let near: Vec<String> = wanted.iter().filter_map(nearest).collect();
    if near.is_empty() { String::new() } else { format!("did you mean {}? ", list(&near)) }
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// The names in backquotes, the first 20 of them.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{}`", shorten(name))).collect();
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", shown.join(", "))
}

/// Text that fits into a message: control characters escaped, at most 60 characters.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let shown: String = text.chars().take(SHOWN).map(escape).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{shown}…") } else { shown }
}
