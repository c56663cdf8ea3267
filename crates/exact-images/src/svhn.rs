//! The cropped digits of SVHN, in MATLAB files.
//!
//! `X` holds the pixels, `[height, width, channels, n]` with the first index running fastest, and `y` the
//! labels, where 10 stands for the digit 0. Reference: Netzer et al., "Reading Digits in Natural Images with
//! Unsupervised Feature Learning" (2011).

use exact_data::Source;

use crate::files::Files;
use crate::mat::{self, ByteArray};
use crate::{ImageDataset, ImageError, ImageSize, Images};

const N_CLASSES: usize = 10;

/// The files of a training and a test set.
pub(crate) struct Svhn<'a> {
    train: &'a Source<'a>,
    test: &'a Source<'a>,
}

impl<'a> Svhn<'a> {
    /// Finds the files by their usual names; an error if only one is there.
    pub fn find(files: &'a Files<'a>) -> Result<Option<Self>, ImageError> {
        const NAMES: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];
        match NAMES.map(|name| files.get(&[name])) {
            [Some(train), Some(test)] => Ok(Some(Self { train, test })),
            [None, None] => Ok(None),
            [train, _] => Err(files.incomplete(vec![NAMES[usize::from(train.is_some())].into()])),
        }
    }

    /// Reads both sets, whose classes are the digits.
    pub fn read(&self) -> Result<ImageDataset, ImageError> {
        ImageDataset::new(images(self.train)?, images(self.test)?)
    }
}

fn images(source: &Source) -> Result<Images, ImageError> {
    let file = || source.name().to_string();
    let arrays = mat::read(source)?;
    let find = |name: &str| arrays.iter().find(|array| array.name == name);
    let (Some(pixels), Some(labels)) = (find("X"), find("y")) else {
        let found = arrays.iter().map(|array| format!("`{}`", array.name)).collect::<Vec<_>>().join(", ");
        let expected = "arrays `X` of images and `y` of labels";
        return Err(ImageError::WrongFormat { file: file(), offset: 128, expected, found });
    };
    let (size, n_images) = shape(pixels).ok_or_else(|| ImageError::WrongFormat {
        file: file(),
        offset: 128,
        expected: "an array `X` of height, width, 3 channels and images",
        found: format!("{:?}", pixels.dimensions),
    })?;
    if n_images != labels.values.len() {
        return Err(ImageError::LabelCount {
            images_file: file(),
            images: n_images,
            labels_file: file(),
            labels: labels.values.len(),
        });
    }
    if let Some(image) = labels.values.iter().position(|&label| usize::from(label) > N_CLASSES) {
        let label = labels.values[image].into();
        return Err(ImageError::ImageLabel {
            file: file(),
            offset: image as u64,
            image,
            label,
            n_classes: N_CLASSES,
        });
    }
    let digits = labels.values.iter().map(|&label| u32::from(label) % N_CLASSES as u32).collect();
    let names = (0..N_CLASSES).map(|digit| digit.to_string()).collect();
    Images::new(transpose(&pixels.values, size), 3, size, digits, names)
}

/// The size and the number of images; a single image has no last dimension.
fn shape(pixels: &ByteArray) -> Option<(ImageSize, usize)> {
    let (size, n) = match *pixels.dimensions {
        [height, width, 3, n] => (ImageSize { height, width }, n),
        [height, width, 3] => (ImageSize { height, width }, 1),
        _ => return None,
    };
    (!pixels.values.is_empty()).then_some((size, n))
}

/// Each plane from columns to rows.
fn transpose(values: &[u8], ImageSize { height, width }: ImageSize) -> Vec<u8> {
    let rows = |plane: &[u8]| {
        let at = |at: usize| plane[at / width + at % width * height];
        (0..plane.len()).map(at).collect::<Vec<_>>()
    };
    values.chunks_exact(height * width).flat_map(rows).collect()
}
