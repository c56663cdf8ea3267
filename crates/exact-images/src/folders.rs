//! Folders of PNG and JPEG files, one folder a class.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use exact_data::{DataError, sort_names};
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader};
use rayon::prelude::*;

use crate::files::{list, name_of};
use crate::jpeg_end::is_cut_short;
use crate::resize::{check, resize};
use crate::{ImageDataset, ImageError, ImageSize, Images, planes};

/// The folders of training and of test images.
pub(crate) struct Folders {
    train: PathBuf,
    test: PathBuf,
}

/// An image file with its class.
struct ImageFile {
    path: PathBuf,
    label: u32,
}

/// What the head of an image file says.
struct Head {
    size: ImageSize,
    is_grey: bool,
}

/// Finds `train` and `val` or `test`; an error if only `train` is there.
pub(crate) fn find(path: &Path) -> Result<Option<Folders>, ImageError> {
    let train = path.join("train");
    if !train.is_dir() {
        return Ok(None);
    }
    let test = ["val", "test"].map(|name| path.join(name)).into_iter().find(|folder| folder.is_dir());
    match test {
        Some(test) => Ok(Some(Folders { train, test })),
        None => Err(ImageError::IncompleteLayout { path: path.into(), missing: vec!["val".into()] }),
    }
}

impl Folders {
    /// Reads both sets.
    pub fn read(&self, resize: Option<ImageSize>) -> Result<ImageDataset, ImageError> {
        let mut classes = class_folders(&self.train)?;
        sort_names(&mut classes);
        let test_classes = class_folders(&self.test)?;
        let lacking = |some: &[String], others: &[String]| -> Vec<String> {
            some.iter().filter(|class| !others.contains(class)).cloned().collect()
        };
        let unknown = lacking(&test_classes, &classes);
        if !unknown.is_empty() {
            return Err(ImageError::UnknownClassFolders { folder: self.test.clone(), unknown, classes });
        }
        let missing = lacking(&classes, &test_classes);
        if !missing.is_empty() {
            return Err(ImageError::MissingClassFolders { folder: self.test.clone(), missing });
        }
        let (train, test) = (image_files(&self.train, &classes)?, image_files(&self.test, &classes)?);
        let heads = heads(&train)?;
        let channels = if heads.iter().all(|head| head.is_grey) { 1 } else { 3 };
        let size = match resize {
            Some(size) => {
                check(size)?;
                size
            }
            None => common_size(&train, &heads, &test)?,
        };
        let train = decode(&train, channels, size, classes.clone())?;
        ImageDataset::new(train, decode(&test, channels, size, classes)?)
    }
}

fn class_folders(folder: &Path) -> Result<Vec<String>, ImageError> {
    let paths = list(folder)?;
    let classes: Vec<String> = paths.iter().filter(|path| path.is_dir()).map(|path| name_of(path)).collect();
    if classes.is_empty() {
        return Err(ImageError::NoImages { place: folder.display().to_string() });
    }
    Ok(classes)
}

/// The image files of all classes, class by class and sorted by name.
fn image_files(folder: &Path, classes: &[String]) -> Result<Vec<ImageFile>, ImageError> {
    let mut files = Vec::new();
    for (class, label) in classes.iter().zip(0..) {
        let (folder, before) = (folder.join(class), files.len());
        for path in list(&folder)? {
            match ImageFormat::from_path(&path) {
                Ok(ImageFormat::Png | ImageFormat::Jpeg) => files.push(ImageFile { path, label }),
                Ok(_) => return Err(damaged(&path, "only PNG and JPEG files are read")),
                Err(_) => {}
            }
        }
        if files.len() == before {
            return Err(ImageError::NoImages { place: folder.display().to_string() });
        }
    }
    Ok(files)
}

fn heads(files: &[ImageFile]) -> Result<Vec<Head>, ImageError> {
    let head = |file: &ImageFile| {
        let open = || ImageReader::open(&file.path)?.with_guessed_format();
        let reader = open().map_err(|error| unreadable(&file.path, error))?;
        let decoder = reader.into_decoder().map_err(|error| damaged(&file.path, error))?;
        let (width, height) = decoder.dimensions();
        let size = ImageSize { height: height as usize, width: width as usize };
        Ok(Head { size, is_grey: !decoder.color_type().has_color() })
    };
    first_error(files.par_iter().map(head))
}

/// The size of all images; if they have several, the error takes that of most training images for the right
/// one.
fn common_size(
    train: &[ImageFile],
    heads_of_train: &[Head],
    test: &[ImageFile],
) -> Result<ImageSize, ImageError> {
    let mut counts = HashMap::new();
    for head in heads_of_train {
        *counts.entry((head.size.height, head.size.width)).or_insert(0) += 1;
    }
    let most = counts.into_iter().max_by_key(|&(size, count)| (count, size));
    let ((height, width), _) = most.expect("each class of training has images");
    let size = ImageSize { height, width };
    let heads_of_test = heads(test)?;
    let all = train.iter().chain(test).zip(heads_of_train.iter().chain(&heads_of_test));
    let (usual, others): (Vec<_>, Vec<_>) = all.partition(|(_, head)| head.size == size);
    let name = |file: &ImageFile| file.path.display().to_string();
    match usual.first() {
        Some((example, _)) if !others.is_empty() => Err(ImageError::MixedSizes {
            example: name(example),
            size,
            others: others.into_iter().map(|(file, head)| (name(file), head.size)).collect(),
        }),
        _ => Ok(size),
    }
}

/// The pixels of all files, scaled if need be; `size` is what they then have.
fn decode(
    files: &[ImageFile],
    channels: usize,
    size: ImageSize,
    class_names: Vec<String>,
) -> Result<Images, ImageError> {
    let length = channels * size.height * size.width;
    let mut pixels = Vec::new();
    let n_pixels = files.len().saturating_mul(length);
    if let Err(error) = pixels.try_reserve_exact(n_pixels) {
        let problem = format!("of {} images of {size} does not fit into memory: {error}", files.len());
        return Err(DataError::Inconsistent { what: "array", problem }.into());
    }
    pixels.resize(n_pixels, 0);
    let decode = |(file, pixels): (&ImageFile, &mut [u8])| {
        let mut image = read(&file.path)?;
        if (image.height() as usize, image.width() as usize) != (size.height, size.width) {
            image = resize(&image, size);
        }
        pixels.copy_from_slice(&planes::split(&image, channels));
        Ok(())
    };
    first_error(files.par_iter().zip(pixels.par_chunks_exact_mut(length)).map(decode))?;
    let labels = files.iter().map(|file| file.label).collect();
    Images::new(pixels, channels, size, labels, class_names)
}

/// The results of all files; of several errors, that of the first file, whatever the number of threads.
fn first_error<T: Send>(
    results: impl IndexedParallelIterator<Item = Result<T, ImageError>>,
) -> Result<Vec<T>, ImageError> {
    let results: Vec<_> = results.collect();
    results.into_iter().collect()
}

/// Reads one image, of the format that its content has.
fn read(path: &Path) -> Result<DynamicImage, ImageError> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, error))?;
    if is_cut_short(&bytes) {
        return Err(damaged(path, "the file is cut short"));
    }
    let reader = ImageReader::new(Cursor::new(bytes));
    let reader = reader.with_guessed_format().map_err(|error| unreadable(path, error))?;
    reader.decode().map_err(|error| damaged(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> DataError {
    DataError::Read { file: path.display().to_string(), error }
}

fn damaged(path: &Path, problem: impl fmt::Display) -> ImageError {
    ImageError::ImageFile { path: path.into(), problem: problem.to_string() }
}
