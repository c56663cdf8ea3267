//! Every public entry point of exact-core on inputs that are mean on purpose.
//!
//! [`exercise`] decodes a byte string into one call with its arguments: numbers from subnormal to the
//! largest, ties, batches of a class or of thousands, and now and then an argument that must be refused. It
//! asserts that
//!
//! - nothing panics;
//! - an argument that the documentation rules out gives an error, and every other one a result;
//! - no result is NaN or infinite, P and 1 - P are in `[0, 1]` and add up to 1, and gradients have the sign
//!   and at most the size they can have, where the arguments' products stay in the range of the type.
//!
//! libFuzzer calls it through `fuzz_targets/`, and an ordinary test with pseudo-random strings.

mod check;
mod estimators;
mod expected;
mod functions;
mod input;
mod losses;

use exact_core::Real;
use exact_core::estimator::{Estimator, Genz, MonteCarlo};
use input::Input;

/// Decodes `bytes` into one call of exact-core and checks what comes back.
///
/// # Panics
/// If a property is violated.
pub fn exercise(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    if input.chance(2) { area::<f32>(&mut input) } else { area::<f64>(&mut input) }
}

fn area<T: Real>(input: &mut Input<'_>)
where
    Genz: Estimator<T>,
    MonteCarlo: Estimator<T>,
{
    match input.below(10) {
        0 => functions::normal::<T>(input),
        1 if input.chance(2) => expected::batch::<T>(input),
        1 => functions::settings::<T>(input),
        2 => functions::logit_normalization::<T>(input),
        3 | 4 => expected::accuracy::<T>(input),
        5 => expected::top_k::<T>(input),
        6 => expected::distribution::<T>(input),
        7 => estimators::estimate(input),
        _ => losses::evaluate::<T>(input),
    }
}
