//! Arrays of bytes in MATLAB files of version 5 to 7, as far as data sets of images need them.
//!
//! A file is a header of 128 bytes and elements. An element is its type and its length, 4 bytes each, and its
//! content: an array, or an array that is compressed with zlib. An array consists of further elements –
//! flags, dimensions, name and values – which are padded to multiples of 8 bytes; one of at most 4 bytes
//! stands within its tag. Reference: `MathWorks`, "MAT-File Format", chapter 1.

use std::io::BufReader;

use exact_data::Source;
use flate2::read::ZlibDecoder;

use crate::ImageError;
use crate::records::Records;

// Types of elements.
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// An array whose values are stored as unsigned bytes.
#[derive(Debug)]
pub(crate) struct ByteArray {
    pub name: String,
    /// The length along each dimension.
    pub dimensions: Vec<usize>,
    /// The values, with the first index running fastest.
    pub values: Vec<u8>,
}

/// All arrays of a file.
pub(crate) fn read(source: &Source) -> Result<Vec<ByteArray>, ImageError> {
    let mut records = Records::open(source)?;
    let header = records.take(128, |_| "the header".into())?;
    if !header.ends_with(b"\0\x01IM") {
        let found = String::from_utf8_lossy(&header[..19]).into_owned();
        return Err(records.wrong_format(0, "the header of a MATLAB file of version 5 to 7", found));
    }
    let mut arrays = Vec::new();
    while !records.is_at_end()? {
        let [kind, length] = [number(&mut records)?, number(&mut records)?];
        let content = records.take(length.into(), |_| format!("array {}", arrays.len() + 1))?;
        let mut array = match kind {
            MATRIX => Records::of(source, Box::new(content.as_slice())),
            COMPRESSED => {
                let mut array =
                    Records::of(source, Box::new(BufReader::new(ZlibDecoder::new(content.as_slice()))));
                if number(&mut array)? != MATRIX {
                    return Err(array.wrong_format(0, "an array (type 14)", "another type".into()));
                }
                // The length, which the elements have, too.
                number(&mut array)?;
                array
            }
            _ => {
                return Err(records.wrong_format(
                    records.offset(),
                    "an array (type 14 or 15)",
                    kind.to_string(),
                ));
            }
        };
        arrays.push(read_array(&mut array)?);
    }
    Ok(arrays)
}

fn read_array(records: &mut Records) -> Result<ByteArray, ImageError> {
    element(records, UINT32, "flags of an array (type 6)")?;
    let dimensions = element(records, INT32, "dimensions of an array (type 5)")?;
    let name = element(records, INT8, "the name of an array (type 1)")?;
    let values = element(records, UINT8, "values that are unsigned bytes (type 2)")?;
    let (dimensions, _) = dimensions.as_chunks();
    let dimensions: Vec<usize> = dimensions.iter().map(|&bytes| u32::from_le_bytes(bytes) as usize).collect();
    let length = dimensions.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
    if length != Some(values.len()) {
        let found = format!("{} for the dimensions {dimensions:?}", values.len());
        return Err(records.wrong_format(records.offset(), "as many values as the dimensions say", found));
    }
    Ok(ByteArray { name: String::from_utf8_lossy(&name).into_owned(), dimensions, values })
}

/// The content of the next element, which must be of a type.
fn element(records: &mut Records, expected: u32, description: &'static str) -> Result<Vec<u8>, ImageError> {
    let tag = number(records)?;
    let (kind, content) = match tag >> 16 {
        0 => {
            let length = number(records)?;
            let content = records.take(length.into(), |_| description.into())?;
            records.take(u64::from(length.wrapping_neg() % 8), |_| description.into())?;
            (tag, content)
        }
        length => {
            let mut content = records.take(4, |_| description.into())?;
            content.truncate(length as usize);
            (tag & 0xffff, content)
        }
    };
    if kind == expected {
        Ok(content)
    } else {
        Err(records.wrong_format(records.offset(), description, format!("type {kind}")))
    }
}

/// The next 4 bytes as a number.
fn number(records: &mut Records) -> Result<u32, ImageError> {
    let bytes = records.take(4, |_| "the head of an element".into())?;
    Ok(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte)))
}
