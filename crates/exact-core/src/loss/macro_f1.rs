//! Macro-F1 as a loss.

use super::scores::{Scores, has_scores};
use super::{Loss, LossError, LossSum, Samples, check_outputs};
use crate::Real;
use crate::expected::{MacroF1Batch, Sigma};

/// One minus the macro-F1 of a batch from expected counts, for scores `s ~ N(logits, sigma² I)`.
///
/// This is a loss of the whole batch, not a sum over samples: its value is that of the samples it is given
/// together, and a mean over small batches differs from the loss of their union. Each sample's loss is the
/// batch's, so that [`Loss::sum`] is the total weight times that and [`Loss::evaluate`] returns one minus
/// macro-F1.
///
/// # Formula
/// `1 - 1/k Σ_c 2 TP_c / (N_c + M_c)` over the k classes that occur; see
/// [`expected_macro_f1`](crate::expected::expected_macro_f1), also for what is exact about it. With a margin
/// `r`, logits below `logit_y - r` are replaced by it, which clips differences `logit_y - logit_i` at `r`.
///
/// # Example
/// ```
/// use exact_core::loss::{Logits, Loss, MacroF1};
///
/// let mut grad = [0.0; 8];
/// let logits = Logits::new(&[0.0_f64; 8], 2).unwrap();
/// let value = MacroF1::new(0.5).unwrap().evaluate(logits, &[0, 0, 0, 1], None, &mut grad).unwrap();
/// assert!((value - (1.0 - (3.0 / 5.0 + 1.0 / 3.0) / 2.0)).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct MacroF1 {
    scores: Scores,
}

has_scores!(MacroF1);

impl MacroF1 {
    /// Without margin, at the given sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `sigma` is not positive and finite.
    pub fn new(sigma: f64) -> Result<Self, LossError> {
        Ok(Self { scores: Scores::new(sigma)? })
    }
}

impl<T: Real> Loss<T> for MacroF1 {
    fn name(&self) -> &'static str {
        "macro-f1"
    }

    fn initial_parameters(&self) -> Vec<T> {
        self.scores.initial_parameters()
    }

    /// The total weight times the loss of all given samples together, on the current rayon pool.
    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        let total: f64 = (0..samples.len()).map(|row| samples.weight(row).to_f64()).sum();
        let outcome = MacroF1Batch {
            samples,
            margin: self.scores.margin,
            sigma: Sigma::Common(self.scores.sigma_at(parameters)),
            rule: &self.scores.rule,
            factor: -total,
        }
        .run(grad, None);
        self.scores.sum(total * (1.0 - outcome.value), outcome.dsigma, parameters)
    }

    /// As [`Loss::sum`]: the samples are not split, since the loss of a part says nothing about that of the
    /// whole.
    fn evaluate_samples(
        &self,
        samples: Samples<'_, T>,
        parameters: &[T],
        grad: &mut [T],
    ) -> Result<LossSum<T>, LossError> {
        check_outputs(self, samples, parameters, grad)?;
        Ok(self.sum(samples, parameters, grad))
    }
}
