//! Batches of images for a network, prepared while it is busy with the one before.

use std::sync::mpsc::sync_channel;
use std::thread;

use burn::tensor::{Device, Int, Tensor, TensorData};
use exact_images::{ChannelStatistics, Images};
use rand::seq::SliceRandom as _;
use rayon::prelude::*;

use crate::augment::{Image, Mixing, Mixup, Purpose, Transform, augment, stream};
use crate::{ImageShape, VisionError};

/// How many batches are ready at most, beside the one in use.
const AHEAD: usize = 2;

/// Images as a network takes them, `(pixel / 255 - mean) / std` by channel, with their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pixels: Vec<f32>,
    labels: Vec<u32>,
    shape: ImageShape,
    mixing: Option<Mixing>,
}

impl Batch {
    /// The images on a device, `[n, channels, height, width]`.
    pub fn images(&self, device: &Device) -> Tensor<4> {
        let ImageShape { channels, height, width } = self.shape;
        let shape = [self.labels.len(), channels, height, width];
        Tensor::from_data(TensorData::new(self.pixels.clone(), shape), device)
    }

    /// The labels on a device, `[n]`.
    pub fn targets(&self, device: &Device) -> Tensor<1, Int> {
        targets(&self.labels, device)
    }

    /// With [`Mixup`], the labels of the images that these are mixed with, `[n]`, and the share of the images themselves.
    pub fn mixed_targets(&self, device: &Device) -> Option<(Tensor<1, Int>, f32)> {
        let mixing = self.mixing.as_ref()?;
        let labels: Vec<u32> = mixing.partners.iter().map(|&partner| self.labels[partner]).collect();
        Some((targets(&labels, device), mixing.share))
    }
}

fn targets(labels: &[u32], device: &Device) -> Tensor<1, Int> {
    let labels: Vec<i64> = labels.iter().copied().map(i64::from).collect();
    let n = labels.len();
    Tensor::from_data(TensorData::new(labels, [n]), device)
}

/// Batches of images. While one is in use, the next are prepared on another thread.
///
/// # Example
/// ```
/// use exact_images::{ChannelStatistics, ImageSize, Images};
/// use exact_vision::batches::{Augmentation, Batches};
///
/// let size = ImageSize { height: 1, width: 1 };
/// let images = Images::new(vec![0, 255, 255], 1, size, vec![0, 1, 1], vec!["dark".into(), "bright".into()])?;
/// let statistics = ChannelStatistics { mean: vec![0.5], std: vec![0.5] };
/// let batches = Batches { images: &images, statistics: &statistics, batch_size: 2 };
/// let device = Default::default();
/// batches.test(|step, batch| {
///     if step == 0 {
///         let pixels: Vec<f32> = batch.images(&device).into_data().iter().collect();
///         assert!((pixels[0] + 1.0).abs() < 1e-6 && (pixels[1] - 1.0).abs() < 1e-6);
///     }
///     Ok(())
/// })?;
/// assert_eq!(batches.steps(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Batches<'a> {
    /// All images.
    pub images: &'a Images,
    /// What each channel is normalised by.
    pub statistics: &'a ChannelStatistics,
    /// How many images a batch has, above 0.
    pub batch_size: usize,
}

/// How the images of training are changed.
#[derive(Debug, Clone, Copy)]
pub struct Augmentation<'a> {
    /// The changes of each image, one after the other.
    pub transforms: &'a [Transform],
    /// Whether images are mixed.
    pub mixup: Option<Mixup>,
    /// What the order and all changes depend on, beside the number of the epoch.
    pub seed: u64,
}

impl Batches<'_> {
    /// How many batches an epoch of training has: a last one that is not full is left out, if there is a full one.
    pub fn steps(&self) -> usize {
        (self.images.len() / self.batch_size.max(1)).max(1)
    }

    fn check(&self) -> Result<(), VisionError> {
        if self.batch_size > 0 {
            return Ok(());
        }
        Err(VisionError::Setting { name: "the batch size", expected: "above 0", value: 0.0 })
    }

    /// Calls a function with the number of each step of an epoch of training and its batch: all images in a random order, changed at
    /// random. The batches depend on the seed and the number of the epoch alone.
    ///
    /// # Errors
    /// Those of the function, and [`VisionError::Setting`] if a transform is outside its range or the batch size is 0.
    pub fn train(
        &self,
        epoch: usize,
        augmentation: Augmentation<'_>,
        each: impl FnMut(usize, Batch) -> Result<(), VisionError>,
    ) -> Result<(), VisionError> {
        self.check()?;
        let Augmentation { transforms, mixup, seed } = augmentation;
        transforms.iter().try_for_each(|transform| transform.check())?;
        let mut order: Vec<usize> = (0..self.images.len()).collect();
        order.shuffle(&mut stream(seed, Purpose::Order, epoch, 0));
        let samples: Vec<&[usize]> = order.chunks(self.batch_size).take(self.steps()).collect();
        let prepare = |step: usize| {
            let change = |image: &mut Image, sample| {
                augment(image, transforms, stream(seed, Purpose::Augmentation, epoch, sample));
            };
            let mut batch = self.batch(samples[step], change);
            if let Some(mixup) = mixup {
                let mixing = mixup.draw(batch.labels.len(), stream(seed, Purpose::Mixup, epoch, step));
                mixing.apply(&mut batch.pixels, batch.shape.values());
                batch.mixing = Some(mixing);
            }
            batch
        };
        in_advance(samples.len(), prepare, each)
    }

    /// Calls a function with each batch of all images as they are, in order.
    ///
    /// # Errors
    /// Those of the function, and [`VisionError::Setting`] if the batch size is 0.
    pub fn test(&self, each: impl FnMut(usize, Batch) -> Result<(), VisionError>) -> Result<(), VisionError> {
        self.check()?;
        let order: Vec<usize> = (0..self.images.len()).collect();
        let samples: Vec<&[usize]> = order.chunks(self.batch_size).collect();
        in_advance(samples.len(), |step| self.batch(samples[step], |_, _| {}), each)
    }

    fn batch(&self, samples: &[usize], change: impl Fn(&mut Image, usize) + Sync) -> Batch {
        let shape = ImageShape::of(self.images);
        let mut pixels = vec![0.0; samples.len() * shape.values()];
        let rows = pixels.par_chunks_exact_mut(shape.values()).zip(samples);
        rows.for_each(|(row, &sample)| {
            let mut image = Image { pixels: self.images.image(sample).to_vec(), shape };
            change(&mut image, sample);
            let planes = row.chunks_exact_mut(shape.height * shape.width).zip(image.planes());
            let scales = self.statistics.mean.iter().zip(&self.statistics.std);
            for ((row, plane), (mean, std)) in planes.zip(scales) {
                let (factor, offset) = ((1.0 / (255.0 * std)) as f32, (-mean / std) as f32);
                row.iter_mut()
                    .zip(plane)
                    .for_each(|(x, &pixel)| *x = factor.mul_add(f32::from(pixel), offset));
            }
        });
        let labels = samples.iter().map(|&sample| self.images.labels()[sample]).collect();
        Batch { pixels, labels, shape, mixing: None }
    }
}

/// Makes items on a thread of their own, up to [`AHEAD`] before they are used, and uses them in order.
fn in_advance<T: Send>(
    count: usize,
    make: impl Fn(usize) -> T + Send,
    mut each: impl FnMut(usize, T) -> Result<(), VisionError>,
) -> Result<(), VisionError> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            // It is an error when the receiver is gone because it failed.
            (0..count).try_for_each(|at| sender.send(make(at))).ok();
        });
        receiver.into_iter().enumerate().try_for_each(|(at, item)| each(at, item))
    })
}

#[cfg(test)]
mod tests {
    use exact_images::{ChannelStatistics, ImageSize, Images};

    use super::{Augmentation, Batch, Batches, in_advance};
    use crate::VisionError;
    use crate::augment::{Image, Mixup, Purpose, Transform, augment, stream};

    /// Ten images of two channels, 2 x 2 pixels; image i has label i.
    fn images() -> Images {
        let pixels = (0..80).map(|at| (at * 37 % 256) as u8).collect();
        let names = (0..10).map(|class: u32| class.to_string()).collect();
        Images::new(pixels, 2, ImageSize { height: 2, width: 2 }, (0..10).collect(), names).unwrap()
    }

    const TRANSFORMS: [Transform; 2] = [Transform::Flip, Transform::AutoAugment];

    fn epoch(epoch: usize) -> Vec<Batch> {
        let images = images();
        let statistics = ChannelStatistics::of(&images);
        let batches = Batches { images: &images, statistics: &statistics, batch_size: 4 };
        let mixup = Some(Mixup::new(1.0).unwrap());
        let augmentation = Augmentation { transforms: &TRANSFORMS, mixup, seed: 5 };
        let mut seen = Vec::new();
        let collect = |step, batch| {
            assert_eq!(step, seen.len());
            seen.push(batch);
            Ok(())
        };
        batches.train(epoch, augmentation, collect).unwrap();
        seen
    }

    #[test]
    fn an_epoch_depends_on_its_number_alone() {
        let first = epoch(0);
        assert_eq!(first, epoch(0));
        assert_ne!(first, epoch(1));
        // Two full batches of different images.
        let mut labels: Vec<u32> = first.iter().flat_map(|batch| batch.labels.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!((first.len(), labels.len()), (2, 8));
    }

    #[test]
    fn a_batch_does_not_depend_on_the_number_of_threads() {
        let images = images();
        let statistics = ChannelStatistics::of(&images);
        let batches = Batches { images: &images, statistics: &statistics, batch_size: 4 };
        let change = |image: &mut Image, sample| {
            augment(image, &TRANSFORMS, stream(0, Purpose::Augmentation, 0, sample));
        };
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| batches.batch(&[3, 1, 4, 5, 9, 2, 6], change))
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn test_images_are_normalised_and_in_order() {
        let images = images();
        let statistics = ChannelStatistics { mean: vec![0.5, 0.2], std: vec![0.25, 2.0] };
        let batches = Batches { images: &images, statistics: &statistics, batch_size: 4 };
        let mut seen = Vec::new();
        batches
            .test(|_, batch| {
                for (x, pixel) in batch.pixels.iter().zip(&images.pixels()[seen.len() * 8..]).take(5) {
                    assert!(x.is_finite() && *pixel < 255);
                }
                seen.extend(batch.labels.clone());
                if seen.len() == 4 {
                    let expected = [0.0, 37.0, 74.0, 111.0].map(|pixel: f32| (pixel / 255.0 - 0.5) / 0.25);
                    assert!(batch.pixels[..4].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
                    assert!((batch.pixels[4] - (148.0 / 255.0 - 0.2) / 2.0).abs() < 1e-6);
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, (0..10).collect::<Vec<u32>>());
    }

    #[test]
    fn an_error_ends_the_preparation() {
        let mut used = 0;
        let outcome = in_advance(
            1000,
            |at| at,
            |at, item| {
                assert_eq!(at, item);
                used += 1;
                if at == 3 { Err(VisionError::Empty { what: "images" }) } else { Ok(()) }
            },
        );
        assert!(matches!(outcome, Err(VisionError::Empty { .. })));
        assert_eq!(used, 4);
    }
}
