//! Changing the values of pixels.

use super::image::Image;

/// `base + factor (x - base)`, rounded and within the range of pixels.
fn blend(base: f64, pixel: u8, factor: f64) -> u8 {
    (base + factor * (f64::from(pixel) - base)).round().clamp(0.0, 255.0) as u8
}

/// The brightness of each pixel as the eye weighs colours, ITU-R BT.601; the pixels of a single channel
/// themselves.
fn luma(image: &Image) -> Vec<f64> {
    let planes: Vec<&[u8]> = image.planes().collect();
    match planes.as_slice() {
        [red, green, blue] => {
            let weigh = |((&red, &green), &blue)| {
                0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue)
            };
            red.iter().zip(*green).zip(*blue).map(weigh).collect()
        }
        [first, ..] => first.iter().map(|&pixel| f64::from(pixel)).collect(),
        [] => unreachable!("images have channels"),
    }
}

/// Away from black for factors above 1, towards it below.
pub(super) fn brightness(image: &mut Image, factor: f64) {
    map(image, |pixel| blend(0.0, pixel, factor));
}

/// Away from grey of the same brightness or towards it.
pub(super) fn saturation(image: &mut Image, factor: f64) {
    let grey = luma(image);
    for plane in image.planes_mut() {
        plane.iter_mut().zip(&grey).for_each(|(pixel, &grey)| *pixel = blend(grey, *pixel, factor));
    }
}

/// Away from the mean brightness of the image or towards it.
pub(super) fn contrast(image: &mut Image, factor: f64) {
    let luma = luma(image);
    let mean = (luma.iter().sum::<f64>() / luma.len() as f64).round();
    map(image, |pixel| blend(mean, pixel, factor));
}

/// Away from a smoothed image, weights 1 for the eight neighbours and 5 for the pixel, or towards it; the
/// edge stays.
pub(super) fn sharpness(image: &mut Image, factor: f64) {
    let (height, width) = (image.shape.height, image.shape.width);
    image.redraw(|plane, row, column| {
        let pixel = plane[row * width + column];
        if row == 0 || column == 0 || row + 1 >= height || column + 1 >= width {
            return pixel;
        }
        let rows = row - 1..=row + 1;
        let sum: u32 =
            rows.flat_map(|row| &plane[row * width + column - 1..][..3]).map(|&p| u32::from(p)).sum();
        let smooth = f64::from(sum + 4 * u32::from(pixel)) / 13.0;
        blend(smooth.round(), pixel, factor)
    });
}

/// Keeps the highest bits, from 1 to 8.
pub(super) fn posterize(image: &mut Image, bits: u32) {
    let mask = u8::MAX << (8 - bits);
    map(image, |pixel| pixel & mask);
}

/// Inverts pixels from a threshold on.
pub(super) fn solarize(image: &mut Image, threshold: f64) {
    map(image, |pixel| if f64::from(pixel) >= threshold { 255 - pixel } else { pixel });
}

/// Dark to bright.
pub(super) fn invert(image: &mut Image) {
    map(image, |pixel| 255 - pixel);
}

/// Stretches each channel to the whole range.
pub(super) fn auto_contrast(image: &mut Image) {
    for plane in image.planes_mut() {
        let [low, high] =
            [plane.iter().min(), plane.iter().max()].map(|extreme| *extreme.expect("images have pixels"));
        if low < high {
            let scale = 255.0 / f64::from(high - low);
            for pixel in plane {
                *pixel = (f64::from(*pixel - low) * scale).round() as u8;
            }
        }
    }
}

/// Makes the values of each channel equally frequent, as nearly as a function of them can. With `n` pixels,
/// of which the largest value has `n_last`, and `step = ⌊(n - n_last) / 255⌋`, a value becomes
/// `⌊(number of smaller ones + step / 2) / step⌋`.
pub(super) fn equalize(image: &mut Image) {
    for plane in image.planes_mut() {
        let mut counts = [0_usize; 256];
        for &pixel in &*plane {
            counts[usize::from(pixel)] += 1;
        }
        let last = counts.iter().rfind(|&&count| count > 0).expect("images have pixels");
        let step = (plane.len() - last) / 255;
        if step == 0 {
            continue;
        }
        let mut smaller = 0;
        let values = counts.map(|count| {
            let value = (smaller + step / 2) / step;
            smaller += count;
            value.min(255) as u8
        });
        for pixel in plane {
            *pixel = values[usize::from(*pixel)];
        }
    }
}

fn map(image: &mut Image, function: impl Fn(u8) -> u8) {
    for pixel in &mut image.pixels {
        *pixel = function(*pixel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;

    fn changed(pixels: &[u8], channels: usize, change: impl Fn(&mut Image)) -> Vec<u8> {
        let shape = ImageShape { channels, height: 1, width: pixels.len() / channels };
        let mut image = Image { pixels: pixels.to_vec(), shape };
        change(&mut image);
        image.pixels
    }

    #[test]
    fn values_are_blended() {
        let row = [0, 100, 200];
        assert_eq!(changed(&row, 1, |image| brightness(image, 1.5)), [0, 150, 255]);
        assert_eq!(changed(&row, 1, |image| contrast(image, 0.5)), [50, 100, 150]);
        assert_eq!(changed(&row, 1, |image| saturation(image, 0.1)), row);
        // 0.299 · 200 + 0.587 · 100 = 118.5.
        assert_eq!(changed(&[200, 100, 0], 3, |image| saturation(image, 0.0)), [119, 119, 119]);
        assert_eq!(changed(&[200, 100, 0], 3, |image| saturation(image, 2.0)), [255, 82, 0]);
    }

    #[test]
    fn sharpness_blends_with_the_neighbourhood() {
        let shape = ImageShape { channels: 1, height: 3, width: 3 };
        let mut image = Image { pixels: vec![13, 13, 13, 13, 130, 13, 13, 13, 13], shape };
        sharpness(&mut image, 0.0);
        // (8 · 13 + 5 · 130) / 13 = 58.
        assert_eq!(image.pixels, [13, 13, 13, 13, 58, 13, 13, 13, 13]);
    }

    #[test]
    fn values_are_mapped() {
        let row = [0, 100, 200];
        assert_eq!(changed(&row, 1, |image| posterize(image, 2)), [0, 64, 192]);
        assert_eq!(changed(&row, 1, |image| posterize(image, 8)), row);
        assert_eq!(changed(&row, 1, |image| solarize(image, 100.0)), [0, 155, 55]);
        assert_eq!(changed(&row, 1, invert), [255, 155, 55]);
        assert_eq!(changed(&[50, 60, 70], 1, auto_contrast), [0, 128, 255]);
        assert_eq!(changed(&[50, 50], 1, auto_contrast), [50, 50]);
    }

    #[test]
    fn equalised_values_are_equally_frequent() {
        // 512 pixels of four values, equally frequent: step = ⌊384 / 255⌋ = 1, ranks 0, 128, 256 (and more,
        // cut off).
        let pixels: Vec<u8> = (0..512).map(|at| 10 + (at % 4) as u8).collect();
        let equalized = changed(&pixels, 1, equalize);
        assert_eq!(equalized[..4], [0, 128, 255, 255]);
        // Too few pixels to spread.
        assert_eq!(changed(&[1, 2, 3], 1, equalize), [1, 2, 3]);
    }
}
