//! `cargo xtask results`: every loss on every bundled data set, as the table of docs/results.md.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo;

/// Compares all losses on each bundled set, on its columns as they are and with the default settings, and
/// prints test accuracies in percent.
///
/// # Errors
/// If the binary cannot be built, or a comparison fails.
pub fn run() -> Result<()> {
    cargo::run(cargo::cargo(&["build", "--release", "--locked", "--package", "exact-cli"]))?;
    let datasets = exact(&["datasets", "--json"])?;
    let datasets = datasets["datasets"].as_array().context("no list of data sets")?;
    let mut totals: Vec<f64> = Vec::new();
    let mut seconds = 0.0;
    let report = std::env::temp_dir().join(format!("exact-learn-results-{}.html", std::process::id()));
    let report = report.to_str().context("the temporary directory's name is not UTF-8")?;
    for dataset in datasets {
        let name = dataset["name"].as_str().context("a data set without a name")?;
        let compare = ["compare", "--dataset", name, "--features", "linear", "--json", "--report", report];
        let record = exact(&compare)?;
        let rows = record["rows"].as_array().context("a comparison without rows")?;
        if totals.is_empty() {
            let losses: Vec<&str> = rows.iter().filter_map(|row| row["loss"].as_str()).collect();
            println!("| data set | {} | seconds |", losses.join(" | "));
            println!("|{}", "---|".repeat(losses.len() + 2));
            totals = vec![0.0; losses.len()];
        }
        let number = |value: &Value| value.as_f64().context("a row without a number");
        let mut cells = Vec::new();
        let mut elapsed = 0.0;
        for (row, total) in rows.iter().zip(&mut totals) {
            let accuracy = 100.0 * number(&row["test"]["accuracy"])?;
            *total += accuracy;
            cells.push(format!("{accuracy:.2}"));
            // `auto` is made of two of the others.
            elapsed += if row["loss"] == "auto" { 0.0 } else { number(&row["seconds"])? };
        }
        seconds += elapsed;
        println!("| {name} | {} | {elapsed:.1} |", cells.join(" | "));
    }
    let means: Vec<String> =
        totals.iter().map(|total| format!("**{:.2}**", total / datasets.len() as f64)).collect();
    println!("| **mean** | {} | {seconds:.1} |", means.join(" | "));
    std::fs::remove_file(report).with_context(|| format!("cannot remove {report}"))
}

/// The JSON object that a command of the built binary prints.
fn exact(arguments: &[&str]) -> Result<Value> {
    let mut command =
        cargo::cargo(&["run", "--release", "--locked", "--quiet", "--package", "exact-cli", "--"]);
    let output = command.args(arguments).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "`exact {}` ended with {}", arguments.join(" "), output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
