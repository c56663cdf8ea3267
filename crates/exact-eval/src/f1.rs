//! Macro-averaged F1.

use crate::EvalError;
use crate::class_sums::ClassSums;
use crate::samples::Samples;

/// The mean over classes of F1, the harmonic mean of precision and recall. The mean runs over the classes
/// that occur (with weight) among the labels or the predictions; a class that is only predicted counts with
/// F1 = 0, as in scikit-learn.
///
/// # Formula
/// `mean_k 2 TP_k / (actual_k + predicted_k)`
///
/// # Errors
/// [`EvalError`] if there are no samples, lengths differ, a class is not below `n_classes`, or a weight is
/// not usable.
///
/// # Example
/// ```
/// let f1 = exact_eval::macro_f1(&[0, 0, 1, 1], &[0, 1, 1, 1], 2, None)?;
/// assert!((f1 - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-15);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn macro_f1(
    labels: &[u32],
    predictions: &[u32],
    n_classes: usize,
    sample_weight: Option<&[f64]>,
) -> Result<f64, EvalError> {
    let sums = ClassSums::new(Samples::new(labels, sample_weight)?, predictions, n_classes)?;
    let mut f1 = 0.0;
    let mut present = 0.0;
    for class in 0..n_classes {
        let weight = sums.actual[class] + sums.predicted[class];
        if weight > 0.0 {
            f1 += 2.0 * sums.correct[class] / weight;
            present += 1.0;
        }
    }
    Ok(f1 / present)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PREDICTIONS, WEIGHTS, assert_close};

    #[test]
    fn equals_scikit_learn() {
        assert_close(macro_f1(&LABELS, &PREDICTIONS, 3, None).unwrap(), 0.603_174_603_174_603_1);
        assert_close(macro_f1(&LABELS, &PREDICTIONS, 3, Some(&WEIGHTS)).unwrap(), 0.619_379_844_961_240_3);
    }

    #[test]
    fn a_class_that_is_only_predicted_counts_and_one_that_never_occurs_does_not() {
        assert_close(
            macro_f1(&[0, 0, 2, 2, 2], &[0, 1, 2, 2, 0], 3, None).unwrap(),
            0.433_333_333_333_333_35,
        );
        assert_close(
            macro_f1(&[0, 0, 2, 2, 2], &[0, 1, 2, 2, 0], 9, None).unwrap(),
            0.433_333_333_333_333_35,
        );
    }
}
