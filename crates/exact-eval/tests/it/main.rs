//! Metrics and records from outside of the crate.

#![allow(clippy::unwrap_used, clippy::format_collect, reason = "tests fail by panicking")]

mod properties;
mod record_json;
