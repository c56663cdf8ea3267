//! Columns of Parquet files: numbers, texts, and lists of numbers of one length, which are matrices.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array as _, ArrayRef, Float64Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::{Array, Column, Values, bad_array, columns};
use crate::DataError;

pub(super) fn read(file: &str, bytes: Vec<u8>) -> Result<Vec<Column>, DataError> {
    let damaged = |problem: String| DataError::ArrayFile { file: file.into(), problem };
    // Without the hints that Arrow's writers leave, texts and lists have one type each.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(bytes), options)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| damaged(error.to_string()))?;
    let batches: Vec<RecordBatch> =
        reader.collect::<Result<_, _>>().map_err(|error| damaged(error.to_string()))?;
    let Some(first) = batches.first() else { return Err(DataError::NoRows { file: file.into() }) };
    let mut all = Vec::new();
    for (at, field) in first.schema_ref().fields().iter().enumerate() {
        let parts: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(at)).collect();
        all.extend(column(file, field.name(), &parts)?);
    }
    Ok(all)
}

/// The column, or the columns of a list, of all parts.
fn column(file: &str, name: &str, parts: &[&ArrayRef]) -> Result<Vec<Column>, DataError> {
    let kind = parts[0].data_type();
    let unread = || bad_array(file, name, format!("has values of the type {kind}, which is not read"));
    let one = |values| Ok(vec![Column { name: name.into(), values }]);
    match kind {
        DataType::Utf8 => {
            let texts = parts.iter().flat_map(|part| part.as_string::<i32>().iter());
            one(Values::Texts(texts.map(|text| text.map(String::from)).collect()))
        }
        DataType::List(_) => {
            let (mut numbers, mut width, mut n_rows) = (Vec::new(), None, 0);
            for part in parts {
                for list in part.as_list::<i32>() {
                    let missing = || bad_array(file, name, format!("has no list in row {}", n_rows + 1));
                    let list = list.ok_or_else(missing)?;
                    let row = floats(&list).ok_or_else(unread)?;
                    if *width.get_or_insert(row.len()) != row.len() || row.null_count() > 0 {
                        let problem =
                            format!("has a list of another length, or with a gap, in row {}", n_rows + 1);
                        return Err(bad_array(file, name, problem));
                    }
                    numbers.extend_from_slice(row.values());
                    n_rows += 1;
                }
            }
            columns(file, name, &[n_rows, width.unwrap_or(0)], &Array::Numbers(numbers))
        }
        _ => {
            let mut numbers = Vec::new();
            for part in parts {
                numbers.extend(floats(part).ok_or_else(unread)?.iter());
            }
            one(Values::Numbers(numbers.into()))
        }
    }
}

/// The numbers of an array; `None` if it holds others than numbers.
fn floats(array: &ArrayRef) -> Option<Float64Array> {
    Some(match array.data_type() {
        DataType::Boolean => {
            array.as_boolean().iter().map(|value| value.map(|value| f64::from(u8::from(value)))).collect()
        }
        DataType::Int8 => primitive::<Int8Type>(array, f64::from),
        DataType::Int16 => primitive::<Int16Type>(array, f64::from),
        DataType::Int32 => primitive::<Int32Type>(array, f64::from),
        DataType::Int64 => primitive::<Int64Type>(array, |number| number as f64),
        DataType::UInt8 => primitive::<UInt8Type>(array, f64::from),
        DataType::UInt16 => primitive::<UInt16Type>(array, f64::from),
        DataType::UInt32 => primitive::<UInt32Type>(array, f64::from),
        DataType::UInt64 => primitive::<UInt64Type>(array, |number| number as f64),
        DataType::Float16 => primitive::<Float16Type>(array, half::f16::to_f64),
        DataType::Float32 => primitive::<Float32Type>(array, f64::from),
        DataType::Float64 => primitive::<Float64Type>(array, |number| number),
        _ => return None,
    })
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, number: impl Fn(T::Native) -> f64) -> Float64Array {
    array.as_primitive::<T>().unary(number)
}
