//! Reports from outside of the crate.

#![allow(clippy::unwrap_used, clippy::format_collect, reason = "tests fail by panicking")]

mod benchmark;
mod common;
mod reports;
mod verdict;
