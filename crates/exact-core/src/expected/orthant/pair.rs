//! Two classes, in closed form: the difference of two normal scores is normal.
//!
//! With `s² = σ_y² + σ_i²` and `x = (logit_y - logit_i) / s`, `P = Φ(x)`, `dP/d(logit_y) = φ(x) / s` and
//! `dP/dσ_c = -x φ(x) σ_c / s²`.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};
use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};

use crate::Real;
use crate::expected::batch::{OrthantBatch, Outcome, Quantity, reciprocal};
use crate::expected::sigma::Sigma;
use crate::normal::approximation::Approximation;
use crate::normal::{INV_SQRT_2PI, half_erfcx, half_square_and_exp};

/// Evaluates the batch, `L` samples at a time, with `erfcx` in the precision `U`.
pub(super) fn evaluate<T: Real, U: Real, const L: usize>(batch: OrthantBatch<'_, T>, arch: Arch) {
    arch.dispatch(InPairs::<T, U, L> { batch, precision: PhantomData });
}

/// The sigmas of `L` samples: the square root of the sum of the squares of both scores' in each lane, and one
/// over it.
#[derive(Clone, Copy)]
struct Spread<const L: usize> {
    size: [f64; L],
    inverse: [f64; L],
}

impl<const L: usize> Spread<L> {
    #[inline(always)]
    fn of<T: Real>(sigma: &Sigma<'_, T>, rows: &[usize; L]) -> Self {
        let size = match sigma {
            Sigma::Common(sigma) => [SQRT_2 * sigma.to_f64(); L],
            Sigma::PerSample(sigmas) => rows.map(|row| SQRT_2 * sigmas[row].to_f64()),
            Sigma::PerClass(sigmas) => {
                rows.map(|row| sigmas[2 * row].to_f64().hypot(sigmas[2 * row + 1].to_f64()))
            }
        };
        Self { size, inverse: size.map(reciprocal) }
    }
}

/// A batch of two classes.
struct InPairs<'a, T, U, const L: usize> {
    batch: OrthantBatch<'a, T>,
    precision: PhantomData<U>,
}

impl<T: Real, U: Real, const L: usize> WithSimd for InPairs<'_, T, U, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if S::IS_SCALAR { self.groups::<false>() } else { self.groups::<true>() }
    }
}

impl<T: Real, U: Real, const L: usize> InPairs<'_, T, U, L> {
    /// Evaluates the samples, `L` at a time.
    #[inline(always)]
    fn groups<const FUSED: bool>(self) {
        let mut batch = self.batch;
        let margin = batch.margin.map_or(f64::INFINITY, T::to_f64);
        let mut spread = Spread::of(&batch.sigma, &[0; L]);
        for first in (0..batch.labels.len()).step_by(L) {
            let lanes = L.min(batch.labels.len() - first);
            // Lanes past the last sample repeat it.
            let rows: [usize; L] = std::array::from_fn(|l| first + l.min(lanes - 1));
            if !matches!(batch.sigma, Sigma::Common(_)) {
                spread = Spread::of(&batch.sigma, &rows);
            }
            let [mut x, mut sign, mut free] = [[0.0; L]; 3];
            for l in 0..L {
                sign[l] = if batch.labels[rows[l]] == 0 { 1.0 } else { -1.0 };
                let [a, b] = [batch.logits[2 * rows[l]].to_f64(), batch.logits[2 * rows[l] + 1].to_f64()];
                let difference = sign[l] * (a - b);
                // A difference beyond the margin is a constant.
                free[l] = if difference <= margin { 1.0 } else { 0.0 };
                x[l] = (difference.min(margin) * spread.inverse[l]).max(U::SHIFT_MIN * FRAC_1_SQRT_2);
            }
            let tail = Tail::<L>::of::<U, FUSED>(&x);
            let mut slope = [0.0; L];
            for l in 0..lanes {
                slope[l] = report(&mut batch, first + l, l, &x, &tail, &spread);
            }
            for l in 0..L {
                slope[l] *= free[l] * sign[l] * spread.inverse[l];
            }
            let grad = &mut batch.grad[2 * first..][..2 * lanes];
            for (grad, slope) in grad.as_chunks_mut::<2>().0.iter_mut().zip(slope) {
                *grad = [T::saturating_from_f64(slope), T::saturating_from_f64(-slope)];
            }
        }
    }
}

/// Reports a sample and writes its gradient with respect to the sigmas. Returns the visitor's factor times
/// the derivative of the quantity with respect to `x`.
#[inline(always)]
fn report<T: Real, const L: usize>(
    batch: &mut OrthantBatch<'_, T>,
    row: usize,
    lane: usize,
    x: &[f64; L],
    tail: &Tail<L>,
    spread: &Spread<L>,
) -> f64 {
    let (x, density) = (x[lane], tail.density[lane]);
    let mut outcome = Outcome {
        size: tail.size[lane],
        exponent: tail.exponent[lane],
        is_probability: x <= 0.0,
        smaller: tail.probability[lane],
        dsigma: f64::NAN,
    };
    let slope = match batch.quantity {
        Quantity::Probability => density,
        Quantity::LogProbability if outcome.is_probability => INV_SQRT_2PI / outcome.size,
        Quantity::LogProbability => density / outcome.probability(),
    };
    let along_spread = -x * slope * spread.inverse[lane];
    if let Sigma::PerClass(sigmas) = batch.sigma {
        let factor = (batch.visit)(row, &outcome).to_f64();
        if let Some(sigma_grad) = &mut batch.sigma_grad {
            for class in 2 * row..2 * row + 2 {
                let share = sigmas[class].to_f64() / spread.size[lane];
                sigma_grad[class] = T::saturating_from_f64(factor * along_spread * share);
            }
        }
        return factor * slope;
    }
    outcome.dsigma = SQRT_2 * along_spread;
    (batch.visit)(row, &outcome).to_f64() * slope
}

/// The smaller of Φ(x) and Φ(-x) per lane.
struct Tail<const L: usize> {
    /// It is `size exp(exponent)`.
    size: [f64; L],
    exponent: [f64; L],
    probability: [f64; L],
    /// φ(x).
    density: [f64; L],
}

impl<const L: usize> Tail<L> {
    #[inline(always)]
    fn of<U: Real, const FUSED: bool>(x: &[f64; L]) -> Self {
        let mut tail = Self { size: [0.0; L], exponent: [0.0; L], probability: [0.0; L], density: [0.0; L] };
        for l in 0..L {
            let certain = x[l] > U::SHIFT_MAX * FRAC_1_SQRT_2;
            let y = if certain { 0.0 } else { x[l].abs() };
            let (exponent, exp) = half_square_and_exp::<f64, FUSED>(y);
            let g = half_erfcx::<U, FUSED>(U::from_f64(y)).to_f64();
            let (g, exp) = if certain { (0.0, 0.0) } else { (g, exp) };
            tail.size[l] = g;
            tail.exponent[l] = exponent;
            tail.probability[l] = g * exp;
            tail.density[l] = INV_SQRT_2PI * exp;
        }
        for l in 0..L {
            // Where the fast exponential ends.
            if tail.exponent[l] < f64::EXP_FLOOR {
                let exp = tail.exponent[l].exp();
                tail.probability[l] = tail.size[l] * exp;
                tail.density[l] = INV_SQRT_2PI * exp;
            }
        }
        tail
    }
}
