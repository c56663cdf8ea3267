//! What can be wrong with data, where, and how to mend it.

use std::fmt;
use std::io;
use std::path::PathBuf;

mod hint;
mod warning;

pub use warning::Warning;

use crate::ColumnKind;
use crate::message::{count, list, shorten};

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
        #[source]
        error: io::Error,
    },
    /// A file cannot be written; what stood there before is untouched.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
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
    /// A field begins with a quote that nothing closes.
    #[error("{file}: a quote opened in line {line} is never closed")]
    UnclosedQuote {
        /// The file.
        file: String,
        /// The line of the quote.
        line: u64,
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
    #[error(
        "{file} lacks {} that the model was trained on: {}",
        count(missing.len(), "column"),
        list(missing)
    )]
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
        /// The encoding that the text seems to have.
        guess: Option<&'static str>,
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
    /// A field of a column of dates is none.
    #[error("{place}: `{}` is not a date of the format {format}", shorten(value))]
    NotADate {
        /// The field.
        place: Place,
        /// What it holds.
        value: String,
        /// The format of the column.
        format: String,
    },
    /// A field of a numeric column is or infinite, or too large for a 64-bit float.
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
    /// Each row has a label of its own.
    #[error("{file}: `{column}` has a different value in each row: is it the target?")]
    UniqueTarget {
        /// The file.
        file: String,
        /// The target column.
        column: String,
    },
    /// The target has as many different numbers as a measurement.
    #[error("{file}: the target `{column}` looks continuous, {values}: is this a regression?")]
    ContinuousTarget {
        /// The file.
        file: String,
        /// The target.
        column: String,
        /// How many different ones there are, in words.
        values: String,
    },
    /// A sample weight cannot be one.
    #[error("{place}: the weight {problem}")]
    BadWeight {
        /// The field.
        place: Place,
        /// What is wrong with it.
        problem: String,
    },
    /// A cost cannot be one.
    #[error("{place}: the cost {problem}")]
    BadCost {
        /// The field.
        place: Place,
        /// What is wrong with it.
        problem: String,
    },
    /// A cost matrix lacks classes.
    #[error("{file} has no {what} for the classes: {}", list(missing))]
    MissingCosts {
        /// The file.
        file: String,
        /// What is missing: a row or a column.
        what: &'static str,
        /// The classes.
        missing: Vec<String>,
    },
    /// No column tells rows apart.
    #[error("{file}: no usable column is left, all are constant or empty")]
    NoUsableColumn {
        /// The file.
        file: String,
        /// What was left out, why, and how to bring it back.
        left_out: Vec<Warning>,
    },
    /// There are fewer rows than parts to divide them into.
    #[error("{rows} rows cannot be divided into {parts} parts")]
    TooFewRows {
        /// The rows there are.
        rows: usize,
        /// The folds, or 2 for a split.
        parts: usize,
    },
    /// There are fewer groups of rows than folds, each of which needs one.
    #[error("{} of rows cannot be divided into {folds} folds", count(*groups, "group"))]
    TooFewGroups {
        /// The groups there are.
        groups: usize,
        /// The folds.
        folds: usize,
    },
    /// There is not one group for each row.
    #[error("there are {groups} groups for {rows} rows")]
    GroupCount {
        /// Rows.
        rows: usize,
        /// Groups that were given.
        groups: usize,
    },
    /// A row is in no group.
    #[error("{place}: the row has no group")]
    MissingGroup {
        /// The field.
        place: Place,
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
    /// An array cannot be columns of a table.
    #[error("{file}: the array `{name}` {problem}")]
    BadArray {
        /// The file.
        file: String,
        /// The array.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of tensors with a description is not what it should be.
    #[error("{problem}")]
    TensorFile {
        /// What is wrong with it.
        problem: String,
    },
    /// A file needs a reader that was not built in.
    #[error("{file}: this program was built without the reader of {format}")]
    NotBuiltIn {
        /// The file.
        file: String,
        /// What kind of files it is one of.
        format: &'static str,
        /// The feature of this crate that reads it.
        feature: &'static str,
    },
    /// The columns of a sparse file are needed.
    #[error("{file} is not sparse, as the table was that the model was trained on")]
    NotSparse {
        /// The file.
        file: String,
    },
    /// A column has more distinct texts than 32-bit codes.
    #[error("{place}: the column has more distinct values than can be counted in 32 bits")]
    TooManyCategories {
        /// Where the count overflows.
        place: Place,
    },
    /// A file of a format that is known but not read, or of none that is known.
    #[error("{file} is {what}, which is not read")]
    UnknownFormat {
        /// The file.
        file: String,
        /// What it is.
        what: &'static str,
        /// How to make a file of it that is read.
        mend: &'static str,
    },
    /// A file is not what its beginning or its name says, or is damaged.
    #[error("{file} cannot be read as {format}: {problem}")]
    DamagedFile {
        /// The file.
        file: String,
        /// What it is read as.
        format: &'static str,
        /// What the reader of the format said.
        problem: String,
    },
    /// A compressed file unpacks to so much that it is no honest table.
    #[error("{file} unpacks to more than {ratio} times its size, over {} GiB", limit >> 30)]
    Bomb {
        /// The file.
        file: String,
        /// The greatest ratio that is allowed.
        ratio: u64,
        /// The most bytes that it may unpack to.
        limit: u64,
    },
    /// An archive holds several files.
    #[error("{file} holds {}: {}", count(members.len(), "file"), list(members))]
    SeveralMembers {
        /// The archive.
        file: String,
        /// The files in it.
        members: Vec<String>,
    },
    /// An archive holds no file.
    #[error("{file} is an archive without a file")]
    NoMember {
        /// The archive.
        file: String,
    },
    /// A file is protected by a password.
    #[error("{file} is encrypted")]
    Encrypted {
        /// The file.
        file: String,
    },
    /// There is no encoding of that name.
    #[error("there is no encoding `{}`", shorten(label))]
    NoSuchEncoding {
        /// The name.
        label: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A text is not in the encoding that it was said to be in, or that its beginning says.
    #[error("{file}, line {line}: the text is not {encoding}")]
    NotEncoded {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The encoding.
        encoding: &'static str,
        /// The encoding that it may be in instead.
        guess: Option<&'static str>,
    },
    /// A line has more bytes than can be one.
    #[error("{file}, line {line}: the line is longer than {limit} bytes")]
    LineTooLong {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The most bytes of a line.
        limit: usize,
    },
    /// A line is not one of the format of its file.
    #[error("{file}, line {line}: {problem}")]
    BadLine {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// What is wrong with it.
        problem: String,
        /// What a line should be.
        mend: &'static str,
    },
    /// A column has values that cannot be cells.
    #[error("{file}: column `{column}` {problem}")]
    BadColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A workbook has no sheet of that name.
    #[error("{file} has no sheet `{sheet}`")]
    NoSuchSheet {
        /// The workbook.
        file: String,
        /// The name asked for.
        sheet: String,
        /// The sheets there are.
        sheets: Vec<String>,
    },
    /// Files that are to be one table have different columns.
    #[error("{other} has not the same columns as {first}{}", differences(missing, further))]
    MixedColumns {
        /// The first file.
        first: String,
        /// One that differs from it.
        other: String,
        /// The columns that it lacks.
        missing: Vec<String>,
        /// The columns that only it has.
        further: Vec<String>,
    },
    /// No file is named as a pattern says, or a folder holds none of a table.
    #[error("{pattern}: there is no such table")]
    NoFiles {
        /// The pattern or the folder.
        pattern: String,
        /// Whether it is a folder.
        folder: bool,
    },
    /// A pattern of file names is not one.
    #[error("{pattern} is no pattern of file names: {problem}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl DataError {
    /// That a file cannot be read. Readers within readers can only hand on an [`io::Error`], so an error of
    /// this type travels within one, and comes out here.
    pub(crate) fn reading(file: &str, error: io::Error) -> Self {
        error.downcast().unwrap_or_else(|error| Self::Read { file: file.into(), error })
    }
}

fn differences(missing: &[String], further: &[String]) -> String {
    let part = |verb: &str, names: &[String]| match names {
        [] => String::new(),
        _ => format!("; {verb} {}", list(names)),
    };
    format!("{}{}", part("it lacks", missing), part("it also has", further))
}
