//! Sums and products over the other classes at one point of the integration variable, for a group of samples.
//!
//! A group holds one sample in each of `L` lanes. Every loop over lanes is straight-line code without branches,
//! which the compiler turns into vector instructions of whatever width the processor has.
//!
//! With `x_i = a_i z + b_i` (`a_i = 1` where all classes share one sigma) the sums run over the hazards
//! `h_i = φ(x_i)/Φ(x_i)` and the product `F(z) = Π Φ(x_i)` is kept in three parts, so that it neither underflows
//! nor loses the digits of `1 - F`: for `x < 0` the factor `Φ(x) exp(x²/2)` and the exponent `-x²/2`, for `x ≥ 0`
//! the complement `1 - Φ(x)`.

use std::f64::consts::LN_2;

use crate::Real;
use crate::normal::{
    INV_SQRT_2PI, SQRT_2PI, exp_nonpositive, fast_ln, half_erfcx, half_square_and_exp, mul_add,
    split_exponent,
};

/// Classes whose products are formed in the working precision before they enter the `f64` product: few enough that
/// factors of at least `0.4 / (|x| + 1)` do not underflow `f32`, that sums of squares keep their digits, and that so does
/// one minus the complement, which is at least `2^-BLOCK`; and all the rivals of a label among ten classes.
const BLOCK: usize = 9;
/// An `f64` product below this is scaled up, and its exponent down, before more factors enter.
const PRODUCT_FLOOR: f64 = 1e-150;
const PRODUCT_RESCALE: f64 = 1e150;
/// `ln 1e150`.
const LN_RESCALE: f64 = 345.387_763_949_107;

/// The other classes of a group: `x = scale * z + shift`, both `[classes][lanes]`. Without `SCALED`, all scales are
/// 1 and `scale` is empty.
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

/// Sums that the derivatives of `log(φ F H)` need, per lane.
#[derive(Clone, Copy)]
pub(super) struct Moments<T, const L: usize> {
    /// `Σ a h · a u`, with `u = x + h`.
    pub first: [T; L],
    /// `Σ a h (a u)²`.
    pub second: [T; L],
    /// `Σ a h · a² (1 - h u)`.
    pub curvature: [T; L],
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

/// `x + h`, minus the derivative of `log h`. Far to the left x and h cancel, and an asymptotic series in the Mills ratio
/// `r = 1/h`, which `term` has without a division, takes over: `r - r³ = 1/y - 2/y³ + 6/y⁵ - …` for `x = -y`, where
/// `x + h = 1/y - 2/y³ + 10/y⁵ - …`.
#[inline(always)]
pub(super) fn hazard_slope<T: Real>(x: T, term: &Term<T>) -> T {
    let mills = T::from_f64(SQRT_2PI) * term.g;
    let series = mills - mills * mills * mills;
    if x < T::from_f64(-16.0) { series } else { x + term.hazard }
}

/// A block of classes in the working precision.
struct Block<T, const L: usize> {
    factor: [T; L],
    /// The sum of `-x²/2` over the negative `x`.
    exponent: [T; L],
    complement: [T; L],
    hazard: [T; L],
}

impl<T: Real, const L: usize> Block<T, L> {
    #[inline(always)]
    fn empty() -> Self {
        Self { factor: [T::ONE; L], exponent: [T::ZERO; L], complement: [T::ZERO; L], hazard: [T::ZERO; L] }
    }

    #[inline(always)]
    fn flush(&self, product: &mut Product<L>) {
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

/// The best rate for [`start_from_bound`] with so many equal classes.
pub(super) fn chernoff_rate(others: usize) -> f64 {
    (2.0 * (others as f64 + 1.0).ln()).sqrt().max(1.0)
}

/// The mode for the nearest class alone, moved towards the mode of the maximum of many scores, for which there is a
/// Chernoff bound on its mean, where that lies further right. `sum` is `Σ e^(-rate shift)`.
#[inline(always)]
pub(super) fn start_from_bound<T: Real, const L: usize>(
    origin: &[f64; L],
    rate: f64,
    sum: &[T; L],
) -> [T; L] {
    let mut start = [T::ZERO; L];
    for l in 0..L {
        let mean = rate / 2.0 - origin[l] + fast_ln(sum[l].to_f64()) / rate;
        let (alone, shifted) = (-0.5 * origin[l], 0.73 * mean - 0.65);
        let z = if mean > 0.0 && shifted > alone { shifted } else { alone };
        start[l] = T::from_f64(z + origin[l]);
    }
    start
}

/// The classes that the label competes with, for a group of samples.
pub(super) trait Rivals<T: Real, const L: usize> {
    /// Whether classes have scales of their own, so that first moments are wanted.
    const SCALED: bool;

    /// Where the search for γ's mode starts, as `z + origin`. `others` is how many classes there are besides the label,
    /// whether they matter or not.
    fn start<const FUSED: bool>(&self, origin: &[f64; L], others: usize) -> [T; L];

    /// F and H at `z`, with the sums behind the first two derivatives of `log(φ F H)`.
    fn moments<const FUSED: bool>(&self, z: &[T; L]) -> (Product<L>, Moments<T, L>);

    /// F alone at `z`: the hazards, and H with them, are left out.
    fn distribution<const FUSED: bool>(&self, z: &[T; L]) -> Product<L>;

    /// F and H at `z`; each class's hazard goes to `hazards`, after those that were there have been added to the weighted
    /// sums: in the same pass, which has time to wait for memory.
    fn product_after<const FUSED: bool>(
        &self,
        z: &[T; L],
        hazards: &mut [[T; L]],
        before: Weighted<'_, T, L>,
    ) -> Product<L>;
}

impl<T: Real, const L: usize, const SCALED: bool> Classes<'_, T, L, SCALED> {
    /// F and H at `z`; each class's hazard goes to `hazards`.
    #[inline(always)]
    pub fn product<const FUSED: bool>(&self, z: &[T; L], hazards: &mut [[T; L]]) -> Product<L> {
        self.walk::<FUSED, true, false>(z, hazards, Weighted::none(&[T::ZERO; L]))
    }

    /// F at `z`; with `KEEP` also H and the hazards, with `ADD` also the sums of those before.
    #[inline(always)]
    fn walk<const FUSED: bool, const KEEP: bool, const ADD: bool>(
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

impl<T: Real, const L: usize, const SCALED: bool> Rivals<T, L> for Classes<'_, T, L, SCALED> {
    const SCALED: bool = SCALED;

    #[inline(always)]
    fn start<const FUSED: bool>(&self, origin: &[f64; L], others: usize) -> [T; L] {
        if SCALED {
            let mut z = [-T::INFINITY; L];
            for (scale, shift) in self.scale.iter().zip(self.shift) {
                for l in 0..L {
                    let a = scale[l];
                    z[l] = z[l].max(-(a * shift[l]) / (T::ONE + a * a));
                }
            }
            return z;
        }
        let rate = chernoff_rate(others);
        let mut sum = [T::ZERO; L];
        for shift in self.shift {
            for l in 0..L {
                sum[l] += exp_nonpositive::<T, FUSED>(T::from_f64(-rate) * shift[l]);
            }
        }
        start_from_bound(origin, rate, &sum)
    }

    #[inline(always)]
    fn moments<const FUSED: bool>(&self, z: &[T; L]) -> (Product<L>, Moments<T, L>) {
        let unscaled = [T::ONE; L];
        let mut product = Product::EMPTY;
        let zero = [T::ZERO; L];
        let mut moments = Moments { first: zero, second: zero, curvature: zero };
        for (block, shifts) in self.shift.chunks(BLOCK).enumerate() {
            let mut sums = Block::empty();
            for (i, shift) in shifts.iter().enumerate() {
                let scale = if SCALED { &self.scale[block * BLOCK + i] } else { &unscaled };
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
                    let ah = a * h;
                    sums.hazard[l] += ah;
                    let u = hazard_slope(x, &term);
                    let au = a * u;
                    moments.first[l] += ah * au;
                    moments.second[l] += ah * au * au;
                    moments.curvature[l] += ah * a * a * (T::ONE - h * u);
                }
            }
            sums.flush(&mut product);
        }
        (product, moments)
    }

    #[inline(always)]
    fn distribution<const FUSED: bool>(&self, z: &[T; L]) -> Product<L> {
        self.walk::<FUSED, false, false>(z, &mut [], Weighted::none(&[T::ZERO; L]))
    }

    #[inline(always)]
    fn product_after<const FUSED: bool>(
        &self,
        z: &[T; L],
        hazards: &mut [[T; L]],
        before: Weighted<'_, T, L>,
    ) -> Product<L> {
        self.walk::<FUSED, true, true>(z, hazards, before)
    }
}
