//! Mean and standard deviation of each channel.

use serde::{Deserialize, Serialize};

use crate::Images;

/// The mean and the standard deviation of each channel, by which images are normalised:
/// `(x / 255 - mean) / std` for a pixel `x`. They are computed on the training set and stored with the model.
///
/// The standard deviation is that of all pixels of the channel, divided by their number; that of a channel
/// whose pixels are all equal is given as 1. Sums are exact integers, so the result depends on nothing but
/// the images.
///
/// # Example
/// ```
/// use exact_images::{ChannelStatistics, ImageSize, Images};
///
/// let size = ImageSize { height: 1, width: 2 };
/// let images = Images::new(vec![0, 255, 255, 0], 1, size, vec![0, 1], vec!["a".into(), "b".into()])?;
/// let statistics = ChannelStatistics::of(&images);
/// assert_eq!((statistics.mean, statistics.std), (vec![0.5], vec![0.5]));
/// # Ok::<(), exact_images::ImageError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelStatistics {
    /// The mean of each channel, in [0, 1].
    pub mean: Vec<f64>,
    /// The standard deviation of each channel, above 0.
    pub std: Vec<f64>,
}

impl ChannelStatistics {
    /// The statistics of all channels.
    pub fn of(images: &Images) -> Self {
        let plane = images.size().height * images.size().width;
        let channels = images.channels();
        // The squares of 2^47 bytes fit into 64 bits.
        let mut sums = vec![(0_u64, 0_u64); channels];
        for (at, pixels) in images.pixels().chunks_exact(plane).enumerate() {
            let (sum, squares) = &mut sums[at % channels];
            for &pixel in pixels {
                *sum += u64::from(pixel);
                *squares += u64::from(pixel) * u64::from(pixel);
            }
        }
        let n = (images.len() * plane) as u128;
        let statistics = |(sum, squares): (u64, u64)| {
            let (sum, squares) = (u128::from(sum), u128::from(squares));
            // n Σx² - (Σx)² is n² times the variance, and not negative.
            let spread = n * squares - sum * sum;
            let std = (spread as f64).sqrt() / n as f64 / 255.0;
            (sum as f64 / n as f64 / 255.0, if spread == 0 { 1.0 } else { std })
        };
        let (mean, std) = sums.into_iter().map(statistics).unzip();
        Self { mean, std }
    }
}
