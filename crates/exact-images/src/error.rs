//! What can be wrong with data sets of images, where, and how to mend it.

use std::path::PathBuf;

use exact_data::DataError;
use exact_data::message::{count, did_you_mean, first, list};

use crate::ImageSize;

/// Why images cannot be read, prepared or downloaded.
///
/// The message says what is wrong and where; [`ImageError::hint`] says how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A file cannot be read or written, or arrays or settings are not what they should be.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file of images or labels ends too early.
    #[error("{file} ends at byte {offset}, within {record}")]
    Truncated {
        /// The file.
        file: String,
        /// The length of its content, decompressed.
        offset: u64,
        /// What is cut off.
        record: String,
    },
    /// A file of images or labels is longer than its header says.
    #[error("{file} goes on at byte {offset}, where its header says that it ends")]
    TrailingBytes {
        /// The file.
        file: String,
        /// The first byte too many, counted from 0 after decompression.
        offset: u64,
    },
    /// The bytes at some place of a file are not those of its format.
    #[error("{file}, byte {offset}: expected {expected}, found {found}")]
    WrongFormat {
        /// The file.
        file: String,
        /// The byte, counted from 0 after decompression.
        offset: u64,
        /// What the format has there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A file of images and its file of labels do not belong together.
    #[error("{images_file} holds {}, {labels_file} {}", count(*images, "image"), count(*labels, "label"))]
    LabelCount {
        /// The file of images.
        images_file: String,
        /// Its number of images.
        images: usize,
        /// The file of labels.
        labels_file: String,
        /// Its number of labels.
        labels: usize,
    },
    /// The label of an image is not a class.
    #[error(
        "{file}, byte {offset}: the label of image {} is {label}, there are only {n_classes} classes",
        image + 1
    )]
    ImageLabel {
        /// The file.
        file: String,
        /// The byte of the label, counted from 0 after decompression.
        offset: u64,
        /// The image, counted from 0.
        image: usize,
        /// Its label.
        label: u32,
        /// The number of classes.
        n_classes: usize,
    },
    /// Images have different sizes.
    #[error(
        "{} of another size than {example}, which is {size}: {}",
        are_images(others.len()),
        sizes(others)
    )]
    MixedSizes {
        /// A file with the usual size.
        example: String,
        /// That size.
        size: ImageSize,
        /// The files with other sizes.
        others: Vec<(String, ImageSize)>,
    },
    /// A PNG or JPEG file is damaged, or a file is of another format.
    #[error("cannot decode {}: {problem}", path.display())]
    ImageFile {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        problem: String,
    },
    /// A folder or a file has no images.
    #[error("{place} holds no images")]
    NoImages {
        /// The folder or the file.
        place: String,
    },
    /// The folder of validation images lacks classes of training.
    #[error(
        "{} lacks {} of training: {}",
        folder.display(),
        count(missing.len(), "class folder"),
        list(missing)
    )]
    MissingClassFolders {
        /// The folder.
        folder: PathBuf,
        /// The classes it lacks.
        missing: Vec<String>,
    },
    /// The folder of validation images has classes that training lacks.
    #[error(
        "{} has {} that training lacks: {}",
        folder.display(),
        count(unknown.len(), "class folder"),
        list(unknown)
    )]
    UnknownClassFolders {
        /// The folder.
        folder: PathBuf,
        /// The classes that training lacks.
        unknown: Vec<String>,
        /// The classes of training.
        classes: Vec<String>,
    },
    /// A data set of images is there only in part.
    #[error("{} lacks {}", path.display(), list(missing))]
    IncompleteLayout {
        /// The folder or the archive.
        path: PathBuf,
        /// The files or folders that are missing.
        missing: Vec<String>,
    },
    /// A folder holds nothing that is known as a data set of images.
    #[error("{} is no data set of images that is known", path.display())]
    UnknownLayout {
        /// The folder or the file.
        path: PathBuf,
    },
    /// A set of images is not part of the program.
    #[error("the images of `{name}` are not bundled")]
    NotBundled {
        /// The set.
        name: String,
    },
    /// A set of images has no addresses to download it from.
    #[error("`{name}` cannot be downloaded")]
    NoDownload {
        /// The set.
        name: String,
    },
    /// A download failed on its way.
    #[error("cannot download {url}: {problem}")]
    Download {
        /// The address.
        url: String,
        /// What the server or the network said.
        problem: String,
    },
    /// A download is complete, and something else than what was expected; it has been removed.
    #[error("{url} is not the file that was expected: {problem}")]
    DamagedDownload {
        /// The address.
        url: String,
        /// What differs.
        problem: String,
    },
}

impl ImageError {
    /// How to mend it, where that can be said.
    ///
    /// ```
    /// let error = exact_images::ImageError::NotBundled { name: "mnist".into() };
    /// assert_eq!(error.to_string(), "the images of `mnist` are not bundled");
    /// assert_eq!(error.hint().unwrap(), "download them: `exact datasets --download mnist --to FOLDER`");
    /// ```
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Data(error) => return error.hint(),
            Self::Truncated { .. } | Self::TrailingBytes { .. } => {
                "the file is damaged or was not copied whole; copy it again".into()
            }
            Self::WrongFormat { .. } => "is it the file that its name says? if so, copy it again".into(),
            Self::LabelCount { .. } => "the two files must belong to the same images".into(),
            Self::ImageLabel { .. } => "is the file damaged, or its format another one?".into(),
            Self::MixedSizes { .. } => "scale the images to one size, or name a size to scale them to".into(),
            Self::ImageFile { .. } => "copy the file again, convert it to PNG or JPEG, or remove it".into(),
            Self::NoImages { .. } => "each class needs a folder with .png, .jpg or .jpeg files".into(),
            Self::MissingClassFolders { .. } => {
                "put images of these classes there, or remove the classes from training".into()
            }
            Self::UnknownClassFolders { unknown, classes, .. } => {
                let near = did_you_mean(unknown, classes);
                format!("{near}the classes of training are {}", list(classes))
            }
            Self::IncompleteLayout { .. } => "is this the right folder, and was it copied whole?".into(),
            Self::UnknownLayout { .. } => {
                "known are train-images-idx3-ubyte and its companions, data_batch_1.bin with test_batch.bin, \
                 train.bin with test.bin, train_32x32.mat with test_32x32.mat, and folders train/CLASS and \
                 val/CLASS with .png or .jpg files"
                    .into()
            }
            Self::NotBundled { name } => {
                format!("download them: `exact datasets --download {name} --to FOLDER`")
            }
            Self::NoDownload { .. } => "it is part of the program".into(),
            Self::Download { .. } => {
                "try again later: the download goes on where it stopped; or fetch the file by other means"
                    .into()
            }
            Self::DamagedDownload { .. } => {
                "what came was removed; try again, and if the same comes, the server has another file now"
                    .into()
            }
        };
        Some(hint)
    }
}

/// `1 image is`, `2 images are`.
fn are_images(n: usize) -> String {
    format!("{} {}", count(n, "image"), if n == 1 { "is" } else { "are" })
}

/// Files with their sizes, the first few of them.
fn sizes(files: &[(String, ImageSize)]) -> String {
    first(5, files, |(file, size)| format!("{file} ({size})"))
}
