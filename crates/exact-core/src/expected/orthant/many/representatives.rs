//! Sums over weighted classes at one point of the integration variable:
//! [`Classes`](crate::expected::classes::Classes) for the representatives of many classes, whose weights need
//! not be whole numbers, so that `log F` takes the place of the product F.

use crate::expected::classes::{Product, Weighted, term};
use crate::expected::orthant::rivals::{Moments, Rivals, chernoff_rate, hazard_slope, start_from_bound};
use crate::normal::{exp_nonpositive, ln_f32, mul_add};

/// Representatives whose sums are formed in `f32` before they enter those in `f64`.
const BLOCK: usize = 8;
/// The smallest logarithm of a factor: a little above where the fast exponential ends, -700.
const LOWEST: f64 = -650.0;

/// The representatives of a group, `[representatives][lanes]`.
#[derive(Clone, Copy)]
pub(super) struct Representatives<'a, const L: usize> {
    pub shift: &'a [[f32; L]],
    pub weight: &'a [[f32; L]],
}

/// The sums over a block.
struct LogBlock<const L: usize> {
    /// Of `log Φ` where x is negative.
    far: [f32; L],
    /// Of `log Φ` where x is not.
    near: [f32; L],
    hazard: [f32; L],
}

/// The sums over all blocks.
struct LogTotal<const L: usize> {
    far: [f64; L],
    near: [f64; L],
    hazard: [f64; L],
}

impl<const L: usize> LogBlock<L> {
    const EMPTY: Self = Self { far: [0.0; L], near: [0.0; L], hazard: [0.0; L] };

    #[inline(always)]
    fn flush(&self, total: &mut LogTotal<L>) {
        for l in 0..L {
            total.far[l] += f64::from(self.far[l]);
            total.near[l] += f64::from(self.near[l]);
            total.hazard[l] += f64::from(self.hazard[l]);
        }
    }
}

impl<const L: usize> LogTotal<L> {
    const EMPTY: Self = Self { far: [0.0; L], near: [0.0; L], hazard: [0.0; L] };

    #[inline(always)]
    fn product<const FUSED: bool>(&self) -> Product<L> {
        let mut product = Product::EMPTY;
        for l in 0..L {
            let near = self.near[l].min(0.0);
            // A very small factor leaves the range of `f64` by the exponent.
            let kept = near.max(LOWEST);
            let factor = exp_nonpositive::<f64, FUSED>(kept);
            // 1 - e^near, without cancellation for small near; the first term that is left out is below 1e-10
            // of it.
            let series = -near * (1.0 + near * (0.5 + near * (1.0 / 6.0 + near * (1.0 / 24.0))));
            product.complement[l] = if near > -0.01 { series } else { 1.0 - factor };
            product.factor[l] = factor;
            product.exponent[l] = self.far[l] + (near - kept);
            product.hazard[l] = self.hazard[l];
        }
        product
    }
}

/// `log Φ(x)` from the parts of a term: `Φ(-|x|) exp(x²/2)`, `Φ(-|x|)` and `-x²/2`.
#[inline(always)]
fn log_cdf<const FUSED: bool>(negative: bool, g: f32, q: f32, exponent: f32) -> f32 {
    let kept = 1.0 - q;
    let logarithm = ln_f32::<FUSED>(if negative { g } else { kept });
    // What rounding took from 1 - q, relative to it.
    let lost = ((1.0 - kept) - q) * (2.0 - kept);
    if negative { exponent + logarithm } else { logarithm + lost }
}

impl<const L: usize> Representatives<'_, L> {
    /// F at `z`; with `KEEP` also H, the hazards and the sums of those before.
    #[inline(always)]
    fn walk<const FUSED: bool, const KEEP: bool>(
        &self,
        z: &[f32; L],
        hazards: &mut [[f32; L]],
        before: Weighted<'_, f32, L>,
    ) -> Product<L> {
        let Weighted { weight: node_weight, gradient, .. } = before;
        let mut total = LogTotal::EMPTY;
        for (block, shifts) in self.shift.chunks(BLOCK).enumerate() {
            let first = block * BLOCK;
            let mut sums = LogBlock::EMPTY;
            for (class, shift) in (first..).zip(shifts) {
                let weight = &self.weight[class];
                let mut hazard = if KEEP { hazards[class] } else { [0.0; L] };
                if KEEP {
                    let mut sum = gradient[class];
                    for l in 0..L {
                        sum[l] = mul_add::<f32, FUSED>(node_weight[l], hazard[l], sum[l]);
                    }
                    gradient[class] = sum;
                }
                for l in 0..L {
                    let term = term::<f32, FUSED>(z[l] + shift[l]);
                    let logarithm =
                        weight[l] * log_cdf::<FUSED>(term.negative, term.g, term.q, term.exponent);
                    let (far, near) = (sums.far[l], sums.near[l]);
                    sums.far[l] = if term.negative { far + logarithm } else { far };
                    sums.near[l] = if term.negative { near } else { near + logarithm };
                    if KEEP {
                        sums.hazard[l] = mul_add::<f32, FUSED>(weight[l], term.hazard, sums.hazard[l]);
                        hazard[l] = term.hazard;
                    }
                }
                if KEEP {
                    hazards[class] = hazard;
                }
            }
            sums.flush(&mut total);
        }
        total.product::<FUSED>()
    }
}

impl<const L: usize> Rivals<f32, L> for Representatives<'_, L> {
    const SCALED: bool = false;

    #[inline(always)]
    fn start<const FUSED: bool>(&self, origin: &[f64; L], others: usize) -> [f32; L] {
        let rate = chernoff_rate(others);
        let mut sum = [0.0; L];
        for (shift, weight) in self.shift.iter().zip(self.weight) {
            for l in 0..L {
                let e = exp_nonpositive::<f32, FUSED>(-rate as f32 * shift[l]);
                sum[l] = mul_add::<f32, FUSED>(weight[l], e, sum[l]);
            }
        }
        start_from_bound(origin, rate, &sum)
    }

    #[inline(always)]
    fn moments<const FUSED: bool>(&self, z: &[f32; L]) -> (Product<L>, Moments<f32, L>) {
        let mut total = LogTotal::EMPTY;
        let mut moments = Moments { first: [0.0; L], second: [0.0; L], curvature: [0.0; L] };
        for (shifts, weights) in self.shift.chunks(BLOCK).zip(self.weight.chunks(BLOCK)) {
            let mut sums = LogBlock::EMPTY;
            for (shift, weight) in shifts.iter().zip(weights) {
                for l in 0..L {
                    let x = z[l] + shift[l];
                    let term = term::<f32, FUSED>(x);
                    let logarithm =
                        weight[l] * log_cdf::<FUSED>(term.negative, term.g, term.q, term.exponent);
                    let (far, near) = (sums.far[l], sums.near[l]);
                    sums.far[l] = if term.negative { far + logarithm } else { far };
                    sums.near[l] = if term.negative { near } else { near + logarithm };
                    let h = weight[l] * term.hazard;
                    sums.hazard[l] += h;
                    let u = hazard_slope(x, &term);
                    moments.first[l] += h * u;
                    moments.second[l] += h * u * u;
                    moments.curvature[l] += h * (1.0 - term.hazard * u);
                }
            }
            sums.flush(&mut total);
        }
        (total.product::<FUSED>(), moments)
    }

    #[inline(always)]
    fn distribution<const FUSED: bool>(&self, z: &[f32; L]) -> Product<L> {
        self.walk::<FUSED, false>(z, &mut [], Weighted::none(&[0.0; L]))
    }

    #[inline(always)]
    fn product_after<const FUSED: bool>(
        &self,
        z: &[f32; L],
        hazards: &mut [[f32; L]],
        before: Weighted<'_, f32, L>,
    ) -> Product<L> {
        self.walk::<FUSED, true>(z, hazards, before)
    }
}
