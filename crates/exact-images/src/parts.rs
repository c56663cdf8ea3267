//! Labelled images as files hold them, and their way into a data set.

use exact_data::{DataError, stratified_split};
use rayon::prelude::*;

use crate::encoded::{Decoded, EncodedImage, Head};
use crate::resize::{check, resize};
use crate::{ImageDataset, ImageError, ImageSize, ImageWarning, Images, planes};

/// The part of the images that is held out to test on, where no others are for that. It is drawn with a seed
/// of its own, the same for training and for measuring.
const TEST_FRACTION: f64 = 0.2;
const TEST_SEED: u64 = 0;

/// The largest side that images of several sizes are scaled to: what networks for photographs usually take.
const USUAL_SIDE: usize = 224;

/// Images with their labels.
pub(crate) struct Part {
    /// Where they are.
    pub place: String,
    pub class_names: Vec<String>,
    pub images: Vec<EncodedImage>,
    pub labels: Vec<u32>,
}

/// Images to train on and, perhaps, others to test on, with what is to be known of them.
pub(crate) struct Parts {
    pub train: Part,
    pub test: Option<Part>,
    pub warnings: Vec<ImageWarning>,
}

impl Parts {
    /// Reads all images, scaled if need be.
    pub fn read(self, resize: Option<ImageSize>) -> Result<ImageDataset, ImageError> {
        let Self { train, test, mut warnings } = self;
        if let Some(size) = resize {
            check(size)?;
        }
        train.check_classes()?;
        let (train, test) = match test {
            Some(test) => {
                let test = test.with_classes(&train.class_names)?;
                (train, test)
            }
            None => train.hold_out(&mut warnings)?,
        };
        let heads = train.heads();
        let channels = if heads.iter().flatten().all(|head| head.is_grey) { 1 } else { 3 };
        let size = resize.unwrap_or_else(|| {
            let heads: Vec<Head> = heads.into_iter().chain(test.heads()).flatten().collect();
            common_size(&heads, &mut warnings)
        });
        let (mut errors, mut moving) = (Vec::new(), Vec::new());
        let mut read = |part: Part| part.read(channels, size, &mut errors, &mut moving);
        let (train, test) = (read(train)?, read(test)?);
        if let Some(error) = ImageError::of_all(errors) {
            return Err(error);
        }
        if let Some(example) = moving.first() {
            warnings.push(ImageWarning::Animated { images: moving.len(), example: example.clone() });
        }
        let mut dataset = ImageDataset::new(train, test)?;
        dataset.warnings = warnings;
        Ok(dataset)
    }
}

impl Part {
    /// Checks that there are images of several classes.
    fn check_classes(&self) -> Result<(), ImageError> {
        match self.labels.first() {
            None => Err(ImageError::NoImages { place: self.place.clone() }),
            Some(&first) if self.labels.iter().all(|&label| label == first) => Err(ImageError::OneClass {
                place: self.place.clone(),
                class: self.class_names[first as usize].clone(),
            }),
            Some(_) => Ok(()),
        }
    }

    /// The same images with the numbers that classes have among these names.
    fn with_classes(self, class_names: &[String]) -> Result<Self, ImageError> {
        if self.labels.is_empty() {
            return Err(ImageError::NoImages { place: self.place });
        }
        let number = |name: &String| class_names.iter().position(|other| other == name);
        let numbers: Vec<Option<usize>> = self.class_names.iter().map(number).collect();
        let mut unknown: Vec<u32> =
            self.labels.iter().copied().filter(|&label| numbers[label as usize].is_none()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            return Err(ImageError::UnknownClasses {
                place: self.place,
                unknown: unknown.iter().map(|&label| self.class_names[label as usize].clone()).collect(),
                classes: class_names.to_vec(),
            });
        }
        let known = "every label has been found";
        let labels = self.labels.iter().map(|&label| numbers[label as usize].expect(known) as u32).collect();
        Ok(Self { labels, class_names: class_names.to_vec(), ..self })
    }

    /// Divides the images into those to train on and those to test on.
    fn hold_out(self, warnings: &mut Vec<ImageWarning>) -> Result<(Self, Self), ImageError> {
        let (place, images) = (self.place.clone(), self.labels.len());
        let split = stratified_split(&self.labels, self.class_names.len(), TEST_FRACTION, TEST_SEED);
        let split = match split {
            Err(DataError::TooFewRows { .. }) => return Err(ImageError::TooFewImages { place, images }),
            split => split?,
        };
        let test = split.test.len();
        warnings.push(ImageWarning::HeldOut { place, test, images });
        let mut images: Vec<Option<EncodedImage>> = self.images.into_iter().map(Some).collect();
        let mut part = |rows: &[usize]| Self {
            place: self.place.clone(),
            class_names: self.class_names.clone(),
            images: rows.iter().map(|&row| images[row].take().expect("an image is in one part")).collect(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
        };
        Ok((part(&split.train), part(&split.test)))
    }

    /// The heads of all images but those that cannot be read.
    fn heads(&self) -> Vec<Option<Head>> {
        self.images.par_iter().map(|image| image.head().ok()).collect()
    }

    /// The pixels of all images. Those that cannot be read are black, and what is wrong with them is added to
    /// the errors, in their order whatever the number of threads.
    fn read(
        self,
        channels: usize,
        size: ImageSize,
        errors: &mut Vec<ImageError>,
        moving: &mut Vec<String>,
    ) -> Result<Images, ImageError> {
        let length = channels * size.height * size.width;
        let mut pixels = Vec::new();
        let n_pixels = self.images.len().saturating_mul(length);
        if let Err(error) = pixels.try_reserve_exact(n_pixels) {
            let problem =
                format!("of {} images of {size} does not fit into memory: {error}", self.images.len());
            return Err(DataError::Inconsistent { what: "array", problem }.into());
        }
        pixels.resize(n_pixels, 0);
        let read = |(image, pixels): (&EncodedImage, &mut [u8])| {
            let decoded = image.decode()?;
            pixels.copy_from_slice(&planes_of(&decoded, channels, size));
            Ok(decoded.is_animated.then(|| image.name()))
        };
        let rows = self.images.par_iter().zip(pixels.par_chunks_exact_mut(length));
        let results: Vec<Result<Option<String>, ImageError>> = rows.map(read).collect();
        for result in results {
            match result {
                Ok(name) => moving.extend(name),
                Err(error) => errors.push(error),
            }
        }
        Images::new(pixels, channels, size, self.labels, self.class_names)
    }
}

/// The values `[channels, height, width]` of an image, scaled if need be.
pub(crate) fn planes_of(decoded: &Decoded, channels: usize, size: ImageSize) -> Vec<u8> {
    let image = &decoded.image;
    if (image.height() as usize, image.width() as usize) == (size.height, size.width) {
        planes::split(image, channels)
    } else {
        planes::split(&resize(image, size), channels)
    }
}

/// The size of all images, or, if they have several, a square of the median of their shorter sides, which is
/// not above the usual.
fn common_size(heads: &[Head], warnings: &mut Vec<ImageWarning>) -> ImageSize {
    let sizes = || heads.iter().map(|head| head.size);
    let pixels = |size: &ImageSize| (size.height * size.width, size.height);
    let (Some(smallest), Some(largest)) = (sizes().min_by_key(pixels), sizes().max_by_key(pixels)) else {
        // No image can be read, as is said when they are.
        return ImageSize { height: 1, width: 1 };
    };
    if sizes().all(|size| size == largest) {
        return largest;
    }
    let mut sides: Vec<usize> = sizes().map(|size| size.height.min(size.width)).collect();
    let middle = sides.len() / 2;
    let (_, median, _) = sides.select_nth_unstable(middle);
    let side = (*median).clamp(1, USUAL_SIDE);
    let size = ImageSize { height: side, width: side };
    warnings.push(ImageWarning::Scaled { images: heads.len(), smallest, largest, size });
    size
}
