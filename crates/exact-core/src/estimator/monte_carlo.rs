//! Plain Monte Carlo.

use pulp::{Arch, Simd, WithSimd};

use super::draws::Sequence;
use super::inverse_normal::inverse_cdf;
use super::{Estimate, Estimator, LANES, Problem, Workspace, check_samples};
use crate::loss::LossError;

/// Draws of all scores: the share of draws that the label wins, with the likelihood-ratio gradient.
///
/// # Formula
/// With `s = logits + sigma z` and `I` the indicator of `s_y > max_{i≠y} s_i`: `P = E[I]`,
/// `dP/dlogit_i = E[I z_i] / sigma`, `dP/dsigma = E[I (Σ z_i² - C)] / sigma`. Where most draws are won, `I - 1` stands
/// for `I` in the gradient: `z` and `Σ z_i² - C` have mean 0, so the mean is the same, with less variance.
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

impl Estimator for MonteCarlo {
    fn name(&self) -> &'static str {
        "monte-carlo"
    }

    fn run(&self, problem: Problem<'_>, workspace: &mut Workspace, gradient: &mut [f64]) -> Estimate {
        let Problem { logits, label, sigma, stream } = problem;
        gradient.fill(0.0);
        if logits.len() == 1 {
            return Estimate::CERTAIN;
        }
        let Workspace { limits, slopes, draws, steps, .. } = workspace;
        Sequence::Random.fill((self.seed, stream), (self.samples, logits.len()), steps, draws);
        Arch::new().dispatch(Quantiles { draws });
        limits.clear();
        limits.extend(logits.iter().map(|logit| (logit - logits[label]) / sigma));
        slopes.clear();
        slopes.resize(logits.len(), 0.0);
        // Sums over the draws won, in slopes and won, and over the draws lost.
        let (mut won, mut squares_won, mut squares_lost) = (0, 0.0, 0.0);
        for sample in 0..self.samples {
            let (draws, lane) = (&draws[sample / LANES * logits.len()..][..logits.len()], sample % LANES);
            let score = draws[label][lane];
            let rivals = limits.iter().zip(draws).enumerate();
            let wins =
                rivals.filter(|&(class, _)| class != label).all(|(_, (mean, z))| mean + z[lane] < score);
            won += usize::from(wins);
            let (sums, squares) = if wins {
                (slopes.as_mut_slice(), &mut squares_won)
            } else {
                (&mut *gradient, &mut squares_lost)
            };
            for (sum, z) in sums.iter_mut().zip(draws) {
                *sum += z[lane];
                *squares += z[lane] * z[lane] - 1.0;
            }
        }
        let samples = self.samples as f64;
        let scale = 1.0 / (samples * sigma);
        let dsigma = if 2 * won > self.samples {
            for slope in gradient {
                *slope *= -scale;
            }
            -squares_lost * scale
        } else {
            for (slope, won) in gradient.iter_mut().zip(slopes) {
                *slope = *won * scale;
            }
            squares_won * scale
        };
        Estimate::new(won as f64 / samples, (self.samples - won) as f64 / samples, dsigma)
    }
}

/// Turns uniform draws into normal ones.
struct Quantiles<'a> {
    draws: &'a mut [[f64; LANES]],
}

impl WithSimd for Quantiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for draws in self.draws {
            for lane in 0..LANES {
                draws[lane] = if S::IS_SCALAR {
                    inverse_cdf::<false>(draws[lane])
                } else {
                    inverse_cdf::<true>(draws[lane])
                };
            }
        }
    }
}
