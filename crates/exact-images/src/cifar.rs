//! The binary files of CIFAR-10 and CIFAR-100.
//!
//! An image is stored as its label – CIFAR-10: one byte; CIFAR-100: the superclass and the class, of which
//! the class is read – and 32x32 bytes each of red, green and blue, row after row. Reference: Krizhevsky,
//! "Learning Multiple Layers of Features from Tiny Images" (2009).

use std::io::Read as _;

use exact_data::{DataError, Source};

use crate::files::Files;
use crate::records::Records;
use crate::{ImageDataset, ImageError, ImageSize, Images};

const CHANNELS: usize = 3;
const SIZE: ImageSize = ImageSize { height: 32, width: 32 };
const PIXELS: usize = CHANNELS * SIZE.height * SIZE.width;

/// The files of a training and a test set.
pub(crate) struct Cifar<'a> {
    train: Vec<&'a Source<'a>>,
    test: &'a Source<'a>,
    /// The names of the classes, one a line.
    names: Option<&'a Source<'a>>,
    n_classes: usize,
    label_bytes: u64,
}

impl<'a> Cifar<'a> {
    /// Finds the files by their usual names; an error if training or test files are missing.
    pub fn find(files: &'a Files<'a>) -> Result<Option<Self>, ImageError> {
        let batches: Vec<_> = files.matching("data_batch_", ".bin").collect();
        let missing = |name: &str| files.incomplete(vec![name.into()]);
        let cifar = match (batches.is_empty(), files.get(&["test_batch.bin"])) {
            (false, Some(test)) => {
                let names = files.get(&["batches.meta.txt"]);
                Self { train: batches, test, names, n_classes: 10, label_bytes: 1 }
            }
            (false, None) => return Err(missing("test_batch.bin")),
            (true, Some(_)) => return Err(missing("data_batch_1.bin")),
            (true, None) => match (files.get(&["train.bin"]), files.get(&["test.bin"])) {
                (Some(train), Some(test)) => {
                    let names = files.get(&["fine_label_names.txt"]);
                    Self { train: vec![train], test, names, n_classes: 100, label_bytes: 2 }
                }
                (Some(_), None) => return Err(missing("test.bin")),
                (None, Some(_)) => return Err(missing("train.bin")),
                (None, None) => return Ok(None),
            },
        };
        Ok(Some(cifar))
    }

    /// Reads both sets; without a file of names, the classes are named by their numbers.
    pub fn read(&self) -> Result<ImageDataset, ImageError> {
        let names = match self.names {
            Some(source) => self.class_names(source)?,
            None => (0..self.n_classes).map(|class| class.to_string()).collect(),
        };
        let train = self.images(&self.train, names.clone())?;
        ImageDataset::new(train, self.images(&[self.test], names)?)
    }

    fn class_names(&self, source: &Source) -> Result<Vec<String>, ImageError> {
        let mut text = String::new();
        let read = source.open()?.read_to_string(&mut text);
        read.map_err(|error| DataError::Read { file: source.name().into(), error })?;
        let names: Vec<String> =
            text.lines().map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect();
        if names.len() != self.n_classes {
            let expected = if self.n_classes == 10 { "10 names of classes" } else { "100 names of classes" };
            let (file, found) = (source.name().into(), names.len().to_string());
            return Err(ImageError::WrongFormat { file, offset: 0, expected, found });
        }
        Ok(names)
    }

    fn images(&self, sources: &[&Source], class_names: Vec<String>) -> Result<Images, ImageError> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for source in sources {
            let mut records = Records::open(source)?;
            for image in 0.. {
                if records.is_at_end()? {
                    break;
                }
                let record =
                    records.take(self.label_bytes + PIXELS as u64, |_| format!("image {}", image + 1))?;
                let (label, values) = record.split_at(self.label_bytes as usize);
                let label =
                    u32::from(*label.last().expect("a record begins with one or two bytes of labels"));
                if label as usize >= self.n_classes {
                    let offset = records.offset() - PIXELS as u64 - 1;
                    let (file, n_classes) = (records.file().into(), self.n_classes);
                    return Err(ImageError::ImageLabel { file, offset, image, label, n_classes });
                }
                labels.push(label);
                pixels.extend_from_slice(values);
            }
        }
        if labels.is_empty() {
            let first = sources.first().expect("files of training and of testing were found");
            return Err(ImageError::NoImages { place: first.name().into() });
        }
        Images::new(pixels, CHANNELS, SIZE, labels, class_names)
    }
}
