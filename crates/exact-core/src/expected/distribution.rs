//! The predictive distribution: the probability of each class to have the largest score, and its derivatives.

use pulp::{Arch, Simd, WithSimd};

use super::argmax::{Ends, Workspace};
use super::classes::Classes;
use super::means::Means;
use super::sigma::Sigma;
use crate::Real;
use crate::loss::{Logits, LossError, check_length, rows_per_block};
use crate::quadrature::Rule;

/// Samples that are evaluated together.
const LANES: usize = 16;
/// A sigma this many times smaller than the row's largest is taken as that much smaller.
const SCALE_MAX: f64 = 1e6;
/// Differences of means are clamped at this many sigmas.
const SHIFT_MAX: f64 = 1e6;
/// `f32` arithmetic resolves no truncation beyond this: `e^-16` is the rounding error.
const SINGLE_TRUNCATION: f64 = 16.0;

/// Writes `P(argmax_i s_i = c)` for every class c of every row to `out`, `[n, c]`, for independent scores
/// `s_i ~ N(mu_i, sigma_i²)`: the probit counterpart of softmax. Runs on the calling thread.
///
/// # Formula
/// `p_c = ∫ φ((t - mu_c) / sigma_c) / sigma_c · Π_{i≠c} Φ((t - mu_i) / sigma_i) dt`.
///
/// # Accuracy
/// With `Rule::precise::<f64>()`, probabilities have an absolute error below 1e-13, and sum to 1 within 1e-13 without being
/// normalised; checked for sigmas of a row that differ by a factor of up to 64. Where a class has a probability
/// below `e^(-truncation / 2)`, 1e-7 for these rules, intervals are added on which unlikely classes win, so that every
/// entry above 1e-280 has a relative error below 1e-9.
///
/// [`Rule::training`], and for `f32` logits every rule with a truncation of at most 16, is evaluated in `f32`
/// arithmetic, without such intervals. The absolute error of the probabilities and of their sum is then below 1e-6.
///
/// # Errors
/// [`LossError`] if `out` does not have the shape of the logits or a sigma is not positive and finite.
///
/// # Example
/// ```
/// use exact_core::Rule;
/// use exact_core::expected::{Sigma, predictive_distribution};
/// use exact_core::loss::Logits;
///
/// let logits = Logits::new(&[1.0_f64, 0.0], 2).unwrap();
/// let mut p = [0.0; 2];
/// predictive_distribution(logits, Sigma::Common(0.5), &Rule::precise::<f64>(), &mut p).unwrap();
/// // Two classes: Φ(1 / (0.5 √2)).
/// assert!((p[0] - 0.921_350_396_474_857_3).abs() < 1e-13);
/// assert!((p[0] + p[1] - 1.0).abs() < 1e-13);
/// ```
pub fn predictive_distribution<T: Real>(
    logits: Logits<'_, T>,
    sigma: Sigma<'_, T>,
    rule: &Rule,
    out: &mut [T],
) -> Result<(), LossError> {
    check_length("output", out, logits.values().len())?;
    sigma.check(logits.n_rows(), logits.n_classes())?;
    DistributionBatch { means: Means::of(logits.values(), logits.n_classes()), sigma, rule, grad: out }
        .probabilities();
    Ok(())
}

/// Writes the vector-Jacobian product of the predictive distribution with `cotangent`, `[n, c]`, to `grad`, `[n, c]`,
/// and that with respect to the sigmas to `sigma_grad`: `[n, c]` for [`Sigma::PerClass`], `[n]` otherwise (sum it for
/// [`Sigma::Common`]). Runs on the calling thread.
///
/// The Jacobian with respect to the means is symmetric, so that `grad` is also the Jacobian-vector product: the
/// derivative of each probability when the means move along `cotangent`.
///
/// # Formula
/// For `L = Σ_c K_c p_c`, with `x_c = (t - mu_c) / sigma_c`, `F(t) = Π Φ(x_c)`, `r_c = φ(x_c) / (Φ(x_c) sigma_c)`,
/// `R = Σ r_c` and `A = Σ K_c r_c`: `dL/dmu_j = ∫ F r_j (K_j R - A) dt` and `dL/dsigma_j = ∫ F r_j x_j (K_j R - A) dt`,
/// O(classes) per node. For a common sigma, `dL/dsigma = Σ_j (max mu - mu_j) / sigma · dL/dmu_j`.
///
/// # Accuracy
/// For cotangents in a range of 1 and sigmas of 1, as in [`predictive_distribution`], the absolute error is below 1e-12
/// with `Rule::precise::<f64>()` and below 3e-6 with [`Rule::training`].
///
/// # Errors
/// As [`predictive_distribution`], and if `cotangent` or an output has another length or a cotangent is not finite.
///
/// # Example
/// ```
/// use exact_core::Rule;
/// use exact_core::expected::{Sigma, predictive_distribution_gradient};
/// use exact_core::loss::Logits;
///
/// let logits = Logits::new(&[1.0_f64, 0.0], 2).unwrap();
/// let (mut grad, mut sigma_grad) = ([0.0; 2], [0.0]);
/// let (sigma, rule) = (Sigma::Common(1.0), Rule::precise::<f64>());
/// predictive_distribution_gradient(logits, sigma, &rule, &[1.0, 0.0], &mut grad, Some(&mut sigma_grad)).unwrap();
/// // p_0 = Φ(1 / (sigma √2)), whose slopes are ±φ(1 / √2) / √2.
/// assert!((grad[0] - 0.219_695_644_733_861_3).abs() < 1e-13);
/// assert!((grad[0] + grad[1]).abs() < 1e-15);
/// assert!((sigma_grad[0] + 0.219_695_644_733_861_3).abs() < 1e-13);
/// ```
pub fn predictive_distribution_gradient<T: Real>(
    logits: Logits<'_, T>,
    sigma: Sigma<'_, T>,
    rule: &Rule,
    cotangent: &[T],
    grad: &mut [T],
    sigma_grad: Option<&mut [T]>,
) -> Result<(), LossError> {
    check_length("cotangent", cotangent, logits.values().len())?;
    check_finite("cotangent", cotangent)?;
    check_length("gradient", grad, logits.values().len())?;
    sigma.check_gradient(logits.n_rows(), logits.n_classes(), sigma_grad.as_deref())?;
    grad.copy_from_slice(cotangent);
    DistributionBatch { means: Means::of(logits.values(), logits.n_classes()), sigma, rule, grad }
        .costs(sigma_grad, &mut |_, _| T::ONE);
    Ok(())
}

pub(super) fn check_finite<T: Real>(name: &'static str, values: &[T]) -> Result<(), LossError> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(LossError::Setting { name, expected: "finite", value: value.to_f64() }),
        None => Ok(()),
    }
}

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
            self.run(Arch::new(), None);
        }
    }

    /// Replaces the costs of the predictions, which `grad` holds, by the gradient of the expected cost with respect
    /// to the logits. `visit` sees each sample's expected cost and returns the factor of its gradients.
    pub fn costs(self, sigma_grad: Option<&mut [T]>, visit: &mut dyn FnMut(usize, Cost) -> T) {
        self.run(Arch::new(), Some(Costs { sigma_grad, visit }));
    }

    /// Adds up what `evaluate` returns for parts of the rows, which it is called with on the current rayon pool. The
    /// parts, and the order of the sum, depend on the number of rows and classes alone.
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
        let short = self.rule.truncation() <= SINGLE_TRUNCATION && T::EPSILON.to_f64() > 1e-10;
        if short || self.rule.is_single_precision() {
            self.run_in::<f32>(arch, costs);
        } else {
            self.run_in::<f64>(arch, costs);
        }
    }

    /// Runs in the working precision `U`.
    fn run_in<U: Real>(self, arch: Arch, costs: Option<Costs<'_, T>>) {
        let slabs = if costs.is_some() { 6 } else { 4 };
        U::with_scratch(slabs * self.means.n_classes() * LANES, |scratch| {
            arch.dispatch(Run { batch: self, costs, scratch });
        });
    }
}

/// A batch with the buffers for its groups.
struct Run<'a, 'c, 's, T, U> {
    batch: DistributionBatch<'a, T>,
    costs: Option<Costs<'c, T>>,
    scratch: &'s mut [U],
}

impl<T: Real, U: Real> WithSimd for Run<'_, '_, '_, T, U> {
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

/// A row in one of the lanes: `x_c = a_c z + b_c` for `z` in units of its largest sigma, from its largest mean.
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

impl<T: Real, U: Real> Run<'_, '_, '_, T, U> {
    #[inline(always)]
    fn groups<const FUSED: bool, const SCALED: bool>(self) {
        let Self { mut batch, mut costs, scratch } = self;
        let n_classes = batch.means.n_classes();
        let (scratch, _) = scratch.as_chunks_mut::<LANES>();
        let (shift, scratch) = scratch.split_at_mut(n_classes);
        let (hazards, scratch) = scratch.split_at_mut(n_classes);
        let (sums, scratch) = scratch.split_at_mut(n_classes);
        let (scale, scratch) = scratch.split_at_mut(if SCALED { n_classes } else { 0 });
        let (cost_rows, scratch) = scratch.split_at_mut(if costs.is_some() { n_classes } else { 0 });
        let (moments, _) = scratch.split_at_mut(if SCALED && costs.is_some() { n_classes } else { 0 });
        let mut workspace = Workspace { hazards, sums, costs: cost_rows, moments };
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
                    batch.load_costs(row, l, lane, workspace.costs);
                }
            }
            let classes = Classes::<'_, U, LANES, SCALED> { shift, scale };
            let expected = classes.integrate_argmax::<FUSED>(batch.rule, ends, &mut workspace);
            for (l, (lane, expected)) in lanes.iter().zip(expected).enumerate().take(filled) {
                match &mut costs {
                    None => batch.store_probabilities(first + l, l, workspace.sums),
                    Some(costs) => batch.store(first + l, l, *lane, expected, &classes, &workspace, costs),
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

    /// Costs relative to that of the class of the largest mean. They give the same gradient, and nothing cancels
    /// where that class is almost certain to win.
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
        workspace: &Workspace<'_, U, LANES>,
        costs: &mut Costs<'_, T>,
    ) {
        let n_classes = self.means.n_classes();
        let slope = lane.cost_range * lane.inverse_unit;
        let mut dsigma = 0.0;
        if !SCALED {
            for (shift, sum) in classes.shift.iter().zip(workspace.sums.iter()) {
                dsigma += shift[l].to_f64() * sum[l].to_f64();
            }
        }
        let dsigma = dsigma * slope;
        let value = lane.top_cost + lane.cost_range * expected;
        let factor = (costs.visit)(row, Cost { value, dsigma }).to_f64();
        let grad = &mut self.grad[row * n_classes..][..n_classes];
        for (grad, sum) in grad.iter_mut().zip(workspace.sums.iter()) {
            *grad = T::saturating_from_f64(sum[l].to_f64() * slope * factor);
        }
        self.means.pull_back(row, grad);
        let Some(sigma_grad) = &mut costs.sigma_grad else { return };
        if SCALED {
            let sigma_grad = &mut sigma_grad[row * n_classes..][..n_classes];
            for (sigma_grad, moment) in sigma_grad.iter_mut().zip(workspace.moments.iter()) {
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
