//! Arrays of numbers in the type that the caller has them in, borrowed or owned.

use std::borrow::Cow;

/// Floating-point numbers of single or double precision.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers<'a> {
    /// Single precision.
    F32(Cow<'a, [f32]>),
    /// Double precision.
    F64(Cow<'a, [f64]>),
}

/// Integers of 32 or 64 bits, as other libraries store the indices of sparse matrices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Indices<'a> {
    /// 32 bits.
    I32(Cow<'a, [i32]>),
    /// 64 bits.
    I64(Cow<'a, [i64]>),
}

/// `From` borrowed and owned arrays.
macro_rules! from_arrays {
    ($kind:ident, $variant:ident, $number:ty) => {
        impl<'a> From<&'a [$number]> for $kind<'a> {
            fn from(numbers: &'a [$number]) -> Self {
                Self::$variant(Cow::Borrowed(numbers))
            }
        }

        impl From<Vec<$number>> for $kind<'_> {
            fn from(numbers: Vec<$number>) -> Self {
                Self::$variant(Cow::Owned(numbers))
            }
        }
    };
}

from_arrays!(Numbers, F32, f32);
from_arrays!(Numbers, F64, f64);
from_arrays!(Indices, I32, i32);
from_arrays!(Indices, I64, i64);

impl Numbers<'_> {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(numbers) => numbers.len(),
            Self::F64(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at a position, which is below the length.
    pub(crate) fn at(&self, at: usize) -> f64 {
        match self {
            Self::F32(numbers) => numbers[at].into(),
            Self::F64(numbers) => numbers[at],
        }
    }

    /// The first number that is NaN or infinite, with its position.
    pub(crate) fn first_not_finite(&self) -> Option<(usize, f64)> {
        match self {
            Self::F32(numbers) => {
                let at = numbers.iter().position(|number| !number.is_finite())?;
                Some((at, f64::from(numbers[at])))
            }
            Self::F64(numbers) => {
                let at = numbers.iter().position(|number| !number.is_finite())?;
                Some((at, numbers[at]))
            }
        }
    }

    /// These numbers and others, in the type that has all of them.
    pub(crate) fn chain(self, others: &Numbers<'_>) -> Self {
        match (self, others) {
            (Self::F32(mut numbers), Numbers::F32(others)) => {
                numbers.to_mut().extend_from_slice(others);
                Self::F32(numbers)
            }
            (numbers, others) => {
                let mut all = numbers.into_f64();
                all.extend(others.clone().into_f64());
                all.into()
            }
        }
    }

    fn into_f64(self) -> Vec<f64> {
        match self {
            Self::F32(numbers) => numbers.iter().copied().map(f64::from).collect(),
            Self::F64(numbers) => numbers.into_owned(),
        }
    }

    /// The numbers of some ranges, one after the other, in the same type.
    pub(crate) fn gather(&self, ranges: impl Iterator<Item = std::ops::Range<usize>>) -> Numbers<'static> {
        match self {
            Self::F32(numbers) => gather(numbers, ranges).into(),
            Self::F64(numbers) => gather(numbers, ranges).into(),
        }
    }
}

impl Indices<'_> {
    /// How many integers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::I32(integers) => integers.len(),
            Self::I64(integers) => integers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integer at a position, which is below the length.
    pub(crate) fn at(&self, at: usize) -> i64 {
        match self {
            Self::I32(integers) => integers[at].into(),
            Self::I64(integers) => integers[at],
        }
    }

    /// These integers and others, in the type that has all of them.
    pub(crate) fn chain(self, others: &Indices<'_>) -> Self {
        match (self, others) {
            (Self::I32(mut integers), Indices::I32(others)) => {
                integers.to_mut().extend_from_slice(others);
                Self::I32(integers)
            }
            (integers, others) => {
                let mut all = integers.into_i64();
                all.extend(others.clone().into_i64());
                all.into()
            }
        }
    }

    fn into_i64(self) -> Vec<i64> {
        match self {
            Self::I32(integers) => integers.iter().copied().map(i64::from).collect(),
            Self::I64(integers) => integers.into_owned(),
        }
    }

    /// The integers of some ranges, one after the other, in the same type.
    pub(crate) fn gather(&self, ranges: impl Iterator<Item = std::ops::Range<usize>>) -> Indices<'static> {
        match self {
            Self::I32(integers) => gather(integers, ranges).into(),
            Self::I64(integers) => gather(integers, ranges).into(),
        }
    }
}

fn gather<T: Copy>(values: &[T], ranges: impl Iterator<Item = std::ops::Range<usize>>) -> Vec<T> {
    let mut gathered = Vec::new();
    for range in ranges {
        gathered.extend_from_slice(&values[range]);
    }
    gathered
}
