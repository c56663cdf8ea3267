//! Sample weights under which all classes count alike.

use crate::Real;
use crate::error::LossError;

/// Sample weights with which the weighted mean of anything per sample, a metric or a loss, is the mean over the classes
/// that occur of its mean over the class's samples. Their mean is 1.
///
/// With them, expected accuracy becomes expected balanced accuracy (macro recall): still exact, since the class sizes
/// are given and the metric is linear in the probabilities.
///
/// # Formula
/// `n / (k n_{y_i})` for sample i, of `n` samples in `k` classes, `n_c` in class c.
///
/// # Errors
/// [`LossError`] if there are no samples or a label is not below `n_classes`.
///
/// # Example
/// ```
/// use exact_core::expected::balanced_weights;
///
/// let weights: Vec<f64> = balanced_weights(&[0, 0, 0, 2], 3).unwrap();
/// assert_eq!(weights, [2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 2.0]);
/// // Three hits of three in one class, none of one in the other.
/// let hits = [1.0, 1.0, 1.0, 0.0];
/// let mean = weights.iter().zip(hits).map(|(w, hit)| w * hit).sum::<f64>() / 4.0;
/// assert!((mean - 0.5).abs() < 1e-15);
/// ```
pub fn balanced_weights<T: Real>(labels: &[u32], n_classes: usize) -> Result<Vec<T>, LossError> {
    if labels.is_empty() {
        return Err(LossError::Empty);
    }
    let mut counts = vec![0_usize; n_classes];
    for (row, &label) in labels.iter().enumerate() {
        let Some(count) = counts.get_mut(label as usize) else {
            return Err(LossError::Label { row, label, n_classes });
        };
        *count += 1;
    }
    let occurring = counts.iter().filter(|count| **count > 0).count();
    let share = labels.len() as f64 / occurring as f64;
    let weights: Vec<T> = counts.iter().map(|count| T::from_f64(share / *count as f64)).collect();
    Ok(labels.iter().map(|&label| weights[label as usize]).collect())
}
