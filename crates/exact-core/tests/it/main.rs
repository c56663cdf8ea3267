//! The tests of the public interface, in one program.
//!
//! Cases that proptest finds to fail are written to `tests/proptest-regressions`, one file for each module,
//! and are run first from then on.

// Clippy's configuration allows these in test functions only, not in their helpers.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod accuracy_edges;
mod accuracy_properties;
mod baseline_losses;
mod common;
mod compound_losses;
mod distribution;
mod error_bounds;
mod estimators;
mod loss_description;
mod loss_properties;
mod metric_losses;
mod reference_values;
mod sigma_per_class;
mod top_k;
