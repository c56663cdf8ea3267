//! The arguments of `exact benchmark`.

use std::path::PathBuf;

use clap::Args;

use super::{Losses, OUTPUT, Training};

/// The help's heading of what is compared.
const DATA: &str = "Data";

#[derive(Debug, Args)]
pub(crate) struct Benchmark {
    /// The folder of the data sets: each folder in it with a table called `train`, and perhaps one called
    /// `test`, is a set of all their rows; without such folders, each table in it is a set. Kinds of columns
    /// are recognised as `exact fit` does
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The column to predict in each set, by name or position; -1 is the last
    #[arg(long, value_name = "COL", default_value = "-1", allow_hyphen_values = true, help_heading = DATA)]
    pub target: String,
    /// Random splits of each set, stratified by class and the same for all methods
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = DATA)]
    pub splits: usize,
    /// The part of the rows that a split tests on
    #[arg(long, value_name = "PART", default_value_t = 0.2, help_heading = DATA)]
    pub test_share: f64,
    /// Scores of other programs on the same splits: a CSV file of the columns method, set, split (from 1) and
    /// score, the accuracy on the test rows between 0 and 1
    #[arg(long, value_name = "FILE.csv", help_heading = DATA)]
    pub scores: Vec<PathBuf>,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub losses: Losses,
    /// Write the splits for other programs, and train nothing: a CSV file of the columns set, split, row and
    /// label, with a line for each row to test on. Rows with a label are counted from 0, first those of
    /// `train`, then those of `test`
    #[arg(
        long,
        value_name = "FILE.csv",
        help_heading = OUTPUT,
        conflicts_with_all = ["scores", "report", "json"],
    )]
    pub write_splits: Option<PathBuf>,
    /// The level of significance of the tests
    #[arg(long, value_name = "LEVEL", default_value_t = 0.05, help_heading = OUTPUT)]
    pub alpha: f64,
    /// Where to write an HTML report with a diagram of critical differences
    #[arg(long, value_name = "FILE.html", help_heading = OUTPUT)]
    pub report: Option<PathBuf>,
}
