//! Images without labels, as files.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use exact_data::{DataError, matching};
use rayon::prelude::*;

use crate::encoded::EncodedImage;
use crate::parts::planes_of;
use crate::resize::check;
use crate::walk::images_below;
use crate::{ImageError, ImageSize, ImageWarning, Images};

/// Files of images, of any size and format, in the order in which they are named.
///
/// # Example
/// ```
/// use exact_images::{ImageFiles, ImageSize, Images};
///
/// # let folder = tempfile::tempdir()?;
/// let size = ImageSize { height: 1, width: 1 };
/// let image = Images::new(vec![7], 1, size, vec![0], vec!["grey".into()])?.png(0)?;
/// std::fs::write(folder.path().join("a.png"), image)?;
/// std::fs::write(folder.path().join("b.png"), "no image")?;
/// let mut files = ImageFiles::default();
/// files.add(folder.path())?;
/// assert_eq!(files.paths().len(), 2);
///
/// let decoded = ImageFiles::decode(files.paths(), 3, size)?;
/// assert!(decoded.outcomes[0].is_ok() && decoded.outcomes[1].is_err());
/// assert_eq!(decoded.images.ok_or("no image")?.pixels(), [7, 7, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ImageFiles {
    paths: Vec<PathBuf>,
    warnings: Vec<ImageWarning>,
}

/// What became of some files of images.
#[derive(Debug)]
#[non_exhaustive]
pub struct DecodedFiles {
    /// Of each file, what it was, or why it cannot be read.
    pub outcomes: Vec<Result<Picture, ImageError>>,
    /// Those that can be read, in their order; `None` if there are none.
    pub images: Option<Images>,
}

/// What a file of an image was before it was converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Picture {
    /// Whether it is grey.
    pub is_grey: bool,
    /// Whether it is an animation, of which the first picture is read.
    pub is_animated: bool,
}

impl ImageFiles {
    /// Adds a file; or the files in a folder and those below it that end as images do, sorted; or what a
    /// pattern with `*`, `?`, `[` or `**` matches, unless there is a file of that name.
    ///
    /// # Errors
    /// [`ImageError::NoMatch`] if a pattern matches nothing, [`ImageError::NoImages`] if a folder has none,
    /// and [`DataError::Read`] if there is no such file.
    pub fn add(&mut self, path: &Path) -> Result<(), ImageError> {
        let pattern = path.to_str().filter(|pattern| pattern.contains(['*', '?', '[']));
        match (path.metadata(), pattern) {
            (Ok(_), _) => self.add_path(path),
            (Err(_), Some(pattern)) => {
                let matches = matching(pattern)?;
                if matches.is_empty() {
                    return Err(ImageError::NoMatch { pattern: pattern.into() });
                }
                matches.iter().try_for_each(|path| self.add_path(path))
            }
            (Err(error), None) => Err(DataError::Read { file: path.display().to_string(), error }.into()),
        }
    }

    /// Adds the paths of a list, one in each line: files, whether they are there or not, and folders.
    ///
    /// # Errors
    /// [`DataError::Read`] if the list cannot be read, or is no text in UTF-8; [`ImageError::NoImages`] if a
    /// folder has none.
    pub fn add_list(&mut self, name: &str, list: impl BufRead) -> Result<(), ImageError> {
        for line in list.lines() {
            let line = line.map_err(|error| DataError::Read { file: name.into(), error })?;
            let line = line.trim_end_matches('\r');
            if !line.is_empty() {
                self.add_path(Path::new(line))?;
            }
        }
        Ok(())
    }

    fn add_path(&mut self, path: &Path) -> Result<(), ImageError> {
        if !path.is_dir() {
            self.paths.push(path.into());
            return Ok(());
        }
        let images = images_below(path, &mut self.warnings)?;
        if images.is_empty() {
            return Err(ImageError::NoImages { place: path.display().to_string() });
        }
        self.paths.extend(images);
        Ok(())
    }

    /// The files.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// What is to be known of how they were found.
    pub fn warnings(&self) -> &[ImageWarning] {
        &self.warnings
    }

    /// Reads some files as images of this shape, all of one class without a name: turned as their Exif data
    /// say, made grey or coloured, and scaled as by [`Images::resized`]. What cannot be read is left out.
    ///
    /// # Errors
    /// [`ImageError::Channels`] if there are to be neither 1 nor 3 channels, and [`DataError::Setting`] if
    /// images cannot be scaled to the size.
    pub fn decode(paths: &[PathBuf], channels: usize, size: ImageSize) -> Result<DecodedFiles, ImageError> {
        check(size)?;
        if ![1, 3].contains(&channels) {
            return Err(ImageError::Channels { channels });
        }
        let decode = |path: &PathBuf| {
            let decoded = EncodedImage::File(path.clone()).decode()?;
            let picture = Picture { is_grey: decoded.is_grey, is_animated: decoded.is_animated };
            Ok((picture, planes_of(&decoded, channels, size)))
        };
        let results: Vec<Result<_, ImageError>> = paths.par_iter().map(decode).collect();
        let (mut outcomes, mut pixels, mut n_images) = (Vec::new(), Vec::new(), 0);
        for result in results {
            outcomes.push(result.map(|(picture, planes)| {
                pixels.extend(planes);
                n_images += 1;
                picture
            }));
        }
        let labels = vec![0; n_images];
        let images = match n_images {
            0 => None,
            _ => Some(Images::new(pixels, channels, size, labels, vec![String::new()])?),
        };
        Ok(DecodedFiles { outcomes, images })
    }
}
