//! The orthant probability `P(s_y > max_{i≠y} s_i)`.

mod bracket;
mod gather;
mod integrate;
mod kernel;
mod many;
mod pair;
mod path;
mod rivals;

pub(crate) use path::evaluate;

/// Samples that are evaluated together.
const LANES: usize = 16;
/// A difference of means, in sigmas, that takes a class out of the integral.
const ABSENT: f64 = 256.0;
