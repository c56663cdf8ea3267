//! The probit loss: the negative logarithm of expected accuracy.

use super::scores::{Scores, has_scores};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;
use crate::expected::{Outcome, Quantity, orthant};

/// `-log P(s_y > max_{i≠y} s_i)` for scores `s ~ N(logits, sigma² I)`: multinomial probit regression.
///
/// P is log-concave in the logits (Prékopa 1973), so this loss is convex in them and in linear weights, and
/// unlike the expected error its gradient does not vanish for badly misclassified samples.
///
/// # Example
/// ```
/// use exact_core::loss::{Logits, Loss, Probit};
///
/// let loss = Probit::new(1.0).unwrap();
/// let mut grad = [0.0; 3];
/// let value = loss.evaluate(Logits::new(&[0.0_f64; 3], 3).unwrap(), &[0], None, &mut grad).unwrap();
/// assert!((value - 3.0_f64.ln()).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct Probit {
    scores: Scores,
}

has_scores!(Probit);

impl Probit {
    /// Without margin, at the given sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `sigma` is not positive and finite.
    pub fn new(sigma: f64) -> Result<Self, LossError> {
        Ok(Self { scores: Scores::new(sigma)? })
    }
}

impl<T: Real> Loss<T> for Probit {
    fn name(&self) -> &'static str {
        "probit"
    }

    fn initial_parameters(&self) -> Vec<T> {
        self.scores.initial_parameters()
    }

    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        let quantity = Quantity::LogProbability;
        let how = (|outcome: &Outcome| -outcome.log_probability(), orthant::evaluate);
        self.scores.sum_orthants(samples, parameters, quantity, grad, how)
    }
}
