//! Development commands of exact-learn: `cargo xtask COMMAND`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool talks to the person who runs it"
)]

mod audit;
mod bench;
mod cargo;
mod fuzz;
mod guide;
mod hygiene;
mod imports;
mod python;
mod release;
mod results;
mod sanitize;
mod synthesize;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development commands of exact-learn.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every check that a change must pass, cheapest first
    Test(test::Arguments),
    /// Run what users run, built as it is shipped (slow)
    Release,
    /// Check licences, sources and known vulnerabilities of the dependencies (fetches the advisory database)
    Audit,
    /// Fuzz exact-core with libFuzzer (needs a nightly toolchain)
    Fuzz(fuzz::Arguments),
    /// Run the tests of exact-core under `AddressSanitizer` (needs a nightly toolchain)
    Sanitize,
    /// Build the Python package and test it in an environment of its own
    Python,
    /// Run the code of the user guide and build it as HTML (after `python`)
    Guide,
    /// Run the benchmarks
    Bench,
    /// Compare all losses on all bundled data sets, as in docs/results.md
    Results,
    /// Write a large synthetic classification table as CSV
    Synthesize(synthesize::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Test(arguments) => test::run(&arguments),
        Command::Release => release::run(),
        Command::Audit => audit::run(),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Sanitize => sanitize::run(),
        Command::Python => python::run(cargo::Profile::Dev),
        Command::Guide => guide::run(cargo::Profile::Dev),
        Command::Bench => bench::run(),
        Command::Results => results::run(),
        Command::Synthesize(arguments) => synthesize::run(&arguments),
    };
    if let Err(error) = outcome {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
