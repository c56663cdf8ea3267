//! `PolyLoss`, first order.

use super::cross_entropy::{log_normalizer, softmax};
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
/// Leng et al., *`PolyLoss`: A Polynomial Expansion Perspective of Classification Loss Functions*, arXiv 2204.12511.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poly1 {
    epsilon: f64,
}

impl Poly1 {
    /// With the given `epsilon`.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `epsilon` is below -1 or not finite: the loss would no longer fall as `p_y` rises.
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
        softmax(samples, grad);
        let n_classes = samples.n_classes();
        let epsilon = T::from_f64(self.epsilon);
        let mut total = 0.0;
        for (row, grad) in grad.chunks_exact_mut(n_classes).enumerate() {
            let (label, weight) = (samples.labels()[row] as usize, samples.weight(row));
            let logits = &samples.logits()[row * n_classes..][..n_classes];
            let p = grad[label];
            let value = log_normalizer(logits, grad) - logits[label] + epsilon * (T::ONE - p);
            // d(1 - p_y)/d logit_c = p_y (p_c - [c = y]), in proportion to the gradient of cross-entropy.
            let factor = weight * (T::ONE + epsilon * p);
            grad[label] -= T::ONE;
            for g in grad.iter_mut() {
                *g *= factor;
            }
            total += (value * weight).to_f64();
        }
        LossSum::of(T::from_f64(total))
    }
}
