//! A batch of orthant probabilities: rows of logits in, one probability and one gradient row per sample out.

use pulp::{Arch, Simd, WithSimd};

use super::classes::Classes;
use super::group::Group;
use super::lanes::{Buffers, Row};
use super::orthant::{Orthant, Workspace, integrate};
use super::sample::{Sample, Scaling};
use super::sigma::Sigma;
use crate::Real;
use crate::quadrature::Rule;

/// A difference of means, in sigmas, that takes a class out of the integral.
pub(super) const ABSENT: f64 = 256.0;

/// What the gradient is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// P.
    Probability,
    /// log P.
    LogProbability,
}

/// The orthant probability of one sample.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The smaller of P and 1 - P is `size exp(exponent)`.
    pub(super) size: f64,
    pub(super) exponent: f64,
    /// Whether that is P.
    pub(super) is_probability: bool,
    pub(super) smaller: f64,
    /// Derivative of the quantity with respect to sigma, where one sigma serves all classes; else NaN.
    pub dsigma: f64,
}

impl Outcome {
    /// For `probability` and `complement` relative to `unit = factor exp(exponent)`.
    fn new(probability: f64, complement: f64, factor: f64, exponent: f64, unit: f64) -> Self {
        let is_probability = probability <= complement;
        let relative = if is_probability { probability } else { complement };
        let size = factor * relative;
        // Rounding may lift the smaller of two halves just above one half.
        let smaller = (unit * relative).min(1.0);
        Self { size, exponent, is_probability, smaller, dsigma: f64::NAN }
    }

    /// P.
    pub fn probability(&self) -> f64 {
        if self.is_probability { self.smaller } else { 1.0 - self.smaller }
    }

    /// 1 - P, with relative accuracy.
    pub fn complement(&self) -> f64 {
        if self.is_probability { 1.0 - self.smaller } else { self.smaller }
    }

    /// log P, also where P underflows.
    pub fn log_probability(&self) -> f64 {
        if self.is_probability { (self.size.ln() + self.exponent).min(0.0) } else { (-self.smaller).ln_1p() }
    }
}

/// Rows of logits whose orthant probabilities are wanted. `visit` sees each sample's outcome and returns the factor
/// of its gradient row.
pub struct OrthantBatch<'a, T> {
    pub logits: &'a [T],
    pub n_classes: usize,
    pub labels: &'a [u32],
    pub sigma: Sigma<'a, T>,
    pub margin: Option<T>,
    pub rule: &'a Rule,
    pub quantity: Quantity,
    /// `[n, c]`: factor times the derivative of the quantity with respect to the logits.
    pub grad: &'a mut [T],
    /// `[n, c]`: the same with respect to the sigmas, for a sigma per class.
    pub sigma_grad: Option<&'a mut [T]>,
    pub visit: &'a mut dyn FnMut(usize, &Outcome) -> T,
}

/// A batch with the buffers for its groups.
struct Run<'a, 's, T, U, const L: usize> {
    batch: OrthantBatch<'a, T>,
    columns: &'s mut [T],
    memory: &'s mut [U],
}

impl<T: Real, U: Real, const L: usize> WithSimd for Run<'_, '_, T, U, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let scaled = self.batch.sigma.is_per_class();
        match (S::IS_SCALAR, scaled) {
            (false, false) => self.batch.groups::<U, L, true>(self.columns, self.memory),
            (false, true) => self.batch.scaled_groups::<U, L, true>(self.memory),
            (true, false) => self.batch.groups::<U, L, false>(self.columns, self.memory),
            (true, true) => self.batch.scaled_groups::<U, L, false>(self.memory),
        }
    }
}

impl<T: Real> OrthantBatch<'_, T> {
    /// Runs in the working precision `U` with `L` lanes, on the widest instruction set at hand.
    pub fn run<U: Real, const L: usize>(self) {
        self.run_on::<U, L>(Arch::new());
    }

    fn run_on<U: Real, const L: usize>(self, arch: Arch) {
        let n_classes = self.n_classes;
        if n_classes == 2 {
            return self.run_pairs::<U, L>(arch);
        }
        let (columns, len) = if self.sigma.is_per_class() {
            (0, Buffers::<U, L>::len(true, n_classes))
        } else {
            (L * n_classes, Group::<T, U, L>::len(n_classes))
        };
        T::with_scratch(columns, |columns| {
            U::with_scratch(len, |memory| arch.dispatch(Run::<T, U, L> { batch: self, columns, memory }));
        });
    }

    /// Evaluates samples with a sigma per class, `L` at a time.
    #[inline(always)]
    fn scaled_groups<U: Real, const L: usize, const FUSED: bool>(mut self, memory: &mut [U]) {
        let Buffers { shift, scale, hazards, gradient, first_moment, mut row } =
            Buffers::new::<true>(self.n_classes, memory);
        for first in (0..self.labels.len()).step_by(L) {
            let lanes = L.min(self.labels.len() - first);
            let mut scaling = [Scaling::UNIT; L];
            let (mut present, mut most) = ([0; L], 0);
            for l in 0..L {
                // Lanes past the last sample repeat it.
                let sample = self.sample(first + l.min(lanes - 1));
                scaling[l] = sample.scaling::<U, true>(None);
                sample.place::<U, true>(&scaling[l], row.shift, row.scale);
                present[l] = row.scatter::<L>(l, shift, scale);
                most = most.max(present[l]);
            }
            for (l, &present) in present.iter().enumerate() {
                for slot in present..most {
                    shift[slot][l] = U::from_f64(ABSENT);
                    scale[slot][l] = U::ONE;
                }
            }
            let classes = Classes::<'_, U, L, true> { shift: &shift[..most], scale: &scale[..most] };
            let mut workspace = Workspace {
                hazards: &mut hazards[..most],
                gradient: &mut gradient[..most],
                first_moment: &mut first_moment[..most],
            };
            let orthant =
                classes.orthant::<FUSED>(&[0.0; L], &present, self.n_classes, self.rule, &mut workspace);
            for (l, scaling) in scaling.iter().enumerate().take(lanes) {
                self.sample(first + l).place::<U, true>(scaling, row.shift, row.scale);
                row.gather(l, workspace.gradient, workspace.first_moment);
                self.store::<U, L, true>(first + l, l, scaling, &orthant, &row);
            }
        }
    }

    #[inline(always)]
    pub(super) fn sample(&self, row: usize) -> Sample<'_, T> {
        let logits = &self.logits[row * self.n_classes..][..self.n_classes];
        Sample::new(logits, self.labels[row], self.sigma.row(row, self.n_classes), self.margin)
    }

    /// Reports a sample, for which γ's size is `unit` and P's derivative with respect to sigma is that times
    /// `slope_of_sigma`. Returns what its derivatives with respect to the differences are to be multiplied by.
    #[inline(always)]
    pub(super) fn report<const L: usize>(
        &mut self,
        index: usize,
        lane: usize,
        orthant: &Orthant<L>,
        unit: f64,
        slope_of_sigma: f64,
    ) -> f64 {
        let (probability, complement) = (orthant.probability[lane], orthant.complement[lane]);
        let (factor, exponent) = (orthant.factor[lane], orthant.exponent[lane]);
        let mut outcome = Outcome::new(probability, complement, factor, exponent, unit);
        let size = match self.quantity {
            Quantity::Probability => unit,
            Quantity::LogProbability if outcome.is_probability => 1.0 / probability,
            Quantity::LogProbability => unit / outcome.probability(),
        };
        outcome.dsigma = slope_of_sigma * size;
        (self.visit)(index, &outcome).to_f64() * size
    }

    /// Reports a sample, whose derivatives are in `row`, and writes its gradient.
    #[inline(always)]
    pub(super) fn store<U: Real, const L: usize, const SCALED: bool>(
        &mut self,
        index: usize,
        lane: usize,
        scaling: &Scaling,
        orthant: &Orthant<L>,
        row: &Row<'_, U>,
    ) {
        let unit = orthant.factor[lane] * orthant.exponent[lane].exp();
        let slope_of_sigma =
            if SCALED { f64::NAN } else { -row.slope_of_scale(scaling.origin) * scaling.inverse_sigma };
        let factor = self.report(index, lane, orthant, unit, slope_of_sigma);
        let n_classes = self.n_classes;
        let logits = &self.logits[index * n_classes..][..n_classes];
        let sigmas = self.sigma.row(index, n_classes);
        let sample = Sample::new(logits, self.labels[index], sigmas, self.margin);
        let grad = &mut self.grad[index * n_classes..][..n_classes];
        sample.gradient::<U, SCALED>(scaling, row.slopes, factor, grad);
        if SCALED && let Some(sigma_grad) = &mut self.sigma_grad {
            let sigma_grad = &mut sigma_grad[index * n_classes..][..n_classes];
            sample.sigma_gradient(row, factor, sigma_grad);
        }
    }
}

impl<U: Real, const L: usize, const SCALED: bool> Classes<'_, U, L, SCALED> {
    /// `Σ d_i dP/dd_i` with the differences `d_i = shift_i + origin`, per lane; without `SCALED`.
    #[inline(always)]
    pub fn slope_of_scale(&self, origin: &[f64; L], gradient: &[[U; L]]) -> [f64; L] {
        let mut sum = [0.0; L];
        for (shift, slope) in self.shift.iter().zip(gradient) {
            for l in 0..L {
                sum[l] += (shift[l].to_f64() + origin[l]) * slope[l].to_f64();
            }
        }
        sum
    }

    /// The orthant probabilities among `n_classes`, of which `present` take part in each lane.
    #[inline(always)]
    pub fn orthant<const FUSED: bool>(
        &self,
        origin: &[f64; L],
        present: &[usize; L],
        n_classes: usize,
        rule: &Rule,
        workspace: &mut Workspace<'_, U, L>,
    ) -> Orthant<L> {
        let mut orthant = if self.shift.is_empty() {
            Orthant::CERTAIN
        } else {
            integrate::<U, _, L, FUSED>(self, origin, n_classes - 1, rule, workspace)
        };
        for (l, &present) in present.iter().enumerate() {
            if present == 0 {
                orthant.settle(l);
            }
        }
        orthant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P, 1 - P and the gradient row of each sample.
    fn evaluate<T: Real>(arch: Arch, per_class: bool, many: bool, n_classes: usize) -> Vec<[Vec<f64>; 2]> {
        let n = 37;
        let wave = |i: usize, frequency: f64| (i as f64 * frequency).sin();
        let logits: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(3.0 * wave(i, 0.7))).collect();
        let labels: Vec<u32> = (0..n).map(|i| u32::try_from(i % n_classes).unwrap()).collect();
        let sigma: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(1.0 + 0.4 * wave(i, 0.9))).collect();
        let mut grad = vec![T::ZERO; logits.len()];
        let mut probabilities = Vec::new();
        let batch = OrthantBatch {
            logits: &logits,
            n_classes,
            labels: &labels,
            sigma: if per_class { Sigma::PerClass(&sigma) } else { Sigma::Common(T::from_f64(0.7)) },
            margin: None,
            rule: &Rule::precise::<T>(),
            quantity: Quantity::Probability,
            grad: &mut grad,
            sigma_grad: None,
            visit: &mut |_, outcome| {
                probabilities.push(vec![outcome.probability(), outcome.complement()]);
                T::ONE
            },
        };
        if many {
            batch.run_many_on(arch);
        } else {
            batch.run_on::<T, 16>(arch);
        }
        let rows = grad.chunks(n_classes).map(|row| row.iter().map(|g| g.to_f64()).collect());
        probabilities.into_iter().zip(rows).map(|(probability, row)| [probability, row]).collect()
    }

    /// The largest difference of a probability, relative to it, or of a gradient entry, relative to its row's largest.
    fn difference(found: &[[Vec<f64>; 2]], expected: &[[Vec<f64>; 2]]) -> f64 {
        let mut worst: f64 = 0.0;
        for ([p, grad], [p_expected, grad_expected]) in found.iter().zip(expected) {
            for (p, p_expected) in p.iter().zip(p_expected) {
                worst = worst.max((p / p_expected - 1.0).abs());
            }
            let size = grad_expected.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
            for (g, g_expected) in grad.iter().zip(grad_expected) {
                worst = worst.max((g - g_expected).abs() / size);
            }
        }
        worst
    }

    /// The instruction sets that this processor has, beside the scalar one.
    fn instruction_sets() -> Vec<Arch> {
        let widest = std::iter::once(Arch::new());
        #[cfg(target_arch = "x86_64")]
        let widest = widest.chain(pulp::x86::V3::try_new().map(Arch::V3));
        widest.collect()
    }

    /// Measured: 4.1 in `f64`, 5.0 in `f32`.
    const ULPS: f64 = 16.0;

    /// The instruction sets differ in fused multiplications, whose roundings add up over nodes and classes.
    fn agree<T: Real>(cases: &[(bool, bool, usize)]) {
        for &(per_class, many, n_classes) in cases {
            let scalar = evaluate::<T>(Arch::Scalar, per_class, many, n_classes);
            for arch in instruction_sets() {
                let vector = evaluate::<T>(arch, per_class, many, n_classes);
                let ulps = difference(&vector, &scalar) / T::EPSILON.to_f64();
                assert!(ulps <= ULPS, "{arch:?}, {n_classes} classes: {ulps:.1} ulps");
            }
        }
    }

    #[test]
    fn scalar_and_vector_instructions_agree() {
        agree::<f64>(&[
            (false, false, 2),
            (false, false, 3),
            (false, false, 40),
            (true, false, 2),
            (true, false, 9),
        ]);
    }

    #[test]
    fn scalar_and_vector_instructions_agree_in_single_precision() {
        agree::<f32>(&[
            (false, false, 2),
            (false, false, 3),
            (false, false, 40),
            (true, false, 2),
            (true, false, 9),
        ]);
        agree::<f32>(&[(false, true, 500)]);
    }

    #[test]
    fn representatives_stand_for_their_classes() {
        for n_classes in [100, 3000] {
            let all = evaluate::<f32>(Arch::new(), false, false, n_classes);
            let represented = evaluate::<f32>(Arch::new(), false, true, n_classes);
            let error = difference(&represented, &all);
            assert!(error < 3e-6, "{n_classes} classes: {error:e}");
        }
    }
}
