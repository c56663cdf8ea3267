//! Expected top-k error.

use super::scores::{Scores, has_scores};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;
use crate::expected::{OrthantBatch, Outcome, Quantity, exceedance};

/// Expected top-k error: the probability that at least k scores `s ~ N(logits, sigma² I)` exceed the label's.
///
/// # Formula
/// `1 - P(#{i ≠ y: s_i > s_y} < k)`; with a margin `r`, differences `logit_y - logit_i` are clipped at `r`.
/// For `k = 1` it is the [`Exact`](super::Exact) loss, which is faster; `k` of at least the number of classes
/// gives 0.
///
/// # Example
/// ```
/// use exact_core::loss::{Logits, Loss, TopK};
///
/// // Four equal logits: the label is not among the first three with probability 1/4.
/// let loss = TopK::new(3, 0.5).unwrap();
/// let mut grad = [0.0; 4];
/// let value = loss.evaluate(Logits::new(&[1.0_f64; 4], 4).unwrap(), &[2], None, &mut grad).unwrap();
/// assert!((value - 0.25).abs() < 1e-6);
/// assert!(grad[2] < 0.0);
/// ```
#[derive(Debug, Clone)]
pub struct TopK {
    k: usize,
    scores: Scores,
}

has_scores!(TopK);

impl TopK {
    /// Without margin, at the given sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `k` is 0 or `sigma` is not positive and finite.
    pub fn new(k: usize, sigma: f64) -> Result<Self, LossError> {
        if k == 0 {
            return Err(LossError::Setting { name: "k", expected: "at least 1", value: 0.0 });
        }
        Ok(Self { k, scores: Scores::new(sigma)? })
    }
}

impl<T: Real> Loss<T> for TopK {
    fn name(&self) -> &'static str {
        "top-k"
    }

    fn initial_parameters(&self) -> Vec<T> {
        self.scores.initial_parameters()
    }

    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        let quantity = Quantity::Probability;
        let how = (Outcome::complement, |batch: OrthantBatch<'_, T>| exceedance::evaluate(batch, self.k));
        self.scores.sum_orthants(samples, parameters, quantity, grad, how)
    }
}
