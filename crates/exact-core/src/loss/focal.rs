//! Focal loss.

use super::softmax::{Prediction, softmax_gradient};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;

/// Focal loss: cross-entropy that weighs a sample less the better it is predicted.
///
/// # Formula
/// `-(1 - p_y)^gamma log p_y`, `p = softmax(logits)`. With `gamma = 0` it is
/// [`CrossEntropy`](super::CrossEntropy).
///
/// # Accuracy
/// Relative, in the value and the gradient, for `p_y` near 0 and near 1.
///
/// # Example
/// ```
/// use exact_core::loss::{Focal, Logits, Loss};
///
/// let mut grad = [0.0; 2];
/// let logits = Logits::new(&[0.0_f64, 0.0], 2).unwrap();
/// let value = Focal::new(2.0).unwrap().evaluate(logits, &[0], None, &mut grad).unwrap();
/// assert!((value - 0.25 * 2.0_f64.ln()).abs() < 1e-15);
/// ```
///
/// # References
/// Lin, Goyal, Girshick, He and Dollár 2017, *Focal Loss for Dense Object Detection*, arXiv 1708.02002,
/// equation 4.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Focal {
    gamma: f64,
}

impl Focal {
    /// With the given `gamma`.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `gamma` is negative or not finite.
    pub fn new(gamma: f64) -> Result<Self, LossError> {
        if gamma >= 0.0 && gamma.is_finite() {
            return Ok(Self { gamma });
        }
        Err(LossError::Setting { name: "gamma", expected: "at least 0 and finite", value: gamma })
    }
}

impl<T: Real> Loss<T> for Focal {
    fn name(&self) -> &'static str {
        "focal"
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        let mut total = 0.0;
        softmax_gradient(samples, grad, |row, Prediction { surprisal, missed }| {
            let weight = samples.weight(row);
            let (surprisal, missed) = (surprisal.to_f64(), missed.to_f64());
            let focus = missed.powf(self.gamma);
            total += focus * surprisal * weight.to_f64();
            // -log p over 1 - p, which tends to 1 as both tend to 0.
            let ratio = if missed > 0.0 { surprisal / missed } else { 1.0 };
            let slope = focus * (1.0 + self.gamma * ratio * (-surprisal).exp());
            weight * T::from_f64(slope)
        });
        LossSum::of(T::from_f64(total))
    }
}

#[cfg(test)]
mod tests {
    use super::Focal;

    #[test]
    fn exponents_that_make_no_sense_are_refused() {
        for gamma in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Focal::new(gamma).is_err(), "{gamma}");
        }
    }
}
