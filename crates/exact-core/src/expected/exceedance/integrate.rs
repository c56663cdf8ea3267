//! The top-k counterpart of the orthant probability, for one sample at a time: F is replaced by W and F' by
//! W'.
//!
//! ```text
//! P = ∫ Q W' dz       1 - P = ∫ Φ W' dz       G_i = dP/dd_i = ∫ φ(z) φ(x_i) L_i dz
//! ```
//!
//! The points of the integration variable are the lanes, so each sample has a course of its own.

use super::counts::{Exceedance, POINTS, Points, RivalRow, Tails, Weights};
use crate::expected::batch::{Orthant, tree_sum};
use crate::normal::fast_ln;
use crate::quadrature::Rule;

/// Points of one scan for the interval of integration.
const SCAN: usize = 2 * POINTS;
/// A scan is fine enough when this many of its points lie in the interval.
const RESOLVED: usize = 8;
/// Scans at most; one is enough unless sigmas differ or classes are far away.
const MAX_SCANS: usize = 30;
/// How far from the label's and the k-th class's means `γ` may have its mode, without a further scan.
const REACH: f64 = 2.0;
/// The logarithm of the smallest maximum of `γ` around which nothing that matters underflows: with the
/// largest truncation, 100, γ is `e^-560` at the ends, and `f64` reaches down to `e^-708`.
const LOWEST: f64 = -460.0;

/// Beyond this many standard deviations, `1 - Φ`, 1e-19, is nothing beside 1.
const CERTAIN: f64 = 9.0;
/// Beyond this many, Φ, 1e-332, is nothing at all in `f64`.
const IMPOSSIBLE: f64 = -39.0;
/// Panels at most that an interval is halved into.
const MAX_PANELS: usize = 1 << 20;

/// Where the nodes lie.
#[derive(Debug, Clone, Copy)]
struct Interval {
    left: f64,
    right: f64,
}

/// Buffers for the classes that matter.
#[derive(Default)]
pub(super) struct Kept {
    shift: Vec<f64>,
    gradient: Vec<f64>,
    class: Vec<usize>,
    panels: Vec<Interval>,
}

impl<const SCALED: bool> RivalRow<'_, SCALED> {
    /// The probability, its complement and the derivatives with respect to each class's `b` and `a`; `None`
    /// where they are so small that they leave the range of `f64` on the way.
    #[inline(always)]
    pub fn integrate<const FUSED: bool>(
        self,
        k: usize,
        rule: &Rule,
        exceedance: &mut Exceedance,
        kept: &mut Kept,
        gradient: &mut [[f64; 1]],
        first_moment: &mut [[f64; 1]],
    ) -> Option<Orthant<1>> {
        let threshold = if SCALED { 0.0 } else { kth_smallest(k, self.shift, &mut kept.shift) };
        let interval = self.interval::<FUSED>(threshold, rule.truncation(), exceedance)?;
        gradient.fill([0.0]);
        if SCALED {
            first_moment.fill([0.0]);
            let (gradient, first_moment) = (gradient.as_flattened_mut(), first_moment.as_flattened_mut());
            self.subdivide(k, interval, rule.panel_width(), &mut kept.panels);
            return Some(self.quadrature::<FUSED>(&kept.panels, rule, exceedance, gradient, first_moment));
        }
        kept.select(self.shift, threshold, &interval, k, rule);
        let Kept { shift, gradient: parts, class, .. } = kept;
        let rivals = RivalRow::<SCALED> { shift, scale: &[] };
        let orthant = rivals.quadrature::<FUSED>(&[interval], rule, exceedance, parts, &mut []);
        for (&class, &part) in class.iter().zip(parts.iter()) {
            gradient[class] = [part];
        }
        Some(orthant)
    }

    /// Halves the interval until each panel resolves every class that matters on it: a class with
    /// `x = a z + b` changes over `1 / a`, and does not matter where Φ(x) is 1. Panels on which at least `k`
    /// classes are certain to exceed the label are left out.
    fn subdivide(self, k: usize, interval: Interval, widest: f64, panels: &mut Vec<Interval>) {
        panels.clear();
        let mut waiting = vec![interval];
        while let Some(Interval { left, right }) = waiting.pop() {
            let (mut resolved, mut above) = (true, 0);
            for (a, b) in self.scale.iter().zip(self.shift) {
                above += usize::from(a * right + b < IMPOSSIBLE);
                resolved &=
                    a * (right - left) <= widest || a * left + b > CERTAIN || a * right + b < IMPOSSIBLE;
            }
            let center = 0.5 * (left + right);
            if above >= k {
                continue;
            }
            if resolved || panels.len() + waiting.len() >= MAX_PANELS || center <= left || center >= right {
                panels.push(Interval { left, right });
            } else {
                waiting.push(Interval { left: center, right });
                waiting.push(Interval { left, right: center });
            }
        }
        assert!(
            !panels.is_empty(),
            "γ is above its floor on a panel, where k classes cannot be certain to exceed"
        );
    }

    /// What the panels, in ascending order, cut off of P and 1 - P is `Q W` at their left end and `Φ (1 - W)`
    /// at their right end, which are points beside the nodes.
    #[inline(always)]
    fn quadrature<const FUSED: bool>(
        self,
        panels: &[Interval],
        rule: &Rule,
        exceedance: &mut Exceedance,
        gradient: &mut [f64],
        first_moment: &mut [f64],
    ) -> Orthant<1> {
        let (left, right) = (panels[0].left, panels[panels.len() - 1].right);
        let nodes = rule.nodes();
        let (mut probability, mut complement) = (0.0, 0.0);
        for first in (0..panels.len() * nodes.len() + 2).step_by(POINTS) {
            // Points past the last are at an end with the weight 0.
            let (mut z, mut node_weight) = ([right; POINTS], [0.0; POINTS]);
            let (mut at_left, mut at_right) = ([0.0; POINTS], [0.0; POINTS]);
            for l in 0..POINTS {
                match (first + l).checked_sub(2) {
                    Some(point) => {
                        if let Some(panel) = panels.get(point / nodes.len()) {
                            let node = nodes[point % nodes.len()];
                            let half_width = 0.5 * (panel.right - panel.left);
                            z[l] = node.position * half_width + 0.5 * (panel.right + panel.left);
                            node_weight[l] = node.weight * half_width;
                        }
                    }
                    None if l == 0 => (z[l], at_left[l]) = (left, 1.0),
                    None => (z[l], at_right[l]) = (right, 1.0),
                }
            }
            let label = Tails::at::<FUSED>(&z);
            let (mut weight, mut moment) = ([0.0; POINTS], [0.0; POINTS]);
            for l in 0..POINTS {
                weight[l] = node_weight[l] * label.density[l];
                moment[l] = weight[l] * z[l];
            }
            let (gradient, first_moment) = (&mut *gradient, &mut *first_moment);
            let mut weights = Weights { weight, moment, gradient, first_moment };
            let found = exceedance.parts::<FUSED, SCALED>(self, &z, &mut weights);
            let (mut p, mut rest) = ([0.0; POINTS], [0.0; POINTS]);
            for l in 0..POINTS {
                p[l] = label.above[l] * (at_left[l] * found.fewer[l] + node_weight[l] * found.slope[l]);
                rest[l] = label.below[l] * (at_right[l] * found.rest[l] + node_weight[l] * found.slope[l]);
            }
            probability += tree_sum(p);
            complement += tree_sum(rest);
        }
        Orthant { probability: [probability], complement: [complement], factor: [1.0], exponent: [0.0] }
    }

    /// The logarithm of `γ(z) = φ(z) W'(z)`, to 1e-5.
    #[inline(always)]
    fn log_gamma<const FUSED: bool>(self, exceedance: &mut Exceedance, z: &Points) -> Points {
        let slope = exceedance.slope::<FUSED, SCALED>(self, z);
        let mut log = [0.0; POINTS];
        for l in 0..POINTS {
            log[l] = fast_ln(slope[l].max(f64::MIN_POSITIVE)) - 0.5 * z[l] * z[l];
        }
        log
    }

    /// Where to look for `γ`: between the label and the k-th class, or with sigmas that differ, no further
    /// out than where a class's probability turns, nor than the classes together can pull.
    #[inline(always)]
    fn range(self, threshold: f64, truncation: f64) -> Interval {
        let width = REACH + (2.0 * truncation).sqrt();
        if !SCALED {
            return Interval { left: -threshold.max(0.0) - width, right: (-threshold).max(0.0) + width };
        }
        let count = self.shift.len() as f64;
        let reach = |(&a, &b): (&f64, &f64)| (b / a).abs().min(count * a * b.abs());
        let right = self.scale.iter().zip(self.shift).map(reach).fold(0.0, f64::max) + 2.0 * width;
        Interval { left: -right, right }
    }

    /// The interval on which γ is at least `e^-truncation` of its maximum, by scans that zoom in. Nothing is
    /// assumed about the number of γ's modes, as long as a scan sees them.
    #[inline(always)]
    fn interval<const FUSED: bool>(
        self,
        threshold: f64,
        truncation: f64,
        exceedance: &mut Exceedance,
    ) -> Option<Interval> {
        let Interval { mut left, mut right } = self.range(threshold, truncation);
        for _ in 0..MAX_SCANS {
            let spacing = (right - left) / (SCAN - 1) as f64;
            let at = |i: usize| left + i as f64 * spacing;
            let mut heights = [0.0; SCAN];
            for (group, heights) in heights.as_chunks_mut::<POINTS>().0.iter_mut().enumerate() {
                let mut z = [0.0; POINTS];
                for l in 0..POINTS {
                    z[l] = at(group * POINTS + l);
                }
                *heights = self.log_gamma::<FUSED>(exceedance, &z);
            }
            let top = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if top < LOWEST {
                return None;
            }
            let level = top - truncation;
            let inside = |height: &f64| *height > level;
            let first = heights.iter().position(inside)?;
            let last = heights.iter().rposition(inside)?;
            let (outer, far) = (first.saturating_sub(1), (last + 1).min(SCAN - 1));
            // Where γ is still high at an end of the range, the range grows there.
            let grow = 0.25 * (right - left);
            if first == 0 || last == SCAN - 1 {
                left -= if first == 0 { grow } else { 0.0 };
                right += if last == SCAN - 1 { grow } else { 0.0 };
            } else if last - first >= RESOLVED {
                if SCALED {
                    // Between two points there may be a step, on which an interpolation would not be sound.
                    return Some(Interval { left: at(outer), right: at(far) });
                }
                let edge = |inner: usize, outer: usize| {
                    let share = (heights[inner] - level) / (heights[inner] - heights[outer]);
                    at(inner) + share * (at(outer) - at(inner))
                };
                return Some(Interval { left: edge(first, outer), right: edge(last, far) });
            } else {
                (left, right) = (at(outer), at(far));
            }
        }
        None
    }
}

impl Kept {
    /// The classes that matter on the interval: a class is left out if its density there is so much smaller
    /// than that of the k-th nearest, whose shift is `threshold`, that all of them together change nothing by
    /// more than the rule does (docs/derivation.md, section 13).
    fn select(&mut self, shift: &[f64], threshold: f64, interval: &Interval, k: usize, rule: &Rule) {
        let tolerance = 0.01 * (-rule.truncation()).exp();
        let slack = 2.0 * (2.0 * (k * shift.len()) as f64 / tolerance).ln();
        let limit = ((threshold + interval.left).powi(2) + slack).sqrt() - interval.left;
        self.shift.clear();
        self.class.clear();
        for (class, &shift) in shift.iter().enumerate() {
            if shift <= limit {
                self.shift.push(shift);
                self.class.push(class);
            }
        }
        self.gradient.clear();
        self.gradient.resize(self.shift.len(), 0.0);
    }
}

/// The k-th smallest of at least `k` values.
fn kth_smallest(k: usize, values: &[f64], buffer: &mut Vec<f64>) -> f64 {
    buffer.clear();
    buffer.extend_from_slice(values);
    *buffer.select_nth_unstable_by(k - 1, f64::total_cmp).1
}
