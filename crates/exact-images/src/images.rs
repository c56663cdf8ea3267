//! Labelled images as one array of pixels.

use std::fmt;

use exact_data::DataError;

use crate::ImageError;

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSize {
    /// The number of rows of pixels.
    pub height: usize,
    /// The number of pixels in a row.
    pub width: usize,
}

impl fmt::Display for ImageSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.height, self.width)
    }
}

/// Images of one size, 8 bits a channel, with their labels.
///
/// # Example
/// ```
/// use exact_images::{ImageSize, Images};
///
/// let size = ImageSize { height: 1, width: 2 };
/// let names = vec!["dark".into(), "bright".into()];
/// let images = Images::new(vec![0, 9, 250, 255], 1, size, vec![0, 1], names)?;
/// assert_eq!(images.len(), 2);
/// assert_eq!(images.image(1), [250, 255]);
/// assert_eq!(images.class_names()[images.labels()[1] as usize], "bright");
/// # Ok::<(), exact_images::ImageError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    channels: usize,
    size: ImageSize,
    labels: Vec<u32>,
    class_names: Vec<String>,
}

impl Images {
    /// Images of `pixels`, which holds `[labels.len(), channels, height, width]` values with the last index
    /// running fastest; class `k` is called `class_names[k]`.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if there are no images, no pixels, or another number of pixels than the
    /// shape says, and [`DataError::LabelOutOfRange`].
    pub fn new(
        pixels: Vec<u8>,
        channels: usize,
        size: ImageSize,
        labels: Vec<u32>,
        class_names: Vec<String>,
    ) -> Result<Self, ImageError> {
        let fail = |problem| Err(DataError::Inconsistent { what: "array of images", problem }.into());
        let shape = [labels.len(), channels, size.height, size.width];
        let n_pixels = shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
        if shape.contains(&0) {
            return fail(format!("has the empty shape {shape:?}"));
        }
        if n_pixels != Some(pixels.len()) {
            return fail(format!("has {} values, which are not the shape {shape:?}", pixels.len()));
        }
        let n_classes = class_names.len();
        if let Some(row) = labels.iter().position(|&label| label as usize >= n_classes) {
            return Err(DataError::LabelOutOfRange { row, label: labels[row], n_classes }.into());
        }
        Ok(Self { pixels, channels, size, labels, class_names })
    }

    /// The number of images, which is not 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// 1 for grey images, 3 for red, green and blue.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Height and width.
    pub fn size(&self) -> ImageSize {
        self.size
    }

    /// All pixels, `[len, channels, height, width]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels of one image, `[channels, height, width]`.
    ///
    /// # Panics
    /// If `index` is not below the number of images.
    pub fn image(&self, index: usize) -> &[u8] {
        let length = self.image_length();
        &self.pixels[index * length..(index + 1) * length]
    }

    /// The class of each image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The name of each class.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The number of classes, of which some may have no image here.
    pub fn n_classes(&self) -> usize {
        self.class_names.len()
    }

    /// The images with the given numbers, in that order.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if there are none.
    ///
    /// # Panics
    /// If a number is not below the number of images.
    pub fn select(&self, indices: &[usize]) -> Result<Self, ImageError> {
        let pixels = indices.iter().flat_map(|&index| self.image(index)).copied().collect();
        let labels = indices.iter().map(|&index| self.labels[index]).collect();
        Self::new(pixels, self.channels, self.size, labels, self.class_names.clone())
    }

    fn image_length(&self) -> usize {
        self.channels * self.size.height * self.size.width
    }
}
