//! The arguments of all commands.

#[cfg(feature = "vision")]
pub(crate) mod vision;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, Resettable, Str, TypedValueParser as _};
use clap::{Args, Parser, Subcommand, ValueEnum};
use exact_data::bundled;
use exact_images::ImageSet;
use exact_linear::{LinearError, LossChoice, LossKind, Solver};

/// The help's heading of what a training command gives.
const OUTPUT: &str = "Output";

/// Train classifiers for the metric they are judged by.
#[derive(Debug, Parser)]
#[command(name = "exact", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a linear classifier, with its hyper-parameters chosen by cross-validation
    Fit(Fit),
    /// Train with several losses and compare them in a table and a report
    Compare(Compare),
    /// Predict the classes of the rows of a table
    Predict(Predict),
    /// Measure a model on a labelled table
    Evaluate(Evaluate),
    /// Expected accuracy and its gradient for JSON lines on standard input
    ///
    /// Each line is an object `{"mu": […], "sigma": s or [s_1…s_C], "label": y, "k": 1}`; each answer is
    /// `{"p", "one_minus_p", "log_p", "grad": [dp/dmu…], "dsigma"}`.
    Integrate(Integrate),
    /// List the data sets that are bundled or can be downloaded, or download one
    Datasets(Datasets),
    /// The five-point example that cross-entropy and hinge get wrong
    Toy(Toy),
    /// Networks for images
    #[cfg(feature = "vision")]
    #[command(subcommand)]
    Vision(vision::Vision),
    /// Print the completion script of a shell
    Completions(Completions),
}

/// What to train on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct TrainingData {
    /// The table to train on: CSV or TSV with a header, plain or compressed with gzip or zstd, or arrays such as
    /// embeddings in a .npy, .npz, .safetensors or .parquet file
    #[arg(
        value_name = "TRAIN",
        help_heading = Resettable::<Str>::Reset,
        required_unless_present = "dataset",
        conflicts_with = "dataset"
    )]
    pub train: Option<PathBuf>,
    /// A bundled data set in place of TRAIN, --test and --target; see `exact datasets`
    #[arg(
        long,
        value_name = "NAME",
        value_parser = PossibleValuesParser::new(bundled::names()),
        hide_possible_values = true,
        conflicts_with_all = ["test", "target", "categorical", "numeric", "missing", "delimiter"],
    )]
    pub dataset: Option<String>,
    /// The column to predict
    #[arg(long, value_name = "COL", required_unless_present = "dataset")]
    pub target: Option<String>,
    /// A table to measure on; selection never sees it
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Columns to take as categorical, separated by commas
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub categorical: Vec<String>,
    /// Columns to take as numeric, separated by commas
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub numeric: Vec<String>,
    /// Fields that stand for a missing value, beside the empty one
    #[arg(long, value_name = "TOKEN,…", value_delimiter = ',')]
    pub missing: Vec<String>,
    /// Add a feature that says where a numeric value is missing
    #[arg(long)]
    pub missing_indicator: bool,
    /// The character between fields; detected from the header by default
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<u8>,
}

/// How to train.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct Training {
    /// What selection maximises
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Metric::Accuracy)]
    pub metric: Metric,
    /// Folds of the cross-validation
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub folds: usize,
    /// The optimiser
    #[arg(
        long,
        value_name = "NAME",
        default_value_t = Solver::Auto,
        value_parser = PossibleValuesParser::new(["auto", "lbfgs", "sgd"]).try_map(|name| name.parse::<Solver>()),
    )]
    pub solver: Solver,
    /// The seed of all randomness
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Threads to use; all processors by default. Results do not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print one JSON object
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Metric {
    Accuracy,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "exact fit [OPTIONS] --target <COL> <TRAIN>\n       exact fit [OPTIONS] --dataset <NAME>"
)]
pub(crate) struct Fit {
    #[command(flatten)]
    pub data: TrainingData,
    #[command(flatten)]
    pub training: Training,
    /// The loss; auto is exact where cross-validation finds it better than cross-entropy, else cross-entropy
    #[arg(
        long,
        value_name = "NAME",
        default_value_t = LossChoice::Auto,
        value_parser = PossibleValuesParser::new(loss_names()).try_map(|name| name.parse::<LossChoice>()),
    )]
    pub loss: LossChoice,
    /// Where to write the model
    #[arg(long, value_name = "MODEL", help_heading = OUTPUT)]
    pub out: Option<PathBuf>,
    /// Where to write an HTML report
    #[arg(long, value_name = "FILE.html", help_heading = OUTPUT)]
    pub report: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "exact compare [OPTIONS] --target <COL> <TRAIN>\n       exact compare [OPTIONS] --dataset <NAME>"
)]
pub(crate) struct Compare {
    #[command(flatten)]
    pub data: TrainingData,
    #[command(flatten)]
    pub training: Training,
    /// The losses to compare, separated by commas, or all
    #[arg(
        long,
        value_name = "A,B",
        default_value = ALL_LOSSES,
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(loss_names().chain([ALL_LOSSES])),
    )]
    pub losses: Vec<String>,
    /// Where to write the HTML report; exact-report-NAME.html by default
    #[arg(long, value_name = "FILE.html", help_heading = OUTPUT)]
    pub report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// A model that `exact fit --out` wrote
    pub model: PathBuf,
    /// The table to predict
    pub data: PathBuf,
    /// Where to write the predictions; standard output by default
    #[arg(long, value_name = "PREDICTIONS.csv")]
    pub out: Option<PathBuf>,
    /// Add the probability of each class
    #[arg(long)]
    pub proba: bool,
    /// The character between fields; detected from the header by default
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<u8>,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// A model that `exact fit --out` wrote
    pub model: PathBuf,
    /// The labelled table
    pub data: PathBuf,
    /// The column of the labels; the model's target by default
    #[arg(long, value_name = "COL")]
    pub target: Option<String>,
    /// The character between fields; detected from the header by default
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<u8>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Integrate {
    /// How to integrate
    #[arg(long, value_enum, default_value_t = Method::Quadrature)]
    pub method: Method,
    /// The floating-point type
    #[arg(long, value_enum, default_value_t = Precision::F64)]
    pub precision: Precision,
    /// Quadrature nodes; enough for the precision by default
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// Samples of genz, genz-quasi and monte-carlo
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub samples: usize,
    /// Let genz and genz-quasi see only so many of the other classes, those with the largest means
    #[arg(long, value_name = "N")]
    pub nearest_classes: Option<usize>,
    /// The seed of genz, genz-quasi and monte-carlo
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Deterministic quadrature
    Quadrature,
    /// Sequential conditioning (Genz 1992), as in the paper
    Genz,
    /// The same over a randomly shifted quasi-random sequence
    GenzQuasi,
    /// Plain Monte Carlo
    MonteCarlo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    F64,
    F32,
}

#[derive(Debug, Args)]
pub(crate) struct Datasets {
    /// Download this set of images
    #[arg(
        long,
        value_name = "NAME",
        value_parser = PossibleValuesParser::new(downloadable()),
        requires = "to",
    )]
    pub download: Option<String>,
    /// The folder to download to
    #[arg(long, value_name = "DIR", requires = "download")]
    pub to: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Toy {
    /// Where to write an HTML report
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Stands for every loss, and for auto.
const ALL_LOSSES: &str = "all";

const AUTO: &str = "auto";

/// Every loss that can be asked for.
fn loss_names() -> impl Iterator<Item = &'static str> {
    LossKind::ALL.into_iter().map(LossKind::name).chain([AUTO])
}

/// The sets of images that can be downloaded.
fn downloadable() -> impl Iterator<Item = &'static str> {
    ImageSet::all().iter().filter(|set| !set.is_bundled()).map(|set| set.name.as_str())
}

impl Compare {
    /// The losses to compare, each once, in the order that was asked for.
    pub fn loss_choices(&self) -> Result<Vec<LossChoice>, LinearError> {
        let all = self.losses.iter().any(|name| name == ALL_LOSSES);
        let names: Vec<&str> =
            if all { loss_names().collect() } else { self.losses.iter().map(String::as_str).collect() };
        let mut choices = Vec::new();
        for name in names {
            let choice = name.parse()?;
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
        Ok(choices)
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => {
            Err("the delimiter is one ASCII character other than a quote or the end of a line; \\t is a tab"
                .into())
        }
    }
}
