//! The classes that a label competes with, as the search for γ's mode and the integral see them.

use crate::Real;
use crate::expected::classes::{BLOCK, Block, Classes, Product, Term, Weighted, term};
use crate::normal::{SQRT_2PI, exp_nonpositive, fast_ln, mul_add};

/// The classes that the label competes with, for a group of samples.
pub(super) trait Rivals<T: Real, const L: usize> {
    /// Whether classes have scales of their own, so that first moments are wanted.
    const SCALED: bool;

    /// Where the search for γ's mode starts, as `z + origin`. `others` is how many classes there are besides
    /// the label, whether they matter or not.
    fn start<const FUSED: bool>(&self, origin: &[f64; L], others: usize) -> [T; L];

    /// F and H at `z`, with the sums behind the first two derivatives of `log(φ F H)`.
    fn moments<const FUSED: bool>(&self, z: &[T; L]) -> (Product<L>, Moments<T, L>);

    /// F alone at `z`: the hazards, and H with them, are left out.
    fn distribution<const FUSED: bool>(&self, z: &[T; L]) -> Product<L>;

    /// F and H at `z`; each class's hazard goes to `hazards`, after those that were there have been added to
    /// the weighted sums: in the same pass, which has time to wait for memory.
    fn product_after<const FUSED: bool>(
        &self,
        z: &[T; L],
        hazards: &mut [[T; L]],
        before: Weighted<'_, T, L>,
    ) -> Product<L>;
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

/// `x + h`, minus the derivative of `log h`. Far to the left x and h cancel, and an asymptotic series in the
/// Mills ratio `r = 1/h`, which `term` has without a division, takes over: `r - r³ = 1/y - 2/y³ + 6/y⁵ - …`
/// for `x = -y`, where `x + h = 1/y - 2/y³ + 10/y⁵ - …`. At `y = 16` the series is good to `4/y⁴`, 6e-5, and
/// cancellation costs `f32` `y² ε`, 3e-5: enough for a search.
#[inline(always)]
pub(super) fn hazard_slope<T: Real>(x: T, term: &Term<T>) -> T {
    let mills = T::from_f64(SQRT_2PI) * term.g;
    let series = mills - mills * mills * mills;
    if x < T::from_f64(-16.0) { series } else { x + term.hazard }
}

/// The best rate for [`start_from_bound`] with so many equal classes: for n of them the bound on the mean of
/// the maximum is `rate / 2 + ln(n) / rate`, which is least at `√(2 ln n)`.
pub(super) fn chernoff_rate(others: usize) -> f64 {
    (2.0 * (others as f64 + 1.0).ln()).sqrt().max(1.0)
}

/// The mode for the nearest class alone, `-d/2` for its difference d; or where that lies further right, a
/// mode for the maximum of many scores, from the Chernoff bound on its mean. `sum` is `Σ e^(-rate shift)`.
///
/// The line from the bound to the mode is empirical, and only the number of Newton steps depends on it.
/// Measured on standard normal logits: at sigma 0.5 the start is 0.4 to 1.4 of γ's widths off the mode on
/// average (3 to 1000 classes), and at sigmas from 0.2 to 2 at most 6.3.
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
