//! `cargo xtask audit`: licences, sources and known vulnerabilities of the dependencies.
//!
//! Apart from `cargo xtask test` because cargo-deny takes minutes to build, and the advisory database comes
//! from the network and changes by the day.

use anyhow::Result;

use crate::cargo;

pub fn run() -> Result<()> {
    dependencies()?;
    cargo::deny(&["advisories"])
}

/// Checks licences, sources and duplicates, which only change with `Cargo.lock`.
///
/// # Errors
/// If one is not what `deny.toml` allows.
pub fn dependencies() -> Result<()> {
    cargo::deny(&["licenses", "bans", "sources"])
}
