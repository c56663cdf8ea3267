//! Expected cost as a loss.

use std::sync::Arc;

use super::scores::{Scores, has_scores};
use super::{Loss, LossError, LossSum, Samples, check_outputs, sum_in_parallel};
use crate::Real;
use crate::expected::{DistributionBatch, Means, Sigma};
use crate::samples::check_labels;

/// Expected cost of the predictions under a cost matrix, for scores `s ~ N(logits, sigma² I)`.
///
/// # Formula
/// `Σ_c K_yc P(argmax_i s_i = c)` with the costs `K`, `[labels, predictions]`. There may be more predictions
/// than labels: an option to reject is a further class, with a logit of its own, that is never a label. With
/// a margin `r`, logits below `logit_y - r` are replaced by it, which clips differences `logit_y - logit_i`
/// at `r`. With costs of 0 on the diagonal and 1 elsewhere it is the [`Exact`](super::Exact) loss, whose
/// nodes are its own, so that it keeps the digits of the tiny gradients of hopeless samples; here the
/// accuracy is absolute, as that of [`expected_cost`](crate::expected::expected_cost).
///
/// # Example
/// ```
/// use exact_core::loss::{ExpectedCost, Logits, Loss};
///
/// // Two labels; the third prediction rejects, at cost 0.2.
/// let costs = [0.0, 1.0, 0.2, 5.0, 0.0, 0.2];
/// let loss = ExpectedCost::new(&costs, 3, 0.5).unwrap();
/// let mut grad = [0.0; 6];
/// let logits = Logits::new(&[0.0_f64; 6], 3).unwrap();
/// let value = loss.evaluate(logits, &[0, 1], None, &mut grad).unwrap();
/// // The mean of 1.2 / 3 and 5.2 / 3.
/// assert!((value - 3.2 / 3.0).abs() < 1e-6);
/// assert!(grad[2] < 0.0 && grad[5] < 0.0);
/// ```
///
/// # References
/// Chow 1970, *On optimum recognition error and reject tradeoff*, IEEE Transactions on Information Theory 16;
/// Elkan 2001, *The foundations of cost-sensitive learning*, IJCAI.
#[derive(Debug, Clone)]
pub struct ExpectedCost {
    costs: Arc<[f64]>,
    n_predictions: usize,
    scores: Scores,
}

has_scores!(ExpectedCost);

impl ExpectedCost {
    /// With the cost matrix `[labels, predictions]`, row after row, and without margin, at the given sigma.
    ///
    /// # Errors
    /// [`LossError`] if the costs are not rows of `n_predictions`, at least one, a cost is not finite, or
    /// `sigma` is not positive and finite.
    pub fn new(costs: &[f64], n_predictions: usize, sigma: f64) -> Result<Self, LossError> {
        if n_predictions == 0 {
            let (name, expected) = ("number of predictions", "at least 1");
            return Err(LossError::Setting { name, expected, value: 0.0 });
        }
        let expected = costs.len().next_multiple_of(n_predictions).max(n_predictions);
        if costs.len() != expected {
            return Err(LossError::Length { what: "cost matrix", found: costs.len(), expected });
        }
        if let Some(&value) = costs.iter().find(|cost| !cost.is_finite()) {
            return Err(LossError::Setting { name: "cost", expected: "finite", value });
        }
        Ok(Self { costs: costs.into(), n_predictions, scores: Scores::new(sigma)? })
    }

    /// Checks that there is a cost for each label and class.
    fn check<T: Real>(&self, samples: Samples<'_, T>) -> Result<(), LossError> {
        if samples.n_classes() != self.n_predictions {
            let (found, expected) = (self.n_predictions, samples.n_classes());
            return Err(LossError::Length { what: "row of the cost matrix", found, expected });
        }
        check_labels(samples.labels(), self.costs.len() / self.n_predictions)
    }
}

impl<T: Real> Loss<T> for ExpectedCost {
    fn name(&self) -> &'static str {
        "expected-cost"
    }

    fn initial_parameters(&self) -> Vec<T> {
        self.scores.initial_parameters()
    }

    /// As [`Loss::sum`].
    ///
    /// # Panics
    /// If the cost matrix does not fit the samples, which [`Loss::evaluate_samples`] refuses.
    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        self.check(samples).expect("evaluate_samples refuses samples that the cost matrix does not fit");
        for (grad, &label) in grad.chunks_exact_mut(samples.n_classes()).zip(samples.labels()) {
            let costs = &self.costs[label as usize * self.n_predictions..][..self.n_predictions];
            for (grad, &cost) in grad.iter_mut().zip(costs) {
                *grad = T::saturating_from_f64(cost);
            }
        }
        let (mut value, mut dsigma) = (0.0, 0.0);
        DistributionBatch {
            means: Means::clipped(samples, self.scores.margin),
            sigma: Sigma::Common(self.scores.sigma_at(parameters)),
            rule: &self.scores.rule,
            grad,
        }
        .costs(None, &mut |row, cost| {
            let weight = samples.weight(row);
            value += weight.to_f64() * cost.value;
            dsigma += weight.to_f64() * cost.dsigma;
            weight
        });
        self.scores.sum(value, dsigma, parameters)
    }

    fn evaluate_samples(
        &self,
        samples: Samples<'_, T>,
        parameters: &[T],
        grad: &mut [T],
    ) -> Result<LossSum<T>, LossError> {
        check_outputs(self, samples, parameters, grad)?;
        self.check(samples)?;
        Ok(sum_in_parallel(self, samples, parameters, grad))
    }
}
