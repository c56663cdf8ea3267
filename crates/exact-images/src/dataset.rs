//! A training and a test set of images.

use exact_data::DataError;

use crate::{ImageError, ImageWarning, Images};

/// Images to train on and images to test on, of the same shape and with the same classes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageDataset {
    /// The images to train on.
    pub train: Images,
    /// The images to test on.
    pub test: Images,
    /// What was done to them and should be known.
    pub warnings: Vec<ImageWarning>,
}

impl ImageDataset {
    /// A data set of two sets of images.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if their channels, sizes or classes differ.
    pub fn new(train: Images, test: Images) -> Result<Self, ImageError> {
        let shape = |images: &Images| (images.channels(), images.size());
        let problem = if shape(&train) != shape(&test) {
            format!(
                "has training images of {} with {} channels, test images of {} with {}",
                train.size(),
                train.channels(),
                test.size(),
                test.channels()
            )
        } else if train.class_names() != test.class_names() {
            "has other classes for testing than for training".into()
        } else {
            return Ok(Self { train, test, warnings: Vec::new() });
        };
        Err(DataError::Inconsistent { what: "image data set", problem }.into())
    }

    /// All images, those to train on first.
    ///
    /// # Example
    /// ```
    /// use exact_images::{ImageDataset, ImageSize, Images};
    ///
    /// let size = ImageSize { height: 1, width: 1 };
    /// let image = |pixel| Images::new(vec![pixel], 1, size, vec![0], vec!["grey".into()]);
    /// assert_eq!(ImageDataset::new(image(1)?, image(2)?)?.into_all()?.pixels(), [1, 2]);
    /// # Ok::<(), exact_images::ImageError>(())
    /// ```
    ///
    /// # Errors
    /// None that [`ImageDataset::new`] has not found.
    pub fn into_all(self) -> Result<Images, ImageError> {
        let Self { train, test, .. } = self;
        let pixels = [train.pixels(), test.pixels()].concat();
        let labels = [train.labels(), test.labels()].concat();
        Images::new(pixels, train.channels(), train.size(), labels, train.class_names().to_vec())
    }

    #[cfg(feature = "files")]
    /// The data set with all images scaled as by [`Images::resized`].
    ///
    /// # Errors
    /// Those of [`Images::resized`].
    pub fn resized(&self, size: crate::ImageSize) -> Result<Self, ImageError> {
        let dataset = Self::new(self.train.resized(size)?, self.test.resized(size)?)?;
        Ok(Self { warnings: self.warnings.clone(), ..dataset })
    }
}
