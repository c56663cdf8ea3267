//! The Beta-Bernoulli relaxation of the 0-1 loss.

use super::alternatives::{check_temperature, sigmoid_pair, sum_over_alternatives};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;

/// The negative log likelihood of a win against each alternative under a mixture of a sigmoid with a
/// constant, whose weight `w` and level `θ` are learned: the constant bounds the loss of samples that cannot
/// be won.
///
/// # Formula
/// `Σ_{i≠y} -log(w θ + (1 - w) sigmoid((logit_y - logit_i) / T))`; the learned parameters are `logit(2 w)`
/// and `logit(θ)`, from `w = 0.1` and `θ = 0.5`.
///
/// `Deviation:` `w` stays below one half. Without a bound, `w = θ = 1` makes the loss 0 whatever the logits,
/// and an optimiser that converges ends there.
///
/// # Example
/// ```
/// use exact_core::loss::{BetaBernoulli, Logits, Loss};
///
/// let mut grad = [0.0; 2];
/// let logits = Logits::new(&[0.0_f64, 0.0], 2).unwrap();
/// let value = BetaBernoulli::new(1.0).unwrap().evaluate(logits, &[0], None, &mut grad).unwrap();
/// assert!((value - 2.0_f64.ln()).abs() < 1e-14);
/// ```
///
/// # References
/// A baseline of Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaBernoulli {
    temperature: f64,
}

/// The starting weight of the constant.
const WEIGHT: f64 = 0.1;

impl BetaBernoulli {
    /// At the given temperature.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `temperature` is not positive and finite.
    pub fn new(temperature: f64) -> Result<Self, LossError> {
        check_temperature(temperature)?;
        Ok(Self { temperature })
    }
}

/// `logit(2 w)` and `logit(θ)` before learning.
fn start<T: Real>() -> [T; 2] {
    [T::from_f64((2.0 * WEIGHT / (1.0 - 2.0 * WEIGHT)).ln()), T::ZERO]
}

impl<T: Real> Loss<T> for BetaBernoulli {
    fn name(&self) -> &'static str {
        "beta-bernoulli"
    }

    fn initial_parameters(&self) -> Vec<T> {
        start().to_vec()
    }

    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        let parameters: [T; 2] = parameters.try_into().expect("evaluate_samples wants two parameters");
        let [logit_w, logit_theta] = parameters;
        let inverse = T::from_f64(1.0 / self.temperature);
        let (twice_w, twice_rest) = sigmoid_pair(logit_w);
        let w = T::from_f64(0.5) * twice_w;
        let kept = T::ONE - w;
        let (theta, rest) = sigmoid_pair(logit_theta);
        let (mut slope_w, mut slope_theta) = (0.0, 0.0);
        let value = sum_over_alternatives(samples, grad, |delta, weight| {
            let (won, lost) = sigmoid_pair(delta * inverse);
            let likelihood = w * theta + kept * won;
            let share = weight / likelihood;
            slope_w -= (share * w * twice_rest * (theta - won)).to_f64();
            slope_theta -= (share * w * theta * rest).to_f64();
            (-likelihood.ln(), -kept * won * lost * inverse / likelihood)
        });
        LossSum { value, parameters: [T::from_f64(slope_w), T::from_f64(slope_theta)] }
    }
}
