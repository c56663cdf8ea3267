//! The IDX files of MNIST and of the sets that share its format.
//!
//! An array is stored as two zero bytes, the type of its values (8: unsigned bytes), the number of its
//! dimensions, each dimension as a big-endian 32-bit integer, and the values with the last index running
//! fastest. Images are `[n, height, width]`, labels `[n]`. Reference: Y. `LeCun`, C. Cortes & C. Burges, "The
//! MNIST database of handwritten digits".

use exact_data::Source;

use crate::files::Files;
use crate::records::Records;
use crate::{ImageDataset, ImageError, ImageSize, Images};

/// The first four bytes of a file of images, and of one of labels.
const IMAGES: [u8; 4] = [0, 0, 8, 3];
const LABELS: [u8; 4] = [0, 0, 8, 1];

/// The files of a training and a test set.
pub(crate) struct Idx<'a> {
    train: [&'a Source<'a>; 2],
    test: [&'a Source<'a>; 2],
}

impl<'a> Idx<'a> {
    /// Finds the four files by their usual names; an error if only some are there.
    pub fn find(files: &'a Files<'a>) -> Result<Option<Self>, ImageError> {
        const STEMS: [&str; 4] =
            ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
        let named = |stem: &str| files.get(&[&format!("{stem}-ubyte"), &format!("{stem}-ubyte.gz")]);
        let found = STEMS.map(named);
        if let [Some(images), Some(labels), Some(test_images), Some(test_labels)] = found {
            return Ok(Some(Self { train: [images, labels], test: [test_images, test_labels] }));
        }
        let missing = |(stem, found): (&&str, &Option<_>)| found.is_none().then(|| format!("{stem}-ubyte"));
        let missing: Vec<String> = STEMS.iter().zip(&found).filter_map(missing).collect();
        if missing.len() == STEMS.len() { Ok(None) } else { Err(files.incomplete(missing)) }
    }

    /// Reads both sets; the classes are the numbers up to the largest label of training, unless they are
    /// named.
    pub fn read(&self, class_names: Option<Vec<String>>) -> Result<ImageDataset, ImageError> {
        let (pixels, size) = read_images(self.train[0])?;
        let labels = read_labels(self.train[1])?;
        let class_names = class_names.unwrap_or_else(|| {
            let largest = labels.iter().max().expect("the header has no dimension of 0");
            (0..=*largest).map(|class| class.to_string()).collect()
        });
        let train = join(self.train, pixels, size, &labels, class_names.clone())?;
        let (pixels, test_size) = read_images(self.test[0])?;
        if test_size != size {
            let [example, other] = [self.train[0], self.test[0]].map(|source| source.name().to_string());
            return Err(ImageError::MixedSizes { example, size, others: vec![(other, test_size)] });
        }
        let test = join(self.test, pixels, size, &read_labels(self.test[1])?, class_names)?;
        ImageDataset::new(train, test)
    }
}

fn join(
    [images, labels]: [&Source; 2],
    pixels: Vec<u8>,
    size: ImageSize,
    values: &[u8],
    class_names: Vec<String>,
) -> Result<Images, ImageError> {
    let n_images = pixels.len() / (size.height * size.width);
    if n_images != values.len() {
        return Err(ImageError::LabelCount {
            images_file: images.name().into(),
            images: n_images,
            labels_file: labels.name().into(),
            labels: values.len(),
        });
    }
    let n_classes = class_names.len();
    if let Some(image) = values.iter().position(|&label| usize::from(label) >= n_classes) {
        let (file, offset, label) = (labels.name().into(), image as u64 + 8, u32::from(values[image]));
        return Err(ImageError::ImageLabel { file, offset, image, label, n_classes });
    }
    Images::new(pixels, 1, size, values.iter().map(|&label| label.into()).collect(), class_names)
}

fn read_images(source: &Source) -> Result<(Vec<u8>, ImageSize), ImageError> {
    let mut records = Records::open(source)?;
    let [n, height, width] = header(&mut records, IMAGES, "00 00 08 03, as IDX images begin")?;
    let image = height * width;
    // Three 32-bit numbers may overflow 64 bits; no file is as long as that.
    let length = n.saturating_mul(image);
    let pixels = records.take(length, |found| format!("image {} of {n}", found / image + 1))?;
    records.finish()?;
    Ok((pixels, ImageSize { height: height as usize, width: width as usize }))
}

fn read_labels(source: &Source) -> Result<Vec<u8>, ImageError> {
    let mut records = Records::open(source)?;
    let [n] = header(&mut records, LABELS, "00 00 08 01, as IDX labels begin")?;
    let labels = records.take(n, |found| format!("label {} of {n}", found + 1))?;
    records.finish()?;
    Ok(labels)
}

/// Reads the header and returns the dimensions, none of which is 0.
fn header<const N: usize>(
    records: &mut Records,
    magic: [u8; 4],
    expected: &'static str,
) -> Result<[u64; N], ImageError> {
    let found = records.take(4, |_| "the header".into())?;
    if found != magic {
        let found: Vec<String> = found.iter().map(|byte| format!("{byte:02x}")).collect();
        return Err(records.wrong_format(0, expected, found.join(" ")));
    }
    let mut dimensions = [0; N];
    for dimension in &mut dimensions {
        let bytes = records.take(4, |_| "the header".into())?;
        *dimension = bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
        if *dimension == 0 {
            return Err(records.wrong_format(records.offset() - 4, "a dimension above 0", "0".into()));
        }
    }
    Ok(dimensions)
}
