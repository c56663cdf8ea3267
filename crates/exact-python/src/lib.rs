//! Python bindings of exact-core, exact-linear and tables of exact-data: the module `exact_learn._core`.
//!
//! The functions take C-contiguous arrays of rows and return new arrays; `exact_learn.functions` and
//! `exact_learn.torch` check types, broadcast and document. The interpreter runs other threads during an
//! evaluation.

#![allow(clippy::needless_pass_by_value, reason = "arguments from Python are extracted into values")]

mod accuracy;
mod arrays;
mod cost;
mod distribution;
mod error;
mod gradient_normalizer;
mod linear;
mod macro_f1;
mod outputs;
mod pointwise;
mod rows;
mod rule;
mod samples;
mod schedule;
mod table;
mod threads;
mod top_k;

use pyo3::pymodule;

/// The kernels of exact-learn.
#[pymodule]
mod _core {
    /// The version of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "as Python names it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
    /// The smallest standard deviation that logits are divided by.
    #[pymodule_export]
    const LOGIT_STD_FLOOR: f64 = exact_core::logit_normalization::STD_FLOOR;
    #[pymodule_export]
    use super::accuracy::expected_accuracy;
    #[pymodule_export]
    use super::cost::expected_cost;
    #[pymodule_export]
    use super::distribution::{predictive_distribution, predictive_distribution_gradient};
    #[pymodule_export]
    use super::gradient_normalizer::gradient_divisor;
    #[pymodule_export]
    use super::linear::{LinearClassifier, Partition, balanced_weights};
    #[pymodule_export]
    use super::macro_f1::expected_macro_f1;
    #[pymodule_export]
    use super::pointwise::{initial_parameters, pointwise_loss};
    #[pymodule_export]
    use super::rule::quadrature;
    #[pymodule_export]
    use super::schedule::schedule_value;
    #[pymodule_export]
    use super::table::TableModel;
    #[pymodule_export]
    use super::top_k::top_k;
}
