//! Confusion matrix.

use crate::EvalError;
use crate::samples::{Samples, check_classes};

/// How many samples of each true class (row) are predicted as each class (column): `[n_classes][n_classes]`.
///
/// # Errors
/// [`EvalError`] if there are no samples, lengths differ, or a class is not below `n_classes`.
///
/// # Example
/// ```
/// let matrix = exact_eval::confusion_matrix(&[0, 0, 1], &[0, 1, 1], 2)?;
/// assert_eq!(matrix, [[1, 1], [0, 1]]);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn confusion_matrix(
    labels: &[u32],
    predictions: &[u32],
    n_classes: usize,
) -> Result<Vec<Vec<u64>>, EvalError> {
    let samples = Samples::new(labels, None)?;
    samples.check_predictions(predictions)?;
    samples.check_labels(n_classes)?;
    check_classes("the prediction", predictions, n_classes)?;
    let mut matrix = vec![vec![0; n_classes]; n_classes];
    for (&label, &prediction) in labels.iter().zip(predictions) {
        matrix[label as usize][prediction as usize] += 1;
    }
    Ok(matrix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PREDICTIONS};

    #[test]
    fn equals_scikit_learn() {
        assert_eq!(confusion_matrix(&LABELS, &PREDICTIONS, 3).unwrap(), [[2, 0, 1], [2, 2, 0], [0, 1, 2]]);
    }
}
