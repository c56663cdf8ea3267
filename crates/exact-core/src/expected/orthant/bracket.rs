//! The interval on which γ(z) = φ(z) F'(z) matters, by a safeguarded Newton search, for a group of samples.
//!
//! The value, its complement and every gradient entry live where γ does, for a probability near 0 as for one
//! near 1, so one set of nodes on this interval gives all of them with relative accuracy. γ has one mode.

use super::rivals::Rivals;
use crate::Real;
use crate::expected::classes::Product;
use crate::normal::exp_within_range;

/// Newton steps at most, halvings of a bracket included; a few are needed in practice.
const MAX_STEPS: usize = 20;
/// The search for the mode stops when a step would be shorter than this fraction of γ's width: `edges` takes
/// that step in any case, and a mode that is off by a small part of the width moves the ends by no more.
const MODE_TOLERANCE: f64 = 0.7;

/// A drop of `log γ` below this says nothing about where the edge is: in `f32`, `log γ` has rounding errors
/// of about 1e-5 where its exponents are in the hundreds.
const DROP_MIN: f64 = 1e-3;

/// Where to put the nodes, and γ's size near its mode, per lane.
pub(super) struct Bracket<T, const L: usize> {
    pub left: [T; L],
    pub right: [T; L],
    /// `γ = gamma_factor exp(gamma_exponent) / √(2π)` at a point near the mode.
    pub gamma_factor: [f64; L],
    pub gamma_exponent: [f64; L],
}

/// `log γ` in two parts, up to a constant, with its slope and curvature.
struct Expansion<T, const L: usize> {
    factor: [f64; L],
    exponent: [f64; L],
    slope: [T; L],
    /// Minus the second derivative, at least 1.
    curvature: [T; L],
}

/// γ's mode, and how much higher `log γ` is there than at the last point of the search.
struct Mode<T, const L: usize> {
    position: [T; L],
    height: [T; L],
}

#[inline(always)]
fn expand<T: Real, R: Rivals<T, L>, const L: usize, const FUSED: bool>(
    rivals: &R,
    origin: &[f64; L],
    x: &[T; L],
) -> Expansion<T, L> {
    let (product, moments) = rivals.moments::<FUSED>(x);
    let Product { factor, exponent, hazard, .. } = product.normalized();
    let mut expansion = Expansion { factor, exponent, slope: [T::ZERO; L], curvature: [T::ONE; L] };
    for l in 0..L {
        let z = x[l].to_f64() - origin[l];
        let total = T::from_f64(hazard[l]).max(T::MIN_POSITIVE);
        let inverse = T::ONE / total;
        let mean = moments.first[l] * inverse;
        let variance = (moments.second[l] * inverse - mean * mean).max(T::ZERO);
        let curvature = T::ONE + moments.first[l] + moments.curvature[l] * inverse - variance;
        expansion.factor[l] *= hazard[l];
        expansion.exponent[l] -= 0.5 * z * z;
        expansion.slope[l] = T::from_f64(-z) + total - mean;
        expansion.curvature[l] = curvature.max(T::ONE);
    }
    expansion
}

/// The interval on which `γ` is at least `e^-truncation` of its maximum, as values of `z + origin`. `others`
/// is how many classes there are besides the label, whether they matter or not.
#[inline(always)]
pub(super) fn bracket<T: Real, R: Rivals<T, L>, const L: usize, const FUSED: bool>(
    rivals: &R,
    origin: &[f64; L],
    others: usize,
    truncation: f64,
) -> Bracket<T, L> {
    let mut z = rivals.start::<FUSED>(origin, others);
    let (mut low, mut high) = ([-T::INFINITY; L], [T::INFINITY; L]);
    let mut near = expand::<T, R, L, FUSED>(rivals, origin, &z);
    for _ in 1..MAX_STEPS {
        let mut moving = 0_u32;
        for l in 0..L {
            let (slope, curvature) = (near.slope[l], near.curvature[l]);
            let rising = slope > T::ZERO;
            low[l] = if rising { z[l] } else { low[l] };
            high[l] = if rising { high[l] } else { z[l] };
            let newton = z[l] + slope / curvature;
            let inside = newton > low[l] && newton < high[l];
            let middle = T::from_f64(0.5) * (low[l] + high[l]);
            let next = if inside || !middle.is_finite() { newton } else { middle };
            // A lane that has arrived stays where it is while the others move on.
            let arrived = slope * slope <= T::from_f64(MODE_TOLERANCE * MODE_TOLERANCE) * curvature;
            z[l] = if arrived { z[l] } else { next };
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
    near: &Expansion<T, L>,
    truncation: f64,
) -> Bracket<T, L> {
    let mut mode = Mode { position: *z, height: [T::ZERO; L] };
    let mut left = [T::ZERO; L];
    for l in 0..L {
        let step = near.slope[l] / near.curvature[l];
        mode.position[l] += step;
        mode.height[l] = T::from_f64(0.5) * near.slope[l] * step;
        left[l] = (T::from_f64(2.0 * truncation) / near.curvature[l]).sqrt();
    }
    let mut right = left;
    step_to_edge::<T, R, L, FUSED>(rivals, -T::ONE, origin, near, &mode, truncation, &mut left);
    step_to_edge::<T, R, L, FUSED>(rivals, -T::ONE, origin, near, &mode, truncation, &mut left);
    step_to_edge::<T, R, L, FUSED>(rivals, T::ONE, origin, near, &mode, truncation, &mut right);
    let mut bracket =
        Bracket { left: *z, right: *z, gamma_factor: near.factor, gamma_exponent: near.exponent };
    for l in 0..L {
        bracket.left[l] = mode.position[l] - left[l];
        bracket.right[l] = mode.position[l] + right[l];
    }
    bracket
}

/// A step of Newton's method for `log(drop) = log(truncation)` in the logarithm of the distance from the
/// mode, which is exact where the drop is proportional to a power of the distance.
#[inline(always)]
fn step_to_edge<T: Real, R: Rivals<T, L>, const L: usize, const FUSED: bool>(
    rivals: &R,
    side: T,
    origin: &[f64; L],
    near: &Expansion<T, L>,
    mode: &Mode<T, L>,
    truncation: f64,
    distance: &mut [T; L],
) {
    let mut at = [T::ZERO; L];
    for l in 0..L {
        at[l] = mode.position[l] + side * distance[l];
    }
    let far = expand::<T, R, L, FUSED>(rivals, origin, &at);
    let truncation = T::from_f64(truncation);
    for l in 0..L {
        let ratio = T::from_f64(near.factor[l] / far.factor[l]).max(T::MIN_POSITIVE).min(T::MAX);
        let lower = T::from_f64(near.exponent[l] - far.exponent[l]);
        let drop = (mode.height[l] + lower + T::kernel_ln::<FUSED>(ratio)).max(T::from_f64(DROP_MIN));
        let slope = -side * far.slope[l];
        let power = (distance[l] * slope / drop).max(T::ONE);
        // The distance changes by a factor from 0.2 to 4, whose logarithms these are.
        let log_factor = T::kernel_ln::<FUSED>(truncation / drop) / power;
        let factor =
            exp_within_range::<T, FUSED>(log_factor.max(T::from_f64(-1.609)).min(T::from_f64(1.386)));
        let known = drop > T::from_f64(DROP_MIN) && slope > T::ZERO;
        distance[l] *= if known { factor } else { T::from_f64(2.0) };
    }
}
