//! Reading delimited text into tables: which columns, of which kinds, with which missing values.

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, Float64Builder, LargeStringDictionaryBuilder};
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};

use crate::arrays::{self, ArrayFormat};
use crate::csv::Records;
use crate::error::Place;
use crate::{ColumnKind, DataError, Source, Table};

/// How to read a table.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The delimiter, or `None` to detect it: a tab if the source is named `.tsv` (or `.tsv.gz`, `.tsv.zst`), else
    /// the one of comma, semicolon, tab and bar that the first line has most of.
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

/// A column while it is read.
enum Builder {
    Ignored,
    Numeric {
        values: Float64Builder,
        inferred: bool,
        not_finite: Option<(u64, String)>,
    },
    Categorical(LargeStringDictionaryBuilder<UInt32Type>),
    /// Was taken for numeric until a text came; must be read again as categorical.
    Misjudged,
}

impl Table {
    /// Reads a table from a delimited text (CSV, TSV), plain or compressed with gzip or zstd, or from a file of
    /// arrays (NPY, NPZ, safetensors, Parquet), if the source is named so.
    ///
    /// In a file of arrays, an array of n rows is a column, and a matrix `[n, d]` named `x`, or a Parquet column of
    /// lists of d numbers, is the columns `x_0` to `x_{d-1}`. The only array of an NPY file is called `x`. A number
    /// among categories or in the target is the shortest text that stands for it, like `3`. All arrays are read
    /// into memory.
    ///
    /// In a text, the first line names the columns. Quotes are those of RFC 4180, lines end in LF or CRLF, empty lines are
    /// skipped, and white space around a field is no part of it.
    ///
    /// A text is streamed: beside the columns themselves, memory does not grow with it. It is read a second time
    /// only if a column that begins with numbers turns out to hold text.
    ///
    /// # Errors
    /// [`DataError`]: each way in which a text can fail to be a table is one of its variants.
    pub fn read(source: &Source, options: &ReadOptions) -> Result<Self, DataError> {
        if let Some(format) = ArrayFormat::of(source) {
            return arrays::read(source, format, options);
        }
        let mut plans: Option<Vec<Plan>> = None;
        // Each round decides at least one more column, so there are at most two unless the file changes meanwhile.
        loop {
            let mut records = Records::open(source, options.delimiter)?;
            let planned = match plans.take().filter(|plans| plans.len() == records.header().len()) {
                Some(plans) => plans,
                None => plan(source.name(), records.header(), options)?,
            };
            let mut builders: Vec<Builder> = planned.iter().map(|&plan| Builder::new(plan)).collect();
            let lines = fill(&mut builders, &mut records, source.name(), &options.missing)?;
            if builders.iter().any(Builder::is_misjudged) {
                let decide = |(plan, builder): (Plan, &Builder)| match builder {
                    Builder::Misjudged => Plan::Known(ColumnKind::Categorical),
                    _ => plan,
                };
                plans = Some(planned.into_iter().zip(&builders).map(decide).collect());
            } else {
                let batch = finish(builders, records.header(), source.name())?;
                let (target, missing) = (options.target.clone(), options.missing.clone());
                return Ok(Self::from_parts(source.name().into(), batch, lines, target, missing));
            }
        }
    }
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

/// Reads all rows; returns their lines.
fn fill<R: std::io::BufRead>(
    builders: &mut [Builder],
    records: &mut Records<R>,
    file: &str,
    missing: &[String],
) -> Result<Vec<u64>, DataError> {
    let header = records.header().to_vec();
    let mut lines = Vec::new();
    let mut push = |column: usize, line: u64, text: &str| {
        let text = Some(text).filter(|text| !text.is_empty() && !missing.iter().any(|token| token == text));
        let place = || Place { source: file.into(), line, column: header[column].clone() };
        builders[column].push(text, line, place)
    };
    while let Some(line) = records.read_record(&mut push)? {
        lines.push(line);
    }
    if lines.is_empty() {
        return Err(DataError::NoRows { file: file.into() });
    }
    Ok(lines)
}

fn finish(builders: Vec<Builder>, header: &[String], file: &str) -> Result<RecordBatch, DataError> {
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (builder, column) in builders.into_iter().zip(header) {
        let place = |line| Place { source: file.into(), line, column: column.clone() };
        if let Some(array) = builder.finish(place)? {
            fields.push(Field::new(column, array.data_type().clone(), true));
            arrays.push(array);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| DataError::Inconsistent { what: "table", problem: error.to_string() })
}

impl Builder {
    fn new(plan: Plan) -> Self {
        let numeric = |inferred| Self::Numeric { values: Float64Builder::new(), inferred, not_finite: None };
        match plan {
            Plan::Ignore => Self::Ignored,
            Plan::Infer => numeric(true),
            Plan::Known(ColumnKind::Numeric) => numeric(false),
            Plan::Known(ColumnKind::Categorical) => Self::Categorical(LargeStringDictionaryBuilder::new()),
        }
    }

    fn is_misjudged(&self) -> bool {
        matches!(self, Self::Misjudged)
    }

    /// Appends a field, `None` if it is missing.
    fn push(&mut self, text: Option<&str>, line: u64, place: impl Fn() -> Place) -> Result<(), DataError> {
        match self {
            Self::Ignored | Self::Misjudged => {}
            Self::Categorical(values) => match text {
                None => values.append_null(),
                Some(text) => {
                    values.append(text).map_err(|_| DataError::TooManyCategories { place: place() })?;
                }
            },
            Self::Numeric { values, inferred, not_finite } => match (text, text.map(str::parse::<f64>)) {
                (Some(_), Some(Ok(value))) if value.is_finite() => values.append_value(value),
                // Whether it is an error is known at the end: "inf" may yet turn out to be a category.
                (Some(text), Some(Ok(_))) if *inferred => {
                    not_finite.get_or_insert_with(|| (line, text.into()));
                    values.append_null();
                }
                (Some(text), Some(Ok(_))) => {
                    return Err(DataError::NotFinite { place: place(), value: text.into() });
                }
                (Some(text), _) if *inferred => *self = Self::first_text(values, not_finite.is_none(), text),
                (Some(text), _) => return Err(DataError::NotANumber { place: place(), value: text.into() }),
                (None, _) => values.append_null(),
            },
        }
        Ok(())
    }

    /// The column once a text has come: categorical from here if there were only missing values before it, since
    /// the text of a number is not kept.
    fn first_text(before: &mut Float64Builder, all_finite: bool, text: &str) -> Self {
        let rows = before.len();
        let mut values = LargeStringDictionaryBuilder::new();
        if before.finish().null_count() == rows && all_finite {
            for _ in 0..rows {
                values.append_null();
            }
            if values.append(text).is_ok() {
                return Self::Categorical(values);
            }
        }
        Self::Misjudged
    }

    fn finish(self, place: impl Fn(u64) -> Place) -> Result<Option<ArrayRef>, DataError> {
        match self {
            Self::Ignored | Self::Misjudged => Ok(None),
            Self::Numeric { not_finite: Some((line, value)), .. } => {
                Err(DataError::NotFinite { place: place(line), value })
            }
            Self::Numeric { mut values, .. } => Ok(Some(Arc::new(values.finish()))),
            Self::Categorical(mut values) => Ok(Some(Arc::new(values.finish()))),
        }
    }
}
