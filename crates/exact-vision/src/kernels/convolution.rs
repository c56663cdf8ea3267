//! Convolutions of images whose channels are next to each other, `[n, height, width, channels]`, and their
//! gradients.
//!
//! Each row of a patch of an image is then some neighbouring numbers, so sums of products are taken of
//! patches where they are. The work is divided by images; no sum depends on the number of threads.

use std::borrow::Cow;

use rayon::prelude::*;

use super::in_chunks::in_chunks;
use super::tiles::{self, MultiplyAdd, OuterProducts, Packed, Term};

/// The most parts that images are divided into for the gradient of weights, which is added up in each
/// and then over them.
const PARTS: usize = 8;
/// The fewest positions of patches that are worth a part.
const POSITIONS: usize = 2048;
/// How many channels of the result they are added up for at a time.
const OUTPUTS: usize = 16;

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
        self.of_matrix(images, &matrix)
    }

    /// The convolution with weights whose rows are in the order of places, then channels of images.
    fn of_matrix(&self, images: &[f32], matrix: &Packed) -> Vec<f32> {
        let (terms, patches, pixels) = (self.rows_of_kernel(), self.patches(), self.pixels());
        let size = pixels.len() * self.channels[1];
        let images = images.chunks_exact(self.image());
        let image = |index: usize| images.clone().nth(index).expect("there is an image for each result");
        in_chunks(
            images.len() * size,
            size,
            || self.margins(),
            |padded, index, target| {
                let source = if padded.is_empty() {
                    image(index)
                } else {
                    self.write_inner(padded, image(index));
                    padded
                };
                let (source_rows, target_rows, terms) = (&patches[..], &pixels[..], &terms[..]);
                MultiplyAdd { source, source_rows, matrix, terms, target, target_rows }.run();
            },
        )
    }

    /// The gradient with respect to the images, of that of the result.
    pub fn images_gradient(&self, gradient: &[f32], weights: &[f32]) -> Vec<f32> {
        let ([inputs, outputs], places) = (self.channels, self.kernel * self.kernel);
        let rows = places * outputs;
        if self.stride == 1 && self.output_size() == self.size {
            // It is the convolution of the gradient with the weights turned around, whose sums are longer.
            // (Of a smaller result it would be more of them.)
            let matrix = Packed::new(rows, inputs, |row| {
                let (output, place) = (row % outputs, places - 1 - row / outputs);
                move |input| weights[self.weight(output, input, place)]
            });
            let (size, padding) = (self.output_size(), self.kernel - 1 - self.padding);
            return Self { size, channels: [outputs, inputs], padding, ..*self }.of_matrix(gradient, &matrix);
        }
        let matrix = Packed::new(rows, inputs, |row| {
            let (output, place) = (row % outputs, row / outputs);
            move |input| weights[self.weight(output, input, place)]
        });
        let term = |place| {
            let target = place / self.kernel * self.row() + place % self.kernel * inputs;
            Term { source: 0, target, row: place * outputs, length: outputs }
        };
        let terms: Vec<Term> = (0..places).map(term).collect();
        let (patches, pixels) = (self.patches(), self.pixels());
        let size = pixels.len() * outputs;
        let gradients = gradient.chunks_exact(size);
        let add = |index: usize, target: &mut [f32]| {
            let source = gradients.clone().nth(index).expect("there is a gradient for each image");
            let (matrix, terms) = (&matrix, &terms[..]);
            MultiplyAdd { source, source_rows: &pixels, matrix, terms, target, target_rows: &patches }.run();
        };
        in_chunks(
            gradients.len() * self.image(),
            self.image(),
            || self.margins(),
            |padded, index, target| {
                if padded.is_empty() {
                    add(index, target);
                } else {
                    padded.fill(0.0);
                    add(index, padded);
                    self.read_inner(padded, target);
                }
            },
        )
    }

    /// The gradient with respect to the weights, of that of the result.
    pub fn weights_gradient(&self, images: &[f32], gradient: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let (run, width) = (self.kernel * inputs, outputs.next_multiple_of(tiles::lanes()));
        let (terms, patches) = (self.rows_of_kernel(), self.patches());
        let n = images.len() / self.image();
        let parts = (n * patches.len() / POSITIONS).clamp(1, PARTS);
        let part = n.div_ceil(parts).max(1);
        let images = images.par_chunks(part * self.image());
        let pairs = images.zip(gradient.par_chunks(part * patches.len() * outputs));
        let sum = |(images, gradient): (&[f32], &[f32])| {
            let source = self.pad(images);
            let starts = (0..images.len() / self.image()).map(|image| image * self.padded_image());
            let positions: Vec<usize> =
                starts.flat_map(|start| patches.iter().map(move |patch| start + patch)).collect();
            // A row of the kernel at a time, so that its part of the sum stays in the second-level cache.
            in_chunks(
                self.kernel * run * width,
                run * width,
                || (),
                |(), y, target| {
                    let term = Term { row: 0, ..terms[y] };
                    let (source, positions, factors) = (&*source, &positions[..], gradient);
                    OuterProducts { source, positions, term, factors, columns: outputs, target, width }.run();
                },
            )
        };
        let sums: Vec<Vec<f32>> = pairs.map(sum).collect();

        let rows = self.kernel * run;
        // As many channels of the result as are next to each other in the second-level cache.
        in_chunks(
            outputs * rows,
            OUTPUTS * rows,
            || (),
            |(), chunk, result| {
                for place in 0..self.kernel * self.kernel {
                    for input in 0..inputs {
                        let from = (place * inputs + input) * width + chunk * OUTPUTS;
                        for sum in &sums {
                            let of_outputs = result.chunks_exact_mut(rows).zip(&sum[from..]);
                            for (result, value) in of_outputs {
                                result[self.weight(0, input, place)] += value;
                            }
                        }
                    }
                }
            },
        )
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
