//! Files of images as tests need them.

use std::io::Write as _;
use std::path::Path;

use image::{DynamicImage, GrayImage, RgbImage};

/// An IDX file: its header and values.
pub fn idx(kind: u8, dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, kind];
    bytes.extend(dimensions.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(values);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The four files of an IDX set: 3 images of 2x3 for training, 2 for testing, of the classes 0 to 2.
pub fn write_idx(folder: &Path) {
    let pixels: Vec<u8> = (0..18).collect();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    write("train-images-idx3-ubyte", idx(3, &[3, 2, 3], &pixels));
    write("train-labels-idx1-ubyte.gz", gzip(&idx(1, &[3], &[2, 0, 1])));
    write("t10k-images-idx3-ubyte.gz", gzip(&idx(3, &[2, 2, 3], &pixels[..12])));
    write("t10k-labels-idx1-ubyte", idx(1, &[2], &[1, 2]));
}

/// Records of CIFAR, each with its label bytes and pixels that count up from the given value.
pub fn cifar(records: &[(&[u8], u8)]) -> Vec<u8> {
    let record = |&(label, first): &(&[u8], u8)| {
        let pixels = (0..3072_u32).map(move |at| first.wrapping_add(at as u8));
        label.iter().copied().chain(pixels).collect::<Vec<u8>>()
    };
    records.iter().flat_map(record).collect()
}

/// Writes an image file, whose folders are created.
pub fn write_image(path: &Path, image: impl Into<DynamicImage>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.into().save(path).unwrap();
}

pub fn grey(height: u32, width: u32, value: u8) -> GrayImage {
    GrayImage::from_pixel(width, height, image::Luma([value]))
}

pub fn rgb(height: u32, width: u32, value: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, image::Rgb(value))
}

/// A MATLAB file of version 5 with the arrays `X`, `[height, width, 3, n]`, and `y`, compressed or not.
pub fn mat(dimensions: [u32; 4], pixels: &[u8], labels: &[u8], compressed: bool) -> Vec<u8> {
    let mut file = vec![b' '; 124];
    file.extend(b"\0\x01IM");
    let count = labels.len() as u32;
    for (name, dimensions, values) in [(b'X', dimensions.as_slice(), pixels), (b'y', &[count, 1], labels)] {
        let mut array: Vec<u8> = [6_u32, 8, 9, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
        let bytes: Vec<u8> = dimensions.iter().flat_map(|length| length.to_le_bytes()).collect();
        array.extend(mat_element(5, &bytes));
        array.extend([1, 0, 1, 0, name, 0, 0, 0]);
        array.extend(mat_element(2, values));
        let array = [14_u32.to_le_bytes().as_slice(), &(array.len() as u32).to_le_bytes(), &array].concat();
        if compressed {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&array).unwrap();
            let bytes = encoder.finish().unwrap();
            file.extend(15_u32.to_le_bytes());
            file.extend((bytes.len() as u32).to_le_bytes());
            file.extend(bytes);
        } else {
            file.extend(array);
        }
    }
    file
}

fn mat_element(kind: u32, content: &[u8]) -> Vec<u8> {
    let mut element = [kind.to_le_bytes(), (content.len() as u32).to_le_bytes()].concat();
    element.extend(content);
    element.resize(element.len().next_multiple_of(8), 0);
    element
}
