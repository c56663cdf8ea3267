//! One image while it is changed.

use crate::ImageShape;

/// The pixels of one image, `[channels, height, width]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    pub pixels: Vec<u8>,
    pub shape: ImageShape,
}

impl Image {
    /// The pixels of each channel.
    pub fn planes(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.shape.height * self.shape.width)
    }

    /// The same, to be changed.
    pub fn planes_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.pixels.chunks_exact_mut(self.shape.height * self.shape.width)
    }

    /// Replaces each plane by a function of it that gives the pixel at a row and column.
    pub fn redraw(&mut self, pixel: impl Fn(&[u8], usize, usize) -> u8) {
        let width = self.shape.width;
        let redrawn = |plane: &[u8]| -> Vec<u8> {
            (0..plane.len()).map(|at| pixel(plane, at / width, at % width)).collect()
        };
        self.pixels = self.planes().flat_map(redrawn).collect();
    }
}
