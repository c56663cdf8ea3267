//! The recognition of what a folder holds.

use std::path::{Path, PathBuf};

use exact_data::{DataError, Source};

use crate::cifar::Cifar;
use crate::files::{Files, list, name_of, unpack};
use crate::idx::Idx;
use crate::svhn::Svhn;
use crate::{ImageDataset, ImageError, ImageSize, folders, labels, parquet};

impl ImageDataset {
    /// Reads the data set at a path, which is recognised by the names of its files:
    ///
    /// | files | format |
    /// |---|---|
    /// | `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…`, plain or `.gz` | IDX, as of MNIST |
    /// | `data_batch_*.bin`, `test_batch.bin` | CIFAR-10 |
    /// | `train.bin`, `test.bin` | CIFAR-100, of which the 100 classes are read |
    /// | `train_32x32.mat`, `test_32x32.mat` | the cropped digits of SVHN |
    /// | `train*.parquet`, `test*.parquet`, also in the folder `data` | Parquet, as of the Hugging Face hub |
    /// | `train/CLASS/**`, and `test/CLASS/**` or `val/CLASS/**` | PNG, JPEG, WebP, BMP, GIF and TIFF files |
    /// | `CLASS/**` | the same |
    ///
    /// The files of IDX, CIFAR and SVHN may also lie in a tar archive, plain or compressed, as CIFAR is
    /// published; the path is then that of the archive or of the folder that holds it alone.
    ///
    /// The classes of IDX are the numbers from 0 to the largest label of training, those of SVHN the digits;
    /// those of CIFAR are named by its `batches.meta.txt` or `fine_label_names.txt` if that is there, else by
    /// numbers. In folders, the classes are the sub-folders of `train`, sorted by value if all names are
    /// numbers, else by their bytes, and within each the files of all folders below it are sorted by name.
    /// What is hidden, of the system or no image by its name is left out. `train` may also be called
    /// `training`; images to test on are in the first of `test`, `testing`, `val`, `valid` and `validation`
    /// that has folders of classes. Where there is none, the same fifth of the images of each class is always
    /// held out to test on, with a warning.
    ///
    /// Parquet files have a column `image`, a struct with the `bytes` of a file, or else the only such
    /// column, and a column `label`, or else the only one of the type `ClassLabel`: numbers, named by the
    /// metadata `huggingface` if it is there, or texts.
    ///
    /// Images are read as they are looked at: turned as their Exif data say, of several pictures the first.
    /// They are grey if all of training are, else red, green and blue; transparency is dropped. With
    /// `resize`, they are scaled as by [`ImageDataset::resized`]. Else images of one size stay as they are,
    /// and those of several sizes are scaled, with a warning, to a square of the median of their shorter
    /// sides, at most 224.
    ///
    /// # Errors
    /// [`ImageError`]: nothing that is known is there, a file is missing, damaged or cut short (all such
    /// images are named), has more than 2^27 pixels, the numbers of labels and images differ, a label is out
    /// of range, a class of training is missing from the images to test on, or the other way round, has no
    /// images or is the only one.
    ///
    /// # Example
    /// ```
    /// use exact_images::ImageDataset;
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
    pub fn open(path: &Path, resize: Option<ImageSize>) -> Result<Self, ImageError> {
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
                Files { folder, sources: sources.collect::<Result<_, ImageError>>()? }
            }
        };
        let dataset = if let Some(idx) = Idx::find(&files)? {
            idx.read(None)?
        } else if let Some(cifar) = Cifar::find(&files)? {
            cifar.read()?
        } else if let Some(svhn) = Svhn::find(&files)? {
            svhn.read()?
        } else if let Some(files) = parquet::find(path)? {
            return files.parts()?.read(resize);
        } else if let Some(folders) = folders::find(path)? {
            return folders.parts()?.read(resize);
        } else {
            return Err(ImageError::UnknownLayout { path: path.into() });
        };
        match resize {
            Some(size) => dataset.resized(size),
            None => Ok(dataset),
        }
    }

    /// Reads the images that a list names with their labels: a table, such as CSV, with the columns `file`
    /// and `label`. Paths are relative to `folder`, or else to the folder of the list. A fifth of the images
    /// of each class is held out to test on, and images are read as by [`ImageDataset::open`].
    ///
    /// # Errors
    /// [`ImageError`]: the list cannot be read, has no such columns, a single class, or files twice or that
    /// are not there; an image cannot be read.
    ///
    /// # Example
    /// ```
    /// use exact_images::{ImageDataset, ImageSize, Images};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let size = ImageSize { height: 1, width: 1 };
    /// let image = Images::new(vec![7], 1, size, vec![0], vec!["grey".into()])?.png(0)?;
    /// let mut list = String::from("file,label\n");
    /// for number in 0..10 {
    ///     std::fs::write(folder.path().join(format!("{number}.png")), &image)?;
    ///     list += &format!("{number}.png,{}\n", ["cat", "dog"][number % 2]);
    /// }
    /// let path = folder.path().join("labels.csv");
    /// std::fs::write(&path, list)?;
    /// let dataset = ImageDataset::labelled(&path, None, None)?;
    /// assert_eq!(dataset.train.class_names(), ["cat", "dog"]);
    /// assert_eq!((dataset.train.len(), dataset.test.len()), (8, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn labelled(
        list: &Path,
        folder: Option<&Path>,
        resize: Option<ImageSize>,
    ) -> Result<Self, ImageError> {
        labels::parts(list, folder)?.read(resize)
    }
}
