//! Between grey and coloured images.

use crate::{ImageError, Images, planes};

impl Images {
    /// The images with 1 channel, grey, or with 3, red, green and blue; those that have as many channels
    /// already stay as they are. Grey is 0.2126 red + 0.7152 green + 0.0722 blue.
    ///
    /// # Errors
    /// [`ImageError::Channels`] if either number is another one.
    ///
    /// # Example
    /// ```
    /// use exact_images::{ImageSize, Images};
    ///
    /// let size = ImageSize { height: 1, width: 2 };
    /// let images = Images::new(vec![7, 9], 1, size, vec![0], vec!["grey".into()])?;
    /// assert_eq!(images.with_channels(3)?.pixels(), [7, 9, 7, 9, 7, 9]);
    /// # Ok::<(), exact_images::ImageError>(())
    /// ```
    pub fn with_channels(self, channels: usize) -> Result<Self, ImageError> {
        if channels == self.channels() {
            return Ok(self);
        }
        if ![1, 3].contains(&channels) {
            return Err(ImageError::Channels { channels });
        }
        let mut pixels = Vec::with_capacity(self.pixels().len() / self.channels() * channels);
        for index in 0..self.len() {
            let image = planes::join(self.image(index), self.channels(), self.size());
            let image = image.ok_or(ImageError::Channels { channels: self.channels() })?;
            pixels.extend(planes::split(&image, channels));
        }
        Self::new(pixels, channels, self.size(), self.labels().to_vec(), self.class_names().to_vec())
    }
}
