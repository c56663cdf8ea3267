//! Parquet files of images.

use std::path::Path;
use std::sync::Arc;

use crate::common::{grey, png, rgb, write_hub};
use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray, StructArray};
use exact_images::{ImageDataset, ImageError, ImageWarning};
use parquet::arrow::ArrowWriter;

fn image(value: u8) -> Vec<u8> {
    png(grey(1, 2, value))
}

#[test]
fn files_of_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, images: &[(Vec<u8>, i64)]| {
        write_hub(&folder.path().join("data").join(name), images, &["zebra", "ape"]);
    };
    write("train-00000-of-00002.parquet", &[(image(1), 0), (image(2), 1)]);
    write("train-00001-of-00002.parquet", &[(image(3), 1)]);
    write("test-00000-of-00001.parquet", &[(image(4), 1), (image(5), -1)]);
    write("validation-00000-of-00001.parquet", &[(image(6), 0)]);
    let dataset = ImageDataset::open(folder.path(), None).unwrap();
    assert_eq!(dataset.train.class_names(), ["zebra", "ape"]);
    assert_eq!(dataset.train.labels(), [0, 1, 1]);
    assert_eq!(dataset.train.pixels(), [1, 1, 2, 2, 3, 3]);
    assert_eq!((dataset.test.labels(), dataset.test.pixels()), ([1].as_slice(), [4, 4].as_slice()));
    let warnings: Vec<String> = dataset.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings[0].starts_with("`validation-00000-of-00001.parquet` is left out"), "{warnings:?}");
    assert!(warnings[1].ends_with("test-00000-of-00001.parquet: 1 image without a label is left out"));

    // One file, of which a part is held out.
    let path = folder.path().join("test.parquet");
    let images: Vec<(Vec<u8>, i64)> = (0..10).map(|at| (image(at), i64::from(at % 2))).collect();
    write_hub(&path, &images, &["zebra", "ape"]);
    let dataset = ImageDataset::open(&path, None).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (8, 2));
    assert!(matches!(dataset.warnings.as_slice(), [ImageWarning::HeldOut { test: 2, images: 10, .. }]));
}

/// What `datasets` writes of local files, unless it is told to embed them.
#[test]
fn images_that_are_names_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.parquet");
    let bytes: ArrayRef = Arc::new(BinaryArray::from_iter([Some(image(1)), None]));
    let files = StructArray::try_from(vec![("bytes", bytes), ("path", texts(&["a.png", "b.png"]))]).unwrap();
    write_columns(&path, &[("image", Arc::new(files)), ("label", texts(&["a", "b"]))]);
    let error = ImageDataset::open(folder.path(), None).unwrap_err().to_string();
    assert!(
        error.ends_with("row 2 has no bytes of an image, only the name of a file, or nothing"),
        "{error}"
    );
}

fn write_columns(path: &Path, columns: &[(&str, ArrayRef)]) {
    let batch = RecordBatch::try_from_iter(columns.to_vec()).unwrap();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn binary(images: &[Vec<u8>]) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values(images))
}

fn texts(texts: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts))
}

#[test]
fn bytes_and_texts() {
    let folder = tempfile::tempdir().unwrap();
    let images = [png(rgb(1, 1, [1, 2, 3])), image(7)];
    for (name, labels) in [("train.parquet", ["b", "a"]), ("valid.parquet", ["a", "b"])] {
        let images = [("picture", binary(&images)), ("label", texts(&labels))];
        write_columns(&folder.path().join(name), &images);
    }
    let resize = exact_images::ImageSize { height: 1, width: 1 };
    let dataset = ImageDataset::open(folder.path(), Some(resize)).unwrap();
    assert_eq!(dataset.train.class_names(), ["a", "b"]);
    assert_eq!((dataset.train.labels(), dataset.test.labels()), ([1, 0].as_slice(), [0, 1].as_slice()));
    assert_eq!(dataset.train.pixels(), [1, 2, 3, 7, 7, 7]);
}

#[test]
fn files_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.parquet");
    let message = || {
        let error = ImageDataset::open(folder.path(), None).unwrap_err();
        error.to_string().replace(&format!("{}/", folder.path().display()), "")
    };
    std::fs::write(&path, "PAR1 no such thing").unwrap();
    assert!(message().starts_with("train.parquet cannot be read as Parquet: "), "{}", message());

    write_hub(&path, &[(image(1), 0), (image(2), 2)], &["ape", "bee"]);
    assert_eq!(message(), "train.parquet cannot be read as Parquet: row 2 has the label 2 of 2 classes");
    write_hub(
        &path,
        &[(image(1), 0), (b"no image".to_vec(), 1), (image(2), 1), (image(2), 0)],
        &["ape", "bee"],
    );
    assert!(message().starts_with("cannot decode train.parquet, row 2: "), "{}", message());
    write_hub(&path, &[(image(1), 1), (image(2), 1)], &["ape", "bee"]);
    assert!(message().ends_with("has images of the class `bee` alone"), "{}", message());

    write_columns(
        &path,
        &[("one", binary(&[image(1)])), ("two", binary(&[image(1)])), ("label", texts(&["a"]))],
    );
    let error = ImageDataset::open(folder.path(), None).unwrap_err();
    assert!(matches!(error, ImageError::NoColumn { .. }), "{error}");
    assert!(message().ends_with("its columns are `one`, `two`, `label`"), "{}", message());
    std::fs::rename(&path, folder.path().join("test.parquet")).unwrap();
    assert!(message().ends_with("lacks `train*.parquet`"), "{}", message());
}
