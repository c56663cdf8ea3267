//! The `exact` command-line tool: trains, compares and applies classifiers for accuracy.

mod arguments;
mod commands;
mod confusion;
mod failure;
mod input;
mod output;
mod progress;
mod shape_functions;
mod training;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
#[cfg(not(feature = "vision"))]
use crate::failure::CommandError;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::report(error),
    };
    let result = match arguments.command {
        Command::Fit(arguments) => commands::fit::run(&arguments),
        Command::Compare(arguments) => commands::compare::run(&arguments),
        Command::Benchmark(arguments) => commands::benchmark::run(&arguments),
        Command::Predict(arguments) => commands::predict::run(&arguments),
        Command::Evaluate(arguments) => commands::evaluate::run(&arguments),
        Command::Inspect(arguments) => commands::inspect::run(&arguments),
        Command::Integrate(arguments) => commands::integrate::run(&arguments),
        Command::Datasets(arguments) => commands::datasets::run(&arguments),
        Command::Toy(arguments) => commands::toy::run(&arguments),
        #[cfg(feature = "vision")]
        Command::Vision(command) => commands::vision::run(&command),
        #[cfg(not(feature = "vision"))]
        Command::Vision(_) => Err(CommandError::WithoutVision.into()),
        Command::Completions(arguments) => commands::completions::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
