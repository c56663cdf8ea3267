//! Brier score.

use crate::EvalError;
use crate::probabilities::Rows;
use crate::samples::Samples;

/// The weighted mean squared distance between the probabilities and the one-hot label, in `0..=2`. For two
/// classes it is twice the binary Brier score of the positive class.
///
/// # Formula
/// `Σ_i w_i Σ_k (p_i[k] - [y_i = k])² / Σ_i w_i`
///
/// # Errors
/// [`EvalError`] if there are no samples, shapes differ, a label is not below `n_classes`, a row is not a
/// probability distribution (sum within 1e-3 of 1), or a weight is not usable.
///
/// # Example
/// ```
/// assert_eq!(exact_eval::brier_score(&[0], &[0.5, 0.5], 2, None)?, 0.5);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
///
/// # References
/// Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
pub fn brier_score(
    labels: &[u32],
    probabilities: &[f64],
    n_classes: usize,
    sample_weight: Option<&[f64]>,
) -> Result<f64, EvalError> {
    let samples = Samples::new(labels, sample_weight)?;
    let rows = Rows::probabilities(samples, probabilities, n_classes)?;
    Ok(samples.mean(|row, label| {
        let one_hot = |class| f64::from(u8::from(class == label));
        rows.row(row).iter().enumerate().map(|(class, p)| (p - one_hot(class)).powi(2)).sum()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PROBABILITIES, WEIGHTS, assert_close};

    #[test]
    fn equals_scikit_learn() {
        // brier_score_loss(..., scale_by_half=False)
        assert_close(brier_score(&LABELS, &PROBABILITIES, 3, None).unwrap(), 0.4055);
        assert_close(brier_score(&LABELS, &PROBABILITIES, 3, Some(&WEIGHTS)).unwrap(), 0.3698);
    }

    #[test]
    fn the_extremes() {
        assert_eq!(brier_score(&[0], &[1.0, 0.0], 2, None), Ok(0.0));
        assert_eq!(brier_score(&[1], &[1.0, 0.0], 2, None), Ok(2.0));
    }
}
