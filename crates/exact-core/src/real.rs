//! The two floating-point types the numerics are written for.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::normal::approximation::Approximation;
use crate::scratch::Pooled;

/// `f32` or `f64`: the element type of logits, gradients and losses.
///
/// The trait is sealed: the approximations behind it are fitted for these two types.
pub trait Real:
    Copy
    + Debug
    + Display
    + Default
    + PartialOrd
    + Send
    + Sync
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Approximation
    + Pooled
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// The largest finite number.
    const MAX: Self;
    /// The smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// The nearest finite value of this type; NaN stays NaN.
    #[inline(always)]
    fn saturating_from_f64(value: f64) -> Self {
        let value = Self::from_f64(value);
        let value = if value > Self::MAX { Self::MAX } else { value };
        if value < -Self::MAX { -Self::MAX } else { value }
    }
    /// The value as `f64`, exactly.
    fn to_f64(self) -> f64;
    /// `e^self`.
    fn exp(self) -> Self;
    /// `e^self - 1` without cancellation near 0.
    fn exp_m1(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// `ln(1 + self)` without cancellation near 0.
    fn ln_1p(self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// `self * factor + term` with one rounding.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The larger of two numbers.
    fn max(self, other: Self) -> Self;
    /// The smaller of two numbers.
    fn min(self, other: Self) -> Self;
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Runs a computation as it is compiled for this type.
    #[doc(hidden)]
    fn run<C: Compiled>(input: C::Input<'_, Self>);
}

/// A computation that this crate compiles, once for each type. Generic functions alone would be compiled
/// again by each crate that calls them, which takes minutes for the large kernels.
pub trait Compiled {
    /// What it works on.
    type Input<'a, T: Real>;
    /// In `f32`.
    fn single(input: Self::Input<'_, f32>);
    /// In `f64`.
    fn double(input: Self::Input<'_, f64>);
}

macro_rules! impl_real {
    ($float:ident, $compiled:ident) => {
        impl Real for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INFINITY: Self = $float::INFINITY;
            const MAX: Self = $float::MAX;
            const MIN_POSITIVE: Self = $float::MIN_POSITIVE;
            const EPSILON: Self = $float::EPSILON;

            #[inline(always)]
            #[allow(clippy::cast_lossless)]
            fn from_f64(value: f64) -> Self {
                value as $float
            }
            #[inline(always)]
            #[allow(clippy::cast_lossless)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $float::exp(self)
            }
            #[inline(always)]
            fn exp_m1(self) -> Self {
                $float::exp_m1(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                $float::ln(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                $float::ln_1p(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $float::abs(self)
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                $float::mul_add(self, factor, term)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if self > other { self } else { other }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if self < other { self } else { other }
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $float::is_finite(self)
            }
            fn run<C: Compiled>(input: C::Input<'_, Self>) {
                C::$compiled(input);
            }
        }
    };
}

impl_real!(f32, single);
impl_real!(f64, double);
