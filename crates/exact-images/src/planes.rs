//! Between images whose channels are interleaved and those whose channels are planes.

use image::{DynamicImage, GrayImage, RgbImage};

use crate::ImageSize;

/// The 8-bit values `[channels, height, width]`: grey for 1 channel, else red, green and blue.
pub(crate) fn split(image: &DynamicImage, channels: usize) -> Vec<u8> {
    if channels == 1 {
        return image.to_luma8().into_raw();
    }
    let interleaved = image.to_rgb8().into_raw();
    (0..3).flat_map(|channel| interleaved.iter().skip(channel).step_by(3).copied()).collect()
}

/// The image of values `[channels, height, width]`; `None` unless there are 1 or 3 channels.
pub(crate) fn join(pixels: &[u8], channels: usize, size: ImageSize) -> Option<DynamicImage> {
    let (width, height) = (u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?);
    let plane = size.width * size.height;
    let fits = "images have as many values as their shape says";
    match channels {
        1 => Some(GrayImage::from_raw(width, height, pixels.to_vec()).expect(fits).into()),
        3 => {
            let interleaved =
                (0..plane).flat_map(|at| [pixels[at], pixels[plane + at], pixels[2 * plane + at]]);
            Some(RgbImage::from_raw(width, height, interleaved.collect()).expect(fits).into())
        }
        _ => None,
    }
}
