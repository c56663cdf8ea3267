//! Balanced accuracy.

use crate::EvalError;
use crate::class_sums::ClassSums;
use crate::samples::Samples;

/// The mean over classes of recall. Classes that no label (with weight) has are left out of the mean, as in
/// scikit-learn.
///
/// # Formula
/// `mean_k (Σ_{i: y_i = k} w_i [p_i = k] / Σ_{i: y_i = k} w_i)` over the classes `k` that are present
///
/// # Errors
/// [`EvalError`] if there are no samples, lengths differ, a class is not below `n_classes`, or a weight is
/// not usable.
///
/// # Example
/// ```
/// // Class 1 is absent: recall is 1/2 for class 0 and 2/3 for class 2.
/// let balanced = exact_eval::balanced_accuracy(&[0, 0, 2, 2, 2], &[0, 1, 2, 2, 0], 3, None)?;
/// assert!((balanced - 7.0 / 12.0).abs() < 1e-15);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn balanced_accuracy(
    labels: &[u32],
    predictions: &[u32],
    n_classes: usize,
    sample_weight: Option<&[f64]>,
) -> Result<f64, EvalError> {
    let sums = ClassSums::new(Samples::new(labels, sample_weight)?, predictions, n_classes)?;
    let mut recall = 0.0;
    let mut present = 0.0;
    for (actual, correct) in sums.actual.iter().zip(&sums.correct).filter(|(actual, _)| **actual > 0.0) {
        recall += correct / actual;
        present += 1.0;
    }
    Ok(recall / present)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PREDICTIONS, WEIGHTS, assert_close};

    #[test]
    fn equals_scikit_learn() {
        assert_close(balanced_accuracy(&LABELS, &PREDICTIONS, 3, None).unwrap(), 0.611_111_111_111_111);
        assert_close(
            balanced_accuracy(&LABELS, &PREDICTIONS, 3, Some(&WEIGHTS)).unwrap(),
            0.682_539_682_539_682_4,
        );
    }

    #[test]
    fn rejects_classes_out_of_range() {
        assert_eq!(
            balanced_accuracy(&[0, 3], &[0, 1], 3, None),
            Err(EvalError::Class { what: "the label", row: 1, class: 3, n_classes: 3 })
        );
        assert_eq!(
            balanced_accuracy(&[0, 1], &[7, 1], 3, None),
            Err(EvalError::Class { what: "the prediction", row: 0, class: 7, n_classes: 3 })
        );
        assert!(matches!(balanced_accuracy(&[0], &[0], 0, None), Err(EvalError::OutOfRange { .. })));
    }
}
