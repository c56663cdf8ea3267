//! A training and a test set of images, and the recognition of what a folder holds.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::cifar::Cifar;
use super::idx::Idx;
use super::svhn::Svhn;
use super::{ImageSize, Images, folders};
use crate::{DataError, Source};

/// Images to train on and images to test on, of the same shape and with the same classes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageDataset {
    /// The images to train on.
    pub train: Images,
    /// The images to test on.
    pub test: Images,
}

impl ImageDataset {
    /// A data set of two sets of images.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if their channels, sizes or classes differ.
    pub fn new(train: Images, test: Images) -> Result<Self, DataError> {
        let shape = |images: &Images| (images.channels(), images.size());
        let problem = if shape(&train) != shape(&test) {
            format!(
                "has training images of {} with {} channels, test images of {} with {}",
                train.size(),
                train.channels(),
                test.size(),
                test.channels()
            )
        } else if train.class_names() != test.class_names() {
            "has other classes for testing than for training".into()
        } else {
            return Ok(Self { train, test });
        };
        Err(DataError::Inconsistent { what: "image data set", problem })
    }

    /// Reads the data set at a path, which is recognised by the names of its files:
    ///
    /// | files | format |
    /// |---|---|
    /// | `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…`, each plain or `.gz` | IDX, as of MNIST |
    /// | `data_batch_*.bin`, `test_batch.bin` | CIFAR-10 |
    /// | `train.bin`, `test.bin` | CIFAR-100, of which the 100 classes are read |
    /// | `train_32x32.mat`, `test_32x32.mat` | the cropped digits of SVHN |
    /// | `train/CLASS/*`, and `val/CLASS/*` or `test/CLASS/*` | PNG and JPEG files |
    ///
    /// The files of all but the last may also lie in a tar archive, plain or compressed, as CIFAR is published; the path
    /// is then that of the archive or of the folder that holds it alone.
    ///
    /// The classes of IDX are the numbers from 0 to the largest label of training, those of SVHN the digits; those of CIFAR are named by its
    /// `batches.meta.txt` or `fine_label_names.txt` if that is there, else by numbers. In folders, the classes are the
    /// sub-folders of `train`, sorted by value if all names are numbers, else by their bytes, and within each the files
    /// are sorted by name. Hidden files and those that are no images by their names are left out. Images are
    /// read as grey if all of training are, else as red, green and blue; transparency is dropped.
    ///
    /// With `resize`, images are scaled as by [`Images::resized`].
    ///
    /// # Errors
    /// [`DataError`]: nothing that is known is there, a file is missing, damaged or cut short, the numbers of labels and
    /// images differ, a label is out of range, a class of training is missing from validation or has no images, or
    /// images have different sizes while
    /// `resize` is `None`.
    ///
    /// # Example
    /// ```
    /// use exact_data::ImageDataset;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let header = |kind: u8, dimensions: &[u8]| {
    /// #     let dimensions = dimensions.iter().flat_map(|&length| [0, 0, 0, length]);
    /// #     [0, 0, 8, kind].into_iter().chain(dimensions).collect::<Vec<u8>>()
    /// # };
    /// # for set in ["train", "t10k"] {
    /// #     let images = [header(3, &[2, 2, 2]), vec![7; 8]].concat();
    /// #     std::fs::write(folder.path().join(format!("{set}-images-idx3-ubyte")), images)?;
    /// #     let labels = [header(1, &[2]), vec![0, 1]].concat();
    /// #     std::fs::write(folder.path().join(format!("{set}-labels-idx1-ubyte")), labels)?;
    /// # }
    /// // `folder` holds train-images-idx3-ubyte and the other files of MNIST.
    /// let dataset = ImageDataset::open(folder.path(), None)?;
    /// assert_eq!(dataset.train.len(), 2);
    /// assert_eq!(dataset.train.class_names(), ["0", "1"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: &Path, resize: Option<ImageSize>) -> Result<Self, DataError> {
        let metadata = path.metadata();
        let metadata =
            metadata.map_err(|error| DataError::Read { file: path.display().to_string(), error })?;
        let paths = if metadata.is_dir() { list(path)? } else { vec![path.into()] };
        let is_archive = |path: &&PathBuf| {
            let name = name_of(path);
            [".tar", ".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
        };
        let archives: Vec<&PathBuf> = paths.iter().filter(is_archive).collect();
        let folder = path.display().to_string();
        let files = match archives.as_slice() {
            [archive] if paths.len() == 1 => Files { folder, sources: unpack(archive)? },
            _ => {
                let files = paths.iter().filter(|path| path.is_file());
                let sources = files.map(|path| Ok((name_of(path), Source::file(path)?)));
                Files { folder, sources: sources.collect::<Result<_, DataError>>()? }
            }
        };
        let dataset = if let Some(idx) = Idx::find(&files)? {
            idx.read(None)?
        } else if let Some(cifar) = Cifar::find(&files)? {
            cifar.read()?
        } else if let Some(svhn) = Svhn::find(&files)? {
            svhn.read()?
        } else if let Some(folders) = folders::find(path)? {
            return folders.read(resize);
        } else {
            return Err(DataError::UnknownLayout { path: path.into() });
        };
        match resize {
            Some(size) => dataset.resized(size),
            None => Ok(dataset),
        }
    }

    /// The data set with all images scaled as by [`Images::resized`].
    ///
    /// # Errors
    /// Those of [`Images::resized`].
    pub fn resized(&self, size: ImageSize) -> Result<Self, DataError> {
        Self::new(self.train.resized(size)?, self.test.resized(size)?)
    }
}

/// The files of a folder or an archive, by their names and sorted by them.
pub(super) struct Files<'a> {
    pub folder: String,
    pub sources: Vec<(String, Source<'a>)>,
}

impl<'a> Files<'a> {
    /// The first of some files that is there.
    pub fn get(&self, names: &[&str]) -> Option<&Source<'a>> {
        let find = |name| self.sources.iter().find(|(file, _)| file == name).map(|(_, source)| source);
        names.iter().copied().find_map(find)
    }

    /// The files whose names begin and end so.
    pub fn matching(&self, start: &str, end: &str) -> impl Iterator<Item = &Source<'a>> {
        let matches = move |name: &str| name.starts_with(start) && name.ends_with(end);
        self.sources.iter().filter(move |(name, _)| matches(name)).map(|(_, source)| source)
    }

    /// That files are missing beside those that are there.
    pub fn incomplete(&self, missing: Vec<String>) -> DataError {
        DataError::IncompleteLayout { path: self.folder.clone().into(), missing }
    }
}

/// What a folder contains, sorted by name, without hidden files.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let read = || {
        let paths = folder.read_dir()?.map(|entry| Ok(entry?.path()));
        paths.collect::<std::io::Result<Vec<PathBuf>>>()
    };
    let mut paths = read().map_err(|error| DataError::Read { file: folder.display().to_string(), error })?;
    paths.retain(|path| !name_of(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

/// The last part of a path.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of a tar archive, plain or compressed, whatever their folders.
pub(super) fn unpack(archive: &Path) -> Result<Vec<(String, Source<'static>)>, DataError> {
    let source = Source::file(archive)?;
    let content = source.open()?;
    let read = || {
        let mut files = Vec::new();
        for entry in tar::Archive::new(content).entries()? {
            let mut entry = entry?;
            let name = name_of(&entry.path()?);
            if entry.header().entry_type().is_file() && !name.starts_with('.') {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                let source = Source::bytes(&format!("{}/{name}", archive.display()), bytes);
                files.push((name, source));
            }
        }
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(files)
    };
    read().map_err(|error| DataError::Read { file: source.name().into(), error })
}
