//! The orthant probability `P(s_y > max_{i≠y} s_i)` of a group of samples by one-dimensional quadrature.
//!
//! With `F(z) = Π Φ(x_i)`, `F' = F H` and Q = 1 - Φ,
//!
//! ```text
//! P   = ∫ Q F' dz       1 - P = ∫ Φ F' dz       G_i = dP/dd_i = ∫ φ F h_i dz
//! ```
//!
//! All terms are positive and all live where `γ = φ F'` does, so the smaller of P and 1 - P and every gradient entry
//! have full relative accuracy. What the interval cuts off of P and 1 - P is `Q F` at its left end and `Φ (1 - F)`
//! at its right end. Everything is kept relative to γ near its mode.

use super::classes::Classes;
use crate::Real;
use crate::normal::{INV_SQRT_2PI, exp_nonpositive, mills_ratios, mul_add};
use crate::quadrature::Rule;

/// Buffers of one value per class and lane, overwritten.
pub(super) struct Workspace<'a, T, const L: usize> {
    /// Hazards at one node.
    pub hazards: &'a mut [[T; L]],
    /// `G_i`, relative to γ's size.
    pub gradient: &'a mut [[T; L]],
    /// `∫ z φ F h_i dz`, relative to γ's size; empty unless the scales differ.
    pub first_moment: &'a mut [[T; L]],
}

/// The smaller of P and 1 - P per lane, as `size exp(exponent)`, where the size also scales the gradient.
pub(super) struct Orthant<const L: usize> {
    /// P relative to γ's size; meaningful if not much larger than `complement`.
    pub probability: [f64; L],
    /// 1 - P relative to γ's size; meaningful if not much larger than `probability`.
    pub complement: [f64; L],
    /// γ's size is `factor exp(exponent)`.
    pub factor: [f64; L],
    pub exponent: [f64; L],
}

impl<T: Real, const L: usize, const SCALED: bool> Classes<'_, T, L, SCALED> {
    #[inline(always)]
    pub fn integrate<const FUSED: bool>(
        &self,
        rule: &Rule,
        workspace: &mut Workspace<'_, T, L>,
    ) -> Orthant<L> {
        let bracket = self.bracket::<FUSED>(rule.truncation());
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
        for row in workspace.gradient.iter_mut() {
            *row = [T::ZERO; L];
        }
        for row in workspace.first_moment.iter_mut() {
            *row = [T::ZERO; L];
        }
        let (mut probability, mut complement) = ([0.0; L], [0.0; L]);

        // The ends: Q F = (Q/φ) φ F and Φ (1 - F) = (Φ/φ) φ (1 - F), where φ F = γ / H.
        let at_left = self.product::<FUSED>(&bracket.left, workspace.hazards);
        let at_right = self.product::<FUSED>(&bracket.right, workspace.hazards);
        for l in 0..L {
            let (left, right) = (bracket.left[l].to_f64(), bracket.right[l].to_f64());
            let (upper, _) = mills_ratios::<T, FUSED>(bracket.left[l]);
            let exponent = at_left.exponent[l] - 0.5 * left * left - bracket.gamma_exponent[l];
            probability[l] = upper.to_f64()
                * at_left.factor[l]
                * inverse_gamma[l]
                * exp_nonpositive::<f64, FUSED>(exponent);
            let (_, lower) = mills_ratios::<T, FUSED>(bracket.right[l]);
            let negative = at_right.factor[l] / (1.0 - at_right.complement[l])
                * exp_nonpositive::<f64, FUSED>(at_right.exponent[l]);
            // Equal to 1 up to rounding where no class is to the left of its mean.
            let negative = if at_right.exponent[l] == 0.0 { 1.0 } else { negative };
            let rest = at_right.complement[l] + (1.0 - at_right.complement[l]) * (1.0 - negative);
            let exponent = -0.5 * right * right - bracket.gamma_exponent[l];
            complement[l] = lower.to_f64() * rest * inverse_gamma[l] * exponent.min(700.0).exp();
        }

        for node in rule.nodes() {
            let mut z = center;
            for l in 0..L {
                z[l] = mul_add::<T, FUSED>(T::from_f64(node.position), half_width[l], center[l]);
            }
            let product = self.product::<FUSED>(&z, workspace.hazards);
            let mut weight = [T::ZERO; L];
            for l in 0..L {
                let at = z[l].to_f64();
                let exponent = product.exponent[l] - 0.5 * at * at - bracket.gamma_exponent[l];
                let relative = T::from_f64(product.factor[l] * inverse_gamma[l]);
                let share = exp_nonpositive::<T, FUSED>(T::from_f64(exponent));
                // φ F over γ's size, times the node's weight.
                weight[l] = T::from_f64(node.weight) * half_width[l] * relative * share;
                let gamma = weight[l].to_f64() * product.hazard[l];
                let (upper, lower) = mills_ratios::<T, FUSED>(z[l]);
                probability[l] += gamma * upper.to_f64();
                complement[l] += gamma * lower.to_f64();
            }
            for (gradient, hazard) in workspace.gradient.iter_mut().zip(workspace.hazards.iter()) {
                for l in 0..L {
                    gradient[l] = mul_add::<T, FUSED>(weight[l], hazard[l], gradient[l]);
                }
            }
            if SCALED {
                for (moment, hazard) in workspace.first_moment.iter_mut().zip(workspace.hazards.iter()) {
                    for l in 0..L {
                        moment[l] = mul_add::<T, FUSED>(weight[l] * z[l], hazard[l], moment[l]);
                    }
                }
            }
        }
        Orthant { probability, complement, factor, exponent: bracket.gamma_exponent }
    }
}
