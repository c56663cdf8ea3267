//! How many pixels images have.

use std::fmt;

use exact_images::Images;
use serde::{Deserialize, Serialize};

use crate::VisionError;

/// Images of at most so many pixels, along the shorter side, are small: networks for photographs would shrink them to nothing.
const SMALL: usize = 64;

/// The shape of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// Colour channels.
    pub channels: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}

impl ImageShape {
    /// The shape that all of these images have.
    pub fn of(images: &Images) -> Self {
        let size = images.size();
        Self { channels: images.channels(), height: size.height, width: size.width }
    }

    /// How many values one image has.
    pub(crate) fn values(&self) -> usize {
        self.channels * self.height * self.width
    }

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

impl fmt::Display for ImageShape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{} with {} channels", self.height, self.width, self.channels)
    }
}
