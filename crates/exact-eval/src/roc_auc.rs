//! Area under the receiver operating characteristic.

use crate::EvalError;
use crate::probabilities::Rows;
use crate::samples::{Samples, check_classes};

/// The probability that a random positive (label 1) has a larger score than a random negative (label 0), ties
/// counting one half; samples are drawn in proportion to their weights. `scores` is `[n]`, of any finite
/// values.
///
/// # Errors
/// [`EvalError`] if there are no samples, lengths differ, a label is not 0 or 1, a score or weight is not
/// usable, or one of the classes has no weight.
///
/// # Example
/// ```
/// assert_eq!(exact_eval::roc_auc(&[0, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8], None)?, 0.75);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn roc_auc(labels: &[u32], scores: &[f64], sample_weight: Option<&[f64]>) -> Result<f64, EvalError> {
    let samples = Samples::new(labels, sample_weight)?;
    check_classes("the label", labels, 2)?;
    crate::samples::check_length("the scores", labels.len(), scores.len())?;
    if let Some((row, &value)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
        return Err(EvalError::Score { row, class: 1, value });
    }
    area(samples, 1, |row| scores[row]).ok_or(EvalError::OneClass { metric: "roc auc" })
}

/// The mean over classes of [`roc_auc`] of that class against the rest. Classes that no label has (or that
/// all have) are left out of the mean. `scores` is row-major `[n, n_classes]`, of any finite values.
///
/// # Errors
/// [`EvalError`] if there are no samples, shapes differ, a label is not below `n_classes`, a score or weight
/// is not usable, or only one class has weight.
///
/// # Example
/// ```
/// let probabilities = [0.8, 0.1, 0.1, 0.2, 0.7, 0.1, 0.3, 0.1, 0.6];
/// assert_eq!(exact_eval::roc_auc_one_vs_rest(&[0, 1, 2], &probabilities, 3, None)?, 1.0);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn roc_auc_one_vs_rest(
    labels: &[u32],
    scores: &[f64],
    n_classes: usize,
    sample_weight: Option<&[f64]>,
) -> Result<f64, EvalError> {
    let samples = Samples::new(labels, sample_weight)?;
    let rows = Rows::scores(samples, scores, n_classes)?;
    let areas: Vec<f64> =
        (0..n_classes).filter_map(|class| area(samples, class, |row| rows.row(row)[class])).collect();
    if areas.is_empty() {
        return Err(EvalError::OneClass { metric: "roc auc" });
    }
    Ok(areas.iter().sum::<f64>() / areas.len() as f64)
}

/// The area for one class against the rest, `None` if either side has no weight.
fn area(samples: Samples<'_>, positive: usize, score: impl Fn(usize) -> f64) -> Option<f64> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by(|&a, &b| score(a).total_cmp(&score(b)));
    let (mut positives, mut negatives, mut pairs) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| score(a) == score(b)) {
        let (mut tied_positives, mut tied_negatives) = (0.0, 0.0);
        for &row in tied {
            if samples.labels[row] as usize == positive {
                tied_positives += samples.weight(row);
            } else {
                tied_negatives += samples.weight(row);
            }
        }
        pairs += tied_positives * (negatives + 0.5 * tied_negatives);
        positives += tied_positives;
        negatives += tied_negatives;
    }
    (positives > 0.0 && negatives > 0.0).then(|| pairs / (positives * negatives))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PROBABILITIES, WEIGHTS, assert_close};

    #[test]
    fn one_vs_rest_equals_scikit_learn() {
        assert_close(roc_auc_one_vs_rest(&LABELS, &PROBABILITIES, 3, None).unwrap(), 0.880_952_380_952_380_9);
        assert_close(
            roc_auc_one_vs_rest(&LABELS, &PROBABILITIES, 3, Some(&WEIGHTS)).unwrap(),
            0.925_584_600_911_571_5,
        );
    }

    #[test]
    fn binary_with_ties_equals_scikit_learn() {
        let scores = [0.2, 0.5, 0.2, 0.6, 0.4, 0.2, 0.3, 0.0, 0.8, 0.2];
        let positive = LABELS.map(|label| u32::from(label == 1));
        assert_close(roc_auc(&positive, &scores, None).unwrap(), 0.770_833_333_333_333_3);
        assert_close(roc_auc(&positive, &scores, Some(&WEIGHTS)).unwrap(), 0.822_866_344_605_475_1);
    }

    #[test]
    fn an_absent_class_is_left_out() {
        let probabilities = [0.8, 0.2, 0.0, 0.3, 0.7, 0.0];
        assert_eq!(roc_auc_one_vs_rest(&[0, 1], &probabilities, 3, None), Ok(1.0));
        let one_class = EvalError::OneClass { metric: "roc auc" };
        assert_eq!(roc_auc_one_vs_rest(&[0, 0], &probabilities, 3, None), Err(one_class.clone()));
        assert_eq!(roc_auc(&[1, 1], &[0.1, 0.2], None), Err(one_class));
    }
}
