//! Files that need a feature of the crate name it, where the crate was built without it.

use exact_data::{ReadOptions, Source, Table};

fn failure(name: &str, bytes: &[u8]) -> (String, String) {
    let error = Table::read(&Source::bytes(name, bytes), &ReadOptions::default()).unwrap_err();
    (error.to_string(), error.hint().unwrap())
}

#[cfg(not(feature = "compression"))]
#[test]
fn compressed_text() {
    for head in [b"\x1f\x8b\x08\0".as_slice(), b"\x28\xb5\x2f\xfd\0"] {
        let (message, hint) = failure("t.csv", head);
        assert_eq!(message, "t.csv: this program was built without the reader of compressed files");
        assert_eq!(hint, "build with the feature `compression` of exact-data");
    }
}

#[cfg(not(feature = "arrays"))]
#[test]
fn arrays() {
    for (name, format) in [("e.npy", "NPY"), ("e.NPZ", "NPZ"), ("e.safetensors", "safetensors")] {
        let (message, hint) = failure(name, b"");
        assert_eq!(message, format!("{name}: this program was built without the reader of {format} files"));
        assert_eq!(hint, "build with the feature `arrays` of exact-data");
    }
}

#[test]
fn parquet() {
    let (message, hint) = failure("e.parquet", b"PAR1");
    assert_eq!(message, "e.parquet: this program was built without the reader of Parquet files");
    assert_eq!(hint, "build with the feature `parquet` of exact-data");
}
