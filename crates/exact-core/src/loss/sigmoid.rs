//! The sigmoid relaxation of the 0-1 loss.

use super::alternatives::{check_temperature, sigmoid_pair, sum_over_alternatives};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;

/// The 0-1 loss against each alternative, with the step replaced by a sigmoid.
///
/// # Formula
/// `Σ_{i≠y} (1 - sigmoid((logit_y - logit_i) / T))`.
///
/// # Example
/// ```
/// use exact_core::loss::{Logits, Loss, Sigmoid};
///
/// let mut grad = [0.0; 3];
/// let logits = Logits::new(&[0.0_f64, 0.0, 0.0], 3).unwrap();
/// let value = Sigmoid::new(0.5).unwrap().evaluate(logits, &[0], None, &mut grad).unwrap();
/// assert_eq!((value, grad), (1.0, [-1.0, 0.5, 0.5]));
/// ```
///
/// # References
/// A baseline of Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sigmoid {
    temperature: f64,
}

impl Sigmoid {
    /// At the given temperature.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `temperature` is not positive and finite.
    pub fn new(temperature: f64) -> Result<Self, LossError> {
        check_temperature(temperature)?;
        Ok(Self { temperature })
    }
}

impl<T: Real> Loss<T> for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        let inverse = T::from_f64(1.0 / self.temperature);
        LossSum::of(sum_over_alternatives(samples, grad, |delta, _| {
            let (won, lost) = sigmoid_pair(delta * inverse);
            (lost, -won * lost * inverse)
        }))
    }
}
