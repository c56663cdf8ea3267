//! Sample weights under which all classes count alike.

use crate::Real;
use crate::error::LossError;
use crate::samples::{check_labels, check_weights};

/// Sample weights with which the weighted mean of anything per sample, a metric or a loss, is the mean over
/// the classes that occur of its mean over the class's samples. `weights` are those that the samples have
/// anyway, 1 each without them; a class occurs if one of its samples has weight, and the sum over all samples
/// stays as it is.
///
/// With them, expected accuracy becomes expected balanced accuracy (macro recall): still exact, since the
/// class sizes are given and the metric is linear in the probabilities.
///
/// # Formula
/// `w_i n / (k n_{y_i})` for sample i, with the sum `n` of all weights `w`, the sum `n_c` of those in class c
/// and the number `k` of classes that occur.
///
/// # Errors
/// [`LossError`] if there are no samples, a label is not below `n_classes`, or the weights are not one finite
/// number of at least 0 for each sample.
///
/// # Example
/// ```
/// use exact_core::expected::balanced_weights;
///
/// let weights: Vec<f64> = balanced_weights(&[0, 0, 0, 2], 3, None).unwrap();
/// assert_eq!(weights, [2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 2.0]);
/// // Three hits of three in one class, none of one in the other.
/// let hits = [1.0, 1.0, 1.0, 0.0];
/// let mean = weights.iter().zip(hits).map(|(w, hit)| w * hit).sum::<f64>() / 4.0;
/// assert!((mean - 0.5).abs() < 1e-15);
/// ```
pub fn balanced_weights<T: Real>(
    labels: &[u32],
    n_classes: usize,
    weights: Option<&[T]>,
) -> Result<Vec<T>, LossError> {
    if labels.is_empty() {
        return Err(LossError::Empty);
    }
    check_labels(labels, n_classes)?;
    if let Some(weights) = weights {
        check_weights(weights, labels.len())?;
    }
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row].to_f64());
    let mut totals = vec![0.0; n_classes];
    for (row, &label) in labels.iter().enumerate() {
        totals[label as usize] += weight(row);
    }
    let total: f64 = totals.iter().sum();
    let occurring = totals.iter().filter(|total| **total > 0.0).count() as f64;
    let balanced = |(row, &label): (usize, &u32)| {
        let weight = weight(row);
        let balanced = if weight > 0.0 { weight * total / (occurring * totals[label as usize]) } else { 0.0 };
        T::from_f64(balanced)
    };
    Ok(labels.iter().enumerate().map(balanced).collect())
}
