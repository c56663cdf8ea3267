//! `cargo xtask test`: every check that a change must pass, cheapest first.

use std::time::{Duration, Instant};
use std::{env, fs, process};

use anyhow::{Context, Result, ensure};

use crate::{cargo, guide, hygiene, python};

struct Step {
    name: &'static str,
    check: fn() -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "format", check: format },
    Step { name: "hygiene", check: || hygiene::check(cargo::root()) },
    Step { name: "clippy", check: clippy },
    Step { name: "tests", check: tests },
    Step { name: "documentation", check: documentation },
    Step { name: "dependencies", check: dependencies },
    Step { name: "python", check: python::run },
    Step { name: "quick start", check: quick_start },
    Step { name: "guide", check: guide::run },
];

pub fn run() -> Result<()> {
    let mut passed: Vec<(&str, Duration)> = Vec::new();
    for step in STEPS {
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

fn clippy() -> Result<()> {
    cargo::run(cargo::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

/// Property tests draw the same cases in every run of the checks; `cargo test` draws new ones.
fn tests() -> Result<()> {
    let mut command = cargo::cargo(&["test", "--workspace", "--locked"]);
    command.env("PROPTEST_RNG_SEED", "20225");
    cargo::run(command)
}

fn documentation() -> Result<()> {
    let mut command = cargo::cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    cargo::run(command)
}

fn dependencies() -> Result<()> {
    cargo::deny(&["licenses", "bans", "sources"])
}

/// The first command of the README, with its report in a temporary directory. The second is this one.
fn quick_start() -> Result<()> {
    let directory = env::temp_dir().join(format!("exact-learn-quick-start-{}", process::id()));
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let report = directory.join("report.html");
    let mut command =
        cargo::cargo(&["run", "--release", "--locked", "--", "compare", "--dataset", "car", "--report"]);
    command.arg(&report);
    let outcome = cargo::run(cargo::without_lto(command));
    let bytes = fs::metadata(&report).map_or(0, |metadata| metadata.len());
    fs::remove_dir_all(&directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    outcome?;
    ensure!(bytes > 0, "the command succeeded but wrote no report");
    Ok(())
}
