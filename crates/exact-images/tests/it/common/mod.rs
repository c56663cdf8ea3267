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

/// The bytes of a JPEG file that says how it is to be turned: 6 is by 90 degrees, clockwise.
pub fn turned_jpeg(image: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    // A little-endian TIFF file with one entry, the tag 0x112, of one 16-bit number.
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

/// Parquet as the Hugging Face hub has it, of files and labels whose classes have these names.
pub fn write_hub(path: &Path, images: &[(Vec<u8>, i64)], class_names: &[&str]) {
    use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, StructArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::KeyValue;
    use parquet::file::properties::WriterProperties;
    use std::sync::Arc;

    let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values(images.iter().map(|(bytes, _)| bytes)));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(images.iter().map(|_| "a.png")));
    let files = StructArray::try_from(vec![("bytes", bytes), ("path", names)]).unwrap();
    let labels = Int64Array::from_iter_values(images.iter().map(|&(_, label)| label));
    let batch =
        RecordBatch::try_from_iter([("image", Arc::new(files) as ArrayRef), ("label", Arc::new(labels))]);
    let batch = batch.unwrap();
    let features = serde_json::json!({"info": {"features": {
        "image": {"_type": "Image"},
        "label": {"names": class_names, "_type": "ClassLabel"},
    }}});
    let metadata = vec![KeyValue::new("huggingface".to_string(), features.to_string())];
    let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata)).build();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The bytes of a PNG file.
pub fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
