//! `cargo xtask audit`: known vulnerabilities of the dependencies.
//!
//! Apart from `cargo xtask test` because the advisory database comes from the network and changes by the day.

use anyhow::Result;

use crate::cargo;

pub fn run() -> Result<()> {
    cargo::deny(&["advisories"])
}
