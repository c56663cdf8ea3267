//! Numbers as bytes.

use half::{bf16, f16};

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

    /// The numbers of little-endian bytes. An integer beyond 2⁵³ is rounded to a multiple of a power of two.
    pub fn numbers(self, bytes: &[u8]) -> Vec<f64> {
        match self {
            Self::Bool => bytes.iter().map(|&byte| f64::from(u8::from(byte != 0))).collect(),
            Self::I8 => convert(bytes, |number| f64::from(i8::from_le_bytes(number))),
            Self::I16 => convert(bytes, |number| f64::from(i16::from_le_bytes(number))),
            Self::I32 => convert(bytes, |number| f64::from(i32::from_le_bytes(number))),
            Self::I64 => convert(bytes, |number| i64::from_le_bytes(number) as f64),
            Self::U8 => convert(bytes, |number| f64::from(u8::from_le_bytes(number))),
            Self::U16 => convert(bytes, |number| f64::from(u16::from_le_bytes(number))),
            Self::U32 => convert(bytes, |number| f64::from(u32::from_le_bytes(number))),
            Self::U64 => convert(bytes, |number| u64::from_le_bytes(number) as f64),
            Self::F16 => convert(bytes, |number| f16::from_le_bytes(number).to_f64()),
            Self::Bf16 => convert(bytes, |number| bf16::from_le_bytes(number).to_f64()),
            Self::F32 => convert(bytes, |number| f64::from(f32::from_le_bytes(number))),
            Self::F64 => convert(bytes, f64::from_le_bytes),
        }
    }
}

fn convert<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}
