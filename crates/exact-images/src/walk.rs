//! The images of a folder and of those below it.

use std::path::{Path, PathBuf};

use exact_data::DataError;
use image::ImageFormat;

use crate::files::list;
use crate::{ImageError, ImageWarning};

/// Extensions of images that are not read, beside those of formats that the decoder knows of.
const UNREAD: [&str; 4] = ["heic", "heif", "jp2", "jxl"];

/// The files with the extension of an image, folder by folder and sorted by name, whether their format is
/// read or not. A link that leads to a folder around it is passed over, with a warning.
///
/// # Errors
/// [`DataError::Read`] if a folder cannot be read.
pub(crate) fn images_below(
    folder: &Path,
    warnings: &mut Vec<ImageWarning>,
) -> Result<Vec<PathBuf>, ImageError> {
    let mut images = Vec::new();
    collect(folder, &mut Vec::new(), &mut images, warnings)?;
    Ok(images)
}

/// `around` are the folders that this one lies in, as they are without links.
fn collect(
    folder: &Path,
    around: &mut Vec<PathBuf>,
    images: &mut Vec<PathBuf>,
    warnings: &mut Vec<ImageWarning>,
) -> Result<(), ImageError> {
    let real = folder
        .canonicalize()
        .map_err(|error| DataError::Read { file: folder.display().to_string(), error })?;
    if around.iter().any(|other| other.starts_with(&real)) {
        warnings.push(ImageWarning::LinkCycle { link: folder.into() });
        return Ok(());
    }
    around.push(real);
    for path in list(folder)? {
        if path.is_dir() {
            collect(&path, around, images, warnings)?;
        } else if is_image(&path) {
            images.push(path);
        }
    }
    around.pop();
    Ok(())
}

/// Whether a file is called as an image.
pub(crate) fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ImageFormat::from_extension(extension).is_some()
        || UNREAD.iter().any(|unread| extension.eq_ignore_ascii_case(unread))
}
