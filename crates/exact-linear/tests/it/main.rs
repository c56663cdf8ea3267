//! The tests of the crate's interface.

#![allow(clippy::unwrap_used, clippy::panic)]

mod fit;
mod inputs;
mod model_file;
mod partitions;
mod trainer;
