//! Sums and products over the other classes at one point of the integration variable, for a group of samples.
//!
//! A group holds one sample in each of `L` lanes. Every loop over lanes is straight-line code without
//! branches, which the compiler turns into vector instructions of whatever width the processor has.
//!
//! With `x_i = a_i z + b_i` (`a_i = 1` where all classes share one sigma) the sums run over the hazards
//! `h_i = φ(x_i)/Φ(x_i)` and the product `F(z) = Π Φ(x_i)` is kept in three parts, so that it neither
//! underflows nor loses the digits of `1 - F`: for `x < 0` the factor `Φ(x) exp(x²/2)` and the exponent
//! `-x²/2`, for `x ≥ 0` the complement `1 - Φ(x)`.

use std::f64::consts::LN_2;

use crate::Real;
use crate::normal::{INV_SQRT_2PI, half_erfcx, half_square_and_exp, mul_add, split_exponent};

/// Classes whose products are formed in the working precision before they enter the `f64` product: few enough
/// that factors of at least `0.4 / (|x| + 1)` do not underflow `f32`, that sums of squares keep their digits,
/// and that so does one minus the complement, which is at least `2^-BLOCK`; and all the rivals of a label
/// among ten classes.
pub(super) const BLOCK: usize = 9;
/// An `f64` product below this is scaled up, and its exponent down, before more factors enter.
const PRODUCT_FLOOR: f64 = 1e-150;
const PRODUCT_RESCALE: f64 = 1e150;
/// `ln 1e150`.
const LN_RESCALE: f64 = 345.387_763_949_107;

/// The other classes of a group: `x = scale * z + shift`, both `[classes][lanes]`. Without `SCALED`, all
/// scales are 1 and `scale` is empty.
#[derive(Clone, Copy)]
pub(super) struct Classes<'a, T, const L: usize, const SCALED: bool> {
    pub shift: &'a [[T; L]],
    pub scale: &'a [[T; L]],
}

/// F(z) in parts, and H(z), per lane.
#[derive(Clone, Copy)]
pub(super) struct Product<const L: usize> {
    /// `F exp(-exponent)`.
    pub factor: [f64; L],
    /// Sum of `-x²/2` over the negative `x`, and the rescalings of `factor`.
    pub exponent: [f64; L],
    /// `1 - Π Φ(x)` over the classes with `x >= 0`.
    pub complement: [f64; L],
    /// `H = Σ a h`.
    pub hazard: [f64; L],
}

impl<const L: usize> Product<L> {
    pub const EMPTY: Self =
        Self { factor: [1.0; L], exponent: [0.0; L], complement: [0.0; L], hazard: [0.0; L] };

    /// With the factor between 1 and 2 and the rest in the exponent, so that ratios of factors are moderate.
    #[inline(always)]
    pub fn normalized(mut self) -> Self {
        for l in 0..L {
            let (n, factor) = split_exponent(self.factor[l]);
            self.factor[l] = factor;
            self.exponent[l] += n * LN_2;
        }
        self
    }
}

/// Sums of hazards over nodes, per class and lane, and what the next ones are multiplied by.
pub(super) struct Weighted<'a, T, const L: usize> {
    pub weight: &'a [T; L],
    /// `weight` times `z`.
    pub moment: &'a [T; L],
    pub gradient: &'a mut [[T; L]],
    /// Untouched without `SCALED`.
    pub first_moment: &'a mut [[T; L]],
}

impl<'a, T, const L: usize> Weighted<'a, T, L> {
    /// Nothing to add to.
    #[inline(always)]
    pub fn none(zero: &'a [T; L]) -> Self {
        Self { weight: zero, moment: zero, gradient: &mut [], first_moment: &mut [] }
    }
}

/// One class at one point.
pub(super) struct Term<T> {
    pub negative: bool,
    /// `Φ(-|x|) exp(x²/2)`.
    pub g: T,
    /// `Φ(-|x|)`.
    pub q: T,
    /// `-x²/2`.
    pub exponent: T,
    /// `φ(x)/Φ(x)`.
    pub hazard: T,
}

#[inline(always)]
pub(super) fn term<T: Real, const FUSED: bool>(x: T) -> Term<T> {
    let y = x.abs();
    let negative = x < T::ZERO;
    let g = half_erfcx::<T, FUSED>(y);
    let (exponent, e) = half_square_and_exp::<T, FUSED>(y);
    let q = e * g;
    let c = T::from_f64(INV_SQRT_2PI);
    let numerator = if negative { c } else { c * e };
    let denominator = if negative { g } else { T::ONE - q };
    Term { negative, g, q, exponent, hazard: numerator / denominator }
}

/// A block of classes in the working precision.
pub(super) struct Block<T, const L: usize> {
    pub factor: [T; L],
    /// The sum of `-x²/2` over the negative `x`.
    pub exponent: [T; L],
    pub complement: [T; L],
    pub hazard: [T; L],
}

impl<T: Real, const L: usize> Block<T, L> {
    #[inline(always)]
    pub fn empty() -> Self {
        Self { factor: [T::ONE; L], exponent: [T::ZERO; L], complement: [T::ZERO; L], hazard: [T::ZERO; L] }
    }

    #[inline(always)]
    pub fn flush(&self, product: &mut Product<L>) {
        for l in 0..L {
            let complement = self.complement[l].to_f64();
            let factor = product.factor[l] * (1.0 - complement) * self.factor[l].to_f64();
            let small = factor < PRODUCT_FLOOR;
            product.factor[l] = if small { factor * PRODUCT_RESCALE } else { factor };
            product.exponent[l] += self.exponent[l].to_f64() - if small { LN_RESCALE } else { 0.0 };
            product.complement[l] += complement * (1.0 - product.complement[l]);
            product.hazard[l] += self.hazard[l].to_f64();
        }
    }
}

impl<T: Real, const L: usize, const SCALED: bool> Classes<'_, T, L, SCALED> {
    /// F and H at `z`; each class's hazard goes to `hazards`.
    #[inline(always)]
    pub fn product<const FUSED: bool>(&self, z: &[T; L], hazards: &mut [[T; L]]) -> Product<L> {
        self.walk::<FUSED, true, false>(z, hazards, Weighted::none(&[T::ZERO; L]))
    }

    /// F at `z`; with `KEEP` also H and the hazards, with `ADD` also the sums of those before.
    #[inline(always)]
    pub fn walk<const FUSED: bool, const KEEP: bool, const ADD: bool>(
        &self,
        z: &[T; L],
        hazards: &mut [[T; L]],
        before: Weighted<'_, T, L>,
    ) -> Product<L> {
        let unscaled = [T::ONE; L];
        let Weighted { weight, moment, gradient, first_moment } = before;
        let mut product = Product::EMPTY;
        for (block, shifts) in self.shift.chunks(BLOCK).enumerate() {
            let first = block * BLOCK;
            let mut sums = Block::empty();
            for (class, shift) in (first..).zip(shifts) {
                let scale = if SCALED { &self.scale[class] } else { &unscaled };
                let mut hazard = if KEEP { hazards[class] } else { [T::ZERO; L] };
                if ADD {
                    let mut sum = gradient[class];
                    for l in 0..L {
                        sum[l] = mul_add::<T, FUSED>(weight[l], hazard[l], sum[l]);
                    }
                    gradient[class] = sum;
                    if SCALED {
                        let mut sum = first_moment[class];
                        for l in 0..L {
                            sum[l] = mul_add::<T, FUSED>(moment[l], hazard[l], sum[l]);
                        }
                        first_moment[class] = sum;
                    }
                }
                for l in 0..L {
                    let a = if SCALED { scale[l] } else { T::ONE };
                    let x = mul_add::<T, FUSED>(a, z[l], shift[l]);
                    let term = term::<T, FUSED>(x);
                    let Term { negative, g, q, exponent, hazard: h } = term;
                    let (factor, sum, complement) = (sums.factor[l], sums.exponent[l], sums.complement[l]);
                    let joint = mul_add::<T, FUSED>(q, T::ONE - complement, complement);
                    sums.factor[l] = if negative { factor * g } else { factor };
                    sums.exponent[l] = if negative { sum + exponent } else { sum };
                    sums.complement[l] = if negative { complement } else { joint };
                    if KEEP {
                        sums.hazard[l] = mul_add::<T, FUSED>(a, h, sums.hazard[l]);
                        hazard[l] = h;
                    }
                }
                if KEEP {
                    hazards[class] = hazard;
                }
            }
            sums.flush(&mut product);
        }
        product
    }
}
