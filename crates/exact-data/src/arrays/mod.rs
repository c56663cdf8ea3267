//! Tables from files of arrays, such as embeddings: NPY, NPZ, safetensors and Parquet.
//!
//! An array of n rows is a column of its name, and a matrix `[n, d]` named `x` the columns `x_0` to
//! `x_{d-1}`.

mod embeddings;
mod npy;
mod npy_head;
mod number_type;
#[cfg(feature = "parquet")]
mod parquet;
mod safetensors;

use std::io::Read as _;
use std::sync::Arc;

use arrow_array::builder::LargeStringDictionaryBuilder;
use arrow_array::types::UInt32Type;
use arrow_array::{Array as _, ArrayRef, Float64Array, RecordBatch};
use arrow_schema::{Field, Schema};

pub use embeddings::write_embeddings;

use crate::array_format::ArrayFormat;
use crate::error::Place;
use crate::plan::{Plan, plan};
use crate::table::check_names;
use crate::{ColumnKind, DataError, ReadOptions, Source, Table};

/// One column of a file.
struct Column {
    name: String,
    values: Values,
}

enum Values {
    /// NaN is kept, and a null is a missing value.
    Numbers(Float64Array),
    Texts(Vec<Option<String>>),
}

/// The values of an array, row after row.
enum Array {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

/// Reads all columns that are asked for.
pub(crate) fn read(source: &Source, format: ArrayFormat, options: &ReadOptions) -> Result<Table, DataError> {
    let mut bytes = Vec::new();
    let read = source.open()?.read_to_end(&mut bytes);
    read.map_err(|error| DataError::Read { file: source.name().into(), error })?;
    let columns = match format {
        ArrayFormat::Npy => npy::read_npy(source.name(), &bytes)?,
        ArrayFormat::Npz => npy::read_npz(source.name(), &bytes)?,
        ArrayFormat::Safetensors => safetensors::read(source.name(), &bytes)?,
        #[cfg(feature = "parquet")]
        ArrayFormat::Parquet => parquet::read(source.name(), bytes)?,
        #[cfg(not(feature = "parquet"))]
        ArrayFormat::Parquet => return Err(format.not_built_in(source)),
    };
    table(source.name(), columns, options)
}

/// The columns of an array of a shape.
fn columns(file: &str, name: &str, shape: &[usize], array: &Array) -> Result<Vec<Column>, DataError> {
    let (n_rows, width) = match *shape {
        [n_rows] => (n_rows, None),
        [n_rows, width] => (n_rows, Some(width)),
        _ => {
            return Err(bad_array(
                file,
                name,
                format!("has the shape {shape:?}, of which only [n] and [n, d] are read"),
            ));
        }
    };
    if n_rows == 0 {
        return Err(DataError::NoRows { file: file.into() });
    }
    let name_of = |at: usize| if width.is_some() { format!("{name}_{at}") } else { name.to_string() };
    let width = width.unwrap_or(1);
    let column = |at: usize| {
        let rows = (0..n_rows).map(|row| row * width + at);
        let values = match array {
            Array::Numbers(numbers) => Values::Numbers(rows.map(|at| numbers[at]).collect::<Vec<_>>().into()),
            Array::Texts(texts) => Values::Texts(rows.map(|at| Some(texts[at].clone())).collect()),
        };
        Column { name: name_of(at), values }
    };
    Ok((0..width).map(column).collect())
}

fn bad_array(file: &str, name: &str, problem: String) -> DataError {
    DataError::BadArray { file: file.into(), name: name.into(), problem }
}

fn table(file: &str, columns: Vec<Column>, options: &ReadOptions) -> Result<Table, DataError> {
    let header: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    check_names(file, &header.iter().map(String::as_str).collect::<Vec<_>>())?;
    let n_rows = columns.first().map_or(0, |column| column.values.len());
    if n_rows == 0 {
        return Err(DataError::NoRows { file: file.into() });
    }
    if let Some(other) = columns.iter().find(|column| column.values.len() != n_rows) {
        let problem = format!("has {} rows, `{}` has {n_rows}", other.values.len(), header[0]);
        return Err(bad_array(file, &other.name, problem));
    }
    let (mut fields, mut arrays): (_, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (column, plan) in columns.into_iter().zip(plan(file, &header, options)?) {
        let place =
            |row: usize| Place { source: file.into(), line: row as u64 + 1, column: column.name.clone() };
        let array: ArrayRef = match (plan, column.values) {
            (Plan::Ignore, _) => continue,
            (Plan::Known(ColumnKind::Categorical), values) | (Plan::Infer, values @ Values::Texts(_)) => {
                categories(values, &options.missing, place)?
            }
            (_, Values::Numbers(numbers)) => Arc::new(finite(numbers, place)?),
            (_, Values::Texts(texts)) => Arc::new(numbers(texts, &options.missing, place)?),
        };
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| DataError::Inconsistent { what: "table", problem: error.to_string() })?;
    let lines = (1..=n_rows as u64).collect();
    Ok(Table::from_parts(file.into(), batch, lines, options.target.clone(), options.missing.clone()))
}

fn finite(numbers: Float64Array, place: impl Fn(usize) -> Place) -> Result<Float64Array, DataError> {
    match numbers.iter().position(|value| value.is_some_and(|value| !value.is_finite())) {
        Some(row) => Err(DataError::NotFinite { place: place(row), value: numbers.value(row).to_string() }),
        None => Ok(numbers),
    }
}

/// Texts as categories; a number is the shortest text that stands for it, like `3`, and NaN is missing.
fn categories(
    values: Values,
    missing: &[String],
    place: impl Fn(usize) -> Place,
) -> Result<ArrayRef, DataError> {
    let texts = match values {
        Values::Texts(texts) => texts,
        Values::Numbers(numbers) => {
            let text =
                |value: Option<f64>| value.filter(|value| !value.is_nan()).map(|value| value.to_string());
            numbers.iter().map(text).collect()
        }
    };
    let mut builder = LargeStringDictionaryBuilder::<UInt32Type>::new();
    for (row, text) in texts.into_iter().enumerate() {
        match present(text.as_deref(), missing) {
            Some(text) => {
                builder.append(text).map_err(|_| DataError::TooManyCategories { place: place(row) })?;
            }
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// Texts as the numbers that they stand for.
fn numbers(
    texts: Vec<Option<String>>,
    missing: &[String],
    place: impl Fn(usize) -> Place,
) -> Result<Float64Array, DataError> {
    let parse = |(row, text): (usize, Option<String>)| {
        let Some(text) = present(text.as_deref(), missing) else { return Ok(None) };
        let not_a_number = |_| DataError::NotANumber { place: place(row), value: text.into() };
        text.parse::<f64>().map(Some).map_err(not_a_number)
    };
    let numbers: Float64Array = texts.into_iter().enumerate().map(parse).collect::<Result<_, _>>()?;
    finite(numbers, place)
}

/// A text that does not stand for a missing value.
fn present<'a>(text: Option<&'a str>, missing: &[String]) -> Option<&'a str> {
    text.map(str::trim).filter(|text| !text.is_empty() && !missing.iter().any(|token| token == text))
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }
}
