//! A batch of orthant probabilities: rows of logits in, one probability and one gradient row per sample out.

use pulp::{Arch, Simd, WithSimd};

use super::classes::Classes;
use super::exceedance::Exceedance;
use super::orthant::{Orthant, Workspace};
use super::sigma::Sigma;
use crate::Real;
use crate::normal::{INV_SQRT_2PI, exp_nonpositive, half_erfcx};
use crate::quadrature::Rule;

/// A sigma this many times smaller than the label's is taken as that much smaller: the class's score is a constant.
const SCALE_MAX: f64 = 1e6;
/// The label's sigma over a class's is at least this times the square root of the rounding error: below, the label's
/// score is a constant beside the class's.
const SCALE_MIN: f64 = 0.1;

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
    size: f64,
    exponent: f64,
    /// Whether that is P.
    is_probability: bool,
    smaller: f64,
    /// Derivative of the quantity with respect to sigma, where one sigma serves all classes; else NaN.
    pub dsigma: f64,
}

impl Outcome {
    fn new(probability: f64, complement: f64, factor: f64, exponent: f64) -> Self {
        let is_probability = probability <= complement;
        let size = factor * if is_probability { probability } else { complement };
        // Rounding may lift the smaller of two halves just above one half.
        let smaller = (size * exponent.exp()).min(1.0);
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
        if self.is_probability { self.size.ln() + self.exponent } else { (-self.smaller).ln_1p() }
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
    scratch: &'s mut [U],
}

impl<T: Real, U: Real, const L: usize> WithSimd for Run<'_, '_, T, U, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let scaled = self.batch.sigma.is_per_class();
        match (S::IS_SCALAR, scaled) {
            (false, false) => self.batch.groups::<U, L, true, false>(self.scratch),
            (false, true) => self.batch.groups::<U, L, true, true>(self.scratch),
            (true, false) => self.batch.groups::<U, L, false, false>(self.scratch),
            (true, true) => self.batch.groups::<U, L, false, true>(self.scratch),
        }
    }
}

impl<T: Real> OrthantBatch<'_, T> {
    /// Runs in the working precision `U` with `L` lanes, on the widest instruction set at hand.
    pub fn run<U: Real, const L: usize>(self) {
        self.run_on::<U, L>(Arch::new());
    }

    fn run_on<U: Real, const L: usize>(self, arch: Arch) {
        let slabs = if self.sigma.is_per_class() { 5 } else { 3 };
        U::with_scratch(slabs * (self.n_classes - 1) * L, |scratch| {
            arch.dispatch(Run::<T, U, L> { batch: self, scratch });
        });
    }

    /// The probability that fewer than `k` scores exceed the label's, in `f64`, sample by sample.
    pub fn run_top_k(self, k: usize) {
        if self.sigma.is_per_class() { self.rows::<true>(k) } else { self.rows::<false>(k) }
    }

    fn rows<const SCALED: bool>(mut self, k: usize) {
        let others = self.n_classes - 1;
        let (mut shift, mut scale) = (vec![[0.0]; others], vec![[0.0]; if SCALED { others } else { 0 }]);
        let (mut gradient, mut first_moment) = (shift.clone(), scale.clone());
        let mut workspace =
            Workspace { hazards: &mut [], gradient: &mut gradient, first_moment: &mut first_moment };
        let mut exceedance = Exceedance::new(k.min(self.n_classes));
        for row in 0..self.labels.len() {
            let inverse_sigma = self.load::<f64, 1, SCALED>(row, 0, &mut shift, &mut scale);
            let classes = Classes::<'_, f64, 1, SCALED> { shift: &shift, scale: &scale };
            let orthant = if k > others {
                certain()
            } else {
                classes.integrate_top_k(self.rule, &mut exceedance, &mut workspace)
            };
            self.store::<f64, 1, SCALED>(row, 0, inverse_sigma, &orthant, &classes, &workspace);
        }
    }

    #[inline(always)]
    fn groups<U: Real, const L: usize, const FUSED: bool, const SCALED: bool>(mut self, scratch: &mut [U]) {
        let others = self.n_classes - 1;
        let (scratch, _) = scratch.as_chunks_mut::<L>();
        let (shift, scratch) = scratch.split_at_mut(others);
        let (hazards, scratch) = scratch.split_at_mut(others);
        let (gradient, scratch) = scratch.split_at_mut(others);
        let (scale, first_moment) = scratch.split_at_mut(if SCALED { others } else { 0 });
        let mut workspace = Workspace { hazards, gradient, first_moment };
        for first in (0..self.labels.len()).step_by(L) {
            let lanes = L.min(self.labels.len() - first);
            let mut inverse_sigma = [1.0; L];
            for (l, inverse_sigma) in inverse_sigma.iter_mut().enumerate() {
                // Lanes past the last sample repeat it.
                *inverse_sigma = self.load::<U, L, SCALED>(first + l.min(lanes - 1), l, shift, scale);
            }
            let classes = Classes::<'_, U, L, SCALED> { shift, scale };
            let orthant = match others {
                0 => certain(),
                1 => classes.binary::<FUSED>(&mut workspace),
                _ => classes.integrate::<FUSED>(self.rule, &mut workspace),
            };
            for (l, inverse_sigma) in inverse_sigma.iter().enumerate().take(lanes) {
                self.store::<U, L, SCALED>(first + l, l, *inverse_sigma, &orthant, &classes, &workspace);
            }
        }
    }

    /// Differences to the label's logit in units of sigma, the label itself left out. Returns the reciprocal of the label's sigma.
    #[inline(always)]
    fn load<U: Real, const L: usize, const SCALED: bool>(
        &self,
        row: usize,
        lane: usize,
        shift: &mut [[U; L]],
        scale: &mut [[U; L]],
    ) -> f64 {
        let logits = &self.logits[row * self.n_classes..][..self.n_classes];
        let label = self.labels[row] as usize;
        let margin = self.margin.unwrap_or(T::INFINITY).to_f64();
        let mean = logits[label];
        let sigmas = self.sigma.row(row, self.n_classes);
        let sigma = if SCALED { sigmas[label] } else { sigmas[0] }.to_f64();
        let inverse = reciprocal(sigma);
        let others = logits.iter().enumerate().filter(|&(class, _)| class != label);
        for (slot, (class, &logit)) in others.enumerate() {
            let delta = (mean.to_f64() - logit.to_f64()).min(margin);
            if SCALED {
                let class_sigma = sigmas[class].to_f64().max(sigma / SCALE_MAX);
                let a = (sigma / class_sigma).max(SCALE_MIN * U::EPSILON.to_f64().sqrt());
                // Shifts at the limit leave a / φ(shift) in range also where a is small.
                let unit = (0.47 + 0.5 * a * a).sqrt();
                let b = delta * reciprocal(class_sigma);
                shift[slot][lane] = U::from_f64(b.clamp(U::SHIFT_MIN * unit, U::SHIFT_MAX * unit));
                scale[slot][lane] = U::from_f64(a);
            } else {
                shift[slot][lane] = U::from_f64((delta * inverse).clamp(U::SHIFT_MIN, U::SHIFT_MAX));
            }
        }
        inverse
    }

    /// Reports the sample and writes its gradient.
    #[inline(always)]
    fn store<U: Real, const L: usize, const SCALED: bool>(
        &mut self,
        row: usize,
        lane: usize,
        inverse_sigma: f64,
        orthant: &Orthant<L>,
        classes: &Classes<'_, U, L, SCALED>,
        workspace: &Workspace<'_, U, L>,
    ) {
        let n_classes = self.n_classes;
        let label = self.labels[row] as usize;
        let (probability, complement) = (orthant.probability[lane], orthant.complement[lane]);
        let mut outcome = Outcome::new(probability, complement, orthant.factor[lane], orthant.exponent[lane]);
        let size = orthant.factor[lane] * orthant.exponent[lane].exp();
        let size = match self.quantity {
            Quantity::Probability => size,
            Quantity::LogProbability if outcome.is_probability => 1.0 / probability,
            Quantity::LogProbability => size / outcome.probability(),
        };
        if !SCALED {
            let sum: f64 = (classes.shift.iter().zip(workspace.gradient.iter()))
                .map(|(shift, gradient)| shift[lane].to_f64() * gradient[lane].to_f64())
                .sum();
            outcome.dsigma = -sum * inverse_sigma * size;
        }
        let factor = (self.visit)(row, &outcome).to_f64() * size;
        let logits = &self.logits[row * n_classes..][..n_classes];
        let limit = self.margin.map_or(T::INFINITY, |margin| margin);
        let sigmas = self.sigma.row(row, n_classes);
        let grad = &mut self.grad[row * n_classes..][..n_classes];
        let (mut slot, mut sum, mut dsigma_label) = (0, 0.0, 0.0);
        for class in 0..n_classes {
            if class == label {
                continue;
            }
            let g = workspace.gradient[slot][lane].to_f64() * factor;
            let inverse = if SCALED { reciprocal(sigmas[class].to_f64()) } else { inverse_sigma };
            // A delta beyond the margin is a constant.
            let free = logits[label] - logits[class] <= limit;
            let slope = if free { g * inverse } else { 0.0 };
            grad[class] = T::saturating_from_f64(-slope);
            sum += slope;
            if SCALED && let Some(sigma_grad) = &mut self.sigma_grad {
                let moment = workspace.first_moment[slot][lane].to_f64() * factor;
                let (a, b) = (classes.scale[slot][lane].to_f64(), classes.shift[slot][lane].to_f64());
                sigma_grad[row * n_classes + class] = T::saturating_from_f64(-inverse * (a * moment + b * g));
                dsigma_label += moment * inverse;
            }
            slot += 1;
        }
        grad[label] = T::saturating_from_f64(sum);
        if SCALED && let Some(sigma_grad) = &mut self.sigma_grad {
            sigma_grad[row * n_classes + label] = T::saturating_from_f64(dsigma_label);
        }
    }
}

/// `1 / sigma`, finite also where sigma is subnormal.
#[inline(always)]
fn reciprocal(sigma: f64) -> f64 {
    (1.0 / sigma).min(f64::MAX)
}

/// With a single class the label always wins.
fn certain<const L: usize>() -> Orthant<L> {
    Orthant { probability: [1.0; L], complement: [0.0; L], factor: [1.0; L], exponent: [0.0; L] }
}

impl<U: Real, const L: usize, const SCALED: bool> Classes<'_, U, L, SCALED> {
    /// Two classes, in closed form, since the difference of two normal scores is normal: with the other class's
    /// `a z + b`, `P = Φ(x)` at `x = b / √(1 + a²)`, `G = φ(x) / √(1 + a²)` and `∫ z φ F h dz = -a b G / (1 + a²)`.
    #[inline(always)]
    fn binary<const FUSED: bool>(&self, workspace: &mut Workspace<'_, U, L>) -> Orthant<L> {
        let mut orthant = certain();
        for l in 0..L {
            let a = if SCALED { self.scale[0][l].to_f64() } else { 1.0 };
            let norm = 1.0 / (1.0 + a * a);
            let x = self.shift[0][l].to_f64() * norm.sqrt();
            let y = U::from_f64(x.abs());
            let g = half_erfcx::<U, FUSED>(y).to_f64();
            // Sizes are relative to exp(-x²/2), so that the tails keep their digits.
            let exponent = -0.5 * x * x;
            let rest = if x.abs() < 8.0 {
                exp_nonpositive::<f64, FUSED>(-exponent.max(-32.0)) - g
            } else {
                f64::INFINITY
            };
            let (probability, complement) = if x < 0.0 { (g, rest) } else { (rest, g) };
            orthant.probability[l] = probability;
            orthant.complement[l] = complement;
            orthant.exponent[l] = exponent;
            let gradient = INV_SQRT_2PI * norm.sqrt();
            workspace.gradient[0][l] = U::from_f64(gradient);
            if SCALED {
                workspace.first_moment[0][l] = U::from_f64(-a * self.shift[0][l].to_f64() * norm * gradient);
            }
        }
        orthant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P, 1 - P and the gradient row of each sample.
    fn evaluate<T: Real>(arch: Arch, per_class: bool, n_classes: usize) -> Vec<[Vec<f64>; 2]> {
        let n = 37;
        let wave = |i: usize, frequency: f64| (i as f64 * frequency).sin();
        let logits: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(3.0 * wave(i, 0.7))).collect();
        let labels: Vec<u32> = (0..n).map(|i| u32::try_from(i % n_classes).unwrap()).collect();
        let sigma: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(1.0 + 0.4 * wave(i, 0.9))).collect();
        let mut grad = vec![T::ZERO; logits.len()];
        let mut probabilities = Vec::new();
        OrthantBatch {
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
        }
        .run_on::<T, 16>(arch);
        let rows = grad.chunks(n_classes).map(|row| row.iter().map(|g| g.to_f64()).collect());
        probabilities.into_iter().zip(rows).map(|(probability, row)| [probability, row]).collect()
    }

    /// Measured: 4.1 in `f64`, 5.0 in `f32`.
    const ULPS: f64 = 16.0;

    /// The instruction sets differ in fused multiplications, whose roundings add up over nodes and classes.
    fn agree<T: Real>(ulps: f64) {
        let mut worst: f64 = 0.0;
        for (per_class, n_classes) in [(false, 2), (false, 3), (false, 40), (true, 2), (true, 9)] {
            let vector = evaluate::<T>(Arch::new(), per_class, n_classes);
            let scalar = evaluate::<T>(Arch::Scalar, per_class, n_classes);
            for ([p, grad], [p_scalar, grad_scalar]) in vector.iter().zip(&scalar) {
                for (p, p_scalar) in p.iter().zip(p_scalar) {
                    worst = worst.max((p / p_scalar - 1.0).abs());
                }
                let size = grad.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
                for (g, g_scalar) in grad.iter().zip(grad_scalar) {
                    worst = worst.max((g - g_scalar).abs() / size);
                }
            }
        }
        let worst = worst / T::EPSILON.to_f64();
        assert!(worst <= ulps, "{worst:.1} ulps");
    }

    #[test]
    fn scalar_and_vector_instructions_agree() {
        agree::<f64>(ULPS);
    }

    #[test]
    fn scalar_and_vector_instructions_agree_in_single_precision() {
        agree::<f32>(ULPS);
    }
}
