//! Non-negative numbers with the precision of `f64` and a range that products of many tail probabilities do
//! not leave.

use std::ops::{Add, Mul};

/// One unit of `scale` stands for a factor `2^512`.
const RADIX: f64 = 1.340_780_792_994_259_7e154;
const RADIX_SQRT: f64 = 1.157_920_892_373_162e77;
/// `512 ln 2` in two parts, of which small integer multiples of the first are exact.
const LN_RADIX_HIGH: f64 = 354.875;
const LN_RADIX_LOW: f64 = 0.016_356_446_691_998_42;
/// Exponents below this are far outside what any two of the sums here can tell apart.
const EXPONENT_FLOOR: f64 = -1e15;

/// `value * 2^(512 scale)`, where `value` is 0 or in `[2^-256, 2^256)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extended {
    value: f64,
    scale: i64,
}

impl Extended {
    /// 0, whose scale is below every other number's and stays so when a few scales are added.
    pub const ZERO: Self = Self { value: 0.0, scale: i64::MIN / 8 };
    /// 1.
    pub const ONE: Self = Self { value: 1.0, scale: 0 };

    /// A number of at least 0.
    pub fn new(value: f64) -> Self {
        Self { value, scale: 0 }.normalized()
    }

    /// `e^exponent`.
    pub fn exp(exponent: f64) -> Self {
        let exponent = exponent.max(EXPONENT_FLOOR);
        let scale = (exponent / (LN_RADIX_HIGH + LN_RADIX_LOW)).round();
        let rest = exponent - scale * LN_RADIX_HIGH - scale * LN_RADIX_LOW;
        Self { value: rest.exp(), scale: scale as i64 }
    }

    /// The natural logarithm, minus infinity for 0.
    pub fn ln(self) -> f64 {
        if self.value == 0.0 { f64::NEG_INFINITY } else { self.value.ln() + self.exponent() }
    }

    /// The mantissa, so that the number is `value() * exp(exponent())`.
    pub fn value(self) -> f64 {
        self.value
    }

    /// See [`Extended::value`].
    pub fn exponent(self) -> f64 {
        self.scale as f64 * (LN_RADIX_HIGH + LN_RADIX_LOW)
    }

    /// 1 over a positive number.
    pub fn reciprocal(self) -> Self {
        Self { value: 1.0 / self.value, scale: -self.scale }.normalized()
    }

    /// The nearest `f64`, 0 or infinity outside its range.
    pub fn to_f64(self) -> f64 {
        match self.scale {
            0 => self.value,
            -1 => self.value / RADIX,
            1 => self.value * RADIX,
            -2 => self.value / RADIX / RADIX,
            scale if scale < 0 => 0.0,
            _ => f64::INFINITY,
        }
    }

    fn normalized(self) -> Self {
        let Self { value, scale } = self;
        if value >= RADIX_SQRT {
            Self { value: value / RADIX, scale: scale + 1 }
        } else if value >= 1.0 / RADIX_SQRT {
            self
        } else if value == 0.0 {
            Self::ZERO
        } else {
            Self { value: value * RADIX, scale: scale - 1 }
        }
    }
}

impl Add for Extended {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (large, small) = if self.scale >= other.scale { (self, other) } else { (other, self) };
        let value = match large.scale - small.scale {
            0 => large.value + small.value,
            1 => large.value + small.value / RADIX,
            _ => large.value,
        };
        Self { value, scale: large.scale }.normalized()
    }
}

impl Mul for Extended {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self { value: self.value * other.value, scale: self.scale + other.scale }.normalized()
    }
}

#[cfg(test)]
mod tests {
    use super::Extended;

    #[test]
    fn products_and_sums_keep_their_digits_far_outside_the_range_of_doubles() {
        let mut product = Extended::ONE;
        for _ in 0..1000 {
            product = product * Extended::exp(-1234.5);
        }
        assert!((product.ln() / -1_234_500.0 - 1.0).abs() < 1e-15);
        assert!(((product * product.reciprocal()).to_f64() - 1.0).abs() < 1e-15);
        // e^-400 and e^-401 have different scales from e^0, but not from each other's sum.
        let sum = Extended::exp(-400.0) + Extended::exp(-401.0);
        assert!((sum.ln() - (-400.0 + (-1.0_f64).exp().ln_1p())).abs() < 1e-13);
        let across = Extended::exp(-177.0) + Extended::exp(-178.0);
        assert!((across.ln() - (-177.0 + (-1.0_f64).exp().ln_1p())).abs() < 1e-13);
    }

    #[test]
    fn zero_is_neutral_in_sums_and_absorbing_in_products() {
        let tiny = Extended::exp(-1e9);
        assert_eq!(tiny + Extended::ZERO, tiny);
        assert_eq!(tiny * Extended::ZERO, Extended::ZERO);
        assert_eq!(Extended::ZERO * Extended::ZERO + Extended::ZERO, Extended::ZERO);
        assert_eq!((Extended::ZERO.to_f64(), tiny.to_f64(), Extended::new(3.0).to_f64()), (0.0, 0.0, 3.0));
    }
}
