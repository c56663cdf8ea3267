//! Plain Monte Carlo.

use pulp::{Arch, Simd, WithSimd};

use super::draws::Sequence;
use super::inverse_normal::inverse_cdf;
use super::sampled::Sampled;
use super::{Estimate, Estimator, LANES, Problem, Workspace, check_samples};
use crate::error::LossError;

/// Draws of all scores: the share of draws that the label wins, with the likelihood-ratio gradient.
///
/// # Formula
/// With `s = logits + sigma z` and `I` the indicator of `s_y > max_{i≠y} s_i`: `P = E[I]`,
/// `dP/dlogit_i = E[I z_i] / sigma`, `dP/dsigma = E[I (Σ z_i² - C)] / sigma`. Where most draws are won,
/// `I - 1` stands for `I` in the gradient: `z` and `Σ z_i² - C` have mean 0, so the mean is the same, with
/// less variance.
///
/// # Example
/// ```
/// use exact_core::estimator::{Estimator, MonteCarlo};
///
/// let mut gradient = [0.0; 4];
/// let monte_carlo = MonteCarlo::new(10_000, 7).unwrap();
/// let estimate = monte_carlo.estimate(&[0.0; 4], 1, 1.0, 0, &mut gradient).unwrap();
/// assert!((estimate.p - 0.25).abs() < 0.02);
/// ```
///
/// # References
/// Glynn 1990, *Likelihood Ratio Gradient Estimation for Stochastic Systems*, Communications of the ACM 33.
#[derive(Debug, Clone, PartialEq)]
pub struct MonteCarlo {
    samples: usize,
    seed: u64,
}

impl MonteCarlo {
    /// With so many draws.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `samples` is 0.
    pub fn new(samples: usize, seed: u64) -> Result<Self, LossError> {
        check_samples(samples)?;
        Ok(Self { samples, seed })
    }
}

impl<T: Sampled> Estimator<T> for MonteCarlo {
    fn name(&self) -> &'static str {
        "monte-carlo"
    }

    fn run(&self, problem: Problem<'_, T>, workspace: &mut Workspace<T>, gradient: &mut [T]) -> Estimate {
        let Problem { logits, label, sigma, stream } = problem;
        gradient.fill(T::ZERO);
        if logits.len() == 1 {
            return Estimate::CERTAIN;
        }
        let Workspace { limits, sums, draws, steps, .. } = workspace;
        Sequence::Random.fill((self.seed, stream), (self.samples, logits.len()), steps, draws);
        Arch::new().dispatch(Quantiles { draws });
        limits.clear();
        let limit = |logit: &T| (logit.to_f64() - logits[label].to_f64()) / sigma;
        limits.extend(logits.iter().map(|logit| T::saturating_from_f64(limit(logit))));
        for sums in sums.iter_mut() {
            sums.clear();
            sums.resize(logits.len(), 0.0);
        }
        let (mut lost, mut squares) = (0, [0.0; 2]);
        for sample in 0..self.samples {
            let (draws, lane) = (&draws[sample / LANES * logits.len()..][..logits.len()], sample % LANES);
            let score = draws[label][lane];
            let rivals = limits.iter().zip(draws).enumerate();
            let wins =
                rivals.filter(|&(class, _)| class != label).all(|(_, (&mean, z))| mean + z[lane] < score);
            let outcome = usize::from(!wins);
            lost += outcome;
            for (sum, z) in sums[outcome].iter_mut().zip(draws) {
                let z = z[lane].to_f64();
                *sum += z;
                squares[outcome] += z * z - 1.0;
            }
        }
        let samples = self.samples as f64;
        // Where most draws are won, the sums over the others, with the opposite sign, have the same mean.
        let (outcome, scale) =
            if 2 * lost < self.samples { (1, -samples * sigma) } else { (0, samples * sigma) };
        for (slope, sum) in gradient.iter_mut().zip(&sums[outcome]) {
            *slope = T::saturating_from_f64(sum / scale);
        }
        let p = (self.samples - lost) as f64 / samples;
        Estimate::new(p, lost as f64 / samples, squares[outcome] / scale)
    }
}

/// Turns uniform draws into normal ones.
struct Quantiles<'a, T> {
    draws: &'a mut [[T; LANES]],
}

impl<T: Sampled> WithSimd for Quantiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for draws in self.draws {
            for lane in 0..LANES {
                draws[lane] = if S::IS_SCALAR {
                    inverse_cdf::<T, false>(draws[lane])
                } else {
                    inverse_cdf::<T, true>(draws[lane])
                };
            }
        }
    }
}
