//! Estimators by sampling of `P(s_y > max_{i≠y} s_i)`, `s ~ N(logits, sigma² I)`: the baselines of
//! [`crate::expected`], which computes the same probability by quadrature.

mod draws;
mod genz;
mod inverse_normal;
mod loss;
mod monte_carlo;
mod sampled;

pub use draws::Sequence;
pub use genz::Genz;
pub use loss::EstimatedLoss;
pub use monte_carlo::MonteCarlo;

use crate::Real;
use crate::error::LossError;

/// Samples that are worked on side by side, in vectors.
const LANES: usize = 16;

/// An estimate of the probability that the label has the largest score.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// P.
    pub p: f64,
    /// 1 - P, estimated without cancellation.
    pub one_minus_p: f64,
    /// log P; minus infinity if the estimate of P is 0, as that of [`MonteCarlo`] may be.
    pub log_p: f64,
    /// The estimate of dP/dsigma.
    pub dsigma: f64,
}

impl Estimate {
    /// `dsigma` may be infinite where sigma is tiny.
    fn new(p: f64, one_minus_p: f64, dsigma: f64) -> Self {
        let dsigma = f64::saturating_from_f64(dsigma);
        let log_p = if p < 0.5 { p.ln() } else { (-one_minus_p).ln_1p() };
        Self { p, one_minus_p, log_p, dsigma }
    }

    /// The estimate with one class, which wins.
    const CERTAIN: Self = Self { p: 1.0, one_minus_p: 0.0, log_p: 0.0, dsigma: 0.0 };
}

/// An estimator of the probability that the label has the largest score, with its gradient.
///
/// The estimate depends on the estimator's seed and on the `stream`, and on nothing else that is random. `T`
/// is the type that samples are computed in; means over samples are taken in `f64`.
pub trait Estimator<T: Real>: Send + Sync {
    /// The name that the command line and reports use.
    fn name(&self) -> &'static str;

    /// Estimates the probability for checked arguments (finite `logits`, `label` one of them, `sigma`
    /// positive and finite) and writes its gradient with respect to the logits to `gradient`, of the same
    /// length. `workspace` may be new or have served another call.
    fn run(&self, problem: Problem<'_, T>, workspace: &mut Workspace<T>, gradient: &mut [T]) -> Estimate;

    /// Estimates the probability that `label` has the largest of the scores `N(logits, sigma² I)` and writes
    /// its gradient with respect to the logits to `gradient`.
    ///
    /// # Errors
    /// [`LossError`] if there are no logits, one is not finite, `label` is not a class, `sigma` is not
    /// positive and finite, or `gradient` does not have one entry per logit.
    fn estimate(
        &self,
        logits: &[T],
        label: usize,
        sigma: f64,
        stream: u64,
        gradient: &mut [T],
    ) -> Result<Estimate, LossError> {
        let n_classes = logits.len();
        if n_classes == 0 {
            return Err(LossError::Empty);
        }
        if let Some(class) = logits.iter().position(|logit| !logit.is_finite()) {
            return Err(LossError::Logit { row: 0, class, value: logits[class].to_f64() });
        }
        if label >= n_classes {
            let label = u32::try_from(label).unwrap_or(u32::MAX);
            return Err(LossError::Label { row: 0, label, n_classes });
        }
        check_sigma(sigma)?;
        if gradient.len() != n_classes {
            return Err(LossError::GradientLength { found: gradient.len(), expected: n_classes });
        }
        Ok(self.run(Problem { logits, label, sigma, stream }, &mut Workspace::default(), gradient))
    }
}

/// What is to be estimated, from which random numbers.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a, T> {
    /// The mean of each class's score.
    pub logits: &'a [T],
    /// The class whose score should be the largest.
    pub label: usize,
    /// The standard deviation of the scores.
    pub sigma: f64,
    /// Which of the seed's independent streams of random numbers to use.
    pub stream: u64,
}

/// Buffers that an estimator reuses from one problem to the next.
#[derive(Debug, Clone, Default)]
pub struct Workspace<T> {
    /// The classes other than the label, most likely winner first.
    rivals: Vec<usize>,
    /// `(logit_y - logit_i) / sigma` of each rival, or the logits in units of sigma.
    limits: Vec<T>,
    /// The probability and those that its gradient is made of.
    integrals: Vec<genz::Integral<T>>,
    /// Sums over the draws won and over those lost.
    sums: [Vec<f64>; 2],
    /// Random numbers, [`LANES`] samples side by side.
    draws: Vec<[T; LANES]>,
    /// Steps of the quasi-random sequence, one per dimension.
    steps: Vec<f64>,
    /// The Cholesky factors of the covariance and of the conditional covariance.
    columns: [Vec<genz::Column<T>>; 2],
}

fn check_sigma(sigma: f64) -> Result<(), LossError> {
    if sigma > 0.0 && sigma.is_finite() {
        return Ok(());
    }
    Err(LossError::Setting { name: "sigma", expected: "positive and finite", value: sigma })
}

fn check_samples(samples: usize) -> Result<(), LossError> {
    if samples > 0 {
        return Ok(());
    }
    Err(LossError::Setting { name: "samples", expected: "at least 1", value: 0.0 })
}
