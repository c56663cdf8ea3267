//! Friedman's test of several methods on the same data sets.

use statrs::distribution::{ChiSquared, ContinuousCDF as _, FisherSnedecor};

use crate::EvalError;
use crate::comparison::check_scores;
use crate::ranks::{mean_ranks, tie_sum};

/// The result of [`friedman`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Friedman {
    /// Friedman's chi-squared.
    pub statistic: f64,
    /// The probability of so large a chi-squared if the methods do not differ.
    pub p_value: f64,
    /// The F of Iman and Davenport, which is less conservative; infinite if all sets rank the methods alike.
    pub iman_davenport: f64,
    /// The probability of so large an F if the methods do not differ.
    pub iman_davenport_p_value: f64,
}

/// Tests whether some of several methods differ, from their scores on the same data sets,
/// `[set][method]`. Only their ranks within a set count; equal scores share their mean rank, and the
/// statistics are corrected for such ties.
///
/// # Formula
/// For `k` methods on `N` sets with mean ranks `R_j`:
/// `χ² = 12 N / (k (k+1)) (Σ R_j² - k (k+1)² / 4) / (1 - Σ (t³ - t) / (N (k³ - k)))` with `t` the sizes of
/// groups of ties, on `k - 1` degrees of freedom;
/// `F = (N-1) χ² / (N (k-1) - χ²)` on `k - 1` and `(k-1) (N-1)`.
///
/// # Errors
/// [`EvalError::TooFew`] below two sets or two methods, [`EvalError::Length`] if sets have different numbers
/// of scores, [`EvalError::SetScore`] if one is not finite.
///
/// # Example
/// ```
/// let scores = [vec![0.9, 0.8, 0.7], vec![0.6, 0.5, 0.4], vec![0.8, 0.6, 0.7], vec![0.9, 0.7, 0.6]];
/// let test = exact_eval::friedman(&scores)?;
/// assert!((test.statistic - 6.5).abs() < 1e-12 && test.p_value < 0.04);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
///
/// # References
/// Friedman, "The use of ranks to avoid the assumption of normality implicit in the analysis of variance",
/// Journal of the American Statistical Association 32 (1937). Iman and Davenport, "Approximations of the
/// critical region of the Friedman statistic", Communications in Statistics A9 (1980). Demšar, "Statistical
/// comparisons of classifiers over multiple data sets", Journal of Machine Learning Research 7 (2006).
pub fn friedman(scores: &[Vec<f64>]) -> Result<Friedman, EvalError> {
    let (n_sets, n_methods) = check_scores(scores)?;
    let (n, k) = (n_sets as f64, n_methods as f64);
    // Deviations from the mean rank rather than the difference of two large sums.
    let squares: f64 =
        mean_ranks(scores).iter().map(|rank| (n * (rank - f64::midpoint(k, 1.0))).powi(2)).sum();
    let ties: f64 = scores.iter().map(|scores| tie_sum(scores)).sum();
    let degrees_of_freedom = k - 1.0;
    let largest = n * degrees_of_freedom;
    // The whole variation of the ranks within sets; 0 if all scores of each set are equal.
    let variation = n * (k.powi(3) - k) - ties;
    let statistic =
        if variation == 0.0 { 0.0 } else { (12.0 * squares * degrees_of_freedom / variation).min(largest) };
    let iman_davenport = (n - 1.0) * statistic / (largest - statistic);
    let chi_squared = ChiSquared::new(degrees_of_freedom).expect("two methods have a degree of freedom");
    let f = FisherSnedecor::new(degrees_of_freedom, degrees_of_freedom * (n - 1.0))
        .expect("two methods on two sets have degrees of freedom");
    Ok(Friedman {
        statistic,
        p_value: chi_squared.sf(statistic),
        iman_davenport,
        iman_davenport_p_value: if iman_davenport.is_finite() { f.sf(iman_davenport) } else { 0.0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative.
    const TOLERANCE: f64 = 1e-12;

    /// Areas under the curve of C4.5 and three variants of it on 14 data sets: Table 6 of Demšar (2006). (On
    /// the last but one, two round to the same value and are told apart by rank.)
    const DEMSAR: [[f64; 4]; 14] = [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ];

    fn demsar() -> Vec<Vec<f64>> {
        DEMSAR.iter().map(|scores| scores.to_vec()).collect()
    }

    #[test]
    fn equals_demsar_and_scipy() {
        let test = friedman(&demsar()).unwrap();
        for (rank, expected) in mean_ranks(&demsar()).iter().zip([3.143, 2.0, 2.893, 1.964]) {
            assert!((rank - expected).abs() < 5e-4, "{rank} is not {expected}");
        }
        // Without the correction for ties, which is 1 - 78 / 840, as printed.
        assert!((test.statistic * (1.0 - 78.0 / 840.0) - 9.28).abs() < 5e-3, "{}", test.statistic);
        // scipy 1.17.1: friedmanchisquare, and f.sf of the statistic of Iman and Davenport.
        for (found, expected) in [
            (test.statistic, 10.228_346_456_692_925),
            (test.p_value, 0.016_721_580_328_441_323),
            (test.iman_davenport, 4.185_130_111_524_169_5),
            (test.iman_davenport_p_value, 0.011_620_659_515_310_975),
        ] {
            assert!((found / expected - 1.0).abs() < TOLERANCE, "{found} is not {expected}");
        }
    }

    #[test]
    fn methods_that_are_always_equal_or_always_in_the_same_order() {
        let equal = friedman(&vec![vec![0.5; 3]; 4]).unwrap();
        assert_eq!((equal.statistic, equal.p_value), (0.0, 1.0));
        assert_eq!((equal.iman_davenport, equal.iman_davenport_p_value), (0.0, 1.0));
        let ordered = friedman(&vec![vec![0.9, 0.5, 0.7]; 4]).unwrap();
        assert_eq!((ordered.statistic, ordered.iman_davenport), (8.0, f64::INFINITY));
        assert_eq!(ordered.iman_davenport_p_value, 0.0);
    }

    #[test]
    fn rejects_what_cannot_be_ranked() {
        let too_few = |what, found| Err(EvalError::TooFew { what, found });
        assert_eq!(friedman(&[]), too_few("data sets", 0));
        assert_eq!(friedman(&[vec![0.5, 0.6]]), too_few("data sets", 1));
        assert_eq!(friedman(&[vec![0.5], vec![0.6]]), too_few("methods", 1));
        assert!(matches!(friedman(&[vec![0.5; 2], vec![0.6; 3]]), Err(EvalError::Length { .. })));
        assert!(matches!(
            friedman(&[vec![0.5; 2], vec![0.6, f64::NAN]]),
            Err(EvalError::SetScore { set: 1, method: 1, .. })
        ));
    }
}
