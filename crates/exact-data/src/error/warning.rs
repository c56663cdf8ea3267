//! What was done to the data and should be known.

use std::fmt;

use crate::ColumnKind;
use crate::message::{count, first, list, list_option, shorten};

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
    /// Texts among numbers or dates count as missing.
    Strays {
        /// The column.
        column: String,
        /// The fields that count as missing for it.
        count: usize,
        /// The rows.
        rows: usize,
        /// One of the texts.
        example: String,
        /// Its line.
        line: u64,
        /// What the column is.
        kind: ColumnKind,
    },
    /// A comma or a point in numbers may separate thousands or decimals.
    AmbiguousNumbers {
        /// The column.
        column: String,
        /// One of the numbers.
        example: String,
        /// What it was taken to separate.
        taken: &'static str,
        /// The option that takes it for the other.
        option: String,
    },
    /// The day may be the month, and the other way round.
    AmbiguousDates {
        /// The column.
        column: String,
        /// One of the dates.
        example: String,
        /// The format it was read in.
        format: String,
    },
    /// Short texts were taken for dates or times of day, though they may be codes.
    DoubtfulDates {
        /// The column.
        column: String,
        /// One of them.
        example: String,
        /// The format it was read in.
        format: String,
    },
    /// Whole numbers of the same width were taken for categories, since some begin with a zero.
    Codes {
        /// The column.
        column: String,
        /// One that does.
        example: String,
    },
    /// Few rows share a category.
    ManyCategories {
        /// The column.
        column: String,
        /// Its different values.
        distinct: usize,
        /// Its rows with a value.
        rows: usize,
        /// One of the values.
        example: String,
    },
    /// The header looks like a row.
    HeaderLikeRow {
        /// What was taken for the names of the columns.
        names: Vec<String>,
    },
    /// Rows whose label training did not have were left out.
    UnseenLabels {
        /// The target.
        column: String,
        /// Their labels, each once.
        labels: Vec<String>,
        /// The rows.
        count: usize,
        /// The line of the first.
        line: u64,
    },
    /// A column that tells each row from the others was left out.
    Identifier {
        /// The column.
        column: String,
        /// Why it is one.
        reason: String,
        /// Whether it holds numbers.
        numeric: bool,
    },
    /// A column of free text was left out.
    FreeText {
        /// The column.
        column: String,
        /// Its different texts.
        distinct: usize,
        /// Its rows with a text.
        rows: usize,
    },
    /// Rows without a label were left out.
    MissingLabels {
        /// The target.
        column: String,
        /// The rows.
        count: usize,
        /// The line of the first.
        line: u64,
    },
    /// Classes differ only in case or in white space.
    SimilarClasses {
        /// The target.
        column: String,
        /// A class.
        first: String,
        /// Another one.
        second: String,
    },
    /// A class has a single row, which is never held out.
    ClassWithOneRow {
        /// The target.
        column: String,
        /// The class.
        class: String,
        /// The line of the row.
        line: u64,
    },
    /// The same of many classes.
    ClassesWithOneRow {
        /// The target.
        column: String,
        /// The classes.
        classes: Vec<String>,
    },
    /// Values of further data do not occur in the training data.
    UnseenCategories {
        /// The column.
        column: String,
        /// The fields that hold one.
        count: usize,
        /// The first of them.
        example: String,
        /// Its line.
        line: u64,
    },
}

impl fmt::Display for Warning {
    #[allow(clippy::too_many_lines, reason = "a list of cases")]
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyColumn { column } => {
                write!(formatter, "column `{column}` has no values and is dropped")
            }
            Self::ConstantColumn { column } => {
                write!(formatter, "column `{column}` is constant and is dropped")
            }
            Self::Strays { column, count: strays, rows, example, line, kind } => {
                let noun = if *kind == ColumnKind::Date { "dates" } else { "numbers" };
                write!(
                    formatter,
                    "column `{column}` holds {noun}: {strays} of {rows} values are none and count as \
                     missing, like `{}` in line {line} (`{}` keeps them as they are)",
                    shorten(example),
                    list_option("categorical", column)
                )
            }
            Self::AmbiguousNumbers { column, example, taken, option } => write!(
                formatter,
                "column `{column}` has numbers like `{}`, whose separator is taken for that of {taken} \
                 (`{option}` reads it otherwise)",
                shorten(example)
            ),
            Self::AmbiguousDates { column, example, format } => write!(
                formatter,
                "column `{column}` has dates like `{}`, which are read as {format} \
                 (`--date-order=month-first` reads them otherwise)",
                shorten(example)
            ),
            Self::DoubtfulDates { column, example, format } => write!(
                formatter,
                "column `{column}` has texts like `{}`, which are read as dates or times of the format \
                 {format} (`{}` keeps them as they are)",
                shorten(example),
                list_option("categorical", column)
            ),
            Self::Codes { column, example } => write!(
                formatter,
                "column `{column}` has codes like `{}`, each of which is a category (`{}` makes numbers \
                 of them)",
                shorten(example),
                list_option("numeric", column)
            ),
            Self::ManyCategories { column, distinct, rows, example } => write!(
                formatter,
                "column `{column}` has {distinct} different texts in {}, like `{}`, each of which is a \
                 category: mend the column if they are numbers or dates, leave it out (`{}`) or make \
                 features of its words (`{}`)",
                count(*rows, "row"),
                shorten(example),
                list_option("drop", column),
                list_option("text", column)
            ),
            Self::HeaderLikeRow { names } => {
                let first = first(3, names, |name| format!("`{}`", shorten(name)));
                write!(
                    formatter,
                    "the header looks like a row, {first} (`--no-header` makes it one and numbers \
                     the columns)"
                )
            }
            Self::UnseenLabels { column, labels, count: rows, line } => write!(
                formatter,
                "{} with labels in column `{column}` that training did not have, {}, {} left out of the \
                 measurement, the first in line {line}: no prediction can be right there",
                count(*rows, "row"),
                list(labels),
                if *rows == 1 { "is" } else { "are" }
            ),
            Self::Identifier { column, reason, numeric } => write!(
                formatter,
                "column `{column}` is an identifier, {reason}, and is left out (`{}` keeps it)",
                list_option(if *numeric { "numeric" } else { "categorical" }, column)
            ),
            Self::FreeText { column, distinct, rows } => write!(
                formatter,
                "column `{column}` is free text, {distinct} different in {}, and is left out \
                 (`{}` makes features of its words)",
                count(*rows, "row"),
                list_option("text", column)
            ),
            Self::MissingLabels { column, count: rows, line } => write!(
                formatter,
                "{} without a label in column `{column}` {} left out, the first in line {line} \
                 (`{}` makes a class of each text, also of NA)",
                count(*rows, "row"),
                if *rows == 1 { "is" } else { "are" },
                list_option("categorical", column)
            ),
            Self::SimilarClasses { column, first, second } => write!(
                formatter,
                "the classes `{first}` and `{second}` of column `{column}` differ only in case or white space"
            ),
            Self::ClassWithOneRow { column, class, line } => write!(
                formatter,
                "the class `{}` of column `{column}` has a single row, in line {line}, which is trained on \
                 but never held out",
                shorten(class)
            ),
            Self::ClassesWithOneRow { column, classes } => write!(
                formatter,
                "{} classes of column `{column}` have a single row each, which is trained on but never held \
                 out: {}",
                classes.len(),
                first(3, classes, |class| format!("`{}`", shorten(class)))
            ),
            Self::UnseenCategories { column, count: values, example, line } => write!(
                formatter,
                "column `{column}` has {} that training did not have, like `{}` in line {line}",
                count(*values, "value"),
                shorten(example)
            ),
        }
    }
}
