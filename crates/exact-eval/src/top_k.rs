//! Top-k accuracy.

use crate::EvalError;
use crate::probabilities::Rows;
use crate::samples::{Samples, check_range};

/// The weighted fraction of samples whose label is among the `k` classes with the largest scores.
///
/// `scores` is row-major `[n, n_classes]`, of any finite values (logits or probabilities). Of equal
/// scores the lower class ranks first, so that `k = 1` is the accuracy of argmax predictions (scikit-learn
/// ranks the higher first).
///
/// # Errors
/// [`EvalError`] if there are no samples, shapes differ, a label is not below `n_classes`, `k` is not in
/// `1..=n_classes`, or a score or weight is not usable.
///
/// # Example
/// ```
/// let scores = [0.5, 0.3, 0.2, 0.5, 0.3, 0.2];
/// assert_eq!(exact_eval::top_k_accuracy(&[1, 2], &scores, 3, 2, None)?, 0.5);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn top_k_accuracy(
    labels: &[u32],
    scores: &[f64],
    n_classes: usize,
    k: usize,
    sample_weight: Option<&[f64]>,
) -> Result<f64, EvalError> {
    let samples = Samples::new(labels, sample_weight)?;
    let rows = Rows::scores(samples, scores, n_classes)?;
    check_range("k", 1, n_classes, k)?;
    Ok(samples.mean(|row, label| {
        let scores = rows.row(row);
        let ahead = |(class, score): (usize, &f64)| {
            *score > scores[label] || (*score == scores[label] && class < label)
        };
        f64::from(u8::from(scores.iter().enumerate().filter(|&entry| ahead(entry)).count() < k))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PROBABILITIES, WEIGHTS, assert_close};

    #[test]
    fn equals_scikit_learn() {
        let top = |k, weights| top_k_accuracy(&LABELS, &PROBABILITIES, 3, k, weights).unwrap();
        assert_close(top(2, None), 0.9);
        assert_close(top(2, Some(&WEIGHTS)), 0.98);
        assert_close(top(1, None), 0.6);
        assert_close(top(3, None), 1.0);
    }

    #[test]
    fn the_lower_class_wins_a_tie() {
        assert_eq!(top_k_accuracy(&[0, 1], &[0.5; 4], 2, 1, None), Ok(0.5));
    }

    #[test]
    fn rejects_k_beyond_the_classes() {
        assert_eq!(
            top_k_accuracy(&[0], &[0.5, 0.5], 2, 3, None),
            Err(EvalError::OutOfRange { what: "k", minimum: 1, maximum: 2, found: 3 })
        );
    }
}
