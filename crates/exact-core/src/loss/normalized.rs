//! A loss on normalised logits.

use std::convert::Infallible;
use std::sync::Arc;

use super::{Loss, LossError, LossSum, Samples};
use crate::Real;
use crate::logit_normalization::{backward_checked, normalize_checked};

/// A loss of [normalised logits](crate::logit_normalization), so that its sigma or temperature has a meaning
/// whatever the scale of the logits. The samples of a batch are normalised together, and the gradient flows
/// through their mean and standard deviation.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use exact_core::loss::{Exact, Logits, Loss, Normalized};
///
/// let loss = Normalized::new(Arc::new(Exact::new(0.5)?));
/// let mut grad = [0.0; 2];
/// let value = loss.evaluate(Logits::new(&[107.0_f64, 100.0], 2)?, &[0], None, &mut grad)?;
/// // The logits are 1 and -1: 1 - Φ(2 √2).
/// assert!((value - 0.002_338_867_490_523_633).abs() < 1e-15);
/// # Ok::<(), exact_core::loss::LossError>(())
/// ```
///
/// # References
/// Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615, improvements.
#[derive(Clone)]
pub struct Normalized<T>(Arc<dyn Loss<T>>);

impl<T: Real> Normalized<T> {
    /// The loss of the normalised logits.
    pub fn new(loss: Arc<dyn Loss<T>>) -> Self {
        Self(loss)
    }

    fn through<E>(
        samples: Samples<'_, T>,
        grad: &mut [T],
        evaluate: impl FnOnce(Samples<'_, T>, &mut [T]) -> Result<LossSum<T>, E>,
    ) -> Result<LossSum<T>, E> {
        let (n_classes, weights) = (samples.n_classes(), samples.weights());
        let mut normalized = vec![T::ZERO; samples.logits().len()];
        let statistics = normalize_checked(samples.logits(), n_classes, weights, &mut normalized);
        let sum = evaluate(samples.with_logits(&normalized), grad)?;
        backward_checked(&normalized, &statistics, n_classes, weights, grad);
        Ok(sum)
    }
}

impl<T: Real> Loss<T> for Normalized<T> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn initial_parameters(&self) -> Vec<T> {
        self.0.initial_parameters()
    }

    /// The total weight times the loss of all given samples together.
    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        let evaluate = |samples: Samples<'_, T>, grad: &mut [T]| {
            Ok::<_, Infallible>(self.0.sum(samples, parameters, grad))
        };
        let Ok(sum) = Self::through(samples, grad, evaluate);
        sum
    }

    /// As [`Loss::sum`]: the samples are not split before they are normalised.
    fn evaluate_samples(
        &self,
        samples: Samples<'_, T>,
        parameters: &[T],
        grad: &mut [T],
    ) -> Result<LossSum<T>, LossError> {
        samples.check_gradient(grad)?;
        Self::through(samples, grad, |samples, grad| self.0.evaluate_samples(samples, parameters, grad))
    }
}
