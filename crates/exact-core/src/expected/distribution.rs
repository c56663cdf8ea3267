//! The predictive distribution: the probability of each class to have the largest score.
//!
//! With `x_c = (t - mu_c) / sigma_c`, the largest score has the distribution function `F(t) = Π Φ(x_c)` over all
//! classes, and `p_c = ∫ F r_c dt` where `r_c = φ(x_c) / (Φ(x_c) sigma_c)`. One set of nodes serves all classes:
//! those of the interval that holds all but `e^-T` of the largest score's distribution at either end.

use pulp::{Arch, Simd, WithSimd};

use super::classes::{Classes, Rivals};
use super::sigma::Sigma;
use crate::Real;
use crate::loss::{Logits, LossError};
use crate::normal::{exp_nonpositive, fast_ln, inverse_mills_ratio, log_cdf, mul_add};
use crate::quadrature::Rule;

/// Samples that are evaluated together.
const LANES: usize = 16;
/// Newton steps at most towards the left end; fewer than ten are needed in practice.
const MAX_STEPS: usize = 60;
/// A sigma this many times smaller than the row's largest is taken as that much smaller.
const SCALE_MAX: f64 = 1e6;
/// Differences of means are clamped at this many sigmas.
const SHIFT_MAX: f64 = 1e6;

/// The logarithm of 1 / F below which nothing is added: F nears the smallest normal number.
const LOWEST_LEVEL: f64 = 700.0;

type Lanes = [f64; LANES];

/// Writes `P(argmax_i s_i = c)` for every class c of every row to `out`, `[n, c]`, for independent scores
/// `s_i ~ N(mu_i, sigma_i²)`: the probit counterpart of softmax. Computed in `f64`, on the calling thread.
///
/// # Formula
/// `p_c = ∫ φ((t - mu_c) / sigma_c) / sigma_c · Π_{i≠c} Φ((t - mu_i) / sigma_i) dt`.
///
/// # Accuracy
/// With `Rule::precise::<f64>()` and sigmas of a row that differ by a factor of at most 2, or [`Rule::wide`] and a factor
/// of 4, probabilities have an absolute error below 1e-13, and sum to 1 within 1e-13 without being normalised. (At a
/// factor of 16, the wide rule's sums were 1e-10 from 1, and the precise rule's 2e-3.) Where a class has a probability
/// below `e^(-truncation / 2)`, 1e-7 for these rules, intervals are added on which unlikely classes win, so that every
/// entry above 1e-280 has a relative error below 1e-9.
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
    check_shape(logits, out)?;
    sigma.check(logits.n_rows(), logits.n_classes())?;
    Arch::new().dispatch(Shared { logits, sigma, rule, direction: None, out });
    Ok(())
}

/// Writes the derivative of the predictive distribution of every row, when its logits move along `direction`,
/// `[n, c]`, to `out`, `[n, c]`. The Jacobian is symmetric: this is also its product with `direction` from the left.
///
/// # Formula
/// `Σ_j v_j dp_c/dmu_j = ∫ F r_c (v_c R - Σ_j v_j r_j) dt` with `R = Σ r_j`: O(classes) per node.
///
/// # Errors
/// As [`predictive_distribution`], and if `direction` does not have the shape of the logits.
///
/// # Example
/// ```
/// use exact_core::Rule;
/// use exact_core::expected::{Sigma, predictive_distribution_derivative};
/// use exact_core::loss::Logits;
///
/// let logits = Logits::new(&[1.0_f64, 0.0], 2).unwrap();
/// let mut slope = [0.0; 2];
/// let rule = Rule::precise::<f64>();
/// predictive_distribution_derivative(logits, Sigma::Common(1.0), &rule, &[1.0, 0.0], &mut slope).unwrap();
/// // φ(1 / √2) / √2.
/// assert!((slope[0] - 0.219_695_644_733_861_3).abs() < 1e-13);
/// assert!((slope[0] + slope[1]).abs() < 1e-15);
/// ```
pub fn predictive_distribution_derivative<T: Real>(
    logits: Logits<'_, T>,
    sigma: Sigma<'_, T>,
    rule: &Rule,
    direction: &[T],
    out: &mut [T],
) -> Result<(), LossError> {
    check_shape(logits, out)?;
    if direction.len() != logits.values().len() {
        let (found, expected) = (direction.len(), logits.values().len());
        return Err(LossError::SamplesLength { what: "direction", found, expected });
    }
    sigma.check(logits.n_rows(), logits.n_classes())?;
    Arch::new().dispatch(Shared { logits, sigma, rule, direction: Some(direction), out });
    Ok(())
}

fn check_shape<T: Real>(logits: Logits<'_, T>, out: &[T]) -> Result<(), LossError> {
    if out.len() == logits.values().len() {
        return Ok(());
    }
    Err(LossError::SamplesLength { what: "output", found: out.len(), expected: logits.values().len() })
}

/// All classes on the nodes they share; the derivative along a direction, if there is one.
struct Shared<'a, T> {
    logits: Logits<'a, T>,
    sigma: Sigma<'a, T>,
    rule: &'a Rule,
    direction: Option<&'a [T]>,
    out: &'a mut [T],
}

impl<T: Real> WithSimd for Shared<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if S::IS_SCALAR { self.groups::<false>() } else { self.groups::<true>() }
    }
}

impl<T: Real> Shared<'_, T> {
    #[inline(always)]
    fn groups<const FUSED: bool>(self) {
        let (n, n_classes) = (self.logits.n_rows(), self.logits.n_classes());
        let zeros = vec![[0.0; LANES]; n_classes];
        let (mut shift, mut scale, mut hazards) = (zeros.clone(), zeros.clone(), zeros.clone());
        let (mut direction, mut sums) =
            (if self.direction.is_some() { zeros.clone() } else { Vec::new() }, zeros);
        for first in (0..n).step_by(LANES) {
            let lanes = LANES.min(n - first);
            let mut unit = [0.0; LANES];
            for l in 0..LANES {
                // Lanes past the last sample repeat it.
                let row = first + l.min(lanes - 1);
                unit[l] = self.load(row, l, &mut shift, &mut scale);
                if let Some(values) = self.direction {
                    for (slot, value) in direction.iter_mut().zip(&values[row * n_classes..][..n_classes]) {
                        slot[l] = value.to_f64();
                    }
                }
            }
            let classes = Classes::<'_, f64, LANES, true> { shift: &shift, scale: &scale };
            classes.distribution::<FUSED>(self.rule, &direction, &mut hazards, &mut sums);
            for l in 0..lanes {
                let factor = if self.direction.is_some() { 1.0 / unit[l] } else { 1.0 };
                let out = &mut self.out[(first + l) * n_classes..][..n_classes];
                for (out, sum) in out.iter_mut().zip(&sums) {
                    *out = T::saturating_from_f64(sum[l] * factor);
                }
            }
        }
    }

    /// `x = a z + b` for `z` in units of the row's largest sigma, from its largest mean. Returns that sigma.
    #[inline(always)]
    fn load(&self, row: usize, lane: usize, shift: &mut [Lanes], scale: &mut [Lanes]) -> f64 {
        let n_classes = self.logits.n_classes();
        let means = &self.logits.values()[row * n_classes..][..n_classes];
        let sigmas = self.sigma.row(row, n_classes);
        let mut unit = 0.0_f64;
        let mut origin = f64::NEG_INFINITY;
        for sigma in sigmas {
            unit = unit.max(sigma.to_f64());
        }
        for mean in means {
            origin = origin.max(mean.to_f64());
        }
        for (class, mean) in means.iter().enumerate() {
            let sigma = if sigmas.len() > 1 { sigmas[class].to_f64() } else { unit };
            let sigma = sigma.max(unit / SCALE_MAX);
            shift[class][lane] = ((origin - mean.to_f64()) / sigma).min(SHIFT_MAX);
            scale[class][lane] = unit / sigma;
        }
        unit
    }
}

impl Classes<'_, f64, LANES, true> {
    /// `∫ F r_c dz` for each class, or its derivative along a direction if that is not empty.
    #[inline(always)]
    fn distribution<const FUSED: bool>(
        &self,
        rule: &Rule,
        direction: &[Lanes],
        hazards: &mut [Lanes],
        sums: &mut [Lanes],
    ) {
        let truncation = rule.truncation();
        for sum in sums.iter_mut() {
            *sum = [0.0; LANES];
        }
        let right = self.right_end::<FUSED>(truncation, hazards);
        let left = self.left_end::<FUSED>(truncation, hazards);
        self.panel::<FUSED>(&left, &right, rule, direction, hazards, sums);
        if !direction.is_empty() {
            return;
        }
        // What is cut off at an end is shared out as at the cut.
        let at_right = self.product::<FUSED>(&right, hazards);
        let mut weight = [0.0; LANES];
        for l in 0..LANES {
            weight[l] = at_right.complement[l] / at_right.hazard[l];
        }
        self.add::<FUSED>(&weight, hazards, sums);
        if sums.iter().flatten().all(|sum| *sum >= (-0.5 * truncation).exp()) {
            let at_left = self.product::<FUSED>(&left, hazards);
            for l in 0..LANES {
                let value = at_left.factor[l] * exp_nonpositive::<f64, FUSED>(at_left.exponent[l]);
                weight[l] = value / at_left.hazard[l];
            }
            self.add::<FUSED>(&weight, hazards, sums);
        } else {
            self.extend_left::<FUSED>(left, rule, hazards, sums);
        }
    }

    /// Adds intervals on the left, on which unlikely classes win if they win, until F is close to underflow. Each has
    /// the width on which a Gaussian of F's decay is resolved as well as on the first interval.
    #[inline(always)]
    fn extend_left<const FUSED: bool>(
        &self,
        mut right: Lanes,
        rule: &Rule,
        hazards: &mut [Lanes],
        sums: &mut [Lanes],
    ) {
        let step = (2.0 * rule.truncation()).sqrt();
        let mut depth = step;
        let mut level = rule.truncation();
        while level < LOWEST_LEVEL {
            depth += std::f64::consts::SQRT_2 * step;
            level = (0.5 * depth * depth).min(LOWEST_LEVEL);
            let left = self.left_end::<FUSED>(level, hazards);
            self.panel::<FUSED>(&left, &right, rule, &[], hazards, sums);
            right = left;
        }
    }

    /// Adds the integral from `left` to `right`.
    #[inline(always)]
    fn panel<const FUSED: bool>(
        &self,
        left: &Lanes,
        right: &Lanes,
        rule: &Rule,
        direction: &[Lanes],
        hazards: &mut [Lanes],
        sums: &mut [Lanes],
    ) {
        let (mut center, mut half_width) = (*left, *right);
        for l in 0..LANES {
            center[l] = 0.5 * (right[l] + left[l]);
            half_width[l] = 0.5 * (right[l] - left[l]);
        }
        for node in rule.nodes() {
            let mut z = center;
            for l in 0..LANES {
                z[l] = mul_add::<f64, FUSED>(node.position, half_width[l], center[l]);
            }
            let product = self.product::<FUSED>(&z, hazards);
            let mut weight = [0.0; LANES];
            for l in 0..LANES {
                let value = product.factor[l] * exp_nonpositive::<f64, FUSED>(product.exponent[l]);
                weight[l] = node.weight * half_width[l] * value;
            }
            if direction.is_empty() {
                self.add::<FUSED>(&weight, hazards, sums);
            } else {
                self.add_slopes::<FUSED>(&weight, &product.hazard, hazards, direction, sums);
            }
        }
    }

    /// Adds `weight a h` to every class.
    #[inline(always)]
    fn add<const FUSED: bool>(&self, weight: &Lanes, hazards: &[Lanes], sums: &mut [Lanes]) {
        for ((sum, hazard), scale) in sums.iter_mut().zip(hazards).zip(self.scale) {
            for l in 0..LANES {
                sum[l] = mul_add::<f64, FUSED>(weight[l], scale[l] * hazard[l], sum[l]);
            }
        }
    }

    /// Adds `weight a h (v H - Σ a h v)` to every class.
    #[inline(always)]
    fn add_slopes<const FUSED: bool>(
        &self,
        weight: &Lanes,
        total: &Lanes,
        hazards: &[Lanes],
        direction: &[Lanes],
        sums: &mut [Lanes],
    ) {
        let mut mean = [0.0; LANES];
        for ((hazard, scale), direction) in hazards.iter().zip(self.scale).zip(direction) {
            for l in 0..LANES {
                mean[l] = mul_add::<f64, FUSED>(scale[l] * hazard[l], direction[l], mean[l]);
            }
        }
        for (((sum, hazard), scale), direction) in sums.iter_mut().zip(hazards).zip(self.scale).zip(direction)
        {
            for l in 0..LANES {
                let change = mul_add::<f64, FUSED>(direction[l], total[l], -mean[l]);
                sum[l] = mul_add::<f64, FUSED>(weight[l] * scale[l] * hazard[l], change, sum[l]);
            }
        }
    }

    /// Where `F = e^-truncation`, by Newton's method on the concave `log F` from the left, which cannot overshoot.
    #[inline(always)]
    fn left_end<const FUSED: bool>(&self, truncation: f64, hazards: &mut [Lanes]) -> Lanes {
        // F is at most each of its factors.
        let mut z = self.outermost(-normal_quantile(truncation));
        let mut product = self.product::<FUSED>(&z, hazards);
        for _ in 0..MAX_STEPS {
            let mut moving = 0_u32;
            for l in 0..LANES {
                let short = -truncation - product.exponent[l] - fast_ln(product.factor[l]);
                let far = short > 0.1;
                z[l] += if far { short / product.hazard[l] } else { 0.0 };
                moving += u32::from(far);
            }
            if moving == 0 {
                break;
            }
            product = self.product::<FUSED>(&z, hazards);
        }
        z
    }

    /// Where `1 - F` is about `e^-truncation`: a step of Newton's method for `log(1 - F)` from where the largest of
    /// the classes' `1 - Φ` is.
    #[inline(always)]
    fn right_end<const FUSED: bool>(&self, truncation: f64, hazards: &mut [Lanes]) -> Lanes {
        let mut z = self.outermost(normal_quantile(truncation));
        let product = self.product::<FUSED>(&z, hazards);
        for l in 0..LANES {
            let complement = product.complement[l];
            let slope = (1.0 - complement) * product.hazard[l] / complement;
            z[l] += ((fast_ln(complement) + truncation) / slope).max(0.0);
        }
        z
    }

    /// The largest `z` at which a class has `x = quantile`.
    #[inline(always)]
    fn outermost(&self, quantile: f64) -> Lanes {
        let mut z = [f64::NEG_INFINITY; LANES];
        for (shift, scale) in self.shift.iter().zip(self.scale) {
            for l in 0..LANES {
                let at = (quantile - shift[l]) / scale[l];
                z[l] = if at > z[l] { at } else { z[l] };
            }
        }
        z
    }
}

/// The `z > 0` with `Φ(-z) = e^-truncation`.
fn normal_quantile(truncation: f64) -> f64 {
    let mut z = (2.0 * truncation).sqrt();
    for _ in 0..10 {
        z += (log_cdf(-z) + truncation) / inverse_mills_ratio(-z);
    }
    z
}
