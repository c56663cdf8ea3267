//! The standard normal distribution: Φ, log Φ and the inverse Mills ratio φ/Φ, without branches.
//!
//! With `y = |x|`, one division maps `y` in `[0, ∞)` to `t = (y - 4) / (y + 4)` in `[-1, 1)`, on which
//! `(y + 4) erfcx(y/√2) / 2` is a short polynomial (the map of Schonfelder 1978, Math. Comp. 32, and of
//! Shepherd and Laframboise 1981, Math. Comp. 36). The coefficients are minimax fits made for this crate:
//! relative error 3.4e-8 for `f32` (degree 9) and 1.3e-17 for `f64` (degree 24), before rounding.

pub(crate) mod approximation;
mod logarithm;
mod slices;

pub(crate) use logarithm::ln_f32;
pub use slices::{cdf_in_place, inverse_mills_ratio_in_place, log_cdf_in_place};

use crate::Real;

/// `1 / sqrt(2 pi)`.
pub const INV_SQRT_2PI: f64 = 0.398_942_280_401_432_7;
pub(crate) const SQRT_2PI: f64 = 2.506_628_274_631_000_7;
/// Shift of the map from `y` to `t`.
const MAP_SHIFT: f64 = 4.0;

/// Density φ(x) = exp(-x²/2) / √(2π).
///
/// # Example
/// ```
/// assert!((exact_core::normal::pdf(0.0_f64) - 0.398_942_280_401_432_7).abs() < 1e-16);
/// ```
pub fn pdf<T: Real>(x: T) -> T {
    T::from_f64(INV_SQRT_2PI) * exp_half_square(x.abs())
}

/// Distribution function Φ(x).
///
/// # Accuracy
/// Relative, also in the lower tail: 2e-15 (`f64`) until Φ underflows, 5e-7 (`f32`) for |x| ≤ 6.
///
/// # Example
/// ```
/// assert!((exact_core::normal::cdf(1.0_f64) - 0.841_344_746_068_542_9).abs() < 1e-15);
/// ```
pub fn cdf<T: Real>(x: T) -> T {
    let y = x.abs();
    let q = exp_half_square(y) * half_erfcx::<T, false>(y);
    if x < T::ZERO { q } else { T::ONE - q }
}

/// Survival function Q(x) = 1 - Φ(x), with relative accuracy in the upper tail.
///
/// # Example
/// ```
/// assert!((exact_core::normal::survival(2.0_f64) - 0.022_750_131_948_179_21).abs() < 1e-16);
/// ```
pub fn survival<T: Real>(x: T) -> T {
    cdf(-x)
}

/// `ln Φ(x)`, finite for every finite `x`.
///
/// # Example
/// ```
/// assert!((exact_core::normal::log_cdf(-40.0_f64) / -804.608_442_013_754 - 1.0).abs() < 1e-14);
/// ```
pub fn log_cdf<T: Real>(x: T) -> T {
    let y = x.abs();
    let g = half_erfcx::<T, false>(y);
    let exponent = (-T::from_f64(0.5) * y * y).max(-T::MAX);
    if x < T::ZERO { exponent + g.ln() } else { (-(exp_half_square(y) * g)).ln_1p() }
}

/// The inverse Mills ratio φ(x)/Φ(x), which tends to `-x` as `x` tends to minus infinity.
///
/// # Example
/// ```
/// assert!((exact_core::normal::inverse_mills_ratio(-1e5_f64) - 100_000.000_01).abs() < 1e-9);
/// ```
pub fn inverse_mills_ratio<T: Real>(x: T) -> T {
    let y = x.abs();
    let g = half_erfcx::<T, false>(y);
    let c = T::from_f64(INV_SQRT_2PI);
    if x < T::ZERO {
        c / g
    } else {
        let e = exp_half_square(y);
        c * e / (T::ONE - e * g)
    }
}

/// `exp(-y²/2)`, with the rounding error of `y²` made good.
fn exp_half_square<T: Real>(y: T) -> T {
    let half = T::from_f64(0.5);
    let square = y * y;
    if !square.is_finite() {
        return T::ZERO;
    }
    let rest = y.mul_add(y, -square);
    (-half * square).exp() * (T::ONE - half * rest)
}

/// `a * b + c`, in one rounding where the instruction exists; elsewhere the fused form would be a slow call.
#[inline(always)]
pub(crate) fn mul_add<T: Real, const FUSED: bool>(a: T, b: T, c: T) -> T {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `erfcx(y/√2) / 2 = Q(y) exp(y²/2)` for `y >= 0`.
#[inline(always)]
pub(crate) fn half_erfcx<T: Real, const FUSED: bool>(y: T) -> T {
    let shift = T::from_f64(MAP_SHIFT);
    let scale = T::ONE / (y + shift);
    let t = mul_add::<T, FUSED>(scale, T::from_f64(-2.0 * MAP_SHIFT), T::ONE);
    scale * polynomial::<T, FUSED>(t, T::HALF_ERFCX)
}

/// Mills ratio Q(z)/φ(z) of `z` and of `-z`, where the larger of the two is cut off at 1e33, far from where
/// sums of it would overflow.
#[inline(always)]
pub(crate) fn mills_ratios<T: Real, const FUSED: bool>(z: T) -> (T, T) {
    let y = z.abs();
    let g = half_erfcx::<T, FUSED>(y);
    let e = exp_nonpositive::<T, FUSED>(T::from_f64(-0.5) * y * y);
    let sqrt_2pi = T::from_f64(SQRT_2PI);
    let small = sqrt_2pi * g;
    let large = sqrt_2pi / e.max(T::from_f64(1e-33)) - small;
    if z < T::ZERO { (large, small) } else { (small, large) }
}

/// Horner's rule, coefficients in ascending powers.
#[inline(always)]
pub(crate) fn polynomial<T: Real, const FUSED: bool>(t: T, coefficients: &[T]) -> T {
    let mut value = T::ZERO;
    for &coefficient in coefficients.iter().rev() {
        value = mul_add::<T, FUSED>(value, t, coefficient);
    }
    value
}

/// `e^v` for `v <= 0`, clamped from below where the result would no longer be a normal number.
#[inline(always)]
pub(crate) fn exp_nonpositive<T: Real, const FUSED: bool>(v: T) -> T {
    exp_moderate::<T, FUSED>(v.max(T::EXP_FLOOR))
}

/// `e^v`, clamped on both sides where the result would no longer be a normal number.
#[inline(always)]
pub(crate) fn exp_within_range<T: Real, const FUSED: bool>(v: T) -> T {
    exp_moderate::<T, FUSED>(v.max(T::EXP_FLOOR).min(-T::EXP_FLOOR))
}

/// `e^(-y²/2)`, with the rounding error of `y²` made good, and 0 where it would be too small for
/// [`exp_nonpositive`].
#[inline(always)]
pub(crate) fn exp_half_square_or_zero<T: Real, const FUSED: bool>(y: T) -> T {
    half_square_and_exp::<T, FUSED>(y).1
}

/// `-y²/2`, rounded, and [`exp_half_square_or_zero`].
#[inline(always)]
pub(crate) fn half_square_and_exp<T: Real, const FUSED: bool>(y: T) -> (T, T) {
    let half = T::from_f64(-0.5) * y;
    let v = half * y;
    let shifted = mul_add::<T, FUSED>(v, T::from_f64(std::f64::consts::LOG2_E), T::ROUND_MAGIC);
    let n = shifted - T::ROUND_MAGIC;
    let r = if FUSED {
        // The multiple of LN_2_HIGH is exact, and the difference cancels: nothing of y² is lost.
        half.mul_add(y, n * -T::LN_2_HIGH)
    } else {
        n * -T::LN_2_HIGH + v - T::from_f64(0.5) * square_rest(y, y * y)
    };
    let r = mul_add::<T, FUSED>(n, -T::LN_2_LOW, r);
    let e = T::scale_by_power_of_two(polynomial::<T, FUSED>(r, T::EXP), shifted);
    (v, if v > T::EXP_FLOOR { e } else { T::ZERO })
}

/// What rounding took from `square = y * y`, by Dekker's product of halves.
#[inline(always)]
fn square_rest<T: Real>(y: T, square: T) -> T {
    let shifted = y * T::SPLITTER;
    let high = shifted - (shifted - y);
    let low = y - high;
    ((high * high - square) + (high + high) * low) + low * low
}

/// `e^v` for a moderate `v`.
///
/// Two-part reduction of `v` by ln 2, then a polynomial of degree 6 (`f32`) or 11 (`f64`).
#[inline(always)]
fn exp_moderate<T: Real, const FUSED: bool>(v: T) -> T {
    let shifted = mul_add::<T, FUSED>(v, T::from_f64(std::f64::consts::LOG2_E), T::ROUND_MAGIC);
    let n = shifted - T::ROUND_MAGIC;
    let r = mul_add::<T, FUSED>(n, -T::LN_2_HIGH, v);
    let r = mul_add::<T, FUSED>(n, -T::LN_2_LOW, r);
    T::scale_by_power_of_two(polynomial::<T, FUSED>(r, T::EXP), shifted)
}

/// `(n, m)` with `v = 2^n m` and m from 1 to 2, for a positive normal number.
#[inline(always)]
pub(crate) fn split_exponent(v: f64) -> (f64, f64) {
    const EXPONENT_MAGIC: f64 = 4_503_599_627_370_496.0 + 1023.0;
    let bits = v.to_bits();
    let exponent = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - EXPONENT_MAGIC;
    (exponent, f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000))
}

/// `ln v` for a positive normal number, to about 1e-5: enough to place nodes, and without a branch.
#[inline(always)]
pub(crate) fn fast_ln(v: f64) -> f64 {
    let (exponent, mantissa) = split_exponent(v);
    let r = (mantissa - std::f64::consts::SQRT_2) / (mantissa + std::f64::consts::SQRT_2);
    let square = r * r;
    let series = 2.0 * r * (1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square / 7.0)));
    (exponent + 0.5) * std::f64::consts::LN_2 + series
}

#[cfg(test)]
mod tests {
    use super::{cdf, exp_nonpositive, fast_ln, inverse_mills_ratio, log_cdf, mills_ratios, pdf, survival};
    use crate::Real;

    /// `x`, Φ, log Φ and φ/Φ, from mpmath at 40 digits.
    #[allow(clippy::excessive_precision)]
    const GOLDEN: [[f64; 4]; 10] = [
        [-37.5, 4.605_353_009_581_955e-308, -707.668_989_317_507_2, 37.526_628_874_883_65],
        [-20.25, 1.776_199_864_949_57e-91, -208.960_767_287_649_24, 20.299_144_746_472_29],
        [-8.0, 6.220_960_574_271_784e-16, -35.013_437_159_914_55, 8.121_368_112_236_113],
        [-3.0625, 0.001_097_482_377_437_864_6, -6.814_736_470_148_086, 3.341_249_410_177_282],
        [-1.0, 0.158_655_253_931_457_05, -1.841_021_645_009_263_5, 1.525_135_276_160_981_2],
        [-0.015_625, 0.493_766_780_500_110_3, -0.705_691_977_521_302_2, 0.807_858_284_757_040_6],
        [0.5, 0.691_462_461_274_013_1, -0.368_946_415_288_656_4, 0.509_160_433_837_033_5],
        [2.0, 0.977_249_868_051_820_8, -0.023_012_909_328_963_49, 0.055_247_862_678_989_96],
        [5.5, 0.999_999_981_010_437_5, -1.898_956_264_618_946e-8, 1.076_976_024_705_631_1e-7],
        [8.0, 0.999_999_999_999_999_4, -6.220_960_574_271_786e-16, 5.052_271_083_536_895e-15],
    ];

    fn worst<T: Real>(lowest: f64) -> f64 {
        let mut worst: f64 = 0.0;
        for [x, expected_cdf, expected_log, expected_ratio] in
            GOLDEN.into_iter().filter(|row| row[0] >= lowest)
        {
            let at = T::from_f64(x);
            let pairs = [
                (cdf(at), expected_cdf),
                (survival(-at), expected_cdf),
                (log_cdf(at), expected_log),
                (inverse_mills_ratio(at), expected_ratio),
                (pdf(at), expected_cdf * expected_ratio),
            ];
            for (found, expected) in pairs {
                worst = worst.max((found.to_f64() / expected - 1.0).abs());
            }
        }
        worst
    }

    #[test]
    fn double_precision_is_relative_in_both_tails() {
        let worst = worst::<f64>(-38.0);
        assert!(worst < 4e-15, "{worst:e}");
    }

    #[test]
    fn single_precision_is_relative_in_both_tails() {
        let worst = worst::<f32>(-9.0);
        assert!(worst < 2e-6, "{worst:e}");
    }

    #[test]
    fn the_kernels_exponential_is_good_to_a_few_roundings() {
        for i in 0..7000 {
            let v = -0.1 * f64::from(i);
            for found in [exp_nonpositive::<f64, true>(v), exp_nonpositive::<f64, false>(v)] {
                assert!((found / v.exp() - 1.0).abs() < 1e-15, "{v}");
            }
        }
        for i in 0..800 {
            let v = -0.1 * i as f32;
            for found in [exp_nonpositive::<f32, true>(v), exp_nonpositive::<f32, false>(v)] {
                assert!((f64::from(found) / f64::from(v).exp() - 1.0).abs() < 2e-7, "{v}");
            }
        }
    }

    #[test]
    fn mills_ratios_are_those_of_both_sides() {
        for x in [-12.0, -3.0, -0.5, 0.0, 0.25, 2.0, 6.0_f64] {
            let (upper, lower) = mills_ratios::<f64, false>(x);
            assert!((upper * pdf(x) / survival(x) - 1.0).abs() < 1e-14, "{x}");
            assert!((lower * pdf(x) / cdf(x) - 1.0).abs() < 1e-14, "{x}");
        }
    }

    #[test]
    fn far_tails_stay_finite() {
        for x in [-1e300, -1e200, -1e8, -1e5, 1e5, 1e8, 1e200, 1e300] {
            assert!(log_cdf(x).is_finite() && inverse_mills_ratio(x).is_finite());
        }
        assert_eq!((cdf(-1e5_f64), cdf(1e5_f64)), (0.0, 1.0));
        assert_eq!((cdf(-1e200_f64), cdf(1e20_f32), pdf(1e200_f64)), (0.0, 1.0, 0.0));
    }

    #[test]
    fn fast_logarithm_is_good_to_five_digits() {
        for i in -2900..2900 {
            let v = (f64::from(i) * 0.1).exp() * 1.07;
            assert!((fast_ln(v) - v.ln()).abs() < 1e-5, "{v}");
        }
    }
}
