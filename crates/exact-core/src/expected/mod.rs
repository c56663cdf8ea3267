//! Expected metrics of normal class scores, `s_i ~ N(mu_i, sigma_i²)` independent, and their gradients.

mod accuracy;
mod batch;
mod bracket;
mod classes;
mod cost;
mod distribution;
mod exceedance;
mod extended;
mod lanes;
mod many;
mod orthant;
mod panels;
mod probability;
mod representatives;
mod sample;
mod sigma;
mod top_k;

pub use accuracy::ExpectedAccuracy;
pub(crate) use batch::{OrthantBatch, Outcome, Quantity};
pub use cost::expected_cost;
pub use distribution::{predictive_distribution, predictive_distribution_derivative};
pub use probability::Probability;
pub use sigma::Sigma;
pub use top_k::ExpectedTopK;
