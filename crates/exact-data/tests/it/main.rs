//! Tests of the crate as its users see it, in one program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::format_collect, reason = "tests fail by panicking")]

#[cfg(feature = "arrays")]
mod arrays;
#[cfg(feature = "bundled")]
mod bundled;
#[cfg(feature = "compression")]
mod compression;
mod costs;
mod encoding;
mod errors;
mod matrices;
#[cfg(not(feature = "parquet"))]
mod not_built_in;
#[cfg(all(feature = "arrays", feature = "parquet"))]
mod parquet;
mod reading;
mod splits;
