//! Arrays of `NumPy`: one in an NPY file, several named ones in an NPZ file.
//!
//! An NPY file is a head – the bytes `\x93NUMPY`, a version, the length of the rest, and a Python dictionary with the
//! type, the order and the shape – and the values. An NPZ file is a ZIP archive of such files. Reference: `NumPy`,
//! "numpy.lib.format".

use std::io::{Cursor, Read as _};

use zip::ZipArchive;

use super::number_type::NumberType;
use super::{Array, Column, bad_array, columns};
use crate::{DataError, FIELD_LIMIT};

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// What the only array of an NPY file is called, since the file does not name it.
const ONLY: &str = "x";

pub(super) fn read_npy(file: &str, bytes: &[u8]) -> Result<Vec<Column>, DataError> {
    array(file, ONLY, bytes)
}

pub(super) fn read_npz(file: &str, bytes: &[u8]) -> Result<Vec<Column>, DataError> {
    let damaged =
        |error: zip::result::ZipError| DataError::ArrayFile { file: file.into(), problem: error.to_string() };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut all = Vec::new();
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).map_err(damaged)?;
        let name = member.name().map_err(damaged)?.trim_end_matches(".npy").to_string();
        let mut bytes = Vec::new();
        let read = member.read_to_end(&mut bytes);
        read.map_err(|error| bad_array(file, &name, format!("cannot be unpacked: {error}")))?;
        all.extend(array(file, &name, &bytes)?);
    }
    Ok(all)
}

/// The type of values.
enum Type {
    Number(NumberType),
    /// So many code points of 4 bytes.
    Unicode(usize),
    /// So many bytes.
    Bytes(usize),
}

fn array(file: &str, name: &str, bytes: &[u8]) -> Result<Vec<Column>, DataError> {
    let bad = |problem: String| bad_array(file, name, problem);
    let (head, values) = split_head(bytes).ok_or_else(|| bad("does not begin as an NPY file does".into()))?;
    let description =
        field(head, "descr").and_then(|text| text.strip_prefix('\'')?.split_once('\'')).map(|(text, _)| text);
    let (kind, big_endian) = description.and_then(kind_of).ok_or_else(|| {
        bad(format!(
            "has values of the type {}, of which only numbers and texts are read",
            description.unwrap_or("of a record")
        ))
    })?;
    let shape = field(head, "shape").and_then(shape_of).ok_or_else(|| bad("has no shape".into()))?;
    let fortran_order = field(head, "fortran_order").is_some_and(|text| text.starts_with("True"));
    let size = match kind {
        Type::Number(kind) => kind.size(),
        Type::Unicode(n) => 4 * n,
        Type::Bytes(n) => n,
    };
    let length = shape.iter().try_fold(size, |product, &length| product.checked_mul(length));
    if length != Some(values.len()) {
        return Err(bad(format!("has {} bytes of values, which are not the shape {shape:?}", values.len())));
    }
    let values = in_row_order(
        values,
        size,
        &shape,
        fortran_order,
        big_endian.then_some(match kind {
            Type::Unicode(_) => 4,
            _ => size,
        }),
    );
    let array = match kind {
        Type::Number(kind) => Array::Numbers(kind.numbers(&values)),
        Type::Unicode(_) => Array::Texts(texts(&values, size, unicode)),
        Type::Bytes(_) => {
            Array::Texts(texts(&values, size, |bytes| String::from_utf8_lossy(bytes).into_owned()))
        }
    };
    columns(file, name, &shape, &array)
}

/// The dictionary and the values behind it.
fn split_head(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return None,
    };
    let (head, values) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(head).ok()?, values))
}

/// What stands behind a key of the dictionary.
fn field<'a>(head: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = head.split_once(&format!("'{key}':"))?;
    Some(rest.trim_start())
}

/// The numbers of `(3, 4)`.
fn shape_of(text: &str) -> Option<Vec<usize>> {
    let (lengths, _) = text.strip_prefix('(')?.split_once(')')?;
    let lengths = lengths.split(',').map(str::trim).filter(|length| !length.is_empty());
    lengths.map(|length| length.parse().ok()).collect()
}

/// The type of a description such as `<f4`, and whether its bytes are big-endian.
fn kind_of(description: &str) -> Option<(Type, bool)> {
    let mut characters = description.chars();
    let order = characters.next()?;
    let kind = match characters.as_str() {
        "b1" => Type::Number(NumberType::Bool),
        "i1" => Type::Number(NumberType::I8),
        "i2" => Type::Number(NumberType::I16),
        "i4" => Type::Number(NumberType::I32),
        "i8" => Type::Number(NumberType::I64),
        "u1" => Type::Number(NumberType::U8),
        "u2" => Type::Number(NumberType::U16),
        "u4" => Type::Number(NumberType::U32),
        "u8" => Type::Number(NumberType::U64),
        "f2" => Type::Number(NumberType::F16),
        "f4" => Type::Number(NumberType::F32),
        "f8" => Type::Number(NumberType::F64),
        text => match (text.strip_prefix('U'), text.strip_prefix('S')) {
            (Some(n), _) => Type::Unicode(length_of_text(n)?),
            (_, Some(n)) => Type::Bytes(length_of_text(n)?),
            _ => return None,
        },
    };
    matches!(order, '<' | '>' | '|' | '=').then_some((kind, order == '>'))
}

fn length_of_text(text: &str) -> Option<usize> {
    text.parse().ok().filter(|length| (1..=FIELD_LIMIT).contains(length))
}

/// Values row after row and with little-endian words; `swapped` is the size of words to turn around.
fn in_row_order(
    values: &[u8],
    size: usize,
    shape: &[usize],
    fortran_order: bool,
    swapped: Option<usize>,
) -> Vec<u8> {
    let mut ordered = match *shape {
        [n_rows, width] if fortran_order => {
            let starts =
                (0..n_rows).flat_map(|row| (0..width).map(move |column| (column * n_rows + row) * size));
            starts.flat_map(|start| &values[start..start + size]).copied().collect()
        }
        _ => values.to_vec(),
    };
    if let Some(word) = swapped.filter(|&word| word > 1) {
        ordered.chunks_exact_mut(word).for_each(<[u8]>::reverse);
    }
    ordered
}

/// Texts of equal size, which are filled up with zeros.
fn texts(values: &[u8], size: usize, text: impl Fn(&[u8]) -> String) -> Vec<String> {
    values.chunks_exact(size.max(1)).map(|bytes| text(bytes).trim_end_matches('\0').to_string()).collect()
}

fn unicode(bytes: &[u8]) -> String {
    let point =
        |&bytes: &[u8; 4]| char::from_u32(u32::from_le_bytes(bytes)).unwrap_or(char::REPLACEMENT_CHARACTER);
    bytes.as_chunks().0.iter().map(point).collect()
}
