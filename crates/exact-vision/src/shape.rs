//! How many pixels images have.

use std::fmt;

use exact_images::Images;
use serde::{Deserialize, Serialize};

/// Images of at most so many pixels, along the shorter side, are small: networks for photographs would shrink
/// them to nothing.
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

    /// Whether networks for photographs take the variant for small images: at most 64 pixels along the
    /// shorter side.
    pub fn is_small(&self) -> bool {
        self.height.min(self.width) <= SMALL
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{} with {} channels", self.height, self.width, self.channels)
    }
}
