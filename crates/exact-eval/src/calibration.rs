//! Calibration: do predictions of confidence `p` come true a fraction `p` of the time?

use serde::{Deserialize, Serialize};

use crate::EvalError;
use crate::probabilities::Rows;
use crate::samples::{Samples, check_range};

/// The samples whose confidence (largest probability) lies in `(lower, upper]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The confidence above which the bin starts (the first bin holds 0 too).
    pub lower: f64,
    /// The largest confidence of the bin.
    pub upper: f64,
    /// The weight of its samples: their number when they are unweighted.
    pub weight: f64,
    /// The weighted mean of their confidence.
    pub mean_confidence: f64,
    /// The weighted fraction of them whose most probable class is the label, `0..=1`.
    pub accuracy: f64,
}

/// The reliability diagram: samples in `n_bins` bins of equal width by the probability of their most probable
/// class (the lowest of equals). Bins without weight are left out; the others are in order of confidence.
///
/// # Errors
/// [`EvalError`] if there are no samples, shapes differ, a label is not below `n_classes`, `n_bins` is not in
/// `1..=10_000`, a row is not a probability distribution (sum within 1e-3 of 1), or a weight is not usable.
///
/// # Example
/// ```
/// let bins = exact_eval::reliability_bins(&[0, 1], &[0.75, 0.25, 0.75, 0.25], 2, 10, None)?;
/// assert_eq!((bins.len(), bins[0].mean_confidence, bins[0].accuracy), (1, 0.75, 0.5));
/// assert_eq!(exact_eval::expected_calibration_error(&bins), 0.25);
/// # Ok::<(), exact_eval::EvalError>(())
/// ```
pub fn reliability_bins(
    labels: &[u32],
    probabilities: &[f64],
    n_classes: usize,
    n_bins: usize,
    sample_weight: Option<&[f64]>,
) -> Result<Vec<ReliabilityBin>, EvalError> {
    let samples = Samples::new(labels, sample_weight)?;
    let rows = Rows::probabilities(samples, probabilities, n_classes)?;
    check_range("the number of bins", 1, 10_000, n_bins)?;
    // Sums of weight, weight times confidence, and weight of the correct.
    let mut sums = vec![[0.0; 3]; n_bins];
    for (row, &label) in labels.iter().enumerate() {
        let (class, confidence) = rows.largest(row);
        let weight = samples.weight(row);
        let bin = (confidence * n_bins as f64).ceil() as usize;
        let sum = &mut sums[bin.clamp(1, n_bins) - 1];
        sum[0] += weight;
        sum[1] += weight * confidence;
        sum[2] += if class == label as usize { weight } else { 0.0 };
    }
    let bins = sums.iter().enumerate().filter(|(_, [weight, ..])| *weight > 0.0);
    Ok(bins
        .map(|(bin, &[weight, confidence, correct])| ReliabilityBin {
            lower: bin as f64 / n_bins as f64,
            upper: (bin + 1) as f64 / n_bins as f64,
            weight,
            mean_confidence: confidence / weight,
            accuracy: correct / weight,
        })
        .collect())
}

/// The expected calibration error: the weighted mean over bins of the distance between confidence and
/// accuracy, `0..=1`; 0 for no bins.
///
/// # References
/// Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI
/// 2015.
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let total: f64 = bins.iter().map(|bin| bin.weight).sum();
    let error: f64 = bins.iter().map(|bin| bin.weight * (bin.mean_confidence - bin.accuracy).abs()).sum();
    if total > 0.0 { error / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{LABELS, PROBABILITIES, WEIGHTS, assert_close};

    #[test]
    fn equals_numpy() {
        let bins = |weights| reliability_bins(&LABELS, &PROBABILITIES, 3, 5, weights).unwrap();
        assert_close(expected_calibration_error(&bins(None)), 0.2);
        assert_close(expected_calibration_error(&bins(Some(&WEIGHTS))), 0.177);
        assert_close(bins(None).iter().map(|bin| bin.weight).sum(), 10.0);
    }

    #[test]
    fn a_bin_holds_its_upper_edge() {
        let bins = reliability_bins(&[0, 0], &[0.5, 0.5, 1.0, 0.0], 2, 2, None).unwrap();
        assert_eq!(
            bins.iter().map(|bin| (bin.upper, bin.weight)).collect::<Vec<_>>(),
            [(0.5, 1.0), (1.0, 1.0)]
        );
    }
}
