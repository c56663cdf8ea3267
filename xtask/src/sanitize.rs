//! `cargo xtask sanitize`: the tests of exact-core under `AddressSanitizer`.

use anyhow::{Context, Result};

use crate::cargo;

/// Has no unsafe code of its own; that of its dependencies, foremost pulp's vectors, is what is looked at.
const PACKAGES: [&str; 4] = ["--package", "exact-core", "--package", "exact-fuzz"];

pub fn run() -> Result<()> {
    cargo::require_nightly()?;
    let version = cargo::nightly("rustc").arg("-vV").output().context("cannot start `rustc -vV`")?;
    let version = String::from_utf8(version.stdout)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;

    // With a target, build scripts and macros are built without the flag.
    let mut test = cargo::nightly("cargo");
    test.args(["test", "--locked", "--lib", "--tests", "--target", host]).args(PACKAGES);
    test.env("RUSTFLAGS", "-Zsanitizer=address");
    test.env("CARGO_TARGET_DIR", cargo::target_directory().join("sanitize"));
    cargo::run(test)
}
