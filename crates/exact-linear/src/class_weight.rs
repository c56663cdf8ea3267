//! Weights that give each class the same say.

use crate::LinearError;
use exact_data::DataError;

/// Sample weights, `[n]`, that give each class with rows the same total and leave the sum over all rows as it is.
/// `sample_weight`, `[n]`, are weights that the rows have anyway.
///
/// # Formula
/// `w_i n / (C n_c)` for row `i` of class `c`, with the sum `n` of all weights, the sum `n_c` of the class's weights and the
/// number `C` of classes with rows.
///
/// # Errors
/// [`LinearError`] if a label is not below `n_classes`, or lengths differ.
///
/// # Example
/// ```
/// let weights = exact_linear::balanced_weights(&[0, 0, 0, 1], 2, None)?;
/// assert_eq!(weights[3], 2.0);
/// assert!((weights[0] - 2.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), exact_linear::LinearError>(())
/// ```
pub fn balanced_weights(
    labels: &[u32],
    n_classes: usize,
    sample_weight: Option<&[f64]>,
) -> Result<Vec<f64>, LinearError> {
    if let Some(weights) = sample_weight.filter(|weights| weights.len() != labels.len()) {
        return Err(LinearError::Weights { rows: labels.len(), weights: weights.len() });
    }
    let weight_of = |row: usize| sample_weight.map_or(1.0, |weights| weights[row]);
    let mut totals = vec![0.0; n_classes];
    for (row, &label) in labels.iter().enumerate() {
        let class = totals.get_mut(label as usize);
        *class.ok_or(DataError::LabelOutOfRange { row, label, n_classes })? += weight_of(row);
    }
    let total: f64 = totals.iter().sum();
    let classes = totals.iter().filter(|total| **total > 0.0).count() as f64;
    let balanced = |(row, &label): (usize, &u32)| {
        let weight = weight_of(row);
        if weight > 0.0 { weight * total / (classes * totals[label as usize]) } else { 0.0 }
    };
    Ok(labels.iter().enumerate().map(balanced).collect())
}
