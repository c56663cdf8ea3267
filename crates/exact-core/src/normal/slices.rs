//! Φ, log Φ and φ/Φ of many numbers, in the widest vector instructions at hand: within four roundings of the
//! scalar functions on every instruction set.

use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};

use super::{INV_SQRT_2PI, exp_half_square_or_zero, half_erfcx};
use crate::Real;

/// Numbers at a time.
const LANES: usize = 16;

/// Replaces each `x` by Φ(x).
///
/// # Accuracy
/// As [`cdf`](super::cdf) down to Φ = 1e-304 (`f64`) and 1e-35 (`f32`), below which the result is 0.
///
/// # Example
/// ```
/// let mut values = [0.0_f64, 1.0];
/// exact_core::normal::cdf_in_place(&mut values);
/// assert!((values[1] - 0.841_344_746_068_542_9).abs() < 1e-15);
/// ```
pub fn cdf_in_place<T: Real>(values: &mut [T]) {
    map::<T, Cdf>(values, Arch::new());
}

/// Replaces each `x` by `ln Φ(x)`.
///
/// # Accuracy
/// As [`log_cdf`](super::log_cdf), but 0 where Φ(-x) is below 1e-304 (`f64`) or 1e-35 (`f32`).
///
/// # Example
/// ```
/// let mut values = [-40.0_f64, 0.0];
/// exact_core::normal::log_cdf_in_place(&mut values);
/// assert!((values[0] / -804.608_442_013_754 - 1.0).abs() < 1e-14);
/// ```
pub fn log_cdf_in_place<T: Real>(values: &mut [T]) {
    map::<T, LogCdf>(values, Arch::new());
}

/// Replaces each `x` by the inverse Mills ratio φ(x)/Φ(x).
///
/// # Accuracy
/// As [`inverse_mills_ratio`](super::inverse_mills_ratio), but 0 where it is below 1e-304 (`f64`) or 1e-35
/// (`f32`).
///
/// # Example
/// ```
/// let mut values = [-1e5_f64, 0.0];
/// exact_core::normal::inverse_mills_ratio_in_place(&mut values);
/// assert!((values[0] - 100_000.000_01).abs() < 1e-9);
/// ```
pub fn inverse_mills_ratio_in_place<T: Real>(values: &mut [T]) {
    map::<T, InverseMillsRatio>(values, Arch::new());
}

/// The numbers and the function that replaces them.
struct Map<'a, T, F> {
    values: &'a mut [T],
    function: PhantomData<F>,
}

impl<T: Real, F: Function> WithSimd for Map<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if S::IS_SCALAR { self.run::<false>() } else { self.run::<true>() }
    }
}

impl<T: Real, F: Function> Map<'_, T, F> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (groups, rest) = self.values.as_chunks_mut::<LANES>();
        for group in groups {
            *group = lanes::<T, F, FUSED>(*group);
        }
        // In a full group too, so that a number's place has no influence on the result.
        let mut last = [T::ZERO; LANES];
        last[..rest.len()].copy_from_slice(rest);
        rest.copy_from_slice(&lanes::<T, F, FUSED>(last)[..rest.len()]);
    }
}

#[inline(always)]
fn lanes<T: Real, F: Function, const FUSED: bool>(mut group: [T; LANES]) -> [T; LANES] {
    for value in &mut group {
        *value = F::at::<T, FUSED>(*value);
    }
    group
}

fn map<T: Real, F: Function>(values: &mut [T], arch: Arch) {
    arch.dispatch(Map::<T, F> { values, function: PhantomData });
}

/// A function without branches.
trait Function {
    fn at<T: Real, const FUSED: bool>(x: T) -> T;
}

struct Cdf;
struct LogCdf;
struct InverseMillsRatio;

impl Function for Cdf {
    #[inline(always)]
    fn at<T: Real, const FUSED: bool>(x: T) -> T {
        let y = x.abs();
        let tail = exp_half_square_or_zero::<T, FUSED>(y) * half_erfcx::<T, FUSED>(y);
        let rest = T::ONE - tail;
        if x < T::ZERO { tail } else { rest }
    }
}

impl Function for LogCdf {
    #[inline(always)]
    fn at<T: Real, const FUSED: bool>(x: T) -> T {
        let y = x.abs();
        let g = half_erfcx::<T, FUSED>(y);
        let q = exp_half_square_or_zero::<T, FUSED>(y) * g;
        let lower = (T::from_f64(-0.5) * y * y).max(-T::MAX) + T::kernel_ln::<FUSED>(g);
        // ln(1 - q) = ln(v) + ln(1 + (1 - q - v)/v) for v = fl(1 - q), which keeps the digits of a small q.
        let v = T::ONE - q;
        let upper = T::kernel_ln::<FUSED>(v) + ((T::ONE - v) - q) / v;
        if x < T::ZERO { lower } else { upper }
    }
}

impl Function for InverseMillsRatio {
    #[inline(always)]
    fn at<T: Real, const FUSED: bool>(x: T) -> T {
        let y = x.abs();
        let g = half_erfcx::<T, FUSED>(y);
        let e = exp_half_square_or_zero::<T, FUSED>(y);
        let c = T::from_f64(INV_SQRT_2PI);
        let (lower, upper) = (c / g, c * e / (T::ONE - e * g));
        if x < T::ZERO { lower } else { upper }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal::{cdf, inverse_mills_ratio, log_cdf};

    /// Measured: 3.0.
    const ROUNDINGS: f64 = 4.0;

    /// The largest error relative to the scalar function in roundings, where that is not below `smallest`.
    fn worst<T: Real, F: Function>(arch: Arch, scalar: fn(T) -> T, lowest: f64, smallest: f64) -> f64 {
        let xs: Vec<T> = (0..40_003).map(|i| T::from_f64(lowest + f64::from(i) * 0.002)).collect();
        let mut found = xs.clone();
        map::<T, F>(&mut found, arch);
        let errors = xs.iter().zip(&found).filter_map(|(&x, found)| {
            let expected = scalar(x).to_f64();
            let error = (found.to_f64() / expected - 1.0).abs() / T::EPSILON.to_f64();
            (expected.abs() > smallest).then_some(error)
        });
        errors.fold(0.0, f64::max)
    }

    fn check<T: Real>(lowest: f64, smallest: f64) -> [f64; 3] {
        let mut all = [0.0; 3];
        for arch in [Arch::Scalar, Arch::new()] {
            let found = [
                worst::<T, Cdf>(arch, cdf, lowest, smallest),
                worst::<T, LogCdf>(arch, log_cdf, lowest, smallest),
                worst::<T, InverseMillsRatio>(arch, inverse_mills_ratio, lowest, smallest),
            ];
            for (all, found) in all.iter_mut().zip(found) {
                *all = found.max(*all);
            }
        }
        all
    }

    #[test]
    fn agree_with_the_scalar_functions_on_every_instruction_set() {
        let double = check::<f64>(-36.0, 1e-300);
        let single = check::<f32>(-12.0, 1e-34);
        assert!(double.iter().chain(&single).all(|ulps| *ulps < ROUNDINGS), "{double:?} {single:?}");
    }
}
