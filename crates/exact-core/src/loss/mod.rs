//! Losses on a batch of logits: the value and its gradient. A loss that is a sum over samples needs one pass
//! and does not allocate.

mod alternatives;
mod beta_bernoulli;
mod cross_entropy;
mod description;
mod exact;
mod expected_cost;
mod focal;
mod hinge;
mod macro_f1;
mod normalized;
mod poly1;
mod polynomial;
mod probit;
mod scores;
mod sigmoid;
mod softmax;
mod top_k;
mod weighted_sum;

pub use beta_bernoulli::BetaBernoulli;
pub use cross_entropy::CrossEntropy;
pub use description::{Hyperparameters, LossKind, LossSettings, RandomScores, UnknownLoss, WeightedLoss};
pub use exact::Exact;
pub use expected_cost::ExpectedCost;
pub use focal::Focal;
pub use hinge::Hinge;
pub use macro_f1::MacroF1;
pub use normalized::Normalized;
pub use poly1::Poly1;
pub use polynomial::Polynomial;
pub use probit::Probit;
pub use scores::OnRandomScores;
pub use sigmoid::Sigmoid;
pub use top_k::TopK;
pub use weighted_sum::WeightedSum;

use crate::Real;
pub use crate::error::LossError;
pub use crate::samples::{Logits, Samples};
use crate::samples::{check_length, rows_per_block};

/// The most learned parameters that one loss may have.
pub const MAX_PARAMETERS: usize = 2;

/// A loss summed over some samples, with the derivative with respect to the loss's own parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossSum<T> {
    /// The sum of weight times loss.
    pub value: T,
    /// Its derivative with respect to each parameter of the loss; entries past the loss's count are 0.
    pub parameters: [T; MAX_PARAMETERS],
}

impl<T: Real> LossSum<T> {
    /// The sum over no samples.
    pub const ZERO: Self = Self { value: T::ZERO, parameters: [T::ZERO; MAX_PARAMETERS] };

    /// A sum without parameters.
    pub fn of(value: T) -> Self {
        Self { value, ..Self::ZERO }
    }
}

impl<T: Real> std::ops::Add for LossSum<T> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let mut parameters = self.parameters;
        for (sum, term) in parameters.iter_mut().zip(other.parameters) {
            *sum += term;
        }
        Self { value: self.value + other.value, parameters }
    }
}

/// A training loss on logits.
///
/// An implementation writes [`Loss::sum`], which sees one block of checked samples; checking, the parallel
/// split and the mean come from [`Loss::evaluate`].
pub trait Loss<T: Real>: Send + Sync {
    /// The name that the command line and reports use.
    fn name(&self) -> &'static str;

    /// The starting values of the loss's learned parameters, at most [`MAX_PARAMETERS`]; empty for most
    /// losses. Each is unconstrained (a logarithm or logit where the quantity is bounded).
    fn initial_parameters(&self) -> Vec<T> {
        Vec::new()
    }

    /// The sum of `samples.weight(i) * loss_i` over the block. Writes the gradient of that sum with respect
    /// to the logits to `grad`, which has the shape of the logits and arbitrary contents.
    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T>;

    /// Mean (weighted) loss of a row-major `[n, c]` batch of logits at the loss's initial parameters; its
    /// gradient is written to `grad`, `[n, c]`. The value is the same whatever the number of threads.
    ///
    /// # Errors
    /// [`LossError`] if shapes differ, a label is out of range, or a logit or weight is not usable.
    fn evaluate(
        &self,
        logits: Logits<'_, T>,
        labels: &[u32],
        weights: Option<&[T]>,
        grad: &mut [T],
    ) -> Result<T, LossError> {
        let samples = Samples::mean(logits, labels, weights)?;
        let parameters = self.initial_parameters();
        Ok(self.evaluate_samples(samples, &parameters, grad)?.value)
    }

    /// [`Loss::sum`] over all samples, split over the threads of the current rayon pool. The split depends on
    /// the number of samples alone, so the result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`LossError`] if `grad` does not have the shape of the logits, or `parameters` are not as many as
    /// [`Loss::initial_parameters`].
    fn evaluate_samples(
        &self,
        samples: Samples<'_, T>,
        parameters: &[T],
        grad: &mut [T],
    ) -> Result<LossSum<T>, LossError> {
        check_outputs(self, samples, parameters, grad)?;
        Ok(sum_in_parallel(self, samples, parameters, grad))
    }
}

/// Checks the lengths that [`Loss::sum`] relies on.
fn check_outputs<T: Real, L: Loss<T> + ?Sized>(
    loss: &L,
    samples: Samples<'_, T>,
    parameters: &[T],
    grad: &[T],
) -> Result<(), LossError> {
    samples.check_gradient(grad)?;
    check_length("loss parameters", parameters, loss.initial_parameters().len())
}

fn sum_in_parallel<T: Real, L: Loss<T> + ?Sized>(
    loss: &L,
    samples: Samples<'_, T>,
    parameters: &[T],
    grad: &mut [T],
) -> LossSum<T> {
    let block = rows_per_block(samples.n_classes());
    if samples.len() <= block {
        return loss.sum(samples, parameters, grad);
    }
    let middle = samples.len().div_ceil(2).next_multiple_of(block);
    if middle >= samples.len() {
        return loss.sum(samples, parameters, grad);
    }
    let (left, right) = samples.split_at(middle);
    let (grad_left, grad_right) = grad.split_at_mut(middle * samples.n_classes());
    let (a, b) = rayon::join(
        || sum_in_parallel(loss, left, parameters, grad_left),
        || sum_in_parallel(loss, right, parameters, grad_right),
    );
    a + b
}
