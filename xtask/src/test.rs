//! `cargo xtask test`: every check that a change must pass, cheapest first.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use anyhow::{Context, Result, ensure};

use crate::cargo::{Profile, WORKSPACE};
use crate::{cargo, guide, hygiene, imports, python};

/// A check by its name.
pub struct Step {
    pub name: &'static str,
    pub check: fn() -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "format", check: format },
    Step { name: "hygiene", check: || hygiene::check(cargo::root()) },
    Step { name: "imports", check: || imports::check(cargo::root()) },
    Step { name: "clippy", check: clippy },
    Step { name: "tests", check: tests },
    Step { name: "documentation", check: documentation },
    Step { name: "python", check: || python::run(Profile::Dev) },
    Step { name: "quick start", check: || quick_start(&cargo::build_exact(Profile::Dev)?) },
    Step { name: "guide", check: || guide::run(Profile::Dev) },
];

#[derive(clap::Args)]
pub struct Arguments {
    /// Checks to run, all by default
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(STEPS.iter().map(|step| step.name)))]
    checks: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let asked =
        |step: &&Step| arguments.checks.is_empty() || arguments.checks.iter().any(|name| name == step.name);
    let steps: Vec<&Step> = STEPS.iter().filter(asked).collect();
    if steps.iter().any(|step| step.name == "python") {
        python::prepare();
    }
    run_steps(steps)
}

/// Runs checks one after the other, and says how long each took.
///
/// # Errors
/// If a check fails, at once.
pub fn run_steps<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Result<()> {
    let mut passed: Vec<(&str, Duration)> = Vec::new();
    for step in steps {
        println!("\n==> {}", step.name);
        let start = Instant::now();
        let outcome = (step.check)();
        let elapsed = start.elapsed();
        if let Err(error) = outcome {
            summarise(&passed);
            println!("  FAILED  {:<14}{:>7.1} s", step.name, elapsed.as_secs_f64());
            return Err(error.context(format!("check `{}` failed", step.name)));
        }
        println!("ok: {} in {:.1} s", step.name, elapsed.as_secs_f64());
        passed.push((step.name, elapsed));
    }
    summarise(&passed);
    println!("all {} checks passed", passed.len());
    Ok(())
}

fn summarise(passed: &[(&str, Duration)]) {
    println!("\nsummary");
    for (name, elapsed) in passed {
        println!("  ok      {name:<14}{:>7.1} s", elapsed.as_secs_f64());
    }
}

fn format() -> Result<()> {
    cargo::run(cargo::cargo(&["fmt", "--all", "--check"]))
}

/// The workspace with `exact` as it is without networks; all else of it is the same, and is built once.
const WITHOUT_NETWORKS: [&str; 2] = ["--workspace", "--locked"];

fn clippy() -> Result<()> {
    for selection in [&WITHOUT_NETWORKS[..], &WORKSPACE] {
        let mut command = cargo::cargo(&["clippy", "--all-targets"]);
        command.args(selection).args(["--", "-D", "warnings"]);
        cargo::run(command)?;
    }
    Ok(())
}

/// All tests, after those of what a person sees of an `exact` without networks.
///
/// Property tests draw the same cases in every run of the checks; `cargo test` draws new ones.
fn tests() -> Result<()> {
    let mut screens = cargo::cargo(&["test", "--test", "it"]);
    screens.args(WITHOUT_NETWORKS).args(["--", "screens::"]);
    let mut all = cargo::cargo(&["test"]);
    all.args(WORKSPACE);
    for mut command in [screens, all] {
        command.env("PROPTEST_RNG_SEED", "20225");
        cargo::run(command)?;
    }
    Ok(())
}

fn documentation() -> Result<()> {
    let mut command = cargo::cargo(&["doc", "--no-deps"]);
    command.args(WORKSPACE).env("RUSTDOCFLAGS", "-D warnings");
    cargo::run(command)
}

/// The first command of the README, by an `exact` that is built already; its report goes to a temporary
/// directory.
///
/// # Errors
/// If the command fails or writes no report.
pub fn quick_start(exact: &Path) -> Result<()> {
    let directory = env::temp_dir().join(format!("exact-learn-quick-start-{}", process::id()));
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let report = directory.join("report.html");
    let mut command = process::Command::new(exact);
    command.args(["compare", "--dataset", "car", "--report"]).arg(&report);
    let outcome = cargo::run(command);
    let bytes = fs::metadata(&report).map_or(0, |metadata| metadata.len());
    fs::remove_dir_all(&directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    outcome?;
    ensure!(bytes > 0, "the command succeeded but wrote no report");
    Ok(())
}
