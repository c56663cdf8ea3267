//! Expected error by an estimator, as a loss.

use super::{Estimator, Problem, Workspace, check_sigma};
use crate::Real;
use crate::loss::{Loss, LossError, LossSum, Samples};

/// One minus the estimated expected accuracy: [`crate::loss::Exact`] with a sampling estimator in place of
/// quadrature.
///
/// A row's random numbers are chosen by the estimator's seed, the step and the row's own contents, so a batch
/// has the same loss whatever its order and the number of threads. A training loop that counts its steps
/// ([`EstimatedLoss::at_step`]) has fresh noise in each.
///
/// # Example
/// ```
/// use exact_core::estimator::{EstimatedLoss, Genz};
/// use exact_core::loss::{Logits, Loss};
///
/// let loss = EstimatedLoss::new(Genz::new(16, 7).unwrap(), 0.5).unwrap();
/// let mut grad = [0.0; 2];
/// let value = loss.evaluate(Logits::new(&[1.0_f64, 0.0], 2).unwrap(), &[0], None, &mut grad).unwrap();
/// assert!((value - 0.078_649_603_525_142_7).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EstimatedLoss<E> {
    estimator: E,
    sigma: f64,
    step: u64,
}

impl<E> EstimatedLoss<E> {
    /// At the given sigma and step 0.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `sigma` is not positive and finite.
    pub fn new(estimator: E, sigma: f64) -> Result<Self, LossError> {
        check_sigma(sigma)?;
        Ok(Self { estimator, sigma, step: 0 })
    }

    /// With the random numbers of another step.
    #[must_use]
    pub fn at_step(self, step: u64) -> Self {
        Self { step, ..self }
    }
}

impl<T: Real, E: Estimator<T>> Loss<T> for EstimatedLoss<E> {
    fn name(&self) -> &'static str {
        self.estimator.name()
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        let n_classes = samples.n_classes();
        let mut workspace = Workspace::default();
        let mut total = 0.0;
        let rows = samples.logits().chunks_exact(n_classes).zip(grad.chunks_exact_mut(n_classes));
        for (row, (logits, grad)) in rows.enumerate() {
            let (label, weight) = (samples.labels()[row] as usize, samples.weight(row));
            let stream = fingerprint(self.step, label, logits);
            let problem = Problem { logits, label, sigma: self.sigma, stream };
            let estimate = self.estimator.run(problem, &mut workspace, grad);
            total += weight.to_f64() * estimate.one_minus_p;
            for slope in grad {
                *slope *= -weight;
            }
        }
        LossSum::of(T::from_f64(total))
    }
}

/// A number that differs between steps and rows: the FNV-1a hash, by words, with a last mix.
fn fingerprint<T: Real>(step: u64, label: usize, logits: &[T]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let words = [step, label as u64].into_iter().chain(logits.iter().map(|logit| logit.to_f64().to_bits()));
    words.fold(OFFSET, |hash, word| {
        let hash = (hash ^ word).wrapping_mul(PRIME);
        hash ^ (hash >> 32)
    })
}
