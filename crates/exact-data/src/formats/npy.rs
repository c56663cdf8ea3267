//! Arrays of `NumPy`: one in an NPY file, several named ones in an NPZ file.
//!
//! An NPY file is a head – the bytes `\x93NUMPY`, a version, the length of the rest, and a Python dictionary
//! with the type, the order and the shape – and the values. An NPZ file is a ZIP archive of such files.
//! Reference: `NumPy`, "numpy.lib.format".

use super::arrays::{Values, bad_array, columns, table};
use super::npy_head::Head;
use super::number_type::NumberType;
use crate::raw_table::{RawColumn, RawTable};
use crate::{DataError, FIELD_LIMIT, Source};

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// What the only array of an NPY file is called, since the file does not name it.
const ONLY: &str = "x";

pub(super) fn read_npy(source: &Source) -> Result<RawTable, DataError> {
    table(source.name(), array(source.name(), ONLY, &source.read()?)?)
}

pub(super) fn read_npz(source: &Source) -> Result<RawTable, DataError> {
    let mut all = Vec::new();
    source.unpack(|member, bytes| {
        let name = member.strip_suffix(".npy").unwrap_or(member);
        all.extend(array(source.name(), name, bytes)?);
        Ok(())
    })?;
    table(source.name(), all)
}

/// The type of values.
enum Type {
    Number(NumberType),
    /// So many code points of 4 bytes.
    Unicode(usize),
    /// So many bytes.
    Bytes(usize),
}

fn array(file: &str, name: &str, bytes: &[u8]) -> Result<Vec<RawColumn>, DataError> {
    let bad = |problem: String| bad_array(file, name, problem);
    let (head, values) = split_head(bytes).ok_or_else(|| bad("does not begin as an NPY file does".into()))?;
    let Head { kind, fortran_order, shape } =
        Head::parse(head).ok_or_else(|| bad("has a head that is not one of an NPY file".into()))?;
    let (kind, big_endian) = kind.and_then(kind_of).ok_or_else(|| {
        let kind = kind.unwrap_or("of a record");
        bad(format!("has values of the type {kind}, of which only numbers and texts are read"))
    })?;
    // The bytes of a value, and of the words that it is made of.
    let (size, word) = match kind {
        Type::Number(kind) => (kind.size(), kind.size()),
        Type::Unicode(n) => (4 * n, 4),
        Type::Bytes(n) => (n, 1),
    };
    let length = shape.iter().try_fold(size, |product, &length| product.checked_mul(length));
    if length != Some(values.len()) {
        return Err(bad(format!("has {} bytes of values, which are not the shape {shape:?}", values.len())));
    }
    let mut values = in_row_order(values, size, &shape, fortran_order);
    if big_endian {
        values.chunks_exact_mut(word).for_each(<[u8]>::reverse);
    }
    let values = match kind {
        Type::Number(kind) => Values::Numbers(kind, &values),
        Type::Unicode(_) => Values::Texts(texts(&values, size, unicode).map_err(bad)?),
        Type::Bytes(_) => Values::Texts(texts(&values, size, utf8).map_err(bad)?),
    };
    columns(file, name, &shape, values)
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

/// Values row after row.
fn in_row_order(values: &[u8], size: usize, shape: &[usize], fortran_order: bool) -> Vec<u8> {
    match *shape {
        [n_rows, width] if fortran_order => {
            let starts =
                (0..n_rows).flat_map(|row| (0..width).map(move |column| (column * n_rows + row) * size));
            starts.flat_map(|start| &values[start..start + size]).copied().collect()
        }
        _ => values.to_vec(),
    }
}

/// Texts of equal size, which are filled up with zeros; what is wrong if one is none.
fn texts(values: &[u8], size: usize, text: impl Fn(&[u8]) -> Option<String>) -> Result<Vec<String>, String> {
    let read = |(at, bytes)| match text(bytes) {
        Some(text) => Ok(text.trim_end_matches('\0').to_string()),
        None => Err(format!("has a value that is not Unicode, number {}", at + 1)),
    };
    values.chunks_exact(size).enumerate().map(read).collect()
}

fn unicode(bytes: &[u8]) -> Option<String> {
    bytes.as_chunks().0.iter().map(|&point| char::from_u32(u32::from_le_bytes(point))).collect()
}

fn utf8(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}
