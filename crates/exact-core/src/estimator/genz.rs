//! The paper's estimator: sequential conditioning of an orthant probability.

use pulp::{Arch, Simd, WithSimd};

use super::draws::Sequence;
use super::inverse_normal::{cdf_and_survival, inverse_cdf};
use super::{Estimate, Estimator, LANES, Problem, Workspace, check_samples};
use crate::loss::LossError;
use crate::normal::{mul_add, pdf};

/// Genz's sequential conditioning, with the gradient by one further integral per class.
///
/// # Formula
/// With `d_i = (logit_y - logit_i) / sigma`, `P = Pr(u_i < d_i for all i ≠ y)` where `u ~ N(0, I + a 11ᵀ)`, `a = 1`.
/// The Cholesky factor has one diagonal and one other value per column, `l_k = sqrt((1 + k a) / (1 + (k-1) a))` and
/// `c_k = a / sqrt((1 + (k-1) a) (1 + k a))`, `k = 1, 2, …`, so one sample costs `O(C)`:
/// `e_k = Φ((d_k - Σ_{j<k} c_j z_j) / l_k)`, `z_k = Φ⁻¹(w_k e_k)` with uniform `w_k`; `P` is the mean of `Π e_k`.
/// `dP/dd_j = φ(d_j/√2)/√2 · Pr(u_i < d_i, i ≠ j | u_j = d_j)`, and given `u_j = d_j` the others are
/// `N(d_j/2, I + ½ 11ᵀ)`: the same integral with `a = ½` and limits `d_i - d_j/2`. The whole costs `O(C² samples)`.
///
/// Coordinates are sorted by mean, the most restrictive first. All integrals of a sample use the same uniform numbers,
/// which does not change the variance of any entry.
///
/// `Deviation:` the paper's code clips quantiles to ±5, which biases small probabilities; here the limit is that of
/// f64, `P` of about 1e-300.
///
/// # Example
/// ```
/// use exact_core::estimator::{Estimator, Genz};
///
/// let mut gradient = [0.0; 2];
/// let genz = Genz::new(16, 7).unwrap();
/// let estimate = genz.estimate(&[1.0, 0.0], 0, 0.5, 0, &mut gradient).unwrap();
/// // With two classes nothing is left to sample: Φ(1 / (0.5 √2)).
/// assert!((estimate.one_minus_p - 0.078_649_603_525_142_7).abs() < 1e-15);
/// ```
///
/// # References
/// Genz 1992, *Numerical Computation of Multivariate Normal Probabilities*, J. Comput. Graph. Stat. 1; Karpukhin,
/// Dereka and Kolesnikov, arXiv 2205.09615.
#[derive(Debug, Clone, PartialEq)]
pub struct Genz {
    samples: usize,
    seed: u64,
    sequence: Sequence,
    nearest: Option<usize>,
}

impl Genz {
    /// With independent points (the paper: 16, and 256 for `ImageNet`) and all classes.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `samples` is 0.
    pub fn new(samples: usize, seed: u64) -> Result<Self, LossError> {
        check_samples(samples)?;
        Ok(Self { samples, seed, sequence: Sequence::Random, nearest: None })
    }

    /// Replaces the independent points.
    #[must_use]
    pub fn with_sequence(self, sequence: Sequence) -> Self {
        Self { sequence, ..self }
    }

    /// Leaves out all classes but the `classes` with the largest logits besides the label's (the paper: 128 for
    /// `ImageNet`). The others get a gradient of 0, and `P` is too large by at most `Σ Φ(-d_i/√2)` over them.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `classes` is 0.
    pub fn with_nearest_classes(self, classes: usize) -> Result<Self, LossError> {
        if classes == 0 {
            return Err(LossError::Setting { name: "nearest classes", expected: "at least 1", value: 0.0 });
        }
        Ok(Self { nearest: Some(classes), ..self })
    }
}

/// Differences beyond this many sigmas are clamped, so that their squares stay finite.
const LARGEST_LIMIT: f64 = 1e6;

impl Estimator for Genz {
    fn name(&self) -> &'static str {
        "genz"
    }

    fn run(&self, problem: Problem<'_>, workspace: &mut Workspace, gradient: &mut [f64]) -> Estimate {
        let Problem { logits, label, sigma, stream } = problem;
        let Workspace { rivals, limits, slopes, draws, steps, columns } = workspace;
        rivals.clear();
        rivals.extend((0..logits.len()).filter(|&class| class != label));
        rivals.sort_unstable_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
        rivals.truncate(self.nearest.unwrap_or(usize::MAX));
        limits.clear();
        let limit =
            |&rival: &usize| ((logits[label] - logits[rival]) / sigma).clamp(-LARGEST_LIMIT, LARGEST_LIMIT);
        limits.extend(rivals.iter().map(limit));
        gradient.fill(0.0);
        if limits.is_empty() {
            return Estimate::CERTAIN;
        }
        // The last coordinate needs no point.
        let dimension = limits.len() - 1;
        self.sequence.fill((self.seed, stream), (self.samples, dimension), steps, draws);
        slopes.clear();
        slopes.resize(limits.len(), 0.0);
        factorize(columns, limits.len());
        let columns = [columns[0].as_slice(), columns[1].as_slice()];
        let integrals = Integrals { samples: self.samples, limits, draws, slopes, columns };
        let [p, one_minus_p] = Arch::new().dispatch(integrals);
        let mut dsigma = 0.0;
        for ((&rival, &slope), &limit) in rivals.iter().zip(slopes.iter()).zip(limits.iter()) {
            gradient[rival] = -slope / sigma;
            gradient[label] += slope / sigma;
            dsigma -= slope * limit / sigma;
        }
        Estimate::new(p, one_minus_p, dsigma)
    }
}

/// All the integrals of one problem; the result is `P` and `1 - P`.
struct Integrals<'a> {
    samples: usize,
    limits: &'a [f64],
    draws: &'a [[f64; LANES]],
    slopes: &'a mut [f64],
    columns: [&'a [Column]; 2],
}

/// The values of one column of the Cholesky factor of `I + a 11ᵀ`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// One over the value on the diagonal.
    scale: f64,
    /// The value below it.
    coupling: f64,
}

/// Writes the columns for `a = 1` and for `a = 1/2`.
fn factorize(columns: &mut [Vec<Column>; 2], dimension: usize) {
    for (columns, a) in columns.iter_mut().zip([1.0, 0.5]) {
        for known in columns.len()..dimension {
            let (before, after) = (1.0 + a * known as f64, 1.0 + a * (known + 1) as f64);
            columns.push(Column { scale: (before / after).sqrt(), coupling: a / (before * after).sqrt() });
        }
    }
}

impl WithSimd for Integrals<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        if S::IS_SCALAR { self.all::<false>() } else { self.all::<true>() }
    }
}

impl Integrals<'_> {
    #[inline(always)]
    fn all<const FUSED: bool>(self) -> [f64; 2] {
        let [columns, conditional] = self.columns;
        for skipped in 0..self.limits.len() {
            let limit = self.limits[skipped];
            let density = pdf(limit * std::f64::consts::FRAC_1_SQRT_2) * std::f64::consts::FRAC_1_SQRT_2;
            // Where the density underflows, the integral need not be known.
            if density > 0.0 {
                let [inside, _] = self.orthant::<FUSED>(conditional, 0.5 * limit, skipped);
                self.slopes[skipped] = density * inside;
            }
        }
        self.orthant::<FUSED>(columns, 0.0, usize::MAX)
    }

    /// `Pr(u_i < limit_i - shift for i ≠ skipped)` for `u` with the covariance of `columns`, and one minus that.
    #[inline(always)]
    fn orthant<const FUSED: bool>(&self, columns: &[Column], shift: f64, skipped: usize) -> [f64; 2] {
        let dimension = self.limits.len() - 1;
        let last = if skipped == dimension { dimension.wrapping_sub(1) } else { dimension };
        let mut sums = [0.0; 2];
        for first in (0..self.samples).step_by(LANES) {
            let draws = &self.draws[first / LANES * dimension..][..dimension];
            let mut factors = Factors::START;
            let mut known = 0;
            for (i, &limit) in self.limits.iter().enumerate() {
                if i == skipped {
                    continue;
                }
                let Column { scale, coupling } = columns[known];
                if i == last {
                    factors.finish::<FUSED>(limit - shift, scale);
                } else {
                    factors.condition::<FUSED>(limit - shift, scale, coupling, &draws[known]);
                }
                known += 1;
            }
            for lane in 0..LANES.min(self.samples - first) {
                sums[0] += factors.inside[lane];
                sums[1] += factors.outside[lane];
            }
        }
        sums.map(|sum| sum / self.samples as f64)
    }
}

/// The state of [`LANES`] samples between two coordinates.
#[derive(Clone, Copy)]
struct Factors {
    /// The product of the conditional probabilities so far.
    inside: [f64; LANES],
    /// One minus it.
    outside: [f64; LANES],
    /// The sum of `c_j z_j`.
    conditioned: [f64; LANES],
}

impl Factors {
    const START: Self = Self { inside: [1.0; LANES], outside: [0.0; LANES], conditioned: [0.0; LANES] };

    /// Conditions on one coordinate and draws it.
    #[inline(always)]
    fn condition<const FUSED: bool>(&mut self, limit: f64, scale: f64, coupling: f64, draws: &[f64; LANES]) {
        for lane in 0..LANES {
            let (below, above) = cdf_and_survival::<FUSED>((limit - self.conditioned[lane]) * scale);
            self.outside[lane] = mul_add::<f64, FUSED>(above, self.inside[lane], self.outside[lane]);
            self.inside[lane] *= below;
            let z = inverse_cdf::<FUSED>(draws[lane] * below);
            self.conditioned[lane] = mul_add::<f64, FUSED>(coupling, z, self.conditioned[lane]);
        }
    }

    /// Conditions on the last coordinate, which need not be drawn.
    #[inline(always)]
    fn finish<const FUSED: bool>(&mut self, limit: f64, scale: f64) {
        for lane in 0..LANES {
            let (below, above) = cdf_and_survival::<FUSED>((limit - self.conditioned[lane]) * scale);
            self.outside[lane] = mul_add::<f64, FUSED>(above, self.inside[lane], self.outside[lane]);
            self.inside[lane] *= below;
        }
    }
}
