//! Scaling images.

use exact_data::DataError;
use image::DynamicImage;
use image::imageops::FilterType;

use crate::{ImageError, ImageSize, Images, planes};

impl Images {
    /// The images scaled to a size: of each, the largest part in the middle with the aspect ratio of that
    /// size, scaled bilinearly (averaged over all pixels that a new one covers). Images of that size already
    /// stay as they are.
    ///
    /// # Errors
    /// [`DataError::Setting`] if the height or the width is 0 or above 65535, and [`DataError::Inconsistent`]
    /// if there are neither 1 nor 3 channels.
    ///
    /// # Example
    /// ```
    /// use exact_images::{ImageSize, Images};
    ///
    /// let size = ImageSize { height: 1, width: 4 };
    /// let images = Images::new(vec![0, 7, 7, 0], 1, size, vec![0], vec!["stripe".into()])?;
    /// let images = images.resized(ImageSize { height: 2, width: 2 })?;
    /// assert_eq!(images.pixels(), [7; 4]); // the single pixel in the middle, enlarged
    /// # Ok::<(), exact_images::ImageError>(())
    /// ```
    pub fn resized(&self, size: ImageSize) -> Result<Self, ImageError> {
        check(size)?;
        if size == self.size() {
            return Ok(self.clone());
        }
        let mut pixels = Vec::new();
        for index in 0..self.len() {
            let Some(image) = planes::join(self.image(index), self.channels(), self.size()) else {
                let problem = format!("has {} channels, only 1 or 3 can be scaled", self.channels());
                return Err(DataError::Inconsistent { what: "array of images", problem }.into());
            };
            pixels.extend(planes::split(&resize(&image, size), self.channels()));
        }
        Self::new(pixels, self.channels(), size, self.labels().to_vec(), self.class_names().to_vec())
    }
}

/// Checks that images can be scaled to a size.
pub(crate) fn check(size: ImageSize) -> Result<(), ImageError> {
    for (name, value) in [("the height of images", size.height), ("the width of images", size.width)] {
        if !(1..=usize::from(u16::MAX)).contains(&value) {
            let value = value as f64;
            return Err(DataError::Setting { name, expected: "from 1 to 65535", value }.into());
        }
    }
    Ok(())
}

/// Scales one image to a checked size. It is cut before it is scaled, so that a long and thin one needs no
/// more memory.
pub(crate) fn resize(image: &DynamicImage, size: ImageSize) -> DynamicImage {
    let (width, height) = (image.width() as usize, image.height() as usize);
    // The part with the target's aspect ratio, rounded to whole pixels.
    let of_height = |height: usize| (height * size.width).div_ceil(size.height).clamp(1, width);
    let of_width = |width: usize| (width * size.height).div_ceil(size.width).clamp(1, height);
    let (cut_width, cut_height) = (of_height(height), of_width(width));
    let (left, top) = ((width - cut_width) / 2, (height - cut_height) / 2);
    let part = image.crop_imm(left as u32, top as u32, cut_width as u32, cut_height as u32);
    part.resize_exact(size.width as u32, size.height as u32, FilterType::Triangle)
}
