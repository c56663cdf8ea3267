//! `PolyLoss`, first order.

use super::softmax::{Prediction, softmax_gradient};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;

/// Poly-1: cross-entropy with the first coefficient of its expansion in `1 - p_y` raised by `epsilon`.
///
/// # Formula
/// `-log p_y + ε (1 - p_y)`, `p = softmax(logits)`.
///
/// # Example
/// ```
/// use exact_core::loss::{Logits, Loss, Poly1};
///
/// let mut grad = [0.0; 2];
/// let logits = Logits::new(&[0.0_f64, 0.0], 2).unwrap();
/// let value = Poly1::new(2.0).unwrap().evaluate(logits, &[0], None, &mut grad).unwrap();
/// assert!((value - (2.0_f64.ln() + 1.0)).abs() < 1e-14);
/// ```
///
/// # References
/// Leng et al., *`PolyLoss`: A Polynomial Expansion Perspective of Classification Loss Functions*, arXiv
/// 2204.12511.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poly1 {
    epsilon: f64,
}

impl Poly1 {
    /// With the given `epsilon`.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `epsilon` is below -1 or not finite: the loss would no longer fall as `p_y`
    /// rises.
    pub fn new(epsilon: f64) -> Result<Self, LossError> {
        if epsilon >= -1.0 && epsilon.is_finite() {
            return Ok(Self { epsilon });
        }
        Err(LossError::Setting { name: "epsilon", expected: "at least -1 and finite", value: epsilon })
    }
}

impl<T: Real> Loss<T> for Poly1 {
    fn name(&self) -> &'static str {
        "poly1"
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        let epsilon = T::from_f64(self.epsilon);
        let mut total = 0.0;
        softmax_gradient(samples, grad, |row, Prediction { surprisal, missed }| {
            let weight = samples.weight(row);
            total += ((surprisal + epsilon * missed) * weight).to_f64();
            // The gradient of 1 - p_y is p_y times that of -log p_y.
            weight * (T::ONE + epsilon * (T::ONE - missed))
        });
        LossSum::of(T::from_f64(total))
    }
}
