//! `cargo xtask bench`: the benchmarks, one package after the other.

use anyhow::Result;

use crate::cargo;

/// Packages with benchmarks, and what these measure.
const BENCHES: &[(&str, &str)] = &[
    ("exact-core", "losses and their gradients, normal functions"),
    ("exact-linear", "L-BFGS beside argmin's and truncated Newton"),
    ("exact-vision", "steps of training, and batches of images beside them"),
];

pub fn run() -> Result<()> {
    for (package, measured) in BENCHES {
        println!("==> {package}: {measured}");
        cargo::run(cargo::cargo(&["bench", "--locked", "--package", package]))?;
    }
    Ok(())
}
