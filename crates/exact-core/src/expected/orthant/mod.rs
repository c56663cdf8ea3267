//! The orthant probability `P(s_y > max_{i≠y} s_i)`: the label's score is larger than all others.
//!
//! # Formula
//! Where the label's score is `z` of its standard deviations from its mean, another class's score is below it
//! with probability `Φ(x_i)`, `x_i = a_i z + b_i`, `a_i = sigma_y / sigma_i` and
//! `b_i = (mu_y - mu_i) / sigma_i`. With one sigma all `a_i` are 1. Given z, the classes are independent, so
//! that `P = ∫ φ F dz` with `F(z) = Π Φ(x_i)`. With `F' = F H`, `H = Σ a_i h_i`, the hazards
//! `h_i = φ(x_i) / Φ(x_i)` and `Q = 1 - Φ`, integration by parts gives
//!
//! ```text
//! P   = ∫ Q F' dz       1 - P = ∫ Φ F' dz       G_i = dP/db_i = ∫ φ F h_i dz
//! ```
//!
//! All terms are positive and all live where `γ = φ F'` does, so one set of nodes gives the smaller of P and
//! 1 - P and every gradient entry with full relative accuracy, for a P near 0 as for one near 1. Everything
//! is kept relative to γ near its mode, so that nothing underflows before the end.
//!
//! # The integrand
//! ```text
//!  γ
//!  |                 .-'''-.
//!  |               .'       '.
//!  |              /           \
//!  |             /             '.
//!  |            /                '-.
//!  |          .'                    '-.
//!  |       .-'                         '--.
//!  +------+--o---o---o---o---o---o---o---o--+-------- z
//!       left           nodes             right
//!         |<---- γ >= e^-truncation γ_max -->|
//! ```
//!
//! γ has one mode, with a steep side on the left, where the classes beat the label, and a Gaussian side on
//! the right. The ends of the bracket are found by Newton's method, and Gauss-Legendre nodes are spread over
//! it. What it cuts off of P is `Q F` at its left end, and of 1 - P `Φ (1 - F)` at its right end: both are
//! added in closed form.
//!
//! # Rows and lanes
//! [`LANES`] samples are worked on side by side: in buffers `[classes][LANES]`, so that loops over lanes
//! become vector instructions. Classes that cannot matter are left out, and those that do stand side by side;
//! a lane with fewer of them is filled up with classes that are far [behind](absent).
//!
//! ```text
//! logits [samples][classes]        columns [classes][LANES]       shift [present][LANES]
//!
//! sample 0:  l00 l01 l02  load     l00 l10 …  place,              b01 b10 …
//! sample 1:  l10 l11 l12  ------>  l01 l11 …  compress ---------> b02 (absent) …
//! …                                l02 l12 …                        |
//!                                                                   | integrate
//! gradient   g00 g01 g02  unload   g00 g10 …  expand,               v
//!            g10 g11 g12  <------  g01 g11 …  differentiate <---- G01 G10 …
//! …                                g02 g12 …                      G02 0   …
//! ```
//!
//! With one sigma, the integration variable counts from the mode's side of the nearest class: buffers hold
//! `z + origin` and `b_i - origin`, where the origin is the nearest class's difference, so that no digits of
//! the classes that matter are lost in single precision.
//!
//! # The files, in the order to read them
//! 1. `path.rs`: which kernel a row goes to.
//! 2. `kernel.rs`: a group of samples from logits to gradient; `gather.rs`: the transposes and the selection
//!    of classes, for one sigma (for a sigma per class, [`batch`](super::batch) has them, row by row).
//! 3. `integrate.rs`: the sum over nodes, on the interval of `bracket.rs`.
//! 4. `rivals.rs`: the sums over classes at one z that both need, on those of [`classes`](super::classes).
//! 5. `pair.rs`: two classes in closed form. `many/`: hundreds of classes as few.
//!
//! The derivations are in docs/derivation.md, sections 1 to 12.

mod bracket;
mod gather;
mod integrate;
mod kernel;
mod many;
mod pair;
mod path;
mod rivals;

pub(crate) use path::evaluate;

/// Samples that are evaluated together: a vector of `f32`, or two of `f64`, in the widest registers.
const LANES: usize = 16;

/// A difference from the origin that takes a class out of the integral. Wherever γ is not nothing,
/// `x > 256 - 53/2 - 10`: `Φ(x)` is 1 and the hazard is 0.
fn absent(origin: f64) -> f64 {
    // Where the nearest class is far ahead of the label, so is γ's mode of the label's mean.
    256.0 - origin.min(0.0)
}
