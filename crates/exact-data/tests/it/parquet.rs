//! Parquet files are read as tables.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder};
use arrow_array::{Array as _, ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use exact_data::{ColumnKind, ReadOptions, Source, Table};

use crate::arrays::{assert_embeddings, message, read};

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn lists(rows: &[&[f32]]) -> ArrayRef {
    let mut builder = ListBuilder::new(Float32Builder::new());
    for row in rows {
        builder.values().append_slice(row);
        builder.append(true);
    }
    Arc::new(builder.finish())
}

#[test]
fn parquet_lists_and_columns() {
    let x = lists(&[&[1.0, 2.0], &[3.0, 4.0], &[5.0, 6.0], &[7.0, 8.5]]);
    let labels: ArrayRef = Arc::new(StringArray::from(vec!["10", "9", "10", "9"]));
    let bytes = parquet(vec![("x", Arc::clone(&x)), ("labels", labels)]);
    assert_embeddings(&read("e.parquet", &bytes, &ReadOptions::with_target("labels")).unwrap());

    let age: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), None, Some(4), Some(5)]));
    let bytes = parquet(vec![("x", x), ("age", age)]);
    let mut options = ReadOptions::default();
    options.columns = crate::reading::declared(&["x_1"], &[]);
    let table = read("e.parquet", &bytes, &options).unwrap();
    assert_eq!(table.record_batch().column_by_name("age").unwrap().null_count(), 1);
    assert_eq!(table.kind("x_1").unwrap(), ColumnKind::Categorical);
}

#[test]
fn lists_of_several_lengths() {
    let ragged = parquet(vec![("x", lists(&[&[1.0, 2.0], &[3.0]]))]);
    assert_eq!(
        message("e.parquet", &ragged),
        "e.parquet: column `x` has a list of another length, or with a gap, in row 2"
    );
}

#[test]
fn dates_below_a_file_without_any() {
    let days: ArrayRef = Arc::new(Date32Array::from(vec![19_000, 19_100, 19_200, 19_300]));
    let rows: ArrayRef = Arc::new(Int64Array::from(vec![3, 4, 5, 6]));
    let dated = parquet(vec![("row", rows), ("day", days)]);
    let undated = Source::bytes("undated.csv", b"row,day\n1,\n2,\n".as_slice());
    let table = Table::read_all(
        &[undated, Source::bytes("dated.parquet", dated.as_slice())],
        &ReadOptions::default(),
    )
    .unwrap();
    assert_eq!(table.profiles()[1].kind.to_string(), "date");
}

#[test]
fn a_damaged_file() {
    let text = message("e.parquet", b"no columns");
    assert!(text.starts_with("e.parquet cannot be read as Parquet: "), "{text}");
}
