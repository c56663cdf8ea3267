//! The `exact` command as its users meet it.

#![allow(clippy::unwrap_used, clippy::format_collect, reason = "tests fail by panicking")]

mod bad_input;
mod benchmark;
mod common;
mod contract;
mod metrics;
#[cfg(unix)]
mod outputs;
mod screens;
mod streams;
mod tables;
#[cfg(feature = "vision")]
mod vision;
#[cfg(feature = "vision")]
mod vision_photos;
