//! Expected metrics of normal class scores, `s_i ~ N(mu_i, sigma_i²)` independent, and their gradients.

mod accuracy;
mod argmax;
mod balanced;
mod batch;
mod bracket;
mod classes;
mod cost;
mod distribution;
mod group;
mod lanes;
mod macro_f1;
mod many;
mod means;
mod orthant;
mod pair;
mod panels;
mod probability;
mod representatives;
mod sample;
mod sigma;
mod steep;
mod top_k;

pub use accuracy::ExpectedAccuracy;
pub use balanced::balanced_weights;
pub(crate) use batch::{OrthantBatch, Outcome, Quantity};
pub use cost::expected_cost;
pub(crate) use distribution::DistributionBatch;
pub use distribution::{predictive_distribution, predictive_distribution_gradient};
pub(crate) use macro_f1::MacroF1Batch;
pub use macro_f1::expected_macro_f1;
pub(crate) use means::Means;
pub use probability::Probability;
pub use sigma::Sigma;
pub use top_k::ExpectedTopK;
