//! The EXACT loss: expected error.

use super::scores::{Scores, has_scores};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;
use crate::expected::{Outcome, Quantity, orthant};

/// Expected error, one minus the expected accuracy of scores `s ~ N(logits, sigma² I)`.
///
/// # Formula
/// `1 - P(s_y > max_{i≠y} s_i)`; with a margin `r`, differences `logit_y - logit_i` are clipped at `r`.
///
/// `Deviation:` the paper estimates the probability and its gradient by Monte Carlo; here both are computed
/// by deterministic quadrature ([`Rule::training`](crate::Rule::training) by default: the gradient's error is
/// below 4e-6 of its largest entry, typically 4e-7).
///
/// # Example
/// ```
/// use exact_core::loss::{Exact, Logits, Loss};
///
/// let loss = Exact::new(0.5).unwrap();
/// let mut grad = [0.0; 2];
/// let value = loss.evaluate(Logits::new(&[1.0_f64, 0.0], 2).unwrap(), &[0], None, &mut grad).unwrap();
/// // Two classes: 1 - Φ(1 / (0.5 √2)).
/// assert!((value - 0.078_649_603_525_142_7).abs() < 1e-15);
/// assert!(grad[0] < 0.0);
/// ```
///
/// # References
/// Karpukhin, Dereka and Kolesnikov, *EXACT: How to Train Your Accuracy*, arXiv 2205.09615.
#[derive(Debug, Clone)]
pub struct Exact {
    scores: Scores,
}

has_scores!(Exact);

impl Exact {
    /// Without margin, at the given sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `sigma` is not positive and finite.
    pub fn new(sigma: f64) -> Result<Self, LossError> {
        Ok(Self { scores: Scores::new(sigma)? })
    }
}

impl<T: Real> Loss<T> for Exact {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn initial_parameters(&self) -> Vec<T> {
        self.scores.initial_parameters()
    }

    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        let quantity = Quantity::Probability;
        let how = (Outcome::complement, orthant::evaluate);
        self.scores.sum_orthants(samples, parameters, quantity, grad, how)
    }
}
