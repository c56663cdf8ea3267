//! The paper's estimator: sequential conditioning of an orthant probability.

use std::f64::consts::FRAC_1_SQRT_2;

use pulp::{Arch, Simd, WithSimd};

use super::draws::Sequence;
use super::inverse_normal::{cdf_and_survival, inverse_cdf};
use super::sampled::Sampled;
use super::{Estimate, Estimator, LANES, Problem, Workspace, check_samples};
use crate::Real;
use crate::error::LossError;
use crate::normal::{mul_add, pdf};

/// Genz's sequential conditioning, with the gradient by one further integral per class.
///
/// # Formula
/// With `d_i = (logit_y - logit_i) / sigma`, `P = Pr(u_i < d_i for all i ≠ y)` where `u ~ N(0, I + a 11ᵀ)`,
/// `a = 1`. The Cholesky factor has one diagonal and one other value per column,
/// `l_k = sqrt((1 + k a) / (1 + (k-1) a))` and `c_k = a / sqrt((1 + (k-1) a) (1 + k a))`, `k = 1, 2, …`, so
/// one sample costs `O(C)`: `e_k = Φ((d_k - Σ_{j<k} c_j z_j) / l_k)`, `z_k = Φ⁻¹(w_k e_k)` with uniform
/// `w_k`; `P` is the mean of `Π e_k`. `dP/dd_j = φ(d_j/√2)/√2 · Pr(u_i < d_i, i ≠ j | u_j = d_j)`, and given
/// `u_j = d_j` the others are `N(d_j/2, I + ½ 11ᵀ)`: the same integral with `a = ½` and limits `d_i - d_j/2`.
/// The whole costs `O(C² samples)`.
///
/// Coordinates are sorted by mean, the most restrictive first. All integrals of a sample use the same uniform
/// numbers, which does not change the variance of any entry.
///
/// `Deviation:` the paper's code clips quantiles to ±5, which biases small probabilities; here the limit is
/// that of the type, `P` of 1e-300 (`f64`) or 1e-37 (`f32`), and a smaller `P` is taken as this one.
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
/// Genz 1992, *Numerical Computation of Multivariate Normal Probabilities*, J. Comput. Graph. Stat. 1;
/// Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615.
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

    /// Leaves out all classes but the `classes` with the largest logits besides the label's (the paper: 128
    /// for `ImageNet`). The others get a gradient of 0, and `P` is too large by at most `Σ Φ(-d_i/√2)` over
    /// them.
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

/// Samples of several integrals that are worked on side by side: as many as keep the vector units busy while
/// each coordinate waits for the one before.
const WIDTH: usize = 3 * LANES;

impl<T: Sampled> Estimator<T> for Genz {
    fn name(&self) -> &'static str {
        "genz"
    }

    fn run(&self, problem: Problem<'_, T>, workspace: &mut Workspace<T>, gradient: &mut [T]) -> Estimate {
        let Problem { logits, label, sigma, stream } = problem;
        let Workspace { rivals, limits, integrals, draws, steps, columns, .. } = workspace;
        rivals.clear();
        rivals.extend((0..logits.len()).filter(|&class| class != label));
        let descending = |&a: &usize, &b: &usize| {
            logits[b].partial_cmp(&logits[a]).expect("the logits are finite").then(a.cmp(&b))
        };
        rivals.sort_unstable_by(descending);
        rivals.truncate(self.nearest.unwrap_or(usize::MAX));
        limits.clear();
        let limit = |rival: usize| {
            let limit = (logits[label].to_f64() - logits[rival].to_f64()) / sigma;
            limit.clamp(-LARGEST_LIMIT, LARGEST_LIMIT)
        };
        limits.extend(rivals.iter().map(|&rival| T::from_f64(limit(rival))));
        gradient.fill(T::ZERO);
        if limits.is_empty() {
            return Estimate::CERTAIN;
        }
        // The last coordinate needs no point.
        self.sequence.fill((self.seed, stream), (self.samples, limits.len() - 1), steps, draws);
        factorize(columns, limits.len());
        integrals.clear();
        integrals.push(Integral::new(None, T::ZERO));
        for (skipped, &limit) in limits.iter().enumerate() {
            // Where the density underflows, the integral need not be known.
            if density(limit.to_f64()) > 0.0 {
                integrals.push(Integral::new(Some(skipped), T::from_f64(0.5) * limit));
            }
        }
        let columns = [columns[0].as_slice(), columns[1].as_slice()];
        Arch::new().dispatch(Integrals { samples: self.samples, limits, draws, each: integrals, columns });
        let (mut total, mut dsigma) = (0.0, 0.0);
        for integral in &integrals[1..] {
            if let Some(skipped) = integral.skipped {
                let limit = limits[skipped].to_f64();
                let slope = density(limit) * integral.inside / sigma;
                gradient[rivals[skipped]] = T::saturating_from_f64(-slope);
                total += slope;
                dsigma -= slope * limit;
            }
        }
        gradient[label] = T::saturating_from_f64(total);
        Estimate::new(integrals[0].inside, integrals[0].outside, dsigma)
    }
}

/// The density of the difference of two scores, in units of sigma.
fn density(limit: f64) -> f64 {
    pdf(limit * FRAC_1_SQRT_2) * FRAC_1_SQRT_2
}

/// `Pr(u_i < limit_i - shift for i ≠ skipped)`: `P` itself, or given the limit that is skipped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integral<T> {
    skipped: Option<usize>,
    shift: T,
    /// The mean over samples.
    inside: f64,
    /// One minus it.
    outside: f64,
}

impl<T: Real> Integral<T> {
    fn new(skipped: Option<usize>, shift: T) -> Self {
        Self { skipped, shift, inside: 0.0, outside: 0.0 }
    }
}

/// The values of one column of the Cholesky factor of `I + a 11ᵀ`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<T> {
    /// One over the value on the diagonal.
    scale: T,
    /// The value below it.
    coupling: T,
}

/// Writes the columns for `a = 1` and for `a = 1/2`.
fn factorize<T: Real>(columns: &mut [Vec<Column<T>>; 2], dimension: usize) {
    for (columns, a) in columns.iter_mut().zip([1.0, 0.5]) {
        for known in columns.len()..dimension {
            let (before, after) = (1.0 + a * known as f64, 1.0 + a * (known + 1) as f64);
            let (scale, coupling) = ((before / after).sqrt(), a / (before * after).sqrt());
            columns.push(Column { scale: T::from_f64(scale), coupling: T::from_f64(coupling) });
        }
    }
}

/// All the integrals of one problem.
struct Integrals<'a, T> {
    samples: usize,
    limits: &'a [T],
    draws: &'a [[T; LANES]],
    each: &'a mut [Integral<T>],
    columns: [&'a [Column<T>]; 2],
}

impl<T: Sampled> WithSimd for Integrals<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if S::IS_SCALAR { self.all::<false>() } else { self.all::<true>() }
    }
}

impl<T: Sampled> Integrals<'_, T> {
    #[inline(always)]
    fn all<const FUSED: bool>(self) {
        let Self { samples, limits, draws, each, columns } = self;
        for integrals in each.chunks_mut(WIDTH / LANES) {
            let dimensions = integrals.iter().map(|integral| integral.dimension(limits));
            let dimension = dimensions.max().expect("chunks hold at least one integral");
            let points = limits.len() - 1;
            for first in (0..samples).step_by(LANES) {
                let draws = &draws[first / LANES * points..][..points];
                let mut factors = Factors::<T>::START;
                for known in 0..dimension {
                    for (at, integral) in integrals.iter().enumerate() {
                        factors.set(at, integral.coordinate(known, limits, columns));
                    }
                    factors.condition::<FUSED>();
                    if known + 1 < dimension {
                        factors.draw::<FUSED>(&draws[known]);
                    }
                }
                for (at, integral) in integrals.iter_mut().enumerate() {
                    for lane in 0..LANES.min(samples - first) {
                        integral.inside += factors.inside[at * LANES + lane].to_f64();
                        integral.outside += factors.outside[at * LANES + lane].to_f64();
                    }
                }
            }
            for integral in integrals {
                integral.inside /= samples as f64;
                integral.outside /= samples as f64;
            }
        }
    }
}

impl<T: Sampled> Integral<T> {
    /// The number of its coordinates.
    fn dimension(&self, limits: &[T]) -> usize {
        limits.len() - usize::from(self.skipped.is_some())
    }

    /// The limit and the column of the coordinate after so many others; after the last, one that changes
    /// nothing.
    #[inline(always)]
    fn coordinate(&self, known: usize, limits: &[T], columns: [&[Column<T>]; 2]) -> (T, Column<T>) {
        let Some(skipped) = self.skipped else {
            return (limits[known], columns[0][known]);
        };
        match limits.get(known + usize::from(known >= skipped)) {
            Some(&limit) => (limit - self.shift, columns[1][known]),
            None => (T::from_f64(LARGEST_LIMIT), Column { scale: T::ONE, coupling: T::ZERO }),
        }
    }
}

/// Samples of several integrals between two coordinates: [`LANES`] of each, side by side.
struct Factors<T> {
    /// The product of the conditional probabilities so far.
    inside: [T; WIDTH],
    /// One minus it.
    outside: [T; WIDTH],
    /// The last conditional probability.
    below: [T; WIDTH],
    /// The sum of `c_j z_j`.
    conditioned: [T; WIDTH],
    /// The limit of the coordinate.
    limit: [T; WIDTH],
    /// [`Column::scale`] of the coordinate.
    scale: [T; WIDTH],
    /// [`Column::coupling`] of the coordinate.
    coupling: [T; WIDTH],
}

impl<T: Sampled> Factors<T> {
    const START: Self = Self {
        inside: [T::ONE; WIDTH],
        outside: [T::ZERO; WIDTH],
        below: [T::ONE; WIDTH],
        conditioned: [T::ZERO; WIDTH],
        limit: [T::ZERO; WIDTH],
        scale: [T::ZERO; WIDTH],
        coupling: [T::ZERO; WIDTH],
    };

    /// Sets the coordinate of the integral at a place.
    #[inline(always)]
    fn set(&mut self, at: usize, (limit, column): (T, Column<T>)) {
        let lanes = at * LANES..(at + 1) * LANES;
        self.limit[lanes.clone()].fill(limit);
        self.scale[lanes.clone()].fill(column.scale);
        self.coupling[lanes].fill(column.coupling);
    }

    /// Conditions on the coordinate.
    #[inline(always)]
    fn condition<const FUSED: bool>(&mut self) {
        for lane in 0..WIDTH {
            let x = (self.limit[lane] - self.conditioned[lane]) * self.scale[lane];
            let (below, above) = cdf_and_survival::<T, FUSED>(x);
            self.outside[lane] = mul_add::<T, FUSED>(above, self.inside[lane], self.outside[lane]);
            self.inside[lane] = (self.inside[lane] * below).max(T::SMALLEST);
            self.below[lane] = below;
        }
    }

    /// Draws the coordinate that was conditioned on.
    #[inline(always)]
    fn draw<const FUSED: bool>(&mut self, draws: &[T; LANES]) {
        let mut points = [T::ZERO; WIDTH];
        for points in points.as_chunks_mut::<LANES>().0 {
            *points = *draws;
        }
        for lane in 0..WIDTH {
            let z = inverse_cdf::<T, FUSED>(points[lane] * self.below[lane]);
            self.conditioned[lane] = mul_add::<T, FUSED>(self.coupling[lane], z, self.conditioned[lane]);
        }
    }
}
