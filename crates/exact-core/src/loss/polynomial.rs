//! The polynomial relaxation of the 0-1 loss.

use super::alternatives::{check_temperature, sum_over_alternatives};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;

/// The 0-1 loss against each alternative, with the step replaced by a cubic that joins 1 and 0 smoothly.
///
/// # Formula
/// `Σ_{i≠y} (0.25 d³ - 0.75 d + 0.5)` with `d = (logit_y - logit_i) / T` clipped to `[-1, 1]`.
///
/// # Example
/// ```
/// use exact_core::loss::{Logits, Loss, Polynomial};
///
/// let mut grad = [0.0; 2];
/// let logits = Logits::new(&[0.5_f64, 0.0], 2).unwrap();
/// let value = Polynomial::new(1.0).unwrap().evaluate(logits, &[0], None, &mut grad).unwrap();
/// assert_eq!((value, grad), (0.15625, [-0.5625, 0.5625]));
/// ```
///
/// # References
/// A baseline of Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Polynomial {
    temperature: f64,
}

impl Polynomial {
    /// With the transition from `-temperature` to `temperature`.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `temperature` is not positive and finite.
    pub fn new(temperature: f64) -> Result<Self, LossError> {
        check_temperature(temperature)?;
        Ok(Self { temperature })
    }
}

impl<T: Real> Loss<T> for Polynomial {
    fn name(&self) -> &'static str {
        "polynomial"
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        let inverse = T::from_f64(1.0 / self.temperature);
        let [quarter, half, three_quarters] = [0.25, 0.5, 0.75].map(T::from_f64);
        LossSum::of(sum_over_alternatives(samples, grad, |delta, _| {
            // At the ends of the interval the slope is 0, so clipping needs no case of its own.
            let d = (delta * inverse).max(-T::ONE).min(T::ONE);
            let value = quarter * d * d * d - three_quarters * d + half;
            (value, three_quarters * (d * d - T::ONE) * inverse)
        }))
    }
}
