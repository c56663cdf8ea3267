//! The inverse of the normal distribution function, and Φ with its complement, written so that loops over
//! them vectorise.

use super::sampled::Sampled;
use crate::normal::{exp_nonpositive, half_erfcx, mul_add, polynomial};

/// `x` with `Φ(x) = p`, for `p` in `(0, 1)`.
///
/// # Accuracy
/// Relative, 1e-14 (`f64`) or 1e-6 (`f32`).
///
/// # References
/// Wichura 1988, *Algorithm AS 241: The Percentage Points of the Normal Distribution*, Applied Statistics 37.
#[inline(always)]
pub(super) fn inverse_cdf<T: Sampled, const FUSED: bool>(p: T) -> T {
    let centred = p - T::from_f64(0.5);
    let square = mul_add::<T, FUSED>(-centred, centred, T::from_f64(0.180_625));
    let [a, b] = rational::<T, FUSED>(T::CENTRAL, square);
    let smaller = p.min(T::ONE - p).max(T::SMALLEST);
    let r = (-T::kernel_ln::<FUSED>(smaller)).sqrt();
    let [c, d] = rational::<T, FUSED>(T::TAIL, r - T::from_f64(1.6));
    let [e, f] = rational::<T, FUSED>(T::FAR_TAIL, r - T::from_f64(5.0));
    let (tail, tail_scale) = if r <= T::from_f64(5.0) { (c, d) } else { (e, f) };
    let tail = if centred < T::ZERO { -tail } else { tail };
    let central = centred.abs() <= T::from_f64(0.425);
    let (numerator, denominator) = if central { (centred * a, b) } else { (tail, tail_scale) };
    numerator / denominator
}

/// `Φ(x)` and `1 - Φ(x)`, each with relative accuracy down to [`Sampled::SMALLEST`].
#[inline(always)]
pub(super) fn cdf_and_survival<T: Sampled, const FUSED: bool>(x: T) -> (T, T) {
    let y = x.abs();
    let small = exp_nonpositive::<T, FUSED>(T::from_f64(-0.5) * y * y) * half_erfcx::<T, FUSED>(y);
    let small = small.max(T::SMALLEST);
    let large = T::ONE - small;
    if x < T::ZERO { (small, large) } else { (large, small) }
}

#[inline(always)]
fn rational<T: Sampled, const FUSED: bool>([numerator, denominator]: [&[T]; 2], x: T) -> [T; 2] {
    [polynomial::<T, FUSED>(x, numerator), polynomial::<T, FUSED>(x, denominator)]
}

#[cfg(test)]
mod tests {
    use super::{cdf_and_survival, inverse_cdf};

    #[test]
    fn quantiles_agree_with_golden_values() {
        // mpmath, 30 digits.
        let golden = [
            (1e-290, -36.420_731_673_207_996),
            (1e-100, -21.273_453_560_965_326),
            (1e-20, -9.262_340_089_798_407),
            (1e-11, -6.706_023_155_495_136),
            (1e-5, -4.264_890_793_922_825),
            (0.01, -2.326_347_874_040_841),
            (0.0749, -1.440_238_267_527_963_7),
            (0.0751, -1.438_825_392_752_54),
            (0.3, -0.524_400_512_708_040_8),
            (0.6, 0.253_347_103_135_799_7),
            (0.925, 1.439_531_470_938_456_1),
            (0.999, 3.090_232_306_167_813),
        ];
        for (p, x) in golden {
            let found = inverse_cdf::<f64, false>(p);
            assert!((found / x - 1.0_f64).abs() < 1e-14, "{p}: {found}");
            if p > 1e-30 {
                let found = f64::from(inverse_cdf::<f32, false>(p as f32));
                assert!((found / x - 1.0).abs() < 1e-6, "{p}: {found}");
            }
        }
        assert_eq!(inverse_cdf::<f64, false>(0.5), 0.0);
    }

    #[test]
    fn quantiles_undo_the_distribution_function() {
        for i in -3700..500 {
            let x = f64::from(i) / 100.0;
            let found = inverse_cdf::<f64, false>(cdf_and_survival::<f64, false>(x).0);
            // Above the mean, Φ itself has absolute accuracy.
            assert!((found - x).abs() < if x < 0.0 { 1e-13 } else { 1e-9 }, "{x}: {found}");
        }
    }
}
