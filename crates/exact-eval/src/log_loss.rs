//! Log loss (cross-entropy of the predicted probabilities).

use crate::EvalError;
use crate::probabilities::Rows;
use crate::samples::Samples;

/// The weighted mean negative log probability of the label, in nats.
///
/// A probability below the machine epsilon 2.2e-16 counts as epsilon, as in scikit-learn, so that one
/// confident mistake costs 36.04 and not infinity.
///
/// # Formula
/// `-Σ w_i ln max(p_i[y_i], ε) / Σ w_i`
///
/// # Errors
/// [`EvalError`] if there are no samples, shapes differ, a label is not below `n_classes`, a row is not a
/// probability distribution (sum within 1e-3 of 1), or a weight is not usable.
///
/// # Example
/// ```
/// let loss = exact_eval::log_loss(&[0, 1], &[0.5, 0.5, 0.0, 1.0], 2, None)?;
/// assert!((loss - 0.5 * 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn log_loss(
    labels: &[u32],
    probabilities: &[f64],
    n_classes: usize,
    sample_weight: Option<&[f64]>,
) -> Result<f64, EvalError> {
    let samples = Samples::new(labels, sample_weight)?;
    let rows = Rows::probabilities(samples, probabilities, n_classes)?;
    // Rounding may leave a probability just above 1, whose loss is 0 and not negative.
    Ok(samples.mean(|row, label| -rows.row(row)[label].clamp(f64::EPSILON, 1.0).ln()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PROBABILITIES, WEIGHTS, assert_close};

    #[test]
    fn equals_scikit_learn() {
        assert_close(log_loss(&LABELS, &PROBABILITIES, 3, None).unwrap(), 0.691_553_546_630_109_9);
        assert_close(log_loss(&LABELS, &PROBABILITIES, 3, Some(&WEIGHTS)).unwrap(), 0.632_393_396_261_143_5);
    }

    #[test]
    fn a_probability_of_zero_is_clipped() {
        assert_close(log_loss(&[0, 1], &[0.0, 1.0, 0.0, 1.0], 2, None).unwrap(), 18.021_826_694_558_577);
    }
}
