//! Cross-entropy.

use super::softmax::{Prediction, softmax_gradient};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;

/// Cross-entropy of softmax probabilities, with optional label smoothing.
///
/// # Formula
/// `-Σ_c t_c log p_c`, `p = softmax(logits)`, `t_y = 1 - s + s/C` and `t_c = s/C` otherwise, with smoothing
/// `s`.
///
/// # Example
/// ```
/// use exact_core::loss::{CrossEntropy, Logits, Loss};
///
/// let mut grad = [0.0; 2];
/// let logits = [0.0_f64, 3.0_f64.ln()];
/// let logits = Logits::new(&logits, 2).unwrap();
/// let value = CrossEntropy::new().evaluate(logits, &[0], None, &mut grad).unwrap();
/// assert!((value - 4.0_f64.ln()).abs() < 1e-14);
/// assert!((grad[0] + 0.75).abs() < 1e-14 && (grad[1] - 0.75).abs() < 1e-14);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CrossEntropy {
    label_smoothing: f64,
}

impl CrossEntropy {
    /// Without label smoothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With label smoothing.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `label_smoothing` is not in `0..1`.
    pub fn with_label_smoothing(label_smoothing: f64) -> Result<Self, LossError> {
        if (0.0..1.0).contains(&label_smoothing) {
            return Ok(Self { label_smoothing });
        }
        let (name, expected) = ("label smoothing", "at least 0 and below 1");
        Err(LossError::Setting { name, expected, value: label_smoothing })
    }
}

impl<T: Real> Loss<T> for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        let mut total = 0.0;
        softmax_gradient(samples, grad, |row, Prediction { surprisal, .. }| {
            let weight = samples.weight(row);
            total += (surprisal * weight).to_f64();
            weight
        });
        if self.label_smoothing > 0.0 {
            total += self.smooth(samples, grad);
        }
        LossSum::of(T::from_f64(total))
    }
}

impl CrossEntropy {
    /// Adds the gradient of what smoothing adds to the loss, `s` times the mean over the classes of
    /// `logit_y - logit_c`, and returns the sum of that.
    fn smooth<T: Real>(self, samples: Samples<'_, T>, grad: &mut [T]) -> f64 {
        let n_classes = samples.n_classes();
        let mut total = 0.0;
        let rows = samples.logits().chunks_exact(n_classes).zip(grad.chunks_exact_mut(n_classes));
        for (row, (logits, grad)) in rows.enumerate() {
            let (label, weight) = (samples.labels()[row] as usize, samples.weight(row));
            let smoothing = T::from_f64(self.label_smoothing) * weight;
            let share = smoothing / T::from_f64(n_classes as f64);
            let mut differences = T::ZERO;
            for (g, &logit) in grad.iter_mut().zip(logits) {
                differences += logits[label] - logit;
                *g -= share;
            }
            grad[label] += smoothing;
            total += (share * differences).to_f64();
        }
        total
    }
}
