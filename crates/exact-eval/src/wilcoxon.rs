//! Wilcoxon's signed-rank test of two methods on the same data sets.

use statrs::function::erf::erfc;

use crate::EvalError;
use crate::comparison::check_enough;
use crate::ranks::{ranks, tie_sum};
use crate::samples::check_length;

/// Up to so many differences the distribution is counted out; beyond, the normal distribution is as good.
const COUNTED: usize = 100;

/// The result of [`wilcoxon_signed_rank`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wilcoxon {
    /// The sum of the ranks of data sets on which the first method is better.
    pub first_better: f64,
    /// The sum of the ranks of those on which the second is.
    pub second_better: f64,
    /// The two-sided probability of sums that differ as much if both methods are equally good.
    pub p_value: f64,
}

/// Wilcoxon's two-sided signed-rank test of whether two methods differ, from their scores on the same data
/// sets. The sizes of the differences count by their ranks alone, equal ones share their mean rank, and sets
/// on which the methods are equal say nothing.
///
/// # Accuracy
/// Up to 100 differences the probability is exact, given the ranks; beyond, it is that of the normal
/// distribution with the variance corrected for ties, without a correction for continuity.
///
/// # Errors
/// [`EvalError::Length`] if the methods have different numbers of scores, [`EvalError::TooFew`] below two,
/// [`EvalError::SetScore`] if one is not finite.
///
/// # Example
/// ```
/// let test = exact_eval::wilcoxon_signed_rank(&[0.9, 0.8, 0.75, 0.5], &[0.8, 0.6, 0.5, 0.5])?;
/// assert_eq!((test.first_better, test.second_better), (6.0, 0.0));
/// assert_eq!(test.p_value, 0.25); // 2 of the 8 ways to sign three differences
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
///
/// # References
/// Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1 (1945). Demšar, "Statistical
/// comparisons of classifiers over multiple data sets", Journal of Machine Learning Research 7 (2006).
pub fn wilcoxon_signed_rank(first: &[f64], second: &[f64]) -> Result<Wilcoxon, EvalError> {
    check_length("the second method", first.len(), second.len())?;
    check_enough("data sets", first.len())?;
    for (method, scores) in [first, second].into_iter().enumerate() {
        if let Some((set, &value)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
            return Err(EvalError::SetScore { set, method, value });
        }
    }
    let differences: Vec<f64> =
        first.iter().zip(second).map(|(a, b)| a - b).filter(|difference| *difference != 0.0).collect();
    let sizes: Vec<f64> = differences.iter().map(|difference| difference.abs()).collect();
    let ranks = ranks(&sizes);
    let total: f64 = ranks.iter().sum();
    let first_better: f64 =
        ranks.iter().zip(&differences).filter(|(_, d)| **d > 0.0).map(|(rank, _)| rank).sum();
    let second_better = total - first_better;
    let smaller = first_better.min(second_better);
    let p_value = if ranks.len() <= COUNTED { counted(&ranks, smaller) } else { normal(&ranks, smaller) };
    Ok(Wilcoxon { first_better, second_better, p_value })
}

/// `min(1, 2 P(S ≤ smaller))` for the sum `S` of ranks each of which counts with probability 1/2.
fn counted(ranks: &[f64], smaller: f64) -> f64 {
    // Mean ranks are multiples of 1/2.
    let twice = |rank: f64| (2.0 * rank).round() as usize;
    let total: usize = ranks.iter().map(|&rank| twice(rank)).sum();
    let mut probability = vec![0.0; total + 1];
    probability[0] = 1.0;
    let mut reached = 0;
    for &rank in ranks {
        let step = twice(rank);
        reached += step;
        for sum in (0..=reached).rev() {
            let with = if sum >= step { probability[sum - step] } else { 0.0 };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    (2.0 * probability[..=twice(smaller)].iter().sum::<f64>()).min(1.0)
}

/// The same by the normal distribution.
fn normal(ranks: &[f64], smaller: f64) -> f64 {
    let n = ranks.len() as f64;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - tie_sum(ranks) / 48.0;
    let z = (n * (n + 1.0) / 4.0 - smaller) / variance.sqrt();
    erfc(z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative: that of counting, and that of the error function.
    const COUNTING: f64 = 1e-12;
    const NORMAL: f64 = 1e-10;

    #[test]
    fn counts_equal_scipy() {
        // scipy 1.17.1: wilcoxon(differences, method="exact")
        let few = [3.0, -1.0, 4.0, -2.0, 5.0, 9.0, 6.0, -7.0, 8.0, 10.5];
        assert_p_value(&few, 10.0, 0.083_984_375, COUNTING);
        assert_p_value(&differences(40, |at| at + 1), 328.0, 0.276_595_651_635_943_8, COUNTING);
    }

    #[test]
    fn the_normal_distribution_equals_scipy() {
        // scipy 1.17.1: wilcoxon(differences, method="asymptotic"), of 118 differences in pairs, and 2 of 0
        let tied = differences(120, |at| (at * 37 % 60).div_ceil(2));
        assert_p_value(&tied, 2523.0, 0.007_996_226_182_125_204, NORMAL);
    }

    /// The sizes of differences, with signs.
    fn differences(n: usize, size: fn(usize) -> usize) -> Vec<f64> {
        (0..n).map(|at| size(at) as f64 * if at * 7 % 10 < 4 { -1.0 } else { 1.0 }).collect()
    }

    #[track_caller]
    fn assert_p_value(differences: &[f64], smaller: f64, expected: f64, tolerance: f64) {
        let test = wilcoxon_signed_rank(differences, &vec![0.0; differences.len()]).unwrap();
        assert_eq!(test.first_better.min(test.second_better), smaller);
        assert!((test.p_value / expected - 1.0).abs() < tolerance, "{} is not {expected}", test.p_value);
    }

    #[test]
    fn ties_are_counted_as_they_are() {
        // All ways to sign the ranks 1.5, 1.5, 3.5, 3.5, 5 whose sum is at most 3, of 32.
        let first = [1.0, -1.0, 2.0, 2.0, 3.0, 0.0];
        let test = wilcoxon_signed_rank(&first, &[0.0; 6]).unwrap();
        assert_eq!((test.first_better, test.second_better), (13.5, 1.5));
        // None, or either of the first two: 3 sums below, and as many above.
        assert_eq!(test.p_value, 6.0 / 32.0);
    }

    #[test]
    fn the_normal_distribution_takes_over_smoothly() {
        let differences = differences(COUNTED, |at| at + 1);
        let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
        let test = wilcoxon_signed_rank(&differences, &vec![0.0; COUNTED]).unwrap();
        let approximation = normal(&ranks(&sizes), test.first_better.min(test.second_better));
        assert!((test.p_value / approximation - 1.0).abs() < 0.02, "{} {approximation}", test.p_value);
    }

    #[test]
    fn methods_that_are_equal_do_not_differ() {
        let test = wilcoxon_signed_rank(&[0.5, 0.6], &[0.5, 0.6]).unwrap();
        assert_eq!((test.first_better, test.second_better, test.p_value), (0.0, 0.0, 1.0));
    }

    #[test]
    fn rejects_what_cannot_be_paired() {
        assert!(matches!(wilcoxon_signed_rank(&[0.5; 2], &[0.5; 3]), Err(EvalError::Length { .. })));
        assert!(matches!(wilcoxon_signed_rank(&[0.5], &[0.5]), Err(EvalError::TooFew { .. })));
        assert!(matches!(
            wilcoxon_signed_rank(&[0.5; 2], &[0.5, f64::INFINITY]),
            Err(EvalError::SetScore { set: 1, method: 1, .. })
        ));
    }
}
