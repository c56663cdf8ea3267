//! From the logits of one sample to differences in units of sigma, for the classes that matter, and back.

use super::row::{PARTS, Row, tree_sum};
use crate::Real;

/// A sigma this many times smaller than the label's is taken as that much smaller: the class's score is a
/// constant.
const SCALE_MAX: f64 = 1e6;
/// The label's sigma over a class's is at least this times the square root of the rounding error: below, the
/// label's score is a constant beside the class's.
const SCALE_MIN: f64 = 0.1;

/// The logits of one sample, and what makes differences of them.
#[derive(Clone, Copy)]
pub(in crate::expected) struct Sample<'a, T> {
    pub logits: &'a [T],
    pub label: usize,
    /// All classes', or one for all.
    pub sigmas: &'a [T],
    /// Logits below this do not count as lower: the label's, less the margin.
    floor: f64,
}

/// How a sample's differences of logits become units of sigma, and which of them matter.
///
/// With `d` in units of sigma, `d_1` the nearest class's and a set S of other classes left out, association
/// of the events `s_y > s_i` gives `0 <= P' - P <= Σ Q(d_i/√2)` for `P'` without S, and the same relative to
/// `P'`. Since `Q(b)/Q(a) <= exp(-(b² - a²)/2)` for `b >= a >= 0` and `1 - P >= Q(d_1/√2)`, with
///
/// ```text
/// d_i² >= d_1² + 4 ln(C / tolerance)
/// ```
///
/// for all of S, the relative errors of P and of 1 - P are at most the tolerance. The same bounds the
/// gradient's error relative to its entry for the nearest class (docs/derivation.md, section 11).
#[derive(Clone, Copy)]
pub(in crate::expected) struct Scaling {
    /// One over the label's sigma.
    pub inverse_sigma: f64,
    /// The nearest class's difference, from which the integration variable counts, so that no digits of the
    /// classes that matter are lost in the working precision. 0 where the sigmas differ.
    pub origin: f64,
    /// The logit at the origin.
    pub nearest: f64,
    /// Differences from the origin beyond this cannot matter.
    pub limit: f64,
}

/// How far behind the nearest class others may be and still matter; see [`Scaling`].
#[derive(Clone, Copy)]
pub(in crate::expected) struct Selection {
    /// `4 ln(C / tolerance)`.
    slack: f64,
}

impl Selection {
    /// With the working precision's rounding error as the tolerance.
    pub fn new<U: Real>(n_classes: usize) -> Self {
        Self { slack: 4.0 * (n_classes as f64 / U::EPSILON.to_f64()).ln() }
    }
}

impl Scaling {
    pub const UNIT: Self = Self { inverse_sigma: 1.0, origin: 0.0, nearest: 0.0, limit: f64::INFINITY };

    /// From the logits of the label and of the nearest class, which is at least the margin's.
    #[inline(always)]
    pub fn from_nearest<U: Real>(label: f64, nearest: f64, inverse_sigma: f64, selection: Selection) -> Self {
        let d = (label - nearest) * inverse_sigma;
        let origin = d.clamp(U::SHIFT_MIN, U::SHIFT_MAX);
        let cutoff = (origin * origin + selection.slack).sqrt().min(U::SHIFT_MAX);
        let limit = if d > U::SHIFT_MAX { f64::NEG_INFINITY } else { cutoff - origin };
        Self { inverse_sigma, origin, nearest, limit }
    }
}

impl<'a, T: Real> Sample<'a, T> {
    #[inline(always)]
    pub fn new(logits: &'a [T], label: u32, sigmas: &'a [T], margin: Option<T>) -> Self {
        let label = label as usize;
        let floor = margin.map_or(f64::NEG_INFINITY, |margin| logits[label].to_f64() - margin.to_f64());
        Self { logits, label, sigmas, floor }
    }

    /// How differences are scaled. With a selection, they count from the nearest class, and classes that
    /// cannot matter are left out.
    #[inline(always)]
    pub fn scaling<U: Real, const SCALED: bool>(&self, selection: Option<Selection>) -> Scaling {
        let label = self.logits[self.label].to_f64();
        if SCALED {
            let inverse_sigma = reciprocal(self.sigmas[self.label].to_f64());
            return Scaling { inverse_sigma, nearest: label, ..Scaling::UNIT };
        }
        let inverse_sigma = reciprocal(self.sigmas[0].to_f64());
        let Some(selection) = selection else {
            return Scaling { inverse_sigma, nearest: label, limit: U::SHIFT_MAX, origin: 0.0 };
        };
        let (before, after) = (&self.logits[..self.label], &self.logits[self.label + 1..]);
        let nearest = largest(before).max(largest(after)).to_f64().max(self.floor);
        Scaling::from_nearest::<U>(label, nearest, inverse_sigma, selection)
    }

    /// Writes `(a, b)` of each class such that the label beats it if the class's score in units of its sigma
    /// is below `a z + b`, with `b` counted from the origin; infinite for the label and for classes that
    /// cannot matter. Without `SCALED`, `a` is 1 and `scale` is empty.
    #[inline(always)]
    pub fn place<U: Real, const SCALED: bool>(&self, scaling: &Scaling, shift: &mut [U], scale: &mut [U]) {
        let Scaling { inverse_sigma, nearest, limit, .. } = *scaling;
        if SCALED {
            let sigma = self.sigmas[self.label].to_f64();
            for (class, (shift, scale)) in shift.iter_mut().zip(scale).enumerate() {
                let class_sigma = self.sigmas[class].to_f64().max(sigma / SCALE_MAX);
                let a = (sigma / class_sigma).max(SCALE_MIN * U::EPSILON.to_f64().sqrt());
                // With large a, the limit is that of one sigma: Q(b / √(1 + a²)) = Q(SHIFT_MAX / √2). With
                // small a, γ is where x = b, and 0.47 in place of 1/2 leaves φ(b) above where the fast
                // exponential ends: b²/2 is 76 of 80 (f32) or 660 of 700 (f64).
                let unit = (0.47 + 0.5 * a * a).sqrt();
                let b = (nearest - self.logits[class].to_f64().max(self.floor)) * reciprocal(class_sigma);
                let near = b <= U::SHIFT_MAX * unit;
                *shift = if near { U::from_f64(b.max(U::SHIFT_MIN * unit)) } else { U::INFINITY };
                *scale = U::from_f64(a);
            }
        } else {
            for (shift, logit) in shift.iter_mut().zip(self.logits) {
                let d = (nearest - logit.to_f64().max(self.floor)) * inverse_sigma;
                let d = if d <= limit { d.max(U::SHIFT_MIN) } else { f64::INFINITY };
                *shift = U::from_f64(d);
            }
        }
        shift[self.label] = U::INFINITY;
    }

    /// Writes `factor` times the gradient with respect to the logits to `grad`, from the derivatives with
    /// respect to each class's `b`, 0 for the label.
    #[inline(always)]
    pub fn gradient<U: Real, const SCALED: bool>(
        &self,
        scaling: &Scaling,
        slopes: &[U],
        factor: f64,
        grad: &mut [T],
    ) {
        // In `f64`, and for the compiler's sake in as many parts as a vector has lanes.
        let mut sums = [0.0; PARTS];
        for (first, (grad, slopes)) in grad.chunks_mut(PARTS).zip(slopes.chunks(PARTS)).enumerate() {
            let first = first * PARTS;
            let logits = &self.logits[first..][..grad.len()];
            for (part, (grad, slope)) in grad.iter_mut().zip(slopes).enumerate() {
                let inverse = if SCALED {
                    reciprocal(self.sigmas[first + part].to_f64())
                } else {
                    scaling.inverse_sigma
                };
                // A difference beyond the margin is a constant.
                let free = logits[part].to_f64() >= self.floor;
                let slope = if free { slope.to_f64() * factor * inverse } else { 0.0 };
                *grad = T::saturating_from_f64(-slope);
                sums[part] += slope;
            }
        }
        grad[self.label] = T::saturating_from_f64(tree_sum(sums));
    }

    /// Writes `factor` times the gradient with respect to each class's sigma to `grad`, from the derivatives
    /// with respect to each class's `a` and `b`.
    #[inline(always)]
    pub fn sigma_gradient<U: Real>(&self, row: &Row<'_, U>, factor: f64, grad: &mut [T]) {
        let mut label_slope = 0.0;
        for (class, grad) in grad.iter_mut().enumerate() {
            let inverse = reciprocal(self.sigmas[class].to_f64());
            let moment = row.moments[class].to_f64() * factor;
            let slope = row.slopes[class].to_f64() * factor;
            let (a, b) = (row.scale[class].to_f64(), row.shift[class].to_f64());
            *grad =
                T::saturating_from_f64(if b.is_finite() { -inverse * (a * moment + b * slope) } else { 0.0 });
            label_slope += moment * inverse;
        }
        grad[self.label] = T::saturating_from_f64(label_slope);
    }
}

#[inline(always)]
fn largest<T: Real>(logits: &[T]) -> T {
    let (chunks, rest) = logits.as_chunks::<PARTS>();
    let mut largest = -T::INFINITY;
    if let Some((first, chunks)) = chunks.split_first() {
        let mut parts = *first;
        for chunk in chunks {
            for (part, &logit) in parts.iter_mut().zip(chunk) {
                *part = part.max(logit);
            }
        }
        largest = parts.iter().fold(largest, |largest, &part| largest.max(part));
    }
    rest.iter().fold(largest, |largest, &logit| largest.max(logit))
}

/// `1 / sigma`, finite also where sigma is subnormal.
#[inline(always)]
pub(in crate::expected) fn reciprocal(sigma: f64) -> f64 {
    (1.0 / sigma).min(f64::MAX)
}
