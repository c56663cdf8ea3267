//! Augmentation: random changes of training images that leave their classes alone.
//!
//! What happens to a sample depends on the seed, the epoch and the number of the sample, and on nothing else:
//! not on the batch that it is in or the number of threads.

mod colour;
mod geometry;
mod image;
mod mixup;
mod policy;
mod preset;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub(crate) use image::Image;
pub(crate) use mixup::Mixing;
pub use mixup::Mixup;
pub use preset::{AugmentationSetting, Preset};

use self::geometry::Affine;
use crate::VisionError;

/// One random change of an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Transform {
    /// Moves the image by up to so many pixels along each axis, as a crop after padding with black does.
    Crop {
        /// The most pixels, above 0.
        padding: usize,
    },
    /// Swaps left and right with probability one half.
    Flip,
    /// Moves the image by up to a share of its side along each axis, in whole pixels.
    Translate {
        /// The share, above 0 and below 1.
        fraction: f64,
    },
    /// Turns the image to either side.
    Rotate {
        /// The largest angle, above 0 and up to 180.
        degrees: f64,
    },
    /// Blackens a square around a random pixel, as far as it is inside.
    ///
    /// `DeVries` and Taylor, *Improved Regularization of Convolutional Neural Networks with Cutout*, arXiv
    /// 1708.04552.
    Cutout {
        /// The side of the square, above 0.
        size: usize,
    },
    /// So many changes of one magnitude, each chosen from fourteen.
    ///
    /// Cubuk, Zoph, Shlens and Le, *`RandAugment`: Practical Automated Data Augmentation with a Reduced
    /// Search Space*, arXiv 1909.13719.
    RandAugment {
        /// How many, above 0.
        operations: usize,
        /// How strong, from 0 to 30.
        magnitude: u32,
    },
    /// One of 25 pairs of changes found on CIFAR-10.
    ///
    /// Cubuk, Zoph, Mané, Vasudevan and Le, *`AutoAugment`: Learning Augmentation Policies from Data*, arXiv
    /// 1805.09501, table 7. `Deviation:` what comes in from outside the image is black.
    AutoAugment,
}

impl Transform {
    pub(crate) fn check(self) -> Result<(), VisionError> {
        let (name, expected, value, usable) = match self {
            Self::Crop { padding } => ("the padding of crops", "above 0", padding as f64, padding > 0),
            Self::Translate { fraction } => {
                let usable = fraction > 0.0 && fraction < 1.0;
                ("the fraction of translations", "above 0 and below 1", fraction, usable)
            }
            Self::Rotate { degrees } => {
                let usable = degrees > 0.0 && degrees <= 180.0;
                ("the degrees of rotations", "above 0 and at most 180", degrees, usable)
            }
            Self::Cutout { size } => ("the size of cutouts", "above 0", size as f64, size > 0),
            Self::RandAugment { operations: 0, .. } => {
                ("the operations of rand-augment", "above 0", 0.0, false)
            }
            Self::RandAugment { magnitude, .. } => {
                let usable = magnitude <= policy::STRONGEST;
                ("the magnitude of rand-augment", "at most 30", f64::from(magnitude), usable)
            }
            Self::Flip | Self::AutoAugment => return Ok(()),
        };
        if usable { Ok(()) } else { Err(VisionError::Setting { name, expected, value }) }
    }

    fn apply(self, image: &mut Image, random: &mut ChaCha8Rng) {
        let (height, width) = (image.shape.height, image.shape.width);
        let mut up_to = |most: usize| {
            // Further than an image can be wide, where all is black either way.
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            random.random_range(-most..=most) as isize
        };
        match self {
            Self::Crop { padding } => {
                let (down, right) = (up_to(padding), up_to(padding));
                geometry::shift(image, down, right);
            }
            Self::Flip => {
                if random.random() {
                    geometry::flip(image);
                }
            }
            Self::Translate { fraction } => {
                let along = |side: usize| (fraction * side as f64) as usize;
                let (down, right) = (up_to(along(height)), up_to(along(width)));
                geometry::shift(image, down, right);
            }
            Self::Rotate { degrees } => {
                Affine::rotation(random.random_range(-degrees..=degrees)).apply(image);
            }
            Self::Cutout { size } => {
                let centre = [random.random_range(0..height), random.random_range(0..width)];
                geometry::cut_out(image, size, centre);
            }
            Self::RandAugment { operations, magnitude } => {
                policy::rand_augment(image, operations, magnitude, random);
            }
            Self::AutoAugment => policy::auto_augment(image, random),
        }
    }
}

/// Changes the image of a sample, one transform after the other.
pub(crate) fn augment(image: &mut Image, transforms: &[Transform], mut random: ChaCha8Rng) {
    for transform in transforms {
        transform.apply(image, &mut random);
    }
}

/// What random numbers are for; each purpose has its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// The changes of a sample.
    Augmentation = 1,
    /// The pairs of a batch.
    Mixup = 2,
    /// The order of an epoch.
    Order = 3,
}

/// The random numbers of one purpose, epoch and sample (or batch) under a seed.
pub(crate) fn stream(seed: u64, purpose: Purpose, epoch: usize, index: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    let words = [seed, purpose as u64, epoch as u64, index as u64];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use super::{Image, Purpose, Transform, augment, stream};
    use crate::{ImageShape, VisionError};

    const SHAPE: ImageShape = ImageShape { channels: 1, height: 5, width: 5 };

    /// A black image with one white pixel in the middle, after a transform, for many samples.
    fn samples(transform: Transform) -> Vec<Image> {
        transform.check().unwrap();
        let augmented = |sample| {
            let mut image = Image { pixels: vec![0; 25], shape: SHAPE };
            image.pixels[12] = 255;
            augment(&mut image, &[transform], stream(7, Purpose::Augmentation, 0, sample));
            image
        };
        (0..300).map(augmented).collect()
    }

    /// How often the white pixel is at each place.
    fn places(images: &[Image]) -> [usize; 25] {
        let mut counts = [0; 25];
        for image in images {
            image
                .pixels
                .iter()
                .zip(&mut counts)
                .for_each(|(&pixel, count)| *count += usize::from(pixel == 255));
        }
        counts
    }

    #[test]
    fn crops_and_translations_reach_every_place_equally_often() {
        for (transform, within) in [
            (Transform::Crop { padding: 2 }, 0..5),
            (Transform::Translate { fraction: 0.4 }, 0..5),
            (Transform::Crop { padding: 1 }, 1..4),
        ] {
            let counts = places(&samples(transform));
            let n_places = within.len() * within.len();
            for (place, count) in counts.into_iter().enumerate() {
                let inside = within.contains(&(place / 5)) && within.contains(&(place % 5));
                let expected = if inside { 300.0 / n_places as f64 } else { 0.0 };
                // Five standard deviations of a binomial count.
                assert!((count as f64 - expected).abs() <= 5.0 * expected.sqrt(), "{transform:?} {counts:?}");
            }
        }
    }

    #[test]
    fn flips_are_a_coin() {
        let mut image = Image { pixels: vec![0; 25], shape: SHAPE };
        image.pixels[0] = 255;
        let flipped = (0..300).filter(|&sample| {
            let mut image = image.clone();
            augment(&mut image, &[Transform::Flip], stream(7, Purpose::Augmentation, 0, sample));
            image.pixels[4] == 255
        });
        let count = flipped.count();
        assert!((110..=190).contains(&count), "{count}");
    }

    #[test]
    fn rotations_keep_the_centre_and_cutouts_hide_it_sometimes() {
        assert_eq!(places(&samples(Transform::Rotate { degrees: 90.0 }))[12], 300);
        // The centre is hidden by a square of 3 around 9 of 25 pixels: 108 of 300.
        let visible = places(&samples(Transform::Cutout { size: 3 }))[12];
        assert!((150..=234).contains(&visible), "{visible}");
    }

    #[test]
    fn seed_epoch_and_sample_decide() {
        let change = |seed, epoch, sample| {
            let pixels = (0..25).map(|at| 10 * at).collect();
            let mut image = Image { pixels, shape: SHAPE };
            let transforms = [Transform::AutoAugment, Transform::Crop { padding: 2 }, Transform::Flip];
            augment(&mut image, &transforms, stream(seed, Purpose::Augmentation, epoch, sample));
            image.pixels
        };
        assert_eq!(change(1, 2, 3), change(1, 2, 3));
        for other in [change(2, 2, 3), change(1, 3, 3), change(1, 2, 4)] {
            assert_ne!(change(1, 2, 3), other);
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for transform in [
            Transform::Crop { padding: 0 },
            Transform::Translate { fraction: 1.0 },
            Transform::Translate { fraction: f64::NAN },
            Transform::Rotate { degrees: -1.0 },
            Transform::Cutout { size: 0 },
            Transform::RandAugment { operations: 0, magnitude: 9 },
            Transform::RandAugment { operations: 2, magnitude: 31 },
        ] {
            assert!(matches!(transform.check(), Err(VisionError::Setting { .. })), "{transform:?}");
        }
    }
}
