//! Maxima over square windows of images whose channels are next to each other,
//! `[n, height, width, channels]`.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::in_chunks::in_chunks;

/// Maximum pooling of images of one size. Pixels beyond their borders have no part in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct MaxPooling {
    /// Height and width of the images.
    pub size: [usize; 2],
    pub channels: usize,
    /// Height and width of the windows.
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl MaxPooling {
    /// Height and width of the result.
    pub fn output_size(&self) -> [usize; 2] {
        self.size.map(|size| (size + 2 * self.padding - self.kernel) / self.stride + 1)
    }

    /// The maxima, and for each the number of its pixel in the image: the first of equal ones. What is not a
    /// number is a maximum.
    pub fn forward(&self, images: &[f32]) -> (Vec<f32>, Vec<u32>) {
        let (image, size) = (self.image(), self.output());
        let mut maxima = vec![0.0; images.len() / image * size];
        let mut pixels = vec![0; maxima.len()];
        let results = maxima.par_chunks_exact_mut(size).zip(pixels.par_chunks_exact_mut(size));
        results.zip(images.par_chunks_exact(image)).for_each(|((maxima, pixels), image)| {
            Arch::new().dispatch(Windows { pooling: self, image, maxima, pixels });
        });
        (maxima, pixels)
    }

    /// The gradient with respect to the images, of that of the maxima, which were at these pixels.
    pub fn images_gradient(&self, gradient: &[f32], pixels: &[u32]) -> Vec<f32> {
        let (image, size) = (self.image(), self.output());
        in_chunks(
            gradient.len() / size * image,
            image,
            || (),
            |(), index, target| {
                let [from, to] = [index, index + 1].map(|index| index * size);
                let gradient = gradient[from..to].chunks_exact(self.channels);
                for (gradient, pixels) in gradient.zip(pixels[from..to].chunks_exact(self.channels)) {
                    for (channel, (slope, pixel)) in gradient.iter().zip(pixels).enumerate() {
                        target[*pixel as usize * self.channels + channel] += slope;
                    }
                }
            },
        )
    }

    fn image(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }

    fn output(&self) -> usize {
        let [height, width] = self.output_size();
        height * width * self.channels
    }

    /// The rows, or columns, of a window that are in the image.
    fn window(&self, at: usize, size: usize) -> Range<usize> {
        let start = at * self.stride;
        start.saturating_sub(self.padding)..(start + self.kernel - self.padding).min(size)
    }
}

/// All windows of an image.
struct Windows<'a> {
    pooling: &'a MaxPooling,
    image: &'a [f32],
    maxima: &'a mut [f32],
    pixels: &'a mut [u32],
}

impl WithSimd for Windows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let MaxPooling { size: [height, width], channels, .. } = *self.pooling;
        let [_, columns] = self.pooling.output_size();
        let results = self.maxima.chunks_exact_mut(channels).zip(self.pixels.chunks_exact_mut(channels));
        for (at, (maxima, pixels)) in results.enumerate() {
            let rows = self.pooling.window(at / columns, height);
            let columns = self.pooling.window(at % columns, width);
            maxima.fill(f32::NEG_INFINITY);
            pixels.fill((rows.start * width + columns.start) as u32);
            for y in rows {
                for x in columns.clone() {
                    let pixel = y * width + x;
                    let values = &self.image[pixel * channels..][..channels];
                    for ((maximum, at), value) in maxima.iter_mut().zip(&mut *pixels).zip(values) {
                        let is_larger = *value > *maximum || value.is_nan();
                        *maximum = if is_larger { *value } else { *maximum };
                        *at = if is_larger { pixel as u32 } else { *at };
                    }
                }
            }
        }
    }
}
