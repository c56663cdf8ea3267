//! Convolutions of images whose channels are next to each other, `[n, height, width, channels]`, and their
//! gradients.
//!
//! Each row of a patch of an image is then some neighbouring numbers, so sums of products are taken of
//! patches where they are. The work is divided by images; no sum depends on the number of threads.

use std::borrow::Cow;

use rayon::prelude::*;

use super::tiles::{self, MultiplyAdd, OuterProducts, Packed, Term};

/// The number of parts that images are divided into for the gradient of weights, which is added up in each
/// and then over them.
const PARTS: usize = 8;
/// How many rows of them are added up over the parts at a time.
const ROWS: usize = 64;

/// A square convolution of images of one size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Convolution {
    /// Height and width of the images.
    pub size: [usize; 2],
    /// Channels of the images and of the result.
    pub channels: [usize; 2],
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Convolution {
    /// Height and width of the result.
    pub fn output_size(&self) -> [usize; 2] {
        self.padded_size().map(|size| (size - self.kernel) / self.stride + 1)
    }

    /// The convolution.
    ///
    /// # Shapes
    /// `[n, height, width, channels]` and `[outputs, channels, kernel, kernel]` to
    /// `[n, height, width, outputs]`
    pub fn forward(&self, images: &[f32], weights: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let run = self.kernel * inputs;
        let matrix = Packed::new(self.kernel * run, outputs, |row| {
            let (input, place) = (row % inputs, row / inputs);
            move |output| weights[self.weight(output, input, place)]
        });
        let terms = self.rows_of_kernel();
        let (patches, pixels) = (self.patches(), self.pixels());
        let size = pixels.len() * outputs;

        let mut results = vec![0.0; images.len() / self.image() * size];
        let pairs = results.par_chunks_exact_mut(size).zip(images.par_chunks_exact(self.image()));
        pairs.for_each_init(
            || self.margins(),
            |padded, (target, image)| {
                let source = if padded.is_empty() {
                    image
                } else {
                    self.write_inner(padded, image);
                    padded
                };
                // Memory that is read before it is first written is mapped twice by the system.
                target.fill(0.0);
                let (matrix, terms) = (&matrix, &terms[..]);
                MultiplyAdd { source, source_rows: &patches, matrix, terms, target, target_rows: &pixels }
                    .run();
            },
        );
        results
    }

    /// The gradient with respect to the images, of that of the result.
    pub fn images_gradient(&self, gradient: &[f32], weights: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let matrix = Packed::new(self.kernel * self.kernel * outputs, inputs, |row| {
            let (output, place) = (row % outputs, row / outputs);
            move |input| weights[self.weight(output, input, place)]
        });
        let term = |place| {
            let target = place / self.kernel * self.row() + place % self.kernel * inputs;
            Term { source: 0, target, row: place * outputs, length: outputs }
        };
        let terms: Vec<Term> = (0..self.kernel * self.kernel).map(term).collect();
        let (patches, pixels) = (self.patches(), self.pixels());
        let size = pixels.len() * outputs;

        let mut results = vec![0.0; gradient.len() / size * self.image()];
        let pairs = results.par_chunks_exact_mut(self.image()).zip(gradient.par_chunks_exact(size));
        let add = |source, target: &mut [f32]| {
            target.fill(0.0);
            let (matrix, terms) = (&matrix, &terms[..]);
            MultiplyAdd { source, source_rows: &pixels, matrix, terms, target, target_rows: &patches }.run();
        };
        pairs.for_each_init(
            || self.margins(),
            |padded, (target, source)| {
                if padded.is_empty() {
                    add(source, target);
                } else {
                    add(source, padded);
                    self.read_inner(padded, target);
                }
            },
        );
        results
    }

    /// The gradient with respect to the weights, of that of the result.
    pub fn weights_gradient(&self, images: &[f32], gradient: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let (rows, width) = (self.kernel * self.kernel * inputs, outputs.next_multiple_of(tiles::lanes()));
        let (terms, patches) = (self.rows_of_kernel(), self.patches());
        let part = (images.len() / self.image()).div_ceil(PARTS).max(1);
        let images = images.par_chunks(part * self.image());
        let pairs = images.zip(gradient.par_chunks(part * patches.len() * outputs));
        let sum = |(images, gradient): (&[f32], &[f32])| {
            let source = self.pad(images);
            let starts = (0..images.len() / self.image()).map(|image| image * self.padded_image());
            let positions: Vec<usize> =
                starts.flat_map(|start| patches.iter().map(move |patch| start + patch)).collect();
            let factors = widen(gradient, outputs, width);
            let mut sum = vec![0.0; rows * width];
            sum.fill(0.0);
            // One row of the kernel after the other, so that its part of the sum stays in the second-level
            // cache.
            for terms in terms.chunks(1) {
                let (source, factors, target) = (&*source, &*factors, &mut sum[..]);
                OuterProducts { source, positions: &positions, terms, factors, target, width }.run();
            }
            sum
        };
        let sums: Vec<Vec<f32>> = pairs.map(sum).collect();

        let mut total = vec![0.0; rows * width];
        total.par_chunks_mut(width * ROWS).enumerate().for_each(|(chunk, total)| {
            for sum in &sums {
                for (total, sum) in total.iter_mut().zip(&sum[chunk * width * ROWS..]) {
                    *total += sum;
                }
            }
        });
        let mut result = vec![0.0; outputs * rows];
        result.par_chunks_exact_mut(rows).enumerate().for_each(|(output, result)| {
            for place in 0..self.kernel * self.kernel {
                for input in 0..inputs {
                    result[self.weight(0, input, place)] = total[(place * inputs + input) * width + output];
                }
            }
        });
        result
    }

    /// Where a weight is, of the result's channel `output`, of the image's channel `input` and of a place in
    /// the kernel.
    fn weight(&self, output: usize, input: usize, place: usize) -> usize {
        (output * self.channels[0] + input) * self.kernel * self.kernel + place
    }

    /// The products with each row of the kernel, whose weights are in the order of places, then channels of
    /// images.
    fn rows_of_kernel(&self) -> Vec<Term> {
        let length = self.kernel * self.channels[0];
        let term = |y| Term { source: y * self.row(), target: 0, row: y * length, length };
        (0..self.kernel).map(term).collect()
    }

    /// Where in a padded image the patch of each pixel of the result starts.
    fn patches(&self) -> Vec<usize> {
        let [height, width] = self.output_size();
        let step = self.stride * self.channels[0];
        let rows = (0..height).map(|y| y * self.stride * self.row());
        rows.flat_map(|row| (0..width).map(move |x| row + x * step)).collect()
    }

    /// Where each pixel of the result is.
    fn pixels(&self) -> Vec<usize> {
        let [height, width] = self.output_size();
        (0..height * width).map(|pixel| pixel * self.channels[1]).collect()
    }

    fn image(&self) -> usize {
        self.size[0] * self.size[1] * self.channels[0]
    }

    fn padded_size(&self) -> [usize; 2] {
        self.size.map(|size| size + 2 * self.padding)
    }

    /// The length of a row of pixels of a padded image.
    fn row(&self) -> usize {
        self.padded_size()[1] * self.channels[0]
    }

    fn padded_image(&self) -> usize {
        self.padded_size()[0] * self.row()
    }

    /// A padded image of zeros, or nothing if images are not padded.
    fn margins(&self) -> Vec<f32> {
        vec![0.0; if self.padding == 0 { 0 } else { self.padded_image() }]
    }

    /// The images with zeros around each.
    fn pad<'a>(&self, images: &'a [f32]) -> Cow<'a, [f32]> {
        if self.padding == 0 {
            return images.into();
        }
        let mut padded = vec![0.0; images.len() / self.image() * self.padded_image()];
        let all = padded.chunks_exact_mut(self.padded_image()).zip(images.chunks_exact(self.image()));
        for (padded, image) in all {
            self.write_inner(padded, image);
        }
        padded.into()
    }

    /// Writes an image into a padded one.
    fn write_inner(&self, padded: &mut [f32], image: &[f32]) {
        let (row, margin) = (self.size[1] * self.channels[0], self.padding * self.channels[0]);
        let rows = padded[self.padding * self.row()..].chunks_exact_mut(self.row());
        for (padded, row) in rows.zip(image.chunks_exact(row)) {
            padded[margin..margin + row.len()].copy_from_slice(row);
        }
    }

    /// Reads an image out of a padded one.
    fn read_inner(&self, padded: &[f32], image: &mut [f32]) {
        let (row, margin) = (self.size[1] * self.channels[0], self.padding * self.channels[0]);
        let rows = padded[self.padding * self.row()..].chunks_exact(self.row());
        for (padded, row) in rows.zip(image.chunks_exact_mut(row)) {
            row.copy_from_slice(&padded[margin..margin + row.len()]);
        }
    }
}

/// Rows of another width, filled up with zeros.
fn widen(rows: &[f32], from: usize, to: usize) -> Cow<'_, [f32]> {
    if from == to {
        return rows.into();
    }
    let mut wide = vec![0.0; rows.len() / from * to];
    for (wide, row) in wide.chunks_exact_mut(to).zip(rows.chunks_exact(from)) {
        wide[..from].copy_from_slice(row);
    }
    wide.into()
}
