//! What logits say: classes, and probabilities with a scale that makes them come true.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Rule;
use crate::error::LossError;
use crate::expected::{ExpectedAccuracy, Probability, Sigma, predictive_distribution};
use crate::samples::{Logits, Samples};

/// Rows whose probabilities are computed at once.
const BLOCK_ROWS: usize = 256;
/// The scale is sought between `e^-6` and `e^6`.
const LOG_SCALE_LIMIT: f64 = 6.0;
/// Steps of golden-section search; each shortens the interval by 0.618.
const STEPS: usize = 30;
/// Rows that the scale is fitted on at most: it is one number.
const MAX_ROWS: usize = 20_000;
/// Logits of these rows at most, unless they are few rows.
const MAX_LOGITS: usize = 500_000;
/// Rows that the scale is fitted on however many classes they have.
const FEW_ROWS: usize = 1000;

/// How logits become probabilities. Kind and scale are [fitted](Link::calibrated) by log loss on rows that
/// training did not see.
///
/// # Example
/// ```
/// use exact_core::Link;
///
/// let link = Link::Probit { sigma: 0.5 };
/// let p = link.probabilities(&[1.0, 0.0], 2)?;
/// // Two classes: Φ(1 / (0.5 √2)).
/// assert!((p[0] - 0.921_350_396_474_857_3).abs() < 1e-13);
///
/// // Softmax says 0.73 where one in two rows has the favoured label: the logits are made smaller.
/// let (logits, labels) = ([1.0, 0.0, 1.0, 0.0], [0, 1]);
/// let link = Link::default().calibrated(&logits, &labels, 2, None)?;
/// assert!((link.probabilities(&logits, 2)?[0] - 0.5).abs() < 1e-2);
/// # Ok::<(), exact_core::loss::LossError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Link {
    /// `p_c ∝ exp(logit_c / temperature)`.
    Softmax {
        /// Positive; 1 leaves the logits as they are.
        temperature: f64,
    },
    /// `p_c = P(argmax of N(logits, sigma² I) = c)`: [`predictive_distribution`].
    Probit {
        /// Positive.
        sigma: f64,
    },
}

impl Default for Link {
    /// Softmax of the logits as they are.
    fn default() -> Self {
        Self::Softmax { temperature: 1.0 }
    }
}

impl Link {
    /// The temperature or sigma.
    pub fn scale(self) -> f64 {
        match self {
            Self::Softmax { temperature: scale } | Self::Probit { sigma: scale } => scale,
        }
    }

    /// The same kind of link with another temperature or sigma.
    #[must_use]
    pub fn with_scale(self, scale: f64) -> Self {
        match self {
            Self::Softmax { .. } => Self::Softmax { temperature: scale },
            Self::Probit { .. } => Self::Probit { sigma: scale },
        }
    }

    /// The probabilities of rows of logits, `[n, n_classes]`; rows sum to 1. Runs on several threads.
    ///
    /// # Errors
    /// [`LossError`] if the logits are not whole rows, one is not finite, or the scale is not positive and
    /// finite.
    pub fn probabilities(self, logits: &[f64], n_classes: usize) -> Result<Vec<f64>, LossError> {
        let mut probabilities = logits.to_vec();
        if logits.is_empty() {
            return Ok(probabilities);
        }
        Logits::new(logits, n_classes)?;
        let scale = self.scale();
        if !(scale > 0.0 && scale.is_finite()) {
            let expected = "positive and finite";
            return Err(LossError::Setting { name: "the scale of probabilities", expected, value: scale });
        }
        let block = BLOCK_ROWS * n_classes;
        match self {
            Self::Softmax { temperature } => {
                probabilities.par_chunks_exact_mut(n_classes).with_min_len(BLOCK_ROWS).for_each(|row| {
                    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    for p in row.iter_mut() {
                        *p = ((*p - max) / temperature).exp();
                    }
                });
            }
            Self::Probit { sigma } => {
                let rule = Rule::precise::<f64>();
                probabilities.par_chunks_mut(block).zip(logits.par_chunks(block)).try_for_each(
                    |(probabilities, logits)| {
                        let logits = Logits::new(logits, n_classes)?;
                        predictive_distribution(logits, Sigma::Common(sigma), &rule, probabilities)
                    },
                )?;
            }
        }
        for row in probabilities.chunks_exact_mut(n_classes) {
            let sum: f64 = row.iter().sum();
            for p in row.iter_mut() {
                *p /= sum;
            }
        }
        Ok(probabilities)
    }

    /// The probabilities of the labels alone, `[n]`, which for probit are one integral a row instead of one a
    /// class.
    fn of_labels(self, logits: &[f64], labels: &[u32], n_classes: usize) -> Result<Vec<f64>, LossError> {
        let Self::Probit { sigma } = self else {
            let probabilities = self.probabilities(logits, n_classes)?;
            let rows = probabilities.chunks_exact(n_classes).zip(labels);
            return Ok(rows.map(|(row, &label)| row[label as usize]).collect());
        };
        let accuracy = ExpectedAccuracy::precise::<f64>();
        let mut values = vec![Probability::default(); labels.len()];
        let blocks = logits.par_chunks(BLOCK_ROWS * n_classes).zip(labels.par_chunks(BLOCK_ROWS));
        values.par_chunks_mut(BLOCK_ROWS).zip(blocks).try_for_each(|(values, (logits, labels))| {
            let mut gradient = vec![0.0; logits.len()];
            let logits = Logits::new(logits, n_classes)?;
            accuracy.evaluate(logits, labels, Sigma::Common(sigma), values, &mut gradient)
        })?;
        Ok(values.iter().map(|value| value.p).collect())
    }

    /// The link of this kind, or softmax where that is better, with the scale, from `e^-6` to `e^6`, that
    /// gives the labels of held-out rows, `[n, n_classes]`, the smallest log loss. It leaves the order of the
    /// classes as the logits have it, so that the most probable class is the predicted one. Of more than
    /// 20,000 rows, such a number at equal distances are used, and fewer, but at least 1000, if they have
    /// more than 25 classes.
    ///
    /// The log loss of softmax is convex in the inverse temperature, so golden-section search finds its
    /// minimum; that of probit is unimodal in practice. A probability below the machine epsilon 2.2e-16
    /// counts as epsilon.
    ///
    /// # Errors
    /// Those of [`Samples::mean`].
    ///
    /// # References
    /// Guo, Pleiss, Sun and Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017, for the
    /// temperature of softmax.
    pub fn calibrated(
        self,
        logits: &[f64],
        labels: &[u32],
        n_classes: usize,
        sample_weight: Option<&[f64]>,
    ) -> Result<Self, LossError> {
        self.calibrated_interruptibly(logits, labels, n_classes, sample_weight, || Ok(()))
    }

    /// As [`Link::calibrated`]; `poll` is called before each of the 32 evaluations of a kind, and may end the
    /// search with an error.
    ///
    /// # Errors
    /// Those of [`Samples::mean`], and of `poll`.
    pub fn calibrated_interruptibly<E: From<LossError>>(
        self,
        logits: &[f64],
        labels: &[u32],
        n_classes: usize,
        sample_weight: Option<&[f64]>,
        poll: impl Fn() -> Result<(), E>,
    ) -> Result<Self, E> {
        let all = Samples::mean(Logits::new(logits, n_classes)?, labels, sample_weight)?;
        let most = (MAX_LOGITS / n_classes).clamp(FEW_ROWS, MAX_ROWS);
        let rows: Vec<usize> = (0..all.len()).step_by(all.len().div_ceil(most)).collect();
        let labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
        let logits: Vec<f64> =
            rows.iter().flat_map(|&row| &logits[row * n_classes..][..n_classes]).copied().collect();
        let cost = |link: Self| -> Result<f64, E> {
            poll()?;
            let probabilities = link.of_labels(&logits, &labels, n_classes)?;
            let loss = |(&row, p): (&usize, &f64)| -all.weight(row) * p.clamp(f64::EPSILON, 1.0).ln();
            Ok(rows.iter().zip(&probabilities).map(loss).sum())
        };
        let softmax = Self::default().with_best_scale(cost)?;
        let other = if matches!(self, Self::Softmax { .. }) { softmax } else { self.with_best_scale(cost)? };
        Ok(if other.1 < softmax.1 { other.0 } else { softmax.0 })
    }

    /// The same kind of link with the scale of the least cost, by golden-section search, and that cost.
    fn with_best_scale<E>(self, cost: impl Fn(Self) -> Result<f64, E>) -> Result<(Self, f64), E> {
        let cost = |log_scale: f64| cost(self.with_scale(log_scale.exp()));
        let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
        let (mut low, mut high) = (-LOG_SCALE_LIMIT, LOG_SCALE_LIMIT);
        let mut left = high - golden * (high - low);
        let mut right = low + golden * (high - low);
        let (mut cost_left, mut cost_right) = (cost(left)?, cost(right)?);
        for _ in 0..STEPS {
            if cost_left <= cost_right {
                (high, right, cost_right) = (right, left, cost_left);
                left = high - golden * (high - low);
                cost_left = cost(left)?;
            } else {
                (low, left, cost_left) = (left, right, cost_right);
                right = low + golden * (high - low);
                cost_right = cost(right)?;
            }
        }
        Ok((self.with_scale((0.5 * (low + high)).exp()), cost_left.min(cost_right)))
    }
}

/// The class with the largest logit of each row, `[n, n_classes]`; of equal ones the first.
///
/// # Example
/// ```
/// assert_eq!(exact_core::predicted_classes(&[0.0, 2.0, 1.0, 1.0], 2), [1, 0]);
/// ```
pub fn predicted_classes(logits: &[f64], n_classes: usize) -> Vec<u32> {
    let largest =
        |row: &[f64]| (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best });
    logits.chunks_exact(n_classes.max(1)).map(|row| largest(row) as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::{Link, MAX_ROWS};
    use crate::error::LossError;

    #[test]
    fn probabilities_of_labels_are_those_of_all_classes() {
        let logits: Vec<f64> = (0..300 * 7).map(|i| 2.0 * (f64::from(i) * 0.7).sin()).collect();
        let labels: Vec<u32> = (0..300).map(|row| row % 7).collect();
        for link in
            [Link::Probit { sigma: 0.3 }, Link::Probit { sigma: 20.0 }, Link::Softmax { temperature: 0.5 }]
        {
            let all = link.probabilities(&logits, 7).unwrap();
            let found = link.of_labels(&logits, &labels, 7).unwrap();
            for (row, p) in found.iter().enumerate() {
                let expected = all[row * 7 + labels[row] as usize];
                assert!((p - expected).abs() < 1e-12 * expected + 1e-14, "{link:?}: {p} {expected}");
            }
        }
    }

    #[test]
    fn the_scale_makes_probabilities_match_frequencies() {
        // Three in four rows have the label that a logit difference of 5 favours: softmax needs 5 / T = ln 3.
        let logits: Vec<f64> = (0..400).flat_map(|_| [0.0, 5.0]).collect();
        let labels: Vec<u32> = (0..400).map(|i| u32::from(i % 4 != 0)).collect();
        let link = Link::default().calibrated(&logits, &labels, 2, None).unwrap();
        assert!(matches!(link, Link::Softmax { .. }));
        assert!((link.scale() - 5.0 / 3.0_f64.ln()).abs() < 1e-3, "{link:?}");
        for link in [link, Link::Probit { sigma: 1.0 }.calibrated(&logits, &labels, 2, None).unwrap()] {
            let p = link.probabilities(&[0.0, 5.0], 2).unwrap();
            assert!((p[1] - 0.75).abs() < 1e-4, "{link:?}: {p:?}");
        }
    }

    #[test]
    fn the_kind_is_the_one_that_labels_come_from() {
        let logits: Vec<f64> = (0..60).map(|i| 3.0 * (f64::from(i) * 0.9).sin()).collect();
        for truth in [Link::Probit { sigma: 0.7 }, Link::Softmax { temperature: 0.6 }] {
            // Each row with each label, weighted by its probability.
            let weights = truth.probabilities(&logits, 3).unwrap();
            let rows: Vec<f64> = logits.chunks(3).flat_map(|row| row.repeat(3)).collect();
            let labels: Vec<u32> = (0..logits.len()).map(|at| at as u32 % 3).collect();
            let start = Link::Probit { sigma: 1.0 };
            let link = start.calibrated(&rows, &labels, 3, Some(&weights)).unwrap();
            assert_eq!(std::mem::discriminant(&link), std::mem::discriminant(&truth));
            assert!((link.scale() - truth.scale()).abs() < 1e-4, "{link:?}");
        }
        // Cross-entropy's probabilities are softmax.
        let labels: Vec<u32> = (0..20).map(|row| row % 3).collect();
        let link = Link::default().calibrated(&logits, &labels, 3, None).unwrap();
        assert!(matches!(link, Link::Softmax { .. }));
    }

    #[test]
    fn many_rows_are_represented_whatever_their_order() {
        // The favoured label comes true in all rows of the first half and in half of the rows of the second.
        let n = 3 * MAX_ROWS;
        let logits: Vec<f64> = (0..n).flat_map(|_| [0.0, 5.0]).collect();
        let labels: Vec<u32> = (0..n).map(|i| u32::from(i < n / 2 || i % 2 == 0)).collect();
        let link = Link::default().calibrated(&logits, &labels, 2, None).unwrap();
        assert!((link.scale() - 5.0 / 3.0_f64.ln()).abs() < 1e-3, "{link:?}");
    }

    #[test]
    fn what_cannot_be_calibrated_is_an_error() {
        let fit =
            |logits: &[f64], labels: &[u32]| Link::default().calibrated(logits, labels, 2, None).unwrap_err();
        assert_eq!(fit(&[], &[]), LossError::Empty);
        assert!(matches!(fit(&[0.0, f64::NAN], &[0]), LossError::Logit { .. }));
        assert!(matches!(fit(&[0.0, 1.0], &[2]), LossError::Label { .. }));
        let stop = || Err(LossError::ZeroWeights);
        let stopped = Link::default().calibrated_interruptibly(&[0.0, 1.0], &[0], 2, None, stop);
        assert_eq!(stopped, Err(LossError::ZeroWeights));
        let scale = Link::Probit { sigma: -1.0 }.probabilities(&[0.0, 1.0], 2);
        assert!(matches!(scale, Err(LossError::Setting { .. })));
    }
}
