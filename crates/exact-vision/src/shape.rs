//! How many pixels images have.

use crate::VisionError;

/// Images of at most so many pixels, along the shorter side, are small: networks for photographs would shrink them to nothing.
const SMALL: usize = 64;

/// The shape of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Colour channels.
    pub channels: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}

impl ImageShape {
    /// Whether networks for photographs take the variant for small images: at most 64 pixels along the shorter side.
    pub fn is_small(&self) -> bool {
        self.height.min(self.width) <= SMALL
    }

    /// Height and width, if both are at least `smallest`.
    pub(crate) fn at_least(&self, model: &'static str, smallest: usize) -> Result<[usize; 2], VisionError> {
        let sides = [self.height, self.width];
        if sides.iter().all(|&side| side >= smallest) {
            return Ok(sides);
        }
        Err(VisionError::InputSize { model, smallest, height: self.height, width: self.width })
    }
}
