//! Parquet files of images, as the Hugging Face hub has them.
//!
//! An image is a struct of the bytes of its file and its name. A label is a number, whose name is in the JSON
//! that the metadata have under the key `huggingface`, or a text. Reference: the documentation of the library
//! `datasets`, features `Image` and `ClassLabel`.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use exact_data::{DataError, guarded, sort_names};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::FileMetaData;
use serde::Deserialize;

use crate::encoded::EncodedImage;
use crate::files::{list, name_of};
use crate::parts::{Part, Parts};
use crate::splits::{is_for_training, test_rank};
use crate::{ImageError, ImageWarning};

const FORMAT: &str = "Parquet";
const METADATA: &str = "huggingface";
/// Images of a batch, which are copied out of it.
const BATCH: usize = 256;

/// The files to train on, and those to test on if there are others for that.
pub(crate) struct ParquetFiles {
    place: String,
    train: Vec<PathBuf>,
    test: Vec<PathBuf>,
    warnings: Vec<ImageWarning>,
}

/// What the metadata say of columns, by their names.
#[derive(Deserialize)]
struct Described {
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    features: HashMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct ClassLabel {
    names: Vec<String>,
}

/// Finds the files of a folder, or in its folder `data`, or one file whatever its name says.
pub(crate) fn find(path: &Path) -> Result<Option<ParquetFiles>, ImageError> {
    let is_parquet = |path: &PathBuf| {
        path.is_file() && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
    };
    let place = path.display().to_string();
    if path.is_file() {
        let file = path.to_path_buf();
        let files = |train| ParquetFiles { place, train, test: Vec::new(), warnings: Vec::new() };
        return Ok(is_parquet(&file).then(|| files(vec![file])));
    }
    let below = path.join("data");
    let mut files = list(path)?;
    files.retain(is_parquet);
    if files.is_empty() && below.is_dir() {
        files = list(&below)?;
        files.retain(is_parquet);
    }
    if files.is_empty() {
        return Ok(None);
    }
    let (mut train, others): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|path| is_for_training(&split_of(path)));
    let rank = others.iter().filter_map(|path| test_rank(&split_of(path))).min();
    let (test, mut unread): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|path| rank.is_some() && test_rank(&split_of(path)) == rank);
    if train.is_empty() {
        // Names that say nothing.
        train = std::mem::take(&mut unread);
    }
    if train.is_empty() {
        return Err(ImageError::IncompleteLayout {
            path: place.into(),
            missing: vec!["train*.parquet".into()],
        });
    }
    let names: Vec<String> = unread.iter().map(|path| name_of(path)).collect();
    let mut warnings = Vec::new();
    if let (false, Some(test)) = (names.is_empty(), test.first()) {
        warnings.push(ImageWarning::Unread { names, test: name_of(test) });
    }
    Ok(Some(ParquetFiles { place, train, test, warnings }))
}

/// What the name of a file begins with: `train` of `train-00000-of-00002.parquet`.
fn split_of(path: &Path) -> String {
    let name = name_of(path);
    name.split(['-', '_', '.']).next().unwrap_or_default().to_owned()
}

impl ParquetFiles {
    /// Reads the images of all files, still encoded.
    pub fn parts(self) -> Result<Parts, ImageError> {
        let Self { place, train, test, mut warnings } = self;
        let train = part(place.clone(), &train, &mut warnings)?;
        let test = if test.is_empty() { None } else { Some(part(place, &test, &mut warnings)?) };
        // Images to test on without labels cannot be measured on.
        let test = test.filter(|test| !test.images.is_empty());
        Ok(Parts { train, test, warnings })
    }
}

/// The images of some files, with the names of their classes in the order of the metadata, or else sorted.
fn part(place: String, files: &[PathBuf], warnings: &mut Vec<ImageWarning>) -> Result<Part, ImageError> {
    let mut classes = Classes::default();
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for path in files {
        let file = path.display().to_string();
        let rows = guarded(&file, FORMAT, || read(&file, path, &mut classes))?;
        let unlabelled = rows.iter().filter(|(_, label)| label.is_none()).count();
        if unlabelled > 0 {
            warnings.push(ImageWarning::Unlabelled { file, images: unlabelled });
        }
        for (image, label) in rows {
            if let Some(label) = label {
                images.push(image);
                labels.push(label);
            }
        }
    }
    let class_names = classes.sorted(&mut labels);
    Ok(Part { place, class_names, images, labels })
}

/// The names of classes by the numbers that they get.
#[derive(Default)]
struct Classes {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
    /// Whether the metadata give their order.
    declared: bool,
}

impl Classes {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(name.into(), number);
        self.names.push(name.into());
        number
    }

    /// The names in their order, and the labels changed to it.
    fn sorted(self, labels: &mut [u32]) -> Vec<String> {
        let mut names = self.names.clone();
        if !self.declared {
            sort_names(&mut names);
        }
        let places: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let new: Vec<u32> = self.names.iter().map(|name| places[name.as_str()]).collect();
        for label in labels {
            *label = new[*label as usize];
        }
        names
    }
}

/// The images of a file, and the numbers of their classes where they have a label.
fn read(
    file: &str,
    path: &Path,
    classes: &mut Classes,
) -> Result<Vec<(EncodedImage, Option<u32>)>, ImageError> {
    let damaged = |problem: String| DataError::DamagedFile { file: file.into(), format: FORMAT, problem };
    let open = File::open(path).map_err(|error| DataError::Read { file: file.into(), error })?;
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(open).map_err(|error| damaged(error.to_string()))?;
    let described = described(reader.metadata().file_metadata());
    let (image, label) = columns(file, reader.schema(), &described)?;
    let declared = described.get(&label);
    if let Some(names) = declared {
        classes.declared = true;
        for name in names {
            classes.number(name);
        }
    }
    let reader = reader.with_batch_size(BATCH).build().map_err(|error| damaged(error.to_string()))?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        let images = contents(&batch, &image).map_err(|row| {
            let row = rows.len() + row + 1;
            damaged(format!("row {row} has no bytes of an image, only the name of a file, or nothing"))
        })?;
        let values = batch.column_by_name(&label).expect("the schema has this column");
        let labels = names_of(values.as_ref(), declared)
            .ok_or_else(|| damaged(format!("its labels are of the type {}", values.data_type())))?;
        let labels = labels.map_err(|(row, label)| {
            let classes = declared.map_or(0, Vec::len);
            damaged(format!("row {} has the label {label} of {classes} classes", rows.len() + row + 1))
        })?;
        for (bytes, label) in images.into_iter().zip(labels) {
            let name = format!("{file}, row {}", rows.len() + 1);
            let number = label.map(|label| classes.number(&label));
            rows.push((EncodedImage::Bytes { name, bytes }, number));
        }
    }
    Ok(rows)
}

/// The names of classes of columns that have some.
fn described(metadata: &FileMetaData) -> HashMap<String, Vec<String>> {
    let entries = metadata.key_value_metadata().into_iter().flatten();
    let text = entries.filter(|entry| entry.key == METADATA).find_map(|entry| entry.value.as_deref());
    let described: Option<Described> = text.and_then(|text| serde_json::from_str(text).ok());
    let features = described.map(|described| described.info.features).unwrap_or_default();
    let names = |(column, feature)| Some((column, serde_json::from_value::<ClassLabel>(feature).ok()?.names));
    features.into_iter().filter_map(names).collect()
}

/// The columns of the images and of the labels.
fn columns(
    file: &str,
    schema: &Schema,
    described: &HashMap<String, Vec<String>>,
) -> Result<(String, String), ImageError> {
    let names = || schema.fields().iter().map(|field| field.name());
    let choose = |usual: &str, what: &'static str, is_one: &dyn Fn(&String) -> bool| {
        let some: Vec<&String> = names().filter(|name| is_one(name)).collect();
        let usual = some.iter().find(|name| name.as_str() == usual);
        match (usual, some.as_slice()) {
            (Some(name), _) | (None, [name]) => Ok((*name).clone()),
            _ => Err(ImageError::NoColumn { file: file.into(), what, columns: names().cloned().collect() }),
        }
    };
    let is_image = |name: &String| match schema.field_with_name(name).map(Field::data_type) {
        Ok(DataType::Struct(fields)) => fields.iter().any(|field| field.name() == "bytes"),
        Ok(kind) => kind.is_binary(),
        Err(_) => false,
    };
    let image = choose("image", "images, a struct with `bytes`", &is_image)?;
    let is_label = |name: &String| name == "label" || described.contains_key(name);
    Ok((image, choose("label", "labels, called `label`", &is_label)?))
}

/// The bytes of the images of a batch, or the first row without any.
fn contents(batch: &RecordBatch, column: &str) -> Result<Vec<Vec<u8>>, usize> {
    let images = batch.column_by_name(column).expect("the schema has this column");
    let bytes = match images.as_struct_opt() {
        Some(images) => images.column_by_name("bytes").expect("the column was chosen for it"),
        None => images,
    };
    let rows: Vec<Option<&[u8]>> = if let Some(bytes) = bytes.as_binary_opt::<i32>() {
        bytes.iter().collect()
    } else if let Some(bytes) = bytes.as_binary_opt::<i64>() {
        bytes.iter().collect()
    } else if let Some(bytes) = bytes.as_binary_view_opt() {
        bytes.iter().collect()
    } else {
        vec![None; bytes.len()]
    };
    rows.into_iter().enumerate().map(|(row, bytes)| bytes.map(<[u8]>::to_vec).ok_or(row)).collect()
}

/// The class of each row of a column of labels, where it has one: a number below 0 stands for none.
type ClassesOfRows = Vec<Option<String>>;

/// The classes of a column, or a row with a number that has no name; `None` if labels are neither texts nor
/// whole numbers.
fn names_of(
    labels: &dyn Array,
    declared: Option<&Vec<String>>,
) -> Option<Result<ClassesOfRows, (usize, i64)>> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    if let Some(labels) = labels.as_string_opt::<i32>() {
        return Some(Ok(labels.iter().map(owned).collect()));
    }
    if let Some(labels) = labels.as_string_opt::<i64>() {
        return Some(Ok(labels.iter().map(owned).collect()));
    }
    if let Some(labels) = labels.as_string_view_opt() {
        return Some(Ok(labels.iter().map(owned).collect()));
    }
    let name = |(row, label): (usize, Option<i64>)| {
        let Some(label) = label.filter(|label| *label >= 0) else { return Ok(None) };
        match declared {
            Some(names) => names.get(label as usize).cloned().map(Some).ok_or((row, label)),
            None => Ok(Some(label.to_string())),
        }
    };
    Some(integers(labels)?.into_iter().enumerate().map(name).collect())
}

/// Whole numbers of any width.
fn integers(array: &dyn Array) -> Option<Vec<Option<i64>>> {
    fn of<T: ArrowPrimitiveType>(array: &dyn Array) -> Option<Vec<Option<i64>>>
    where
        T::Native: TryInto<i64>,
    {
        let values = array.as_primitive_opt::<T>()?;
        Some(values.iter().map(|value| value.and_then(|value| value.try_into().ok())).collect())
    }
    of::<Int64Type>(array)
        .or_else(|| of::<Int32Type>(array))
        .or_else(|| of::<Int16Type>(array))
        .or_else(|| of::<Int8Type>(array))
        .or_else(|| of::<UInt64Type>(array))
        .or_else(|| of::<UInt32Type>(array))
        .or_else(|| of::<UInt16Type>(array))
        .or_else(|| of::<UInt8Type>(array))
}
