//! The largest score of each row: the probability of every class to have it, and the gradient of an expected
//! cost.
//!
//! Rows are loaded into lanes, with `x_c = a_c z + b_c` for `z` in units of a row's largest sigma from its
//! largest mean, and [`integrate`] does the integrals over z for all lanes at once.

mod integrate;

use integrate::{ClassSums, Ends};
use pulp::{Arch, Simd, WithSimd};

use super::classes::Classes;
use super::means::Means;
use super::sigma::Sigma;
use crate::Real;
use crate::quadrature::Rule;
use crate::real::Compiled;
use crate::samples::rows_per_block;
use crate::scratch::with_scratch;

/// Samples that are evaluated together.
const LANES: usize = 16;
/// A sigma this many times smaller than the row's largest is taken as that much smaller.
const SCALE_MAX: f64 = 1e6;
/// Differences of means are clamped at this many sigmas.
const SHIFT_MAX: f64 = 1e6;
/// `f32` arithmetic resolves no truncation beyond this: `e^-16` is the rounding error.
const SINGLE_TRUNCATION: f64 = 16.0;

/// Rows of means whose predictive distribution is wanted, or the gradient of an expected cost.
pub(crate) struct DistributionBatch<'a, T> {
    pub means: Means<'a, T>,
    pub sigma: Sigma<'a, T>,
    pub rule: &'a Rule,
    /// `[n, c]`: where costs come from and results go to.
    pub grad: &'a mut [T],
}

/// The expected cost of a sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// `Σ K_c p_c`.
    pub value: f64,
    /// Its derivative with respect to sigma, where one sigma serves all classes; else 0.
    pub dsigma: f64,
}

/// What is done with the costs of a batch.
struct Costs<'a, T> {
    /// `[n, c]` for a sigma per class, `[n]` otherwise.
    sigma_grad: Option<&'a mut [T]>,
    visit: &'a mut dyn FnMut(usize, Cost) -> T,
}

impl<T: Real> DistributionBatch<'_, T> {
    /// Writes the probabilities to `grad`.
    pub fn probabilities(self) {
        if self.means.n_classes() == 1 {
            self.grad.fill(T::ONE);
        } else {
            T::run::<Rows>((self, None));
        }
    }

    /// Replaces the costs of the predictions, which `grad` holds, by the gradient of the expected cost with
    /// respect to the logits. `visit` sees each sample's expected cost and returns the factor of its
    /// gradients.
    pub fn costs(self, sigma_grad: Option<&mut [T]>, visit: &mut dyn FnMut(usize, Cost) -> T) {
        T::run::<Rows>((self, Some(Costs { sigma_grad, visit })));
    }

    /// Adds up what `evaluate` returns for parts of the rows, which it is called with on the current rayon
    /// pool. The parts, and the order of the sum, depend on the number of rows and classes alone.
    pub fn in_parallel<F>(self, sigma_grad: Option<&mut [T]>, evaluate: &F) -> f64
    where
        F: Fn(DistributionBatch<'_, T>, Option<&mut [T]>) -> f64 + Sync,
    {
        let (n, n_classes) = (self.means.n_rows(), self.means.n_classes());
        let middle = n.div_ceil(2).next_multiple_of(rows_per_block(n_classes));
        if middle >= n {
            return evaluate(self, sigma_grad);
        }
        let (means, sigma) = (self.means.split_at(middle), self.sigma.split_at(middle, n_classes));
        let grad = self.grad.split_at_mut(middle * n_classes);
        let per_row = if self.sigma.is_per_class() { n_classes } else { 1 };
        let sigma_grad = sigma_grad.map(|grad| grad.split_at_mut(middle * per_row));
        let sigma_grad = sigma_grad.map_or((None, None), |(left, right)| (Some(left), Some(right)));
        let rule = self.rule;
        let left = DistributionBatch { means: means.0, sigma: sigma.0, rule, grad: grad.0 };
        let right = DistributionBatch { means: means.1, sigma: sigma.1, rule, grad: grad.1 };
        let sums = rayon::join(
            || left.in_parallel(sigma_grad.0, evaluate),
            || right.in_parallel(sigma_grad.1, evaluate),
        );
        sums.0 + sums.1
    }

    fn run(self, arch: Arch, costs: Option<Costs<'_, T>>) {
        let short = self.rule.truncation() <= SINGLE_TRUNCATION && T::IS_SINGLE;
        if short || self.rule.is_single_precision() {
            self.run_in::<f32>(arch, costs);
        } else {
            self.run_in::<f64>(arch, costs);
        }
    }

    /// Runs in the working precision `U`.
    fn run_in<U: Real>(self, arch: Arch, costs: Option<Costs<'_, T>>) {
        let slabs = if costs.is_some() { 6 } else { 4 };
        with_scratch::<U, _>(slabs * self.means.n_classes() * LANES, |scratch| {
            arch.dispatch(InLanes { batch: self, costs, scratch });
        });
    }
}

/// The rows of a batch, with what is done with their costs.
struct Rows;

impl Compiled for Rows {
    type Input<'a, T: Real> = (DistributionBatch<'a, T>, Option<Costs<'a, T>>);

    fn single((batch, costs): (DistributionBatch<'_, f32>, Option<Costs<'_, f32>>)) {
        batch.run(Arch::new(), costs);
    }

    fn double((batch, costs): (DistributionBatch<'_, f64>, Option<Costs<'_, f64>>)) {
        batch.run(Arch::new(), costs);
    }
}

/// A batch with the buffers for its groups.
struct InLanes<'a, 'c, 's, T, U> {
    batch: DistributionBatch<'a, T>,
    costs: Option<Costs<'c, T>>,
    scratch: &'s mut [U],
}

impl<T: Real, U: Real> WithSimd for InLanes<'_, '_, '_, T, U> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match (S::IS_SCALAR, self.batch.sigma.is_per_class()) {
            (false, false) => self.groups::<true, false>(),
            (false, true) => self.groups::<true, true>(),
            (true, false) => self.groups::<false, false>(),
            (true, true) => self.groups::<false, true>(),
        }
    }
}

/// A row in one of the lanes: `x_c = a_c z + b_c` for `z` in units of its largest sigma, from its largest
/// mean.
#[derive(Clone, Copy, Default)]
struct Lane {
    /// One over the unit.
    inverse_unit: f64,
    /// The class of the largest mean.
    top: usize,
    /// The cost of predicting that class.
    top_cost: f64,
    /// The largest difference from that cost; the kernel's costs are these differences, divided by this.
    cost_range: f64,
}

impl<T: Real, U: Real> InLanes<'_, '_, '_, T, U> {
    #[inline(always)]
    fn groups<const FUSED: bool, const SCALED: bool>(self) {
        let Self { mut batch, mut costs, scratch } = self;
        let n_classes = batch.means.n_classes();
        let (scratch, _) = scratch.as_chunks_mut::<LANES>();
        let (shift, scratch) = scratch.split_at_mut(n_classes);
        let (hazards, scratch) = scratch.split_at_mut(n_classes);
        let (values, scratch) = scratch.split_at_mut(n_classes);
        let (scale, scratch) = scratch.split_at_mut(if SCALED { n_classes } else { 0 });
        let (cost_rows, scratch) = scratch.split_at_mut(if costs.is_some() { n_classes } else { 0 });
        let (moments, _) = scratch.split_at_mut(if SCALED && costs.is_some() { n_classes } else { 0 });
        let mut class_sums = ClassSums { hazards, values, costs: cost_rows, moments };
        let ends = Ends::new(batch.rule.truncation(), n_classes);
        let n = batch.means.n_rows();
        for first in (0..n).step_by(LANES) {
            let filled = LANES.min(n - first);
            let mut lanes = [Lane::default(); LANES];
            for (l, lane) in lanes.iter_mut().enumerate() {
                // Lanes past the last sample repeat it.
                let row = first + l.min(filled - 1);
                *lane = batch.load::<U, SCALED>(row, l, shift, scale);
                if costs.is_some() {
                    batch.load_costs(row, l, lane, class_sums.costs);
                }
            }
            let classes = Classes::<'_, U, LANES, SCALED> { shift, scale };
            let expected = classes.integrate_argmax::<FUSED>(batch.rule, ends, &mut class_sums);
            for (l, (lane, expected)) in lanes.iter().zip(expected).enumerate().take(filled) {
                match &mut costs {
                    None => batch.store_probabilities(first + l, l, class_sums.values),
                    Some(costs) => batch.store(first + l, l, *lane, expected, &classes, &class_sums, costs),
                }
            }
        }
    }
}

impl<T: Real> DistributionBatch<'_, T> {
    #[inline(always)]
    fn load<U: Real, const SCALED: bool>(
        &self,
        row: usize,
        lane: usize,
        shift: &mut [[U; LANES]],
        scale: &mut [[U; LANES]],
    ) -> Lane {
        let n_classes = self.means.n_classes();
        let (logits, floor) = self.means.row(row);
        let sigmas = self.sigma.row(row, n_classes);
        let (mut unit, mut top) = (0.0_f64, 0);
        for sigma in sigmas {
            unit = unit.max(sigma.to_f64());
        }
        for class in 1..n_classes {
            top = if logits[class] > logits[top] { class } else { top };
        }
        // No mean is lifted above the label's, nor hence above the largest.
        let origin = logits[top].to_f64();
        for (class, logit) in logits.iter().enumerate() {
            let below = origin - logit.to_f64().max(floor);
            let sigma = if SCALED { sigmas[class].to_f64().max(unit / SCALE_MAX) } else { unit };
            // Where sigma is subnormal, its reciprocal would not be finite.
            shift[class][lane] = U::from_f64((below / sigma).min(SHIFT_MAX));
            if SCALED {
                scale[class][lane] = U::from_f64(unit / sigma);
            }
        }
        Lane { inverse_unit: (1.0 / unit).min(f64::MAX), top, ..Lane::default() }
    }

    /// Costs relative to that of the class of the largest mean. They give the same gradient, and nothing
    /// cancels where that class is almost certain to win.
    #[inline(always)]
    fn load_costs<U: Real>(&self, row: usize, l: usize, lane: &mut Lane, costs: &mut [[U; LANES]]) {
        let n_classes = self.means.n_classes();
        let values = &self.grad[row * n_classes..][..n_classes];
        lane.top_cost = values[lane.top].to_f64();
        lane.cost_range = 0.0;
        // Halves, whose difference does not overflow.
        let base = 0.5 * lane.top_cost;
        for value in values {
            lane.cost_range = lane.cost_range.max((0.5 * value.to_f64() - base).abs());
        }
        let inverse = if lane.cost_range > 0.0 { 1.0 / lane.cost_range } else { 0.0 };
        for (cost, value) in costs.iter_mut().zip(values) {
            cost[l] = U::from_f64((0.5 * value.to_f64() - base) * inverse);
        }
        lane.cost_range *= 2.0;
    }

    #[inline(always)]
    fn store_probabilities<U: Real>(&mut self, row: usize, l: usize, sums: &[[U; LANES]]) {
        let n_classes = self.means.n_classes();
        for (out, sum) in self.grad[row * n_classes..][..n_classes].iter_mut().zip(sums) {
            *out = T::from_f64(sum[l].to_f64().min(1.0));
        }
    }

    /// Reports the sample and writes its gradients.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn store<U: Real, const SCALED: bool>(
        &mut self,
        row: usize,
        l: usize,
        lane: Lane,
        expected: f64,
        classes: &Classes<'_, U, LANES, SCALED>,
        class_sums: &ClassSums<'_, U, LANES>,
        costs: &mut Costs<'_, T>,
    ) {
        let n_classes = self.means.n_classes();
        let slope = lane.cost_range * lane.inverse_unit;
        let mut dsigma = 0.0;
        if !SCALED {
            for (shift, sum) in classes.shift.iter().zip(class_sums.values.iter()) {
                dsigma += shift[l].to_f64() * sum[l].to_f64();
            }
        }
        let dsigma = dsigma * slope;
        let value = lane.top_cost + lane.cost_range * expected;
        let factor = (costs.visit)(row, Cost { value, dsigma }).to_f64();
        let grad = &mut self.grad[row * n_classes..][..n_classes];
        for (grad, sum) in grad.iter_mut().zip(class_sums.values.iter()) {
            *grad = T::saturating_from_f64(sum[l].to_f64() * slope * factor);
        }
        self.means.pull_back(row, grad);
        let Some(sigma_grad) = &mut costs.sigma_grad else { return };
        if SCALED {
            let sigma_grad = &mut sigma_grad[row * n_classes..][..n_classes];
            for (sigma_grad, moment) in sigma_grad.iter_mut().zip(class_sums.moments.iter()) {
                *sigma_grad = T::saturating_from_f64(moment[l].to_f64() * slope * factor);
            }
        } else {
            sigma_grad[row] = T::saturating_from_f64(dsigma * factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities, then gradients, of a batch that does not fill its last group.
    fn evaluate<T: Real>(arch: Arch, per_class: bool, n_classes: usize) -> Vec<f64> {
        let n = 37;
        let wave = |i: usize, frequency: f64| (i as f64 * frequency).sin();
        let logits: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(3.0 * wave(i, 0.7))).collect();
        let sigmas: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(1.0 + 0.3 * wave(i, 0.9))).collect();
        let mut p = vec![T::ZERO; logits.len()];
        let mut grad: Vec<T> = (0..n * n_classes).map(|i| T::from_f64(wave(i, 1.3))).collect();
        let mut sigma_grad = vec![T::ZERO; if per_class { logits.len() } else { n }];
        let rule = Rule::precise::<T>();
        let batch = |grad| DistributionBatch {
            means: Means::of(&logits, n_classes),
            sigma: if per_class { Sigma::PerClass(&sigmas) } else { Sigma::Common(T::from_f64(0.7)) },
            rule: &rule,
            grad,
        };
        batch(&mut p).run(arch, None);
        let costs = Costs { sigma_grad: Some(&mut sigma_grad), visit: &mut |_, _| T::ONE };
        batch(&mut grad).run(arch, Some(costs));
        [p, grad, sigma_grad].concat().into_iter().map(T::to_f64).collect()
    }

    /// Measured: 1.5 in `f64`, 1.0 in `f32`.
    const ULPS: f64 = 8.0;

    /// The instruction sets differ in fused multiplications, whose roundings add up over nodes and classes.
    fn agree<T: Real>() {
        let mut worst: f64 = 0.0;
        for (per_class, n_classes) in [(false, 2), (false, 3), (false, 40), (true, 2), (true, 9)] {
            let vector = evaluate::<T>(Arch::new(), per_class, n_classes);
            let scalar = evaluate::<T>(Arch::Scalar, per_class, n_classes);
            for (a, b) in vector.iter().zip(&scalar) {
                worst = worst.max((a - b).abs());
            }
        }
        let worst = worst / T::EPSILON.to_f64();
        assert!(worst <= ULPS, "{worst:.1} ulps");
    }

    #[test]
    fn scalar_and_vector_instructions_agree() {
        agree::<f64>();
    }

    #[test]
    fn scalar_and_vector_instructions_agree_in_single_precision() {
        agree::<f32>();
    }
}
