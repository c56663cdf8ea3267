//! Reading files into tables.

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, Float64Builder, LargeStringDictionaryBuilder};
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};

use crate::array_format::ArrayFormat;
#[cfg(feature = "arrays")]
use crate::arrays;
use crate::csv::Records;
use crate::error::Place;
use crate::plan::{Plan, plan};
use crate::{ColumnKind, DataError, ReadOptions, Source, Table};

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
    /// Reads a table from a delimited text (CSV, TSV), plain or compressed with gzip or zstd, or from a file
    /// of arrays (NPY, NPZ, safetensors, Parquet), if the source is named so.
    ///
    /// In a file of arrays, an array of n rows is a column, and a matrix `[n, d]` named `x`, or a Parquet
    /// column of lists of d numbers, is the columns `x_0` to `x_{d-1}`. The only array of an NPY file is
    /// called `x`. A number among categories or in the target is the shortest text that stands for it, like
    /// `3`. All arrays are read into memory.
    ///
    /// In a text, the first line names the columns. Quotes are those of RFC 4180, lines end in LF or CRLF,
    /// empty lines are skipped, and white space around a field is no part of it.
    ///
    /// A text is streamed: beside the columns themselves, memory does not grow with it. It is read a second
    /// time only if a column that begins with numbers turns out to hold text.
    ///
    /// # Errors
    /// [`DataError`]: each way in which a text can fail to be a table is one of its variants.
    pub fn read(source: &Source, options: &ReadOptions) -> Result<Self, DataError> {
        if let Some(format) = ArrayFormat::of(source) {
            #[cfg(feature = "arrays")]
            return arrays::read(source, format, options);
            #[cfg(not(feature = "arrays"))]
            return Err(format.not_built_in(source));
        }
        let mut plans: Option<Vec<Plan>> = None;
        // Each round decides at least one more column, so there are at most two unless the file changes
        // meanwhile.
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

    /// The column once a text has come: categorical from here if there were only missing values before it,
    /// since the text of a number is not kept.
    fn first_text(before: &mut Float64Builder, all_finite: bool, text: &str) -> Self {
        let rows = before.len();
        let mut values = LargeStringDictionaryBuilder::new();
        if before.finish().null_count() == rows && all_finite {
            for _ in 0..rows {
                values.append_null();
            }
            values.append(text).expect("one category is not too many");
            return Self::Categorical(values);
        }
        Self::Misjudged
    }

    fn finish(self, place: impl Fn(u64) -> Place) -> Result<Option<ArrayRef>, DataError> {
        match self {
            Self::Ignored => Ok(None),
            Self::Misjudged => unreachable!("misjudged columns are read again before they are finished"),
            Self::Numeric { not_finite: Some((line, value)), .. } => {
                Err(DataError::NotFinite { place: place(line), value })
            }
            Self::Numeric { mut values, .. } => Ok(Some(Arc::new(values.finish()))),
            Self::Categorical(mut values) => Ok(Some(Arc::new(values.finish()))),
        }
    }
}
