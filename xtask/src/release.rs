//! `cargo xtask release`: what users build and run, built as it is shipped. Slower than `cargo xtask test`,
//! and to be run beside it before a release or a change of how things are built.

use anyhow::Result;

use crate::cargo::Profile;
use crate::test::{Step, quick_start, run_steps};
use crate::{audit, cargo, guide, python};

const STEPS: &[Step] = &[
    Step { name: "dependencies", check: audit::dependencies },
    Step { name: "quick start", check: readme_command },
    Step { name: "tests", check: tests },
    Step { name: "python", check: || python::run(Profile::Dist) },
    Step { name: "shipped", check: || quick_start(&cargo::build_exact(Profile::Dist)?) },
    Step { name: "guide", check: || guide::run(Profile::Dist) },
];

pub fn run() -> Result<()> {
    run_steps(STEPS)
}

/// The first command of the README, word for word.
fn readme_command() -> Result<()> {
    cargo::run(cargo::cargo(&["run", "--release", "--locked", "--", "compare", "--dataset", "car"]))
}

/// The tests of the numerics and the linear classifiers with all optimisations, which the other tests have
/// not.
fn tests() -> Result<()> {
    let packages = ["--package", "exact-core", "--package", "exact-linear"];
    let mut command = cargo::cargo(&["test", "--release", "--locked"]);
    command.args(packages).env("PROPTEST_RNG_SEED", "20225");
    cargo::run(command)
}
