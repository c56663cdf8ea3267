//! Several losses at once.

use std::convert::Infallible;
use std::sync::Arc;

use super::{Loss, LossError, LossSum, MAX_PARAMETERS, Samples, check_outputs};
use crate::Real;

/// A sum of losses, each with a weight, such as half of cross-entropy and half of expected error.
///
/// # Formula
/// `Σ_k w_k l_k(logits)`; the learned parameters are those of all losses, one after the other.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use exact_core::loss::{CrossEntropy, Exact, Logits, Loss, WeightedSum};
///
/// let parts: [(f64, Arc<dyn Loss<f64>>); 2] =
///     [(0.5, Arc::new(CrossEntropy::new())), (0.5, Arc::new(Exact::new(0.5)?))];
/// let loss = WeightedSum::new(parts)?;
/// let mut grad = [0.0; 2];
/// let value = loss.evaluate(Logits::new(&[1.0, 0.0], 2)?, &[0], None, &mut grad)?;
/// // The mean of log(1 + 1/e) and 1 - Φ(√2).
/// assert!((value - 0.195_955_645_521_682_7).abs() < 1e-14);
/// # Ok::<(), exact_core::loss::LossError>(())
/// ```
#[derive(Clone)]
pub struct WeightedSum<T> {
    parts: Vec<Part<T>>,
}

#[derive(Clone)]
struct Part<T> {
    weight: T,
    loss: Arc<dyn Loss<T>>,
    n_parameters: usize,
}

impl<T: Real> WeightedSum<T> {
    /// The sum of the losses with their weights.
    ///
    /// # Errors
    /// [`LossError::Setting`] if there is no loss, a weight is not positive and finite, or the losses have
    /// more than [`MAX_PARAMETERS`] learned parameters together.
    pub fn new(parts: impl IntoIterator<Item = (f64, Arc<dyn Loss<T>>)>) -> Result<Self, LossError> {
        let setting = |name, expected, value| Err(LossError::Setting { name, expected, value });
        let mut sum = Self { parts: Vec::new() };
        for (weight, loss) in parts {
            if !(weight > 0.0 && weight.is_finite()) {
                return setting("the weight of a loss", "positive and finite", weight);
            }
            let n_parameters = loss.initial_parameters().len();
            sum.parts.push(Part { weight: T::from_f64(weight), loss, n_parameters });
        }
        if sum.parts.is_empty() {
            return setting("the number of losses in a sum", "above 0", 0.0);
        }
        let n_parameters: usize = sum.parts.iter().map(|part| part.n_parameters).sum();
        if n_parameters > MAX_PARAMETERS {
            return setting("the number of learned parameters of a sum", "at most 2", n_parameters as f64);
        }
        Ok(sum)
    }

    /// Adds up what is evaluated of each part with its own parameters.
    fn add_up<E>(
        &self,
        parameters: &[T],
        grad: &mut [T],
        evaluate: impl Fn(&dyn Loss<T>, &[T], &mut [T]) -> Result<LossSum<T>, E>,
    ) -> Result<LossSum<T>, E> {
        let (mut total, mut first) = (LossSum::ZERO, 0);
        let mut own = vec![T::ZERO; grad.len()];
        grad.fill(T::ZERO);
        for Part { weight, loss, n_parameters } in &self.parts {
            let last = first + n_parameters;
            let sum = evaluate(loss.as_ref(), &parameters[first..last], &mut own)?;
            total.value += *weight * sum.value;
            for (slope, own) in total.parameters[first..last].iter_mut().zip(sum.parameters) {
                *slope = *weight * own;
            }
            for (slope, own) in grad.iter_mut().zip(&own) {
                *slope += *weight * *own;
            }
            first = last;
        }
        Ok(total)
    }
}

impl<T: Real> Loss<T> for WeightedSum<T> {
    fn name(&self) -> &'static str {
        "weighted-sum"
    }

    fn initial_parameters(&self) -> Vec<T> {
        self.parts.iter().flat_map(|part| part.loss.initial_parameters()).collect()
    }

    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        let sum = |loss: &dyn Loss<T>, parameters: &[T], grad: &mut [T]| {
            Ok::<_, Infallible>(loss.sum(samples, parameters, grad))
        };
        let Ok(sum) = self.add_up(parameters, grad, sum);
        sum
    }

    /// Each loss splits the samples in its own way, since one may be of the whole batch.
    fn evaluate_samples(
        &self,
        samples: Samples<'_, T>,
        parameters: &[T],
        grad: &mut [T],
    ) -> Result<LossSum<T>, LossError> {
        check_outputs(self, samples, parameters, grad)?;
        let evaluate = |loss: &dyn Loss<T>, parameters: &[T], grad: &mut [T]| {
            loss.evaluate_samples(samples, parameters, grad)
        };
        self.add_up(parameters, grad, evaluate)
    }
}
