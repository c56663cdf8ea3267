//! The top-k probability where it leaves the range of `f64`, in numbers with a wider one: by the same
//! formulas, node by node.

mod counts;
mod extended;

pub(super) use counts::FarExceedance;
use counts::normal;
use extended::Extended;

use super::counts::RivalRow;
use crate::expected::batch::Orthant;
use crate::quadrature::Rule;

/// Points of one scan for the interval of integration.
const SCAN: usize = 40;
/// A scan is fine enough when this many of its points lie in the interval.
const RESOLVED: usize = 8;
/// Scans at most; each is about twenty times finer than the one before.
const MAX_SCANS: usize = 30;
/// Steps of the search for one end of the interval.
const EDGE_STEPS: usize = 6;

/// The probability, its complement and the derivatives with respect to each class's `b` and `a`.
pub(super) fn integrate<const SCALED: bool>(
    rivals: RivalRow<'_, SCALED>,
    rule: &Rule,
    exceedance: &mut FarExceedance,
    gradient: &mut [[f64; 1]],
    first_moment: &mut [[f64; 1]],
) -> Orthant<1> {
    let bracket = rivals.scan(rule.truncation(), exceedance);
    let unit = bracket.height.reciprocal();
    gradient.fill([0.0]);
    first_moment.fill([0.0]);

    exceedance.move_to(bracket.left, rivals.each());
    let (_, upper, _) = normal(bracket.left);
    let mut probability = (exceedance.split().fewer * upper * unit).to_f64();
    exceedance.move_to(bracket.right, rivals.each());
    let (lower, _, _) = normal(bracket.right);
    let mut complement = (exceedance.split().rest * lower * unit).to_f64();

    let half_width = 0.5 * (bracket.right - bracket.left);
    let center = 0.5 * (bracket.right + bracket.left);
    for node in rule.nodes() {
        let z = node.position * half_width + center;
        let weight = Extended::new(node.weight * half_width) * unit;
        let (lower, upper, density) = normal(z);
        let density = weight * density;
        exceedance.move_to(z, rivals.each());
        let slope = exceedance.slopes(|class, part| {
            let part = (part * density).to_f64();
            gradient[class][0] += part;
            if SCALED {
                first_moment[class][0] += z * part;
            }
        });
        probability += (weight * slope * upper).to_f64();
        complement += (weight * slope * lower).to_f64();
    }
    Orthant {
        probability: [probability],
        complement: [complement],
        factor: [bracket.height.value()],
        exponent: [bracket.height.exponent()],
    }
}

impl<const SCALED: bool> RivalRow<'_, SCALED> {
    fn each(&self) -> impl Iterator<Item = (f64, f64)> {
        let scales = self.scale.iter().copied().chain(std::iter::repeat(1.0));
        scales.zip(self.shift.iter().copied())
    }

    /// `γ(z) = φ(z) W'(z)`.
    fn gamma(&self, z: f64, exceedance: &mut FarExceedance) -> Extended {
        exceedance.move_to(z, self.each());
        exceedance.slope() * normal(z).2
    }

    /// The interval on which γ is at least `e^-truncation` of its maximum, by scans that zoom in. Nothing is
    /// assumed about the number of γ's modes, as long as a scan sees them.
    fn scan(&self, truncation: f64, exceedance: &mut FarExceedance) -> FarBracket {
        // γ's mode is not further out than where a class's probability turns, nor than the classes together
        // can pull.
        let count = self.shift.len() as f64;
        let reach = |(a, b): (f64, f64)| (b / a).abs().min(count * a * b.abs());
        // Wider than where `f64` serves, since this range does not grow.
        let margin = 6.0 + (2.0 * truncation).sqrt();
        let right = self.each().map(reach).fold(0.0, f64::max) + margin;
        let (mut left, mut right) = (-right, right);
        let mut heights = [0.0; SCAN + 1];
        for _ in 0..MAX_SCANS {
            let spacing = (right - left) / SCAN as f64;
            let at = |i: usize| left + i as f64 * spacing;
            let mut top = (f64::NEG_INFINITY, Extended::ZERO);
            for (i, height) in heights.iter_mut().enumerate() {
                let gamma = self.gamma(at(i), exceedance);
                *height = gamma.ln();
                if *height > top.0 {
                    top = (*height, gamma);
                }
            }
            let level = top.0 - truncation;
            let inside = |height: &f64| *height > level;
            // γ is positive everywhere in numbers of this range.
            let first = heights.iter().position(inside).expect("the highest point is above the level");
            let last = heights.iter().rposition(inside).expect("the highest point is above the level");
            let (outer, far) = (first.saturating_sub(1), (last + 1).min(SCAN));
            if last - first >= RESOLVED {
                let mut drop = |z: f64| self.gamma(z, exceedance).ln() - level;
                let sides = |i: usize| (at(i), heights[i] - level);
                return FarBracket {
                    left: edge(sides(first), sides(outer), &mut drop),
                    right: edge(sides(last), sides(far), &mut drop),
                    height: top.1,
                };
            }
            (left, right) = (at(outer), at(far));
        }
        FarBracket { left, right, height: self.gamma(0.5 * (left + right), exceedance) }
    }
}

/// Where to put the nodes, and γ's size there.
struct FarBracket {
    left: f64,
    right: f64,
    height: Extended,
}

/// Where `f` vanishes between a point `(z, f(z))` where it is positive and one where it is negative, by the
/// Illinois method.
fn edge(mut inside: (f64, f64), mut outside: (f64, f64), f: &mut impl FnMut(f64) -> f64) -> f64 {
    if outside.1 >= 0.0 {
        return outside.0;
    }
    for _ in 0..EDGE_STEPS {
        let z = (inside.0 * outside.1 - outside.0 * inside.1) / (outside.1 - inside.1);
        let value = f(z);
        // `log γ` need not meet the level by more than this: the ends are where to put nodes.
        if value.abs() < 0.05 || !value.is_finite() {
            return z;
        }
        if value > 0.0 {
            inside = (z, value);
            outside.1 *= 0.5;
        } else {
            outside = (z, value);
            inside.1 *= 0.5;
        }
    }
    outside.0
}
