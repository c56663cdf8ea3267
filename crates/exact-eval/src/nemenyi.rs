//! Nemenyi's critical difference of mean ranks.

use statrs::function::erf::erfc;

use crate::EvalError;
use crate::comparison::check_enough;

/// The difference of mean ranks from which on two of several methods differ, after Friedman's test: at most
/// the part `alpha` of experiments find a difference anywhere if there is none.
///
/// # Formula
/// `q_α / √2 · sqrt(k (k+1) / (6 N))` for `k` methods on `N` data sets, with `q_α` the upper quantile of the
/// range of `k` standard normal variables (the studentised range with infinite degrees of freedom).
///
/// # Accuracy
/// The relative error of the quantile is below 1e-10.
///
/// # Errors
/// [`EvalError::TooFew`] below two methods or sets, [`EvalError::Alpha`] if `alpha` is not between 0 and 1.
///
/// # Example
/// ```
/// // Demšar's example of four classifiers on 14 data sets.
/// let difference = exact_eval::nemenyi_critical_difference(4, 14, 0.05)?;
/// assert!((difference - 1.25).abs() < 0.005);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
///
/// # References
/// Nemenyi, "Distribution-free multiple comparisons", thesis, Princeton University (1963). Demšar,
/// "Statistical comparisons of classifiers over multiple data sets", Journal of Machine Learning Research 7
/// (2006).
pub fn nemenyi_critical_difference(n_methods: usize, n_sets: usize, alpha: f64) -> Result<f64, EvalError> {
    check_enough("methods", n_methods)?;
    check_enough("data sets", n_sets)?;
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(EvalError::Alpha { value: alpha });
    }
    let k = n_methods as f64;
    Ok(upper_quantile(n_methods, alpha) * (k * (k + 1.0) / (12.0 * n_sets as f64)).sqrt())
}

/// The value that the range of `k` standard normal variables exceeds with probability `alpha`.
fn upper_quantile(k: usize, alpha: f64) -> f64 {
    let mut high = 1.0;
    while range_exceeds(k, high) > alpha {
        high *= 2.0;
    }
    let mut low = 0.0;
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return high;
        }
        if range_exceeds(k, middle) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// `P(R > q)` for the range `R` of `k` standard normal variables:
/// `k ∫ φ(z) ((1 - Φ(z))^(k-1) - (Φ(z+q) - Φ(z))^(k-1)) dz` over the smallest of them, `z`.
fn range_exceeds(k: usize, q: f64) -> f64 {
    // The integrand is analytic and falls off like φ, so that the trapezoidal rule converges faster than any
    // power of the step, and what lies beyond the limits is below 1e-17.
    const LIMIT: i32 = 9;
    const STEPS: i32 = 16;
    let upper_tail = |x: f64| 0.5 * erfc(x / std::f64::consts::SQRT_2);
    let power = |x: f64| x.powi(i32::try_from(k - 1).unwrap_or(i32::MAX));
    let integrand = |at: i32| {
        let z = f64::from(at) / f64::from(STEPS);
        let (above, beyond) = (upper_tail(z), upper_tail(z + q));
        (-0.5 * z * z).exp() * (power(above) - power(above - beyond))
    };
    let sum: f64 = (-LIMIT * STEPS..=LIMIT * STEPS).map(integrand).sum();
    k as f64 * sum / (f64::from(STEPS) * (2.0 * std::f64::consts::PI).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative to the quantile.
    const TOLERANCE: f64 = 1e-10;

    #[test]
    fn quantiles_equal_scipy() {
        // scipy 1.17.1: studentized_range.ppf(1 - alpha, k, inf)
        for (k, alpha, expected) in [
            (2, 0.05, 2.771_807_648_699_355),
            (3, 0.05, 3.314_493_155_398_122),
            (10, 0.05, 4.474_124_221_725_907),
            (4, 0.01, 4.402_800_861_448_699),
            (20, 0.1, 4.694_104_409_490_512),
            (50, 0.001, 6.940_584_992_131_754),
        ] {
            let found = upper_quantile(k, alpha);
            assert!((found / expected - 1.0).abs() < TOLERANCE, "{found} is not {expected}");
        }
    }

    #[test]
    fn critical_values_equal_demsar() {
        // Table 5 of Demšar (2006): the quantiles over √2.
        for (alpha, expected) in [
            (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
            (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
        ] {
            for (k, expected) in (2..).zip(expected) {
                let found = upper_quantile(k, alpha) / std::f64::consts::SQRT_2;
                assert!((found - expected).abs() < 1e-3, "{k} methods at {alpha}: {found}");
            }
        }
    }

    #[test]
    fn many_methods_and_extreme_levels_have_a_difference() {
        let difference = |k, alpha| nemenyi_critical_difference(k, 10, alpha).unwrap();
        assert!(difference(3, 1e-9) > difference(3, 1e-3) && difference(3, 1e-3) > difference(3, 0.999));
        assert!(difference(1000, 0.05) > difference(999, 0.05) && difference(1000, 0.05).is_finite());
        assert!(difference(2, 0.999) > 0.0);
    }

    #[test]
    fn rejects_what_has_no_difference() {
        assert!(matches!(nemenyi_critical_difference(1, 5, 0.05), Err(EvalError::TooFew { .. })));
        assert!(matches!(nemenyi_critical_difference(2, 1, 0.05), Err(EvalError::TooFew { .. })));
        for alpha in [0.0, 1.0, f64::NAN] {
            assert!(matches!(nemenyi_critical_difference(2, 2, alpha), Err(EvalError::Alpha { .. })));
        }
    }
}
