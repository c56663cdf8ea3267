//! Numbers as bytes.

use half::{bf16, f16};

use super::integers::push_integer;
use crate::cells::{Cells, TooManyTexts};

/// A type of numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

impl NumberType {
    /// The bytes of a number.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Appends rows of numbers in little-endian bytes, one number to each column.
    pub fn append(self, bytes: &[u8], columns: &mut [Cells]) -> Result<(), TooManyTexts> {
        match self {
            Self::Bool => floats(bytes, columns, |[byte]| f64::from(u8::from(byte != 0))),
            Self::F16 => floats(bytes, columns, |number| f16::from_le_bytes(number).to_f64()),
            Self::Bf16 => floats(bytes, columns, |number| bf16::from_le_bytes(number).to_f64()),
            Self::F32 => floats(bytes, columns, |number| f64::from(f32::from_le_bytes(number))),
            Self::F64 => floats(bytes, columns, f64::from_le_bytes),
            Self::I8 => integers(bytes, columns, |number| i8::from_le_bytes(number).into()),
            Self::I16 => integers(bytes, columns, |number| i16::from_le_bytes(number).into()),
            Self::I32 => integers(bytes, columns, |number| i32::from_le_bytes(number).into()),
            Self::I64 => integers(bytes, columns, |number| i64::from_le_bytes(number).into()),
            Self::U8 => integers(bytes, columns, |number| u8::from_le_bytes(number).into()),
            Self::U16 => integers(bytes, columns, |number| u16::from_le_bytes(number).into()),
            Self::U32 => integers(bytes, columns, |number| u32::from_le_bytes(number).into()),
            Self::U64 => integers(bytes, columns, |number| u64::from_le_bytes(number).into()),
        }
    }
}

fn floats<const N: usize>(
    bytes: &[u8],
    columns: &mut [Cells],
    number: impl Fn([u8; N]) -> f64,
) -> Result<(), TooManyTexts> {
    each(bytes, columns, |cells, bytes| {
        cells.push_number(number(bytes));
        Ok(())
    })
}

fn integers<const N: usize>(
    bytes: &[u8],
    columns: &mut [Cells],
    integer: impl Fn([u8; N]) -> i128,
) -> Result<(), TooManyTexts> {
    each(bytes, columns, |cells, bytes| push_integer(cells, integer(bytes)))
}

fn each<const N: usize>(
    bytes: &[u8],
    columns: &mut [Cells],
    push: impl Fn(&mut Cells, [u8; N]) -> Result<(), TooManyTexts>,
) -> Result<(), TooManyTexts> {
    for row in bytes.as_chunks().0.chunks_exact(columns.len()) {
        for (cells, &bytes) in columns.iter_mut().zip(row) {
            push(cells, bytes)?;
        }
    }
    Ok(())
}
