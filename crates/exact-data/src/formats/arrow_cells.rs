//! Columns of Arrow as cells.

use std::ops::Range;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DecimalType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};

use super::integers::push_integer;
use crate::DataError;
use crate::cells::{Cell, Cells, TooManyTexts};
use crate::error::Place;
use crate::raw_table::{RawColumn, RawTable};

const SECONDS_OF_A_DAY: f64 = 86_400.0;

/// A table while its batches are read.
pub(super) struct ArrowTable {
    file: String,
    columns: Vec<Column>,
    n_rows: usize,
}

struct Column {
    name: String,
    content: Content,
}

enum Content {
    /// The index that pandas stores without a name.
    Index,
    Cells(Cells),
    /// Lists of numbers, as many columns as all of them have numbers.
    Lists(Vec<Cells>),
}

/// Why an array is not read.
enum Problem {
    Type,
    NotText(usize),
    TooManyTexts,
}

impl From<TooManyTexts> for Problem {
    fn from(_: TooManyTexts) -> Self {
        Self::TooManyTexts
    }
}

impl ArrowTable {
    pub fn new(file: &str, schema: &Schema) -> Self {
        let column = |name: &String, kind: &DataType| {
            let content = match kind {
                _ if is_index(name) => Content::Index,
                DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                    Content::Lists(Vec::new())
                }
                _ => Content::Cells(Cells::default()),
            };
            Column { name: name.clone(), content }
        };
        let columns = schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect();
        Self { file: file.into(), columns, n_rows: 0 }
    }

    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), DataError> {
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            column.push(&self.file, array, self.n_rows)?;
        }
        self.n_rows += batch.num_rows();
        Ok(())
    }

    pub fn finish(self) -> Result<RawTable, DataError> {
        let columns = self.columns.into_iter().flat_map(|Column { name, content }| match content {
            Content::Index => Vec::new(),
            Content::Cells(cells) => vec![RawColumn { name, cells }],
            Content::Lists(all) => {
                let numbered = all.into_iter().enumerate();
                numbered.map(|(at, cells)| RawColumn { name: format!("{name}_{at}"), cells }).collect()
            }
        });
        RawTable::of_rows(&self.file, columns.collect(), self.n_rows)
    }
}

/// Whether a column is the index that pandas stores where it has no name.
fn is_index(name: &str) -> bool {
    let number = name.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__"));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

impl Column {
    /// Appends the values of an array below `n_rows` others.
    fn push(&mut self, file: &str, array: &ArrayRef, n_rows: usize) -> Result<(), DataError> {
        let name = &self.name;
        let bad = |problem| DataError::BadColumn { file: file.into(), column: name.clone(), problem };
        let unread = || bad(format!("has values of the type {}, which is not read", array.data_type()));
        match &mut self.content {
            Content::Index => Ok(()),
            Content::Cells(cells) => append(cells, array).map_err(|problem| match problem {
                Problem::Type => unread(),
                Problem::NotText(row) => {
                    bad(format!("has bytes that are not UTF-8, in row {}", n_rows + row + 1))
                }
                Problem::TooManyTexts => {
                    let line = n_rows as u64 + 1;
                    TooManyTexts.at(Place { source: file.into(), line, column: name.clone() })
                }
            }),
            Content::Lists(columns) => {
                let (values, ranges) = lists(array).ok_or_else(unread)?;
                let numbers = numbers_of(values).ok_or_else(unread)?;
                for (row, range) in ranges.enumerate() {
                    let row = n_rows + row + 1;
                    let range = range.ok_or_else(|| bad(format!("has no list in row {row}")))?;
                    let gap = || bad(format!("has a list of another length, or with a gap, in row {row}"));
                    if row == 1 {
                        columns.resize_with(range.len(), Cells::default);
                    }
                    if range.len() != columns.len() || columns.is_empty() {
                        return Err(gap());
                    }
                    for (cells, number) in columns.iter_mut().zip(&numbers[range]) {
                        cells.push_number(number.ok_or_else(gap)?);
                    }
                }
                Ok(())
            }
        }
    }
}

/// The values of lists, and where those of each row stand among them.
#[expect(clippy::type_complexity, reason = "a list of ranges, of arrays of either kind")]
fn lists(array: &ArrayRef) -> Option<(&ArrayRef, Box<dyn Iterator<Item = Option<Range<usize>>> + '_>)> {
    let present = |row: usize| array.is_valid(row);
    match array.data_type() {
        DataType::List(_) => Some((array.as_list::<i32>().values(), Box::new(ranges::<i32>(array)))),
        DataType::LargeList(_) => Some((array.as_list::<i64>().values(), Box::new(ranges::<i64>(array)))),
        DataType::FixedSizeList(_, width) => {
            let (lists, width) = (array.as_fixed_size_list(), *width as usize);
            let range = move |row| row * width..(row + 1) * width;
            let ranges = (0..array.len()).map(move |row| present(row).then(|| range(row)));
            Some((lists.values(), Box::new(ranges)))
        }
        _ => None,
    }
}

fn ranges<Offset: OffsetSizeTrait>(array: &ArrayRef) -> impl Iterator<Item = Option<Range<usize>>> + '_ {
    let offsets = array.as_list::<Offset>().value_offsets().windows(2);
    let range = |pair: &[Offset]| pair[0].as_usize()..pair[1].as_usize();
    offsets.enumerate().map(move |(row, pair)| array.is_valid(row).then(|| range(pair)))
}

/// The numbers of an array within lists; `None` if it holds others than numbers.
fn numbers_of(array: &ArrayRef) -> Option<Vec<Option<f64>>> {
    fn numbers<T: ArrowPrimitiveType>(
        array: &ArrayRef,
        number: impl Fn(T::Native) -> f64,
    ) -> Vec<Option<f64>> {
        array.as_primitive::<T>().iter().map(|value| value.map(&number)).collect()
    }
    Some(match array.data_type() {
        DataType::Boolean => {
            array.as_boolean().iter().map(|value| value.map(|value| f64::from(u8::from(value)))).collect()
        }
        DataType::Int8 => numbers::<Int8Type>(array, f64::from),
        DataType::Int16 => numbers::<Int16Type>(array, f64::from),
        DataType::Int32 => numbers::<Int32Type>(array, f64::from),
        DataType::Int64 => numbers::<Int64Type>(array, |number| number as f64),
        DataType::UInt8 => numbers::<UInt8Type>(array, f64::from),
        DataType::UInt16 => numbers::<UInt16Type>(array, f64::from),
        DataType::UInt32 => numbers::<UInt32Type>(array, f64::from),
        DataType::UInt64 => numbers::<UInt64Type>(array, |number| number as f64),
        DataType::Float16 => numbers::<Float16Type>(array, half::f16::to_f64),
        DataType::Float32 => numbers::<Float32Type>(array, f64::from),
        DataType::Float64 => numbers::<Float64Type>(array, |number| number),
        _ => return None,
    })
}

/// Appends the values of an array, one a row.
fn append(cells: &mut Cells, array: &ArrayRef) -> Result<(), Problem> {
    match array.data_type() {
        DataType::Null => (0..array.len()).for_each(|_| cells.push_empty()),
        DataType::Boolean => {
            let text = |truth| if truth { "true" } else { "false" };
            texts(cells, array.as_boolean().iter().map(|truth| truth.map(text)))?;
        }
        DataType::Int8 => integers::<Int8Type>(cells, array)?,
        DataType::Int16 => integers::<Int16Type>(cells, array)?,
        DataType::Int32 => integers::<Int32Type>(cells, array)?,
        DataType::Int64 => integers::<Int64Type>(cells, array)?,
        DataType::UInt8 => integers::<UInt8Type>(cells, array)?,
        DataType::UInt16 => integers::<UInt16Type>(cells, array)?,
        DataType::UInt32 => integers::<UInt32Type>(cells, array)?,
        DataType::UInt64 => integers::<UInt64Type>(cells, array)?,
        DataType::Float16 => numbers::<Float16Type>(cells, array, half::f16::to_f64),
        DataType::Float32 => numbers::<Float32Type>(cells, array, f64::from),
        DataType::Float64 => numbers::<Float64Type>(cells, array, |number| number),
        DataType::Decimal32(..) => decimals::<Decimal32Type>(cells, array)?,
        DataType::Decimal64(..) => decimals::<Decimal64Type>(cells, array)?,
        DataType::Decimal128(..) => decimals::<Decimal128Type>(cells, array)?,
        DataType::Decimal256(..) => decimals::<Decimal256Type>(cells, array)?,
        DataType::Utf8 => texts(cells, array.as_string::<i32>().iter())?,
        DataType::LargeUtf8 => texts(cells, array.as_string::<i64>().iter())?,
        DataType::Utf8View => texts(cells, array.as_string_view().iter())?,
        DataType::Binary => bytes(cells, array.as_binary::<i32>().iter())?,
        DataType::LargeBinary => bytes(cells, array.as_binary::<i64>().iter())?,
        DataType::BinaryView => bytes(cells, array.as_binary_view().iter())?,
        DataType::Dictionary(..) => dictionary(cells, array)?,
        _ => return times(cells, array),
    }
    Ok(())
}

/// Appends dates and times, in seconds.
fn times(cells: &mut Cells, array: &ArrayRef) -> Result<(), Problem> {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};

    let kind = array.data_type();
    cells.moments |= matches!(kind, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..));
    match kind {
        DataType::Date32 => numbers::<Date32Type>(cells, array, |days| f64::from(days) * SECONDS_OF_A_DAY),
        DataType::Date64 => seconds::<Date64Type>(cells, array, 1e3),
        DataType::Timestamp(Second, _) => seconds::<TimestampSecondType>(cells, array, 1.0),
        DataType::Timestamp(Millisecond, _) => seconds::<TimestampMillisecondType>(cells, array, 1e3),
        DataType::Timestamp(Microsecond, _) => seconds::<TimestampMicrosecondType>(cells, array, 1e6),
        DataType::Timestamp(Nanosecond, _) => seconds::<TimestampNanosecondType>(cells, array, 1e9),
        DataType::Duration(Second) => seconds::<DurationSecondType>(cells, array, 1.0),
        DataType::Duration(Millisecond) => seconds::<DurationMillisecondType>(cells, array, 1e3),
        DataType::Duration(Microsecond) => seconds::<DurationMicrosecondType>(cells, array, 1e6),
        DataType::Duration(Nanosecond) => seconds::<DurationNanosecondType>(cells, array, 1e9),
        DataType::Time32(Second) => numbers::<Time32SecondType>(cells, array, f64::from),
        DataType::Time32(Millisecond) => {
            numbers::<Time32MillisecondType>(cells, array, |time| f64::from(time) / 1e3);
        }
        DataType::Time64(Microsecond) => seconds::<Time64MicrosecondType>(cells, array, 1e6),
        DataType::Time64(Nanosecond) => seconds::<Time64NanosecondType>(cells, array, 1e9),
        _ => return Err(Problem::Type),
    }
    Ok(())
}

fn numbers<T: ArrowPrimitiveType>(cells: &mut Cells, array: &ArrayRef, number: impl Fn(T::Native) -> f64) {
    for value in array.as_primitive::<T>() {
        match value {
            Some(value) => cells.push_number(number(value)),
            None => cells.push_empty(),
        }
    }
}

fn seconds<T: ArrowPrimitiveType<Native = i64>>(cells: &mut Cells, array: &ArrayRef, units: f64) {
    numbers::<T>(cells, array, |time| time as f64 / units);
}

fn integers<T: ArrowPrimitiveType>(cells: &mut Cells, array: &ArrayRef) -> Result<(), TooManyTexts>
where
    T::Native: Into<i128>,
{
    for value in array.as_primitive::<T>() {
        match value {
            Some(value) => push_integer(cells, value.into())?,
            None => cells.push_empty(),
        }
    }
    Ok(())
}

fn decimals<T: DecimalType>(cells: &mut Cells, array: &ArrayRef) -> Result<(), TooManyTexts> {
    let decimals = array.as_primitive::<T>();
    for row in 0..decimals.len() {
        if decimals.is_valid(row) {
            cells.push_field(&decimals.value_as_string(row))?;
        } else {
            cells.push_empty();
        }
    }
    Ok(())
}

fn texts<'a>(cells: &mut Cells, texts: impl Iterator<Item = Option<&'a str>>) -> Result<(), TooManyTexts> {
    for text in texts {
        cells.push_text(text.unwrap_or_default())?;
    }
    Ok(())
}

/// Appends bytes that are texts, as writers leave them that do not say so.
fn bytes<'a>(cells: &mut Cells, all: impl Iterator<Item = Option<&'a [u8]>>) -> Result<(), Problem> {
    for (row, bytes) in all.enumerate() {
        let text = std::str::from_utf8(bytes.unwrap_or_default()).map_err(|_| Problem::NotText(row))?;
        cells.push_text(text)?;
    }
    Ok(())
}

/// Appends values of a dictionary, whose numbers are names of categories.
fn dictionary(cells: &mut Cells, array: &ArrayRef) -> Result<(), Problem> {
    let dictionary = array.as_any_dictionary();
    let mut values = Cells::default();
    append(&mut values, dictionary.values())?;
    if values.len() == 0 {
        (0..array.len()).for_each(|_| cells.push_empty());
        return Ok(());
    }
    cells.moments |= values.moments;
    for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
        match values.get(key) {
            Cell::Text(text) if array.is_valid(row) => cells.push_text(text)?,
            Cell::Number(number) if array.is_valid(row) && values.moments => cells.push_number(number),
            Cell::Number(number) if array.is_valid(row) => cells.push_text(&number.to_string())?,
            _ => cells.push_empty(),
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{FixedSizeListBuilder, Float32Builder, ListBuilder, StringDictionaryBuilder};
    use arrow_array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, DurationMillisecondArray,
        Float64Array, Int64Array, LargeStringArray, NullArray, StringArray, StringViewArray, StructArray,
        Time64MicrosecondArray, TimestampNanosecondArray,
    };
    use arrow_schema::Field;

    use super::*;
    use crate::cells::Cell::{Empty, Number, Text};

    /// A batch of columns of every type that is read, with two rows.
    pub fn batch() -> RecordBatch {
        let mut lists = ListBuilder::new(Float32Builder::new());
        let mut fixed = FixedSizeListBuilder::new(Float32Builder::new(), 1);
        for row in [[1.0, 2.0], [3.0, 4.5]] {
            lists.values().append_slice(&row);
            lists.append(true);
            fixed.values().append_value(row[1]);
            fixed.append(true);
        }
        let mut categories = StringDictionaryBuilder::<Int8Type>::new();
        categories.append_null();
        categories.append_value("7");
        let numbered: DictionaryArray<Int8Type> =
            DictionaryArray::new(vec![0, 1].into(), Arc::new(Int64Array::from(vec![3, 4])));
        let decimals = Decimal128Array::from(vec![Some(-125), None]).with_precision_and_scale(10, 2).unwrap();
        let times = TimestampNanosecondArray::from(vec![Some(1_500_000_000), None]).with_timezone("+02:00");
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("x", Arc::new(lists.finish())),
            ("fixed", Arc::new(fixed.finish())),
            ("integers", Arc::new(Int64Array::from(vec![Some(-3), Some(i64::MAX)]))),
            ("floats", Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY]))),
            ("truths", Arc::new(BooleanArray::from(vec![Some(true), None]))),
            ("texts", Arc::new(StringArray::from(vec![Some(" a "), Some("12")]))),
            ("large", Arc::new(LargeStringArray::from(vec!["", "b"]))),
            ("views", Arc::new(StringViewArray::from(vec!["c", "a text of more than twelve bytes"]))),
            ("bytes", Arc::new(BinaryArray::from_vec(vec![b"d", b"e"]))),
            ("categories", Arc::new(categories.finish())),
            ("numbered", Arc::new(numbered)),
            ("decimals", Arc::new(decimals)),
            ("dates", Arc::new(Date32Array::from(vec![Some(1), None]))),
            ("moments", Arc::new(times)),
            ("durations", Arc::new(DurationMillisecondArray::from(vec![1500, -1]))),
            ("times", Arc::new(Time64MicrosecondArray::from(vec![1_000_000, 500_000]))),
            ("nothing", Arc::new(NullArray::new(2))),
            ("__index_level_0__", Arc::new(Int64Array::from(vec![5, 6]))),
        ];
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    /// Asserts that a table is the batch, twice.
    pub fn assert_batches(table: &RawTable) {
        let expected = [
            ("x_0", [Number(1.0), Number(3.0)]),
            ("x_1", [Number(2.0), Number(4.5)]),
            ("fixed_0", [Number(2.0), Number(4.5)]),
            ("integers", [Number(-3.0), Text("9223372036854775807")]),
            ("floats", [Empty, Number(f64::INFINITY)]),
            ("truths", [Text("true"), Empty]),
            ("texts", [Text("a"), Text("12")]),
            ("large", [Empty, Text("b")]),
            ("views", [Text("c"), Text("a text of more than twelve bytes")]),
            ("bytes", [Text("d"), Text("e")]),
            ("categories", [Empty, Text("7")]),
            ("numbered", [Text("3"), Text("4")]),
            ("decimals", [Number(-1.25), Empty]),
            ("dates", [Number(86_400.0), Empty]),
            ("moments", [Number(1.5), Empty]),
            ("durations", [Number(1.5), Number(-0.001)]),
            ("times", [Number(1.0), Number(0.5)]),
            ("nothing", [Empty, Empty]),
        ];
        assert_eq!(table.columns.len(), expected.len());
        for (column, (name, cells)) in table.columns.iter().zip(expected) {
            assert_eq!(column.name, name);
            assert_eq!(column.cells.iter().collect::<Vec<_>>(), [cells, cells].concat(), "{name}");
            assert_eq!(column.cells.moments, matches!(name, "dates" | "moments"), "{name}");
        }
        assert_eq!((table.n_rows(), table.origin.line(3)), (4, 4));
    }

    fn problem(name: &str, array: ArrayRef) -> String {
        let batch = RecordBatch::try_from_iter([(name, array)]).unwrap();
        let mut table = ArrowTable::new("t.parquet", batch.schema_ref());
        let error = table.push(&batch).unwrap_err();
        assert!(error.hint().unwrap().contains("without the column"));
        error.to_string()
    }

    #[test]
    fn batches_are_appended() {
        let batch = batch();
        let mut table = ArrowTable::new("t", batch.schema_ref());
        for _ in 0..2 {
            // A slice of a larger batch begins anywhere in its buffers.
            let twice = arrow_select::concat::concat_batches(batch.schema_ref(), [&batch, &batch]).unwrap();
            table.push(&twice.slice(2, 2)).unwrap();
        }
        assert_batches(&table.finish().unwrap());
    }

    #[test]
    fn what_is_no_cell_is_refused_by_its_column() {
        let field = Arc::new(Field::new("a", DataType::Int64, true));
        let nested = StructArray::from(vec![(field, Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
        let text = problem("nested", Arc::new(nested));
        assert!(text.starts_with("t.parquet: column `nested` has values of the type Struct("), "{text}");
        assert_eq!(
            problem("bytes", Arc::new(BinaryArray::from_vec(vec![b"a", b"\xff"]))),
            "t.parquet: column `bytes` has bytes that are not UTF-8, in row 2"
        );
        let mut lists = ListBuilder::new(Float32Builder::new());
        lists.append_value([Some(1.0), Some(2.0)]);
        lists.append_value([Some(1.0), None]);
        assert_eq!(
            problem("x", Arc::new(lists.finish())),
            "t.parquet: column `x` has a list of another length, or with a gap, in row 2"
        );
    }
}
