//! McNemar's exact test of two classifiers on the same samples.
#![allow(clippy::doc_markdown, reason = "McNemar is a name")]

use crate::EvalError;
use crate::samples::Samples;

/// The result of [`mcnemar_exact`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Samples that only the first classifier predicts correctly.
    pub only_first: u64,
    /// Samples that only the second classifier predicts correctly.
    pub only_second: u64,
    /// The two-sided probability of a split at least as uneven if both classifiers are equally accurate.
    pub p_value: f64,
}

/// McNemar's exact (binomial) two-sided test of whether two classifiers are equally accurate. Only the
/// samples on which exactly one of them is right carry information.
///
/// # Formula
/// `p = min(1, 2 P(B ≤ min(n_1, n_2)))`, `B ~ Binomial(n_1 + n_2, 1/2)`
///
/// # Errors
/// [`EvalError`] if there are no samples or lengths differ.
///
/// # Example
/// ```
/// let test = exact_eval::mcnemar_exact(&[1, 1, 1, 1, 1], &[1, 1, 1, 1, 1], &[0, 0, 0, 0, 0])?;
/// assert_eq!((test.only_first, test.only_second), (5, 0));
/// assert!((test.p_value - 0.0625).abs() < 1e-14);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
///
/// # References
/// McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12
/// (1947).
pub fn mcnemar_exact(labels: &[u32], first: &[u32], second: &[u32]) -> Result<McNemar, EvalError> {
    let samples = Samples::new(labels, None)?;
    samples.check_predictions(first)?;
    samples.check_predictions(second)?;
    let (mut only_first, mut only_second) = (0, 0);
    for ((label, a), b) in labels.iter().zip(first).zip(second) {
        only_first += u64::from(a == label && b != label);
        only_second += u64::from(b == label && a != label);
    }
    let p_value = two_sided_sign_test(only_first.min(only_second), only_first + only_second);
    Ok(McNemar { only_first, only_second, p_value })
}

/// `min(1, 2 P(B ≤ smaller))` for `B ~ Binomial(n, 1/2)`, with the terms as logarithms since
/// `2^-n` underflows.
fn two_sided_sign_test(smaller: u64, n: u64) -> f64 {
    let mut log_term = -(n as f64) * std::f64::consts::LN_2;
    let mut log_terms = vec![log_term];
    for i in 0..smaller {
        log_term += ((n - i) as f64 / (i + 1) as f64).ln();
        log_terms.push(log_term);
    }
    // Terms grow up to n / 2, so the last is the largest.
    let sum: f64 = log_terms.iter().map(|term| (term - log_term).exp()).sum();
    (2.0 * sum * log_term.exp()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_scipy() {
        // scipy 1.17.1: binomtest(k, n, 0.5).pvalue
        for (smaller, n, expected) in [(3, 15, 0.035_156_25), (480, 1100, 2.713_138_109_300_687_8e-5)] {
            let p = two_sided_sign_test(smaller, n);
            assert!((p / expected - 1.0).abs() < 1e-11, "{smaller} of {n}: {p} against {expected}");
        }
    }

    #[test]
    fn equal_classifiers_do_not_differ() {
        assert_eq!(mcnemar_exact(&[0, 1], &[0, 0], &[0, 0]).unwrap().p_value, 1.0);
        assert_eq!(mcnemar_exact(&[0, 1], &[0, 0], &[1, 1]).unwrap().p_value, 1.0);
    }
}
