//! The three integrals of a group of samples (see [`super`]) by quadrature: everything relative to γ near its
//! mode.

use super::bracket::bracket;
use super::rivals::Rivals;
use crate::Real;
use crate::expected::batch::Orthant;
use crate::expected::classes::Weighted;
use crate::normal::{INV_SQRT_2PI, exp_nonpositive, exp_within_range, mills_ratios, mul_add};
use crate::quadrature::Rule;

/// Buffers of one value per class and lane, overwritten.
pub(super) struct HazardSums<'a, T, const L: usize> {
    /// Hazards at one node.
    pub hazards: &'a mut [[T; L]],
    /// `G_i`, relative to γ's size.
    pub gradient: &'a mut [[T; L]],
    /// `∫ z φ F h_i dz`, relative to γ's size; empty unless the scales differ.
    pub first_moment: &'a mut [[T; L]],
}

/// The probability, its complement and, in `sums`, the gradient.
#[inline(always)]
pub(super) fn integrate<T: Real, R: Rivals<T, L>, const L: usize, const FUSED: bool>(
    rivals: &R,
    origin: &[f64; L],
    others: usize,
    rule: &Rule,
    sums: &mut HazardSums<'_, T, L>,
) -> Orthant<L> {
    let bracket = bracket::<T, R, L, FUSED>(rivals, origin, others, rule.truncation());
    let mut factor = bracket.gamma_factor;
    let mut inverse_gamma = factor;
    let mut half_width = [T::ZERO; L];
    let mut center = [T::ZERO; L];
    for l in 0..L {
        factor[l] *= INV_SQRT_2PI;
        inverse_gamma[l] = 1.0 / inverse_gamma[l];
        half_width[l] = T::from_f64(0.5) * (bracket.right[l] - bracket.left[l]);
        center[l] = T::from_f64(0.5) * (bracket.right[l] + bracket.left[l]);
    }
    // Before the first node there are no hazards, which then enter with the weight 0.
    for buffer in [&mut *sums.hazards, &mut *sums.gradient, &mut *sums.first_moment] {
        buffer.fill([T::ZERO; L]);
    }
    let (mut probability, mut complement) = ([0.0; L], [0.0; L]);

    // The ends: Q F = (Q/φ) φ F and Φ (1 - F) = (Φ/φ) φ (1 - F), where φ F = γ / H.
    let at_left = rivals.distribution::<FUSED>(&bracket.left).normalized();
    let at_right = rivals.distribution::<FUSED>(&bracket.right);
    for l in 0..L {
        let (left, right) = (bracket.left[l].to_f64() - origin[l], bracket.right[l].to_f64() - origin[l]);
        let (upper, _) = mills_ratios::<T, FUSED>(T::from_f64(left));
        let exponent = at_left.exponent[l] - 0.5 * left * left - bracket.gamma_exponent[l];
        probability[l] =
            upper.to_f64() * at_left.factor[l] * inverse_gamma[l] * exp_nonpositive::<f64, FUSED>(exponent);
        let (_, lower) = mills_ratios::<T, FUSED>(T::from_f64(right));
        let negative = at_right.factor[l] / (1.0 - at_right.complement[l])
            * exp_nonpositive::<f64, FUSED>(at_right.exponent[l]);
        // Equal to 1 up to rounding where no class is to the left of its mean.
        let negative = if at_right.exponent[l] == 0.0 { 1.0 } else { negative };
        let kept = 1.0 - at_right.complement[l];
        let rest = if kept > 0.0 { at_right.complement[l] + kept * (1.0 - negative) } else { 1.0 };
        // Where this is large, so are the other terms, and 1 - P is not the smaller of the two.
        let exponent = (-0.5 * right * right - bracket.gamma_exponent[l]).min(200.0);
        complement[l] = lower.to_f64() * rest * inverse_gamma[l] * exp_within_range::<f64, FUSED>(exponent);
    }

    let HazardSums { hazards, gradient, first_moment } = sums;
    let (mut weight, mut moment) = ([T::ZERO; L], [T::ZERO; L]);
    let nodes = if R::SCALED { rule.nodes() } else { rule.peak_nodes(others + 1) };
    for node in nodes {
        let mut z = center;
        for l in 0..L {
            z[l] = mul_add::<T, FUSED>(T::from_f64(node.position), half_width[l], center[l]);
        }
        let before = Weighted { weight: &weight, moment: &moment, gradient, first_moment };
        let product = rivals.product_after::<FUSED>(&z, hazards, before).normalized();
        for l in 0..L {
            let at = z[l].to_f64() - origin[l];
            let exponent = product.exponent[l] - 0.5 * at * at - bracket.gamma_exponent[l];
            let relative = T::from_f64(product.factor[l] * inverse_gamma[l]);
            let share = exp_nonpositive::<T, FUSED>(T::from_f64(exponent));
            // φ F over γ's size, times the node's weight.
            weight[l] = T::from_f64(node.weight) * half_width[l] * relative * share;
            moment[l] = weight[l] * z[l];
            let gamma = weight[l].to_f64() * product.hazard[l];
            let (upper, lower) = mills_ratios::<T, FUSED>(T::from_f64(at));
            probability[l] += gamma * upper.to_f64();
            complement[l] += gamma * lower.to_f64();
        }
    }
    for (class, hazard) in hazards.iter().enumerate() {
        for l in 0..L {
            gradient[class][l] = mul_add::<T, FUSED>(weight[l], hazard[l], gradient[class][l]);
            if R::SCALED {
                first_moment[class][l] = mul_add::<T, FUSED>(moment[l], hazard[l], first_moment[class][l]);
            }
        }
    }
    Orthant { probability, complement, factor, exponent: bracket.gamma_exponent }
}
