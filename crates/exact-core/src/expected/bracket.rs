//! The interval on which γ(z) = φ(z) F'(z) matters, by a safeguarded Newton search, for a group of samples.
//!
//! The value, its complement and every gradient entry live where γ does, for a probability near 0 as for one near
//! 1, so one set of nodes on this interval gives all of them with relative accuracy. γ has one mode.

use super::classes::{Product, Rivals};
use crate::Real;
use crate::normal::{exp_nonpositive, fast_ln};

/// Newton steps at most; a few are needed in practice.
const MAX_STEPS: usize = 20;
/// The search for the mode stops when a step would be shorter than this fraction of γ's width.
const MODE_TOLERANCE: f64 = 0.7;

/// Where to put the nodes, and γ's size near its mode, per lane.
pub(super) struct Bracket<T, const L: usize> {
    pub left: [T; L],
    pub right: [T; L],
    /// `γ = gamma_factor exp(gamma_exponent) / √(2π)` at a point near the mode.
    pub gamma_factor: [f64; L],
    pub gamma_exponent: [f64; L],
}

/// `log γ` in two parts, up to a constant, with its slope and curvature.
struct Expansion<const L: usize> {
    factor: [f64; L],
    exponent: [f64; L],
    slope: [f64; L],
    /// Minus the second derivative, at least 1.
    curvature: [f64; L],
}

/// γ's mode, and how much higher `log γ` is there than at the last point of the search.
struct Mode<const L: usize> {
    position: [f64; L],
    height: [f64; L],
}

#[inline(always)]
fn expand<T: Real, R: Rivals<T, L>, const L: usize, const FUSED: bool>(
    rivals: &R,
    origin: &[f64; L],
    x: &[T; L],
) -> Expansion<L> {
    let (product, moments) = rivals.moments::<FUSED>(x);
    let Product { factor, exponent, hazard, .. } = product.normalized();
    let mut expansion = Expansion { factor, exponent, slope: [0.0; L], curvature: [1.0; L] };
    for l in 0..L {
        let z = x[l].to_f64() - origin[l];
        let inverse = 1.0 / hazard[l].max(f64::MIN_POSITIVE);
        let (first, second) = (moments.first[l].to_f64(), moments.second[l].to_f64());
        let mean = first * inverse;
        let variance = (second * inverse - mean * mean).max(0.0);
        let curvature = 1.0 + first + moments.curvature[l].to_f64() * inverse - variance;
        expansion.factor[l] *= hazard[l];
        expansion.exponent[l] -= 0.5 * z * z;
        expansion.slope[l] = -z + hazard[l] - mean;
        expansion.curvature[l] = curvature.max(1.0);
    }
    expansion
}

/// The interval on which `γ` is at least `e^-truncation` of its maximum, as values of `z + origin`. `others` is how
/// many classes there are besides the label, whether they matter or not.
#[inline(always)]
pub(super) fn bracket<T: Real, R: Rivals<T, L>, const L: usize, const FUSED: bool>(
    rivals: &R,
    origin: &[f64; L],
    others: usize,
    truncation: f64,
) -> Bracket<T, L> {
    let mut z = rivals.start::<FUSED>(origin, others);
    let (mut low, mut high) = ([f64::NEG_INFINITY; L], [f64::INFINITY; L]);
    let mut near = expand::<T, R, L, FUSED>(rivals, origin, &z);
    for _ in 1..MAX_STEPS {
        let mut moving = 0_u32;
        for l in 0..L {
            let at = z[l].to_f64();
            let step = near.slope[l] / near.curvature[l];
            let rising = near.slope[l] > 0.0;
            low[l] = if rising { at } else { low[l] };
            high[l] = if rising { high[l] } else { at };
            let newton = at + step;
            let inside = newton > low[l] && newton < high[l];
            let middle = 0.5 * (low[l] + high[l]);
            let next = if inside || !middle.is_finite() { newton } else { middle };
            // A lane that has arrived stays where it is while the others move on.
            let arrived = near.slope[l].abs() <= MODE_TOLERANCE * near.curvature[l].sqrt();
            z[l] = if arrived { z[l] } else { T::from_f64(next) };
            moving += u32::from(!arrived);
        }
        if moving == 0 {
            break;
        }
        near = expand::<T, R, L, FUSED>(rivals, origin, &z);
    }
    edges::<T, R, L, FUSED>(rivals, origin, &z, &near, truncation)
}

/// Two steps for the left edge, which is steep, and one for the right.
#[inline(always)]
fn edges<T: Real, R: Rivals<T, L>, const L: usize, const FUSED: bool>(
    rivals: &R,
    origin: &[f64; L],
    z: &[T; L],
    near: &Expansion<L>,
    truncation: f64,
) -> Bracket<T, L> {
    let mut mode = Mode { position: [0.0; L], height: [0.0; L] };
    let mut left = [0.0; L];
    for l in 0..L {
        let (slope, curvature) = (near.slope[l], near.curvature[l]);
        mode.position[l] = z[l].to_f64() + slope / curvature;
        mode.height[l] = slope * slope / (2.0 * curvature);
        left[l] = (2.0 * truncation / curvature).sqrt();
    }
    let mut right = left;
    step_to_edge::<T, R, L, FUSED>(rivals, -1.0, origin, near, &mode, truncation, &mut left);
    step_to_edge::<T, R, L, FUSED>(rivals, -1.0, origin, near, &mode, truncation, &mut left);
    step_to_edge::<T, R, L, FUSED>(rivals, 1.0, origin, near, &mode, truncation, &mut right);
    let mut bracket =
        Bracket { left: *z, right: *z, gamma_factor: near.factor, gamma_exponent: near.exponent };
    for l in 0..L {
        bracket.left[l] = T::from_f64(mode.position[l] - left[l]);
        bracket.right[l] = T::from_f64(mode.position[l] + right[l]);
    }
    bracket
}

/// A step of Newton's method for `log(drop) = log(truncation)` in the logarithm of the distance from the mode,
/// which is exact where the drop is proportional to a power of the distance.
#[inline(always)]
fn step_to_edge<T: Real, R: Rivals<T, L>, const L: usize, const FUSED: bool>(
    rivals: &R,
    side: f64,
    origin: &[f64; L],
    near: &Expansion<L>,
    mode: &Mode<L>,
    truncation: f64,
    distance: &mut [f64; L],
) {
    let mut at = [T::ZERO; L];
    for l in 0..L {
        at[l] = T::from_f64(mode.position[l] + side * distance[l]);
    }
    let far = expand::<T, R, L, FUSED>(rivals, origin, &at);
    for l in 0..L {
        let ratio = near.factor[l] / far.factor[l];
        let drop = mode.height[l] + (near.exponent[l] - far.exponent[l]) + fast_ln(ratio);
        let slope = -side * far.slope[l];
        let power = (distance[l] * slope / drop).max(1.0);
        // The distance changes by a factor from 0.2 to 4.
        let log_factor = (fast_ln(truncation / drop) / power).clamp(-1.609, 1.386);
        let factor = exp_nonpositive::<f64, FUSED>(log_factor);
        distance[l] *= if drop > 1e-3 && slope > 0.0 { factor } else { 2.0 };
    }
}
