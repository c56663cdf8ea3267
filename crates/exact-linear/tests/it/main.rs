//! The tests of the crate's interface.

#![allow(clippy::unwrap_used, clippy::panic)]

mod column_groups;
mod columns;
mod features;
mod fit;
mod grids;
mod groups;
mod inputs;
mod metrics;
mod model_file;
mod partitions;
mod sparsity;
mod symmetry;
mod trainer;
