//! Compressed text is read as plain text.

use std::io::Write;

use exact_data::{DataError, ReadOptions, Source, Table, write_atomically};

use crate::reading::numbers;

/// A table of two columns, the first of which counts the rows.
fn rows(n: usize) -> String {
    let lines: Vec<String> = (0..n).map(|row| format!("{row},{}\n", row * row)).collect();
    format!("a,b\n{}", lines.concat())
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_read_as_plain_ones() {
    let folder = tempfile::tempdir().unwrap();
    let text = rows(1000);
    let halves = text.as_bytes().split_at(2000);
    let contents = [
        text.clone().into_bytes(),
        gzip(text.as_bytes()),
        [gzip(halves.0), gzip(halves.1)].concat(),
        zstd::encode_all(text.as_bytes(), 3).unwrap(),
        [zstd::encode_all(halves.0, 3).unwrap(), zstd::encode_all(halves.1, 3).unwrap()].concat(),
    ];
    let expected: Vec<_> = (0..1000).map(|row| Some(f64::from(row))).collect();
    for (at, content) in contents.iter().enumerate() {
        // What counts is the content, not the name.
        let path = folder.path().join(format!("table{at}.csv"));
        write_atomically(&path, |file| file.write_all(content)).unwrap();
        let table = Table::read(&Source::file(&path).unwrap(), &ReadOptions::default()).unwrap();
        assert_eq!(numbers(&table, "a"), expected, "content {at}");
        assert_eq!(table.line(999), 1001);
    }
}

#[test]
fn a_truncated_compressed_file_is_an_error() {
    let text = rows(10_000);
    for compressed in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 3).unwrap()] {
        for length in [compressed.len() / 2, compressed.len() - 1, 12] {
            let source = Source::bytes("table.csv", &compressed[..length]);
            let error = Table::read(&source, &ReadOptions::default()).unwrap_err();
            assert!(matches!(error, DataError::Read { .. }), "{error}");
            assert!(error.hint().unwrap().contains("cut short"), "{error:?}");
        }
    }
}
