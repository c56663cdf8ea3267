//! Expected classification metrics under normal class scores, with their gradients, and the losses built on
//! them.
//!
//! The class scores of a sample are random, `s ~ N(mu, sigma² I)`, and the prediction is the class with the
//! largest score. Expected accuracy, `P(s_y > max_{i≠y} s_i)`, is smooth in `mu` and `sigma` and tends to
//! accuracy as sigma tends to 0 (Karpukhin, Dereka and Kolesnikov, *EXACT: How to Train Your Accuracy*, arXiv
//! 2205.09615).

// Loops over lanes index several arrays at once, and kernels must be inlined into the function that has the
// vector instructions enabled.
#![allow(clippy::needless_range_loop, clippy::inline_always, clippy::return_self_not_must_use)]

mod error;
pub mod estimator;
pub mod expected;
pub mod gradient_normalizer;
mod link;
pub mod logit_normalization;
pub mod loss;
pub mod normal;
pub mod quadrature;
pub mod random;
mod real;
mod samples;
pub mod schedule;
mod scratch;

pub use link::{Link, predicted_classes};
pub use quadrature::Rule;
pub use real::Real;
