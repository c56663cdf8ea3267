//! Integrals over the largest score of a group of samples: the probability of each class to have it, and the
//! slopes of an expected cost.
//!
//! With `x_c = a_c z + b_c` over all classes, the largest score has the distribution function
//! `F(z) = Π Φ(x_c)`, and class c has it with probability `p_c = ∫ F r_c dz`, `r_c = a_c h(x_c)`. For costs
//! `K_c`, with `R = Σ r_c` and `A = Σ K_c r_c`, the expected cost is `∫ F A dz`, and its slope along class
//! c's mean is `∫ F r_c (K_c R - A) dz`. The nodes lie on the interval that leaves `e^-T` of F at either end;
//! beyond, the integrands are taken to decay as F or `1 - F` does.

use crate::Real;
use crate::expected::classes::Classes;
use crate::normal::{exp_nonpositive, fast_ln, inverse_mills_ratio, log_cdf, mul_add};
use crate::quadrature::Rule;

/// Newton steps at most towards the left end; fewer than ten are needed in practice.
const MAX_STEPS: usize = 60;
/// The logarithm of 1 / F below which nothing is added: F nears the smallest normal number.
const LOWEST_LEVEL: f64 = 700.0;

/// Doublings of the width of panels at most: scales differ by up to 1e6, 20 doublings.
const MAX_DOUBLINGS: f64 = 30.0;

/// How small F, or 1 - F, is at an end of an interval.
#[derive(Clone, Copy)]
pub(super) struct Level {
    /// `T`, where F is `e^-T`.
    depth: f64,
    /// The `z > 0` with `Φ(-z) = e^-T`.
    quantile: f64,
}

impl Level {
    pub fn new(depth: f64) -> Self {
        let mut quantile = (2.0 * depth).sqrt();
        for _ in 0..10 {
            quantile += (log_cdf(-quantile) + depth) / inverse_mills_ratio(-quantile);
        }
        Self { depth, quantile }
    }
}

/// How small F is at the left end of an interval, and 1 - F at its right end.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    level: Level,
    /// The level of each of so many classes at which that of `1 - F`, at most the sum of theirs, is certainly
    /// reached.
    union: Level,
}

impl Ends {
    pub fn new(depth: f64, n_classes: usize) -> Self {
        Self { level: Level::new(depth), union: Level::new(depth + (n_classes as f64).ln()) }
    }
}

/// Buffers of one value per class and lane.
pub(super) struct ClassSums<'a, U, const L: usize> {
    /// Hazards at one node.
    pub hazards: &'a mut [[U; L]],
    /// The probabilities, or the slopes where there are costs.
    pub values: &'a mut [[U; L]],
    /// What each prediction costs; empty where probabilities are wanted.
    pub costs: &'a mut [[U; L]],
    /// `∫ F r_c x_c (K_c R - A) dz`; empty unless the scales differ and there are costs.
    pub moments: &'a mut [[U; L]],
}

impl<U: Real, const L: usize, const SCALED: bool> Classes<'_, U, L, SCALED> {
    /// Writes the probabilities, or the slopes and moments where there are costs, and returns the expected
    /// costs.
    #[inline(always)]
    pub(super) fn integrate_argmax<const FUSED: bool>(
        &self,
        rule: &Rule,
        ends: Ends,
        sums: &mut ClassSums<'_, U, L>,
    ) -> [f64; L] {
        for sum in sums.values.iter_mut() {
            *sum = [U::ZERO; L];
        }
        for moment in sums.moments.iter_mut() {
            *moment = [U::ZERO; L];
        }
        let mut expected = [0.0; L];
        let right = self.right_end::<FUSED>(ends, sums);
        let left = self.left_end::<FUSED>(ends.level, sums);
        self.panels::<FUSED>(&left, &right, rule, sums, &mut expected);
        // What is cut off at an end is shared out as at the cut.
        let at_right = self.product::<FUSED>(&right, sums.hazards);
        let mut weight = [U::ZERO; L];
        for l in 0..L {
            weight[l] = U::from_f64(at_right.complement[l] / at_right.hazard[l]);
        }
        self.add::<FUSED>(&right, &weight, &at_right.hazard, sums, &mut expected);
        let smallest = (-0.5 * ends.level.depth).exp();
        let tails = !U::IS_SINGLE && sums.costs.is_empty();
        if tails && sums.values.iter().flatten().any(|sum| sum.to_f64() < smallest) {
            self.extend_left::<FUSED>(left, rule, sums);
            return expected;
        }
        let at_left = self.product::<FUSED>(&left, sums.hazards);
        for l in 0..L {
            let value = at_left.factor[l] * exp_nonpositive::<f64, FUSED>(at_left.exponent[l]);
            weight[l] = U::from_f64(value / at_left.hazard[l]);
        }
        self.add::<FUSED>(&left, &weight, &at_left.hazard, sums, &mut expected);
        expected
    }

    /// Adds intervals on the left, on which unlikely classes win if they win, until F is close to underflow.
    /// Each has the width on which a Gaussian of F's decay is resolved as well as on the first interval.
    #[inline(always)]
    fn extend_left<const FUSED: bool>(&self, mut right: [U; L], rule: &Rule, sums: &mut ClassSums<'_, U, L>) {
        let step = (2.0 * rule.truncation()).sqrt();
        let mut distance = step;
        let mut depth = rule.truncation();
        while depth < LOWEST_LEVEL {
            distance += std::f64::consts::SQRT_2 * step;
            depth = (0.5 * distance * distance).min(LOWEST_LEVEL);
            let left = self.left_end::<FUSED>(Level::new(depth), sums);
            self.panel::<FUSED>(&left, &right, rule, sums, &mut [0.0; L]);
            right = left;
        }
    }

    /// Adds the integral from `left`, where F is small, to `right`.
    ///
    /// With scales of their own, classes may have steps in between, but F is small only where none of them is
    /// far to the right: at a distance s from `left`, classes that change within much less than s have
    /// `Φ = 1`. So panels that double in width, from one that resolves the steepest class, resolve all.
    #[inline(always)]
    fn panels<const FUSED: bool>(
        &self,
        left: &[U; L],
        right: &[U; L],
        rule: &Rule,
        sums: &mut ClassSums<'_, U, L>,
        expected: &mut [f64; L],
    ) {
        if !SCALED {
            return self.panel::<FUSED>(left, right, rule, sums, expected);
        }
        let mut steepest: f64 = 1.0;
        for scale in self.scale {
            for l in 0..L {
                steepest = steepest.max((scale[l] * (right[l] - left[l])).to_f64());
            }
        }
        let doublings = (steepest / rule.panel_width()).log2().ceil().clamp(0.0, MAX_DOUBLINGS) as i32;
        let mut start = *left;
        for doubling in (0..=doublings).rev() {
            let share = U::from_f64(0.5_f64.powi(doubling));
            let mut end = *right;
            for l in 0..L {
                end[l] = if doubling == 0 { right[l] } else { left[l] + share * (right[l] - left[l]) };
            }
            self.panel::<FUSED>(&start, &end, rule, sums, expected);
            start = end;
        }
    }

    /// Adds the integral from `left` to `right`.
    #[inline(always)]
    fn panel<const FUSED: bool>(
        &self,
        left: &[U; L],
        right: &[U; L],
        rule: &Rule,
        sums: &mut ClassSums<'_, U, L>,
        expected: &mut [f64; L],
    ) {
        let half = U::from_f64(0.5);
        let (mut center, mut half_width) = (*left, *right);
        for l in 0..L {
            center[l] = half * (right[l] + left[l]);
            half_width[l] = half * (right[l] - left[l]);
        }
        for node in rule.nodes() {
            let mut z = center;
            for l in 0..L {
                z[l] = mul_add::<U, FUSED>(U::from_f64(node.position), half_width[l], center[l]);
            }
            let product = self.product::<FUSED>(&z, sums.hazards);
            let mut weight = [U::ZERO; L];
            for l in 0..L {
                let share = exp_nonpositive::<U, FUSED>(U::from_f64(product.exponent[l]));
                weight[l] = U::from_f64(node.weight) * half_width[l] * U::from_f64(product.factor[l]) * share;
            }
            self.add::<FUSED>(&z, &weight, &product.hazard, sums, expected);
        }
    }

    /// Adds a node, of the given weight times F, to the sums.
    #[inline(always)]
    fn add<const FUSED: bool>(
        &self,
        z: &[U; L],
        weight: &[U; L],
        total: &[f64; L],
        sums: &mut ClassSums<'_, U, L>,
        expected: &mut [f64; L],
    ) {
        if sums.costs.is_empty() {
            for (class, (sum, hazard)) in sums.values.iter_mut().zip(sums.hazards.iter()).enumerate() {
                for l in 0..L {
                    let r = if SCALED { self.scale[class][l] * hazard[l] } else { hazard[l] };
                    sum[l] = mul_add::<U, FUSED>(weight[l], r, sum[l]);
                }
            }
            return;
        }
        let mut mean = [U::ZERO; L];
        for (class, (hazard, cost)) in sums.hazards.iter().zip(sums.costs.iter()).enumerate() {
            for l in 0..L {
                let r = if SCALED { self.scale[class][l] * hazard[l] } else { hazard[l] };
                mean[l] = mul_add::<U, FUSED>(r, cost[l], mean[l]);
            }
        }
        let mut sum_of_hazards = [U::ZERO; L];
        for l in 0..L {
            sum_of_hazards[l] = U::from_f64(total[l]);
            expected[l] += (weight[l] * mean[l]).to_f64();
        }
        let rows = sums.values.iter_mut().zip(sums.hazards.iter()).zip(sums.costs.iter());
        for (class, ((sum, hazard), cost)) in rows.enumerate() {
            for l in 0..L {
                let r = if SCALED { self.scale[class][l] * hazard[l] } else { hazard[l] };
                let change = mul_add::<U, FUSED>(cost[l], sum_of_hazards[l], -mean[l]);
                let slope = weight[l] * r * change;
                sum[l] += slope;
                if SCALED {
                    let x = mul_add::<U, FUSED>(self.scale[class][l], z[l], self.shift[class][l]);
                    let moment = &mut sums.moments[class][l];
                    *moment = mul_add::<U, FUSED>(slope, x, *moment);
                }
            }
        }
    }

    /// Where F has the given level, by Newton's method on the concave `log F` from the left, which cannot
    /// overshoot.
    #[inline(always)]
    fn left_end<const FUSED: bool>(&self, level: Level, sums: &mut ClassSums<'_, U, L>) -> [U; L] {
        // F is at most each of its factors.
        let mut z = self.outermost(-level.quantile);
        let mut product = self.product::<FUSED>(&z, sums.hazards);
        for _ in 0..MAX_STEPS {
            let mut moving = 0_u32;
            for l in 0..L {
                let short = -level.depth - product.exponent[l] - fast_ln(product.factor[l]);
                // A depth that is off by a tenth changes what is cut off at the end by a tenth.
                let far = short > 0.1;
                z[l] += U::from_f64(if far { short / product.hazard[l] } else { 0.0 });
                moving += u32::from(far);
            }
            if moving == 0 {
                break;
            }
            product = self.product::<FUSED>(&z, sums.hazards);
        }
        z
    }

    /// Where `1 - F` has about the given level: a step of Newton's method for `log(1 - F)` from where the
    /// largest of the classes' `1 - Φ` is. Where that is far to the left, since many classes are as large,
    /// the step is too long.
    #[inline(always)]
    fn right_end<const FUSED: bool>(&self, ends: Ends, sums: &mut ClassSums<'_, U, L>) -> [U; L] {
        let Ends { level, union } = ends;
        let farthest = self.outermost(union.quantile);
        let mut z = self.outermost(level.quantile);
        let product = self.product::<FUSED>(&z, sums.hazards);
        for l in 0..L {
            let complement = product.complement[l];
            let slope = (1.0 - complement) * product.hazard[l] / complement;
            let step = U::from_f64(((fast_ln(complement) + level.depth) / slope).max(0.0));
            z[l] = (z[l] + step).min(farthest[l]);
        }
        z
    }

    /// The largest `z` at which a class has `x = quantile`.
    #[inline(always)]
    fn outermost(&self, quantile: f64) -> [U; L] {
        let quantile = U::from_f64(quantile);
        let mut z = [-U::INFINITY; L];
        for (class, shift) in self.shift.iter().enumerate() {
            for l in 0..L {
                let at = quantile - shift[l];
                z[l] = z[l].max(if SCALED { at / self.scale[class][l] } else { at });
            }
        }
        z
    }
}
