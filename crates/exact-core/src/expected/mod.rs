//! Expected metrics of normal class scores, `s_i ~ N(mu_i, sigma_i²)` independent, and their gradients.
//!
//! One file for each metric, which checks its arguments and hands a batch to a kernel:
//!
//! | metric | kernel |
//! |---|---|
//! | `accuracy.rs` | `orthant/`: the probability that the label's score is the largest |
//! | `top_k.rs` | `exceedance/`: the probability that fewer than k scores exceed the label's |
//! | `distribution.rs`, `cost.rs`, `macro_f1.rs` | `argmax/`: each class's probability to be the largest |
//!
//! Kernels share `batch/`, the way from rows of logits to differences in units of sigma and back, and
//! `classes.rs`, the sums and products over classes at one point of the integration variable.

mod accuracy;
mod argmax;
mod balanced;
mod batch;
mod classes;
mod cost;
mod distribution;
pub(crate) mod exceedance;
mod label_metric;
mod macro_f1;
mod means;
pub(crate) mod orthant;
mod probability;
mod sigma;
mod top_k;

pub use accuracy::ExpectedAccuracy;
pub(crate) use argmax::DistributionBatch;
pub use balanced::balanced_weights;
pub(crate) use batch::{OrthantBatch, Outcome, Quantity};
pub use cost::expected_cost;
pub use distribution::{predictive_distribution, predictive_distribution_gradient};
pub(crate) use macro_f1::MacroF1Batch;
pub use macro_f1::expected_macro_f1;
pub(crate) use means::Means;
pub use probability::Probability;
pub use sigma::Sigma;
pub use top_k::ExpectedTopK;
