//! What can be wrong with data sets of images, where, and how to mend it.

use std::path::PathBuf;

use exact_data::DataError;
use exact_data::message::{count, did_you_mean, first, list};

use crate::ImageSize;

/// Files that a message names.
const SHOWN: usize = 20;

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
    /// The file of an image is damaged, or of a format that is not read.
    #[error("cannot decode {file}: {problem}")]
    ImageFile {
        /// The file.
        file: String,
        /// What the decoder said.
        problem: String,
    },
    /// An image has more pixels than are read.
    #[error("{file} has {size} pixels, at most {most} are read")]
    TooManyPixels {
        /// The file.
        file: String,
        /// The size that its head says.
        size: ImageSize,
        /// The most pixels that are read.
        most: u64,
    },
    /// Several images cannot be read.
    #[error("{} cannot be read:{}", count(errors.len(), "image"), lines(errors))]
    ImageFiles {
        /// What is wrong with each of them.
        errors: Vec<ImageError>,
    },
    /// A list of labels names files that are not there.
    #[error("{list}: {}: {}", are_missing(files.len()), first(SHOWN, files, named))]
    MissingFiles {
        /// The list.
        list: String,
        /// The files, each with its line.
        files: Vec<(String, u64)>,
    },
    /// A list of labels names files more than once.
    #[error("{list}: {} twice: {}", are_named(files.len()), first(SHOWN, files, named_twice))]
    FilesTwice {
        /// The list.
        list: String,
        /// The files, each with the line before and the line that names it again.
        files: Vec<(String, u64, u64)>,
    },
    /// A file of images and labels has no column for them, or more than one.
    #[error("{file} has not one column of {what}: its columns are {}", list(columns))]
    NoColumn {
        /// The file.
        file: String,
        /// What the column would hold.
        what: &'static str,
        /// The columns.
        columns: Vec<String>,
    },
    /// Nothing is named as a pattern says.
    #[error("{pattern} matches nothing")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// Images are of a single class.
    #[error("{place} has images of the class `{class}` alone")]
    OneClass {
        /// The folder or the file.
        place: String,
        /// The class.
        class: String,
    },
    /// There are too few images to hold some out.
    #[error("{place} has {}, too few to hold some out to test on", count(*images, "image"))]
    TooFewImages {
        /// The folder or the file.
        place: String,
        /// The images.
        images: usize,
    },
    /// A network takes images of another number of channels than can be made of images.
    #[error("images cannot be read with {channels} channels, only with 1 or 3")]
    Channels {
        /// The channels.
        channels: usize,
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
    /// The images to test on have classes that those to train on lack.
    #[error("{place} has {} that training lacks: {}", classes_of(unknown.len()), list(unknown))]
    UnknownClasses {
        /// The folder or the file of the images to test on.
        place: String,
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
            Self::ImageFile { .. } => {
                "copy the file again, convert it to PNG or JPEG, or take it out of the folder".into()
            }
            Self::TooManyPixels { .. } => "scale it down, or take it out of the folder".into(),
            Self::ImageFiles { .. } => {
                "copy these files again, convert them to PNG or JPEG, or take them out of the folder".into()
            }
            Self::MissingFiles { .. } => {
                "paths in a list are relative to its folder, or to that of `--data`".into()
            }
            Self::FilesTwice { .. } => "leave one line of each file".into(),
            Self::NoColumn { .. } => {
                "name the columns `image` and `label`, as in the image data sets of the Hugging Face hub"
                    .into()
            }
            Self::NoMatch { .. } => {
                "`*` and `?` stand for any characters of a name, `**` for any folders".into()
            }
            Self::OneClass { .. } => {
                "a classifier needs images of at least two classes; is this the folder around the folders of \
                 the classes?"
                    .into()
            }
            Self::TooFewImages { .. } => {
                "add images, or put those to test on into a folder `test` beside the folder `train`".into()
            }
            Self::Channels { .. } => "predict with a network for grey or for coloured images".into(),
            Self::NoImages { .. } => {
                "images are files that end in .png, .jpg, .jpeg, .webp, .bmp, .gif, .tif or .tiff; to train, \
                 each class needs a folder of them, or a list of files and labels (`--labels`)"
                    .into()
            }
            Self::MissingClassFolders { .. } => {
                "put images of these classes there, or remove the classes from training".into()
            }
            Self::UnknownClasses { unknown, classes, .. } => {
                let near = did_you_mean(unknown, classes);
                format!("{near}the classes of training are {}", list(classes))
            }
            Self::IncompleteLayout { .. } => "is this the right folder, and was it copied whole?".into(),
            Self::UnknownLayout { .. } => {
                "known are train-images-idx3-ubyte and its companions, data_batch_1.bin with test_batch.bin, \
                 train.bin with test.bin, train_32x32.mat with test_32x32.mat, Parquet files of images, and \
                 folders train/CLASS and test/CLASS, or CLASS alone, with .png, .jpg or other images; for \
                 other folders, name a list of files and labels (`--labels`)"
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

impl ImageError {
    /// What is wrong with some images, if there is something.
    #[cfg(feature = "files")]
    pub(crate) fn of_all(mut errors: Vec<Self>) -> Option<Self> {
        if errors.len() > 1 { Some(Self::ImageFiles { errors }) } else { errors.pop() }
    }
}

/// Errors in lines of their own, the first few of them.
fn lines(errors: &[ImageError]) -> String {
    let more = errors.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = errors.iter().take(SHOWN).map(ToString::to_string).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    format!("\n  {}", lines.join("\n  "))
}

/// `1 file is not there`, `2 files are not there`.
fn are_missing(n: usize) -> String {
    format!("{} {} not there", count(n, "file"), if n == 1 { "is" } else { "are" })
}

/// `1 file is named`, `2 files are named`.
fn are_named(n: usize) -> String {
    format!("{} {} named", count(n, "file"), if n == 1 { "is" } else { "are" })
}

fn named((file, line): &(String, u64)) -> String {
    format!("{file} (line {line})")
}

fn named_twice((file, before, again): &(String, u64, u64)) -> String {
    format!("{file} (lines {before} and {again})")
}

/// `1 class`, `2 classes`.
fn classes_of(n: usize) -> String {
    if n == 1 { "1 class".into() } else { format!("{n} classes") }
}

/// `1 image is`, `2 images are`.
fn are_images(n: usize) -> String {
    format!("{} {}", count(n, "image"), if n == 1 { "is" } else { "are" })
}

/// Files with their sizes, the first few of them.
fn sizes(files: &[(String, ImageSize)]) -> String {
    first(5, files, |(file, size)| format!("{file} ({size})"))
}
