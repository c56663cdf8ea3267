//! Images as PNG files.

use std::io::Cursor;

use exact_data::DataError;
use image::ImageFormat;

use crate::{ImageError, Images, planes};

impl Images {
    /// One image as the bytes of a PNG file.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if there are neither 1 nor 3 channels.
    ///
    /// # Panics
    /// If `index` is not below the number of images.
    ///
    /// # Example
    /// ```
    /// use exact_images::{ImageSize, Images};
    ///
    /// let size = ImageSize { height: 1, width: 2 };
    /// let images = Images::new(vec![0, 9], 1, size, vec![0], vec!["dark".into()])?;
    /// assert_eq!(images.png(0)?[..4], *b"\x89PNG");
    /// # Ok::<(), exact_images::ImageError>(())
    /// ```
    pub fn png(&self, index: usize) -> Result<Vec<u8>, ImageError> {
        let fail = |problem| ImageError::from(DataError::Inconsistent { what: "array of images", problem });
        let image = planes::join(self.image(index), self.channels(), self.size());
        let image = image.ok_or_else(|| {
            fail(format!("has {} channels, only 1 or 3 can be a PNG file", self.channels()))
        })?;
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).map_err(|error| fail(error.to_string()))?;
        Ok(bytes.into_inner())
    }
}
