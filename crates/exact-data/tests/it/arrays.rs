//! Files of arrays are read as tables.

use std::collections::HashMap;
use std::io::{Cursor, Write as _};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float64Type;
use exact_data::{ColumnKind, DataError, Encoder, EncoderOptions, LabelEncoder, ReadOptions, Source, Table};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// An NPY file of a description such as `<f4`, an order and a shape, in Python's words.
fn npy(description: &str, fortran_order: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let head = format!("{{'descr': {description}, 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.as_bytes());
    bytes.extend(values);
    bytes
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn i64s(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn npz(members: &[(&str, Vec<u8>)], compression: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(compression);
    for (name, bytes) in members {
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Two features of four rows, with integer labels.
fn embeddings() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("x", npy("'<f4'", "False", "(4, 2)", &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.5]))),
        ("labels", npy("'<i8'", "False", "(4,)", &i64s(&[10, 9, 10, 9]))),
    ]
}

pub fn read(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Table, DataError> {
    Table::read(&Source::bytes(name, bytes), options)
}

pub fn message(name: &str, bytes: &[u8]) -> String {
    let error = read(name, bytes, &ReadOptions::default()).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    error.to_string()
}

fn numbers(table: &Table, column: &str) -> Vec<f64> {
    table.record_batch().column_by_name(column).unwrap().as_primitive::<Float64Type>().values().to_vec()
}

/// What all formats hold, however they store it.
pub fn assert_embeddings(table: &Table) {
    assert_eq!(numbers(table, "x_0"), [1.0, 3.0, 5.0, 7.0]);
    assert_eq!(numbers(table, "x_1"), [2.0, 4.0, 6.0, 8.5]);
    assert_eq!((table.n_rows(), table.n_columns(), table.target()), (4, 3, Some("labels")));
    let (labels, _) = LabelEncoder::fit(table, "labels").unwrap();
    assert_eq!(labels.classes(), ["9", "10"]);
    assert_eq!(labels.transform(table, "labels").unwrap(), [1, 0, 1, 0]);
    let (encoder, _) = Encoder::fit(table, &EncoderOptions::default()).unwrap();
    assert_eq!(encoder.column_names(), ["x_0", "x_1"]);
}

#[test]
fn npz_archives() {
    let options = ReadOptions::with_target("labels");
    for compression in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        assert_embeddings(&read("e.npz", &npz(&embeddings(), compression), &options).unwrap());
    }
}

#[test]
fn arrays_of_every_kind_in_every_order() {
    let half = [0x00, 0x3c, 0x00, 0xc0]; // 1 and -2
    let text: Vec<u8> = "dogcat".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    let big_text: Vec<u8> = "dogcat".chars().flat_map(|c| (c as u32).to_be_bytes()).collect();
    let members = vec![
        ("columns", npy("'<f4'", "True", "(2, 3)", &f32s(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]))),
        ("big", npy("'>i2'", "False", "(2,)", &[1, 0, 0xff, 0xfe])),
        ("half", npy("'<f2'", "False", "(2,)", &half)),
        ("yes", npy("'|b1'", "False", "(2,)", &[0, 1])),
        ("bytes", npy("'|S3'", "False", "(2,)", b"ab\0abc")),
        ("row", npy("'>f8'", "True", "(2,)", &[1.5_f64, -2.0].map(f64::to_be_bytes).concat())),
        ("big_columns", npy("'>u4'", "True", "(2, 2)", &[1_u32, 3, 2, 4].map(u32::to_be_bytes).concat())),
        ("big_pet", npy("'>U3'", "False", "(2,)", &big_text)),
        ("pet", npy("'<U3'", "False", "(2,)", &text)),
    ];
    let table =
        read("e.NPZ", &npz(&members, zip::CompressionMethod::Stored), &ReadOptions::default()).unwrap();
    assert_eq!(numbers(&table, "columns_0"), [1.0, 4.0]);
    assert_eq!(numbers(&table, "columns_2"), [3.0, 6.0]);
    assert_eq!(numbers(&table, "big"), [256.0, -2.0]);
    assert_eq!(numbers(&table, "half"), [1.0, -2.0]);
    assert_eq!(numbers(&table, "yes"), [0.0, 1.0]);
    for column in ["bytes", "pet"] {
        assert_eq!(table.kind(column).unwrap(), ColumnKind::Categorical);
    }
    assert_eq!(numbers(&table, "row"), [1.5, -2.0]);
    assert_eq!(numbers(&table, "big_columns_0"), [1.0, 3.0]);
    assert_eq!(numbers(&table, "big_columns_1"), [2.0, 4.0]);
    for (column, texts) in [("pet", ["dog", "cat"]), ("big_pet", ["dog", "cat"]), ("bytes", ["ab", "abc"])] {
        let column = table.record_batch().column_by_name(column).unwrap();
        let found = column.as_any_dictionary().values();
        assert_eq!(found.as_string::<i64>().iter().collect::<Vec<_>>(), texts.map(Some));
    }
}

#[test]
fn a_single_array_with_the_labels_in_a_column() {
    let bytes =
        npy("'<f4'", "False", "(4, 3)", &f32s(&[1.0, 2.0, 1.0, 3.0, 4.0, 0.0, 5.0, 6.0, 1.0, 7.0, 8.5, 0.0]));
    let table = read("e.npy", &bytes, &ReadOptions::with_target("x_2")).unwrap();
    assert_eq!(LabelEncoder::fit(&table, "x_2").unwrap().0.classes(), ["0", "1"]);
    assert_eq!(numbers(&table, "x_1"), [2.0, 4.0, 6.0, 8.5]);
}

#[test]
fn tensors() {
    let (x, labels) = (f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.5]), i64s(&[10, 9, 10, 9]));
    let tensors = HashMap::from([
        ("x", TensorView::new(Dtype::F32, vec![4, 2], &x).unwrap()),
        ("labels", TensorView::new(Dtype::I64, vec![4], &labels).unwrap()),
    ]);
    let bytes = safetensors::serialize(tensors, None).unwrap();
    assert_embeddings(&read("e.safetensors", &bytes, &ReadOptions::with_target("labels")).unwrap());
}

/// A table that was encoded from one format is read from another as the encoder knows it.
#[test]
fn formats_can_be_mixed() {
    let options = ReadOptions::with_target("labels");
    let train = read("e.npz", &npz(&embeddings(), zip::CompressionMethod::Stored), &options).unwrap();
    let (encoder, _) = Encoder::fit(&train, &EncoderOptions::default()).unwrap();
    let bytes = npy("'<f8'", "False", "(1, 2)", &[1.0_f64, 2.0].map(f64::to_le_bytes).concat());
    let table = read("new.npy", &bytes, &encoder.read_options()).unwrap();
    let csv = read("new.csv", b"x_0,x_1\n1,2\n", &encoder.read_options()).unwrap();
    let encode = |table: &Table| encoder.transform(table).unwrap().dense().to_vec();
    assert_eq!(encode(&table), encode(&csv));
}

#[test]
fn files_that_are_damaged() {
    let whole = npz(&embeddings(), zip::CompressionMethod::Deflated);
    for bytes in [&whole[..whole.len() / 2], b"no archive"] {
        let text = message("e.npz", bytes);
        assert!(text.starts_with("e.npz cannot be read as a ZIP archive: "), "{text}");
    }
    let text = message("e.safetensors", b"no tensors");
    assert!(text.starts_with("e.safetensors cannot be read as safetensors: "), "{text}");
    let mut flipped = whole;
    flipped[80] ^= 0xff;
    let text = message("e.npz", &flipped);
    assert!(
        text.starts_with("e.npz cannot be read as a ZIP archive: `x.npy` cannot be unpacked: "),
        "{text}"
    );
    let array = npy("'<f4'", "False", "(2, 2)", &f32s(&[1.0; 4]));
    assert_eq!(
        message("e.npy", &array[..array.len() - 1]),
        "e.npy: the array `x` has 15 bytes of values, which are not the shape [2, 2]"
    );
    assert_eq!(message("e.npy", &array[..20]), "e.npy: the array `x` does not begin as an NPY file does");
}

#[test]
fn arrays_that_are_no_columns() {
    let of = |description: &str, shape: &str| message("e.npy", &npy(description, "False", shape, &[0; 8]));
    assert_eq!(
        of("'<f4'", "(1, 1, 2)"),
        "e.npy: the array `x` has the shape [1, 1, 2], of which only [n] and [n, d] are read"
    );
    assert_eq!(
        of("'<c8'", "(1,)"),
        "e.npy: the array `x` has values of the type <c8, of which only numbers and texts are read"
    );
    assert_eq!(
        of("[('a', '<f4')]", "(2,)"),
        "e.npy: the array `x` has values of the type of a record, of which only numbers and texts are read"
    );
    for shape in ["(99999999999999999999,)", "(18446744073709551615, 18446744073709551615)", "(-1,)", "3"] {
        assert!(of("'<f4'", shape).starts_with("e.npy: the array `x` has "), "{shape}");
    }
    assert_eq!(of("'<f4'", "3"), "e.npy: the array `x` has a head that is not one of an NPY file");
    for shape in ["(0, 2)", "(0, 18446744073709551615)", "(2, 0)"] {
        assert_eq!(
            message("e.npy", &npy("'<f4'", "False", shape, &[])),
            "e.npy has a header but no rows",
            "{shape}"
        );
    }
    let short = ("y", npy("'<f4'", "False", "(3,)", &f32s(&[1.0; 3])));
    let members: Vec<_> = embeddings().into_iter().chain([short]).collect();
    assert_eq!(
        message("e.npz", &npz(&members, zip::CompressionMethod::Stored)),
        "e.npz: the array `y` has 3 rows, `x_0` has 4"
    );
}

/// Replacing what is no text would make one category of several.
#[test]
fn texts_that_are_not_unicode() {
    let bytes = npy("'|S2'", "False", "(2,)", b"ab\xe9b");
    assert_eq!(message("e.npy", &bytes), "e.npy: the array `x` has a value that is not Unicode, number 2");
    let surrogate = npy("'<U1'", "False", "(1,)", &0xd800_u32.to_le_bytes());
    assert_eq!(
        message("e.npy", &surrogate),
        "e.npy: the array `x` has a value that is not Unicode, number 1"
    );
}

#[test]
fn values_and_columns_that_cannot_be_used() {
    let infinite = npy("'<f4'", "False", "(2, 1)", &f32s(&[1.0, f32::INFINITY]));
    assert_eq!(message("e.npy", &infinite), "e.npy, line 2, column `x_0`: `inf` is not a finite number");
    let nan = npy("'<f4'", "False", "(2, 1)", &f32s(&[1.0, f32::NAN]));
    let error = read(
        "e.npz",
        &npz(&embeddings(), zip::CompressionMethod::Stored),
        &ReadOptions::with_target("label"),
    );
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "e.npz has no column `label`");
    assert!(error.hint().unwrap().starts_with("did you mean `labels`?"));
    let table = read("e.npy", &nan, &ReadOptions::with_target("x_0")).unwrap();
    assert_eq!((table.n_rows(), table.warnings().len()), (1, 1), "a row without a label is left out");
}
