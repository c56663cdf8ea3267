//! Scores on the same folds, compared in pairs.

/// The mean by which scores on folds exceed others on the same folds, and its standard error.
pub(crate) fn paired_gain(scores: &[f64], others: &[f64]) -> (f64, f64) {
    let gains: Vec<f64> = scores.iter().zip(others).map(|(a, b)| a - b).collect();
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}
