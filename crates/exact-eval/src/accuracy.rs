//! Accuracy.

use crate::EvalError;
use crate::samples::Samples;

/// The weighted fraction of predictions that equal their label.
///
/// # Formula
/// `Σ w_i [p_i = y_i] / Σ w_i`
///
/// # Errors
/// [`EvalError`] if there are no samples, lengths differ, or a weight is not usable.
///
/// # Example
/// ```
/// assert_eq!(exact_eval::accuracy(&[0, 1, 1, 0], &[0, 1, 0, 0], None)?, 0.75);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn accuracy(
    labels: &[u32],
    predictions: &[u32],
    sample_weight: Option<&[f64]>,
) -> Result<f64, EvalError> {
    let samples = Samples::new(labels, sample_weight)?;
    samples.check_predictions(predictions)?;
    Ok(samples.mean(|row, label| f64::from(u8::from(predictions[row] as usize == label))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PREDICTIONS, WEIGHTS, assert_close};

    #[test]
    fn equals_scikit_learn() {
        assert_close(accuracy(&LABELS, &PREDICTIONS, None).unwrap(), 0.6);
        assert_close(accuracy(&LABELS, &PREDICTIONS, Some(&WEIGHTS)).unwrap(), 0.6);
    }

    #[test]
    fn rejects_what_has_no_mean() {
        assert_eq!(accuracy(&[], &[], None), Err(EvalError::Empty));
        assert!(matches!(
            accuracy(&[0], &[0, 1], None),
            Err(EvalError::Length { expected: 1, found: 2, .. })
        ));
        assert_eq!(accuracy(&[0, 1], &[0, 1], Some(&[0.0, 0.0])), Err(EvalError::WeightSum { sum: 0.0 }));
        assert_eq!(
            accuracy(&[0, 1], &[0, 1], Some(&[1.0, -1.0])),
            Err(EvalError::Weight { row: 1, value: -1.0 })
        );
        assert!(matches!(
            accuracy(&[0, 1], &[0, 1], Some(&[f64::NAN, 1.0])),
            Err(EvalError::Weight { row: 0, .. })
        ));
    }
}
