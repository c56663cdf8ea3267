//! The arguments of all commands.

pub(crate) mod benchmark;
pub(crate) mod tables;
#[cfg(feature = "vision")]
pub(crate) mod vision;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, Resettable, Str, TypedValueParser as _};
use clap::{Args, Parser, Subcommand, ValueEnum};
use exact_data::bundled;
use exact_eval::record::{MetricName, UnknownMetric};
use exact_images::ImageSet;
use exact_linear::{FeatureChoice, FeatureKind, LinearError, LossChoice, LossKind, Solver};

use self::benchmark::Benchmark;
use self::tables::{ColumnArguments, FormArguments, Inspect, List, list};

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
    /// Compare losses, and the scores of other programs, over a folder of data sets
    Benchmark(Benchmark),
    /// Predict the classes of the rows of a table
    Predict(Predict),
    /// Measure a model on a labelled table
    Evaluate(Evaluate),
    /// Show what the columns of a table are taken for, or what is in a model
    Inspect(Inspect),
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
    /// Networks for images
    #[cfg(not(feature = "vision"))]
    #[command(disable_help_flag = true)]
    Vision(WithoutVision),
    /// Print the completion script of a shell
    Completions(Completions),
}

/// Whatever is asked of a build without networks: the answer is how to build them in.
#[cfg(not(feature = "vision"))]
#[derive(Debug, Args)]
pub(crate) struct WithoutVision {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<std::ffi::OsString>,
}

/// What to train on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct TrainingData {
    /// The table to train on, of one or several files (also globs and folders; `-` is standard input): CSV
    /// and other delimited text, JSON lines, Excel, Parquet, Arrow, ARFF, libsvm, NPY, NPZ or safetensors,
    /// plain or compressed
    #[arg(
        value_name = "TRAIN",
        help_heading = Resettable::<Str>::Reset,
        required_unless_present = "dataset",
        conflicts_with = "dataset"
    )]
    pub train: Vec<PathBuf>,
    /// A bundled data set in place of TRAIN, --test and --target; see `exact datasets`
    #[arg(
        long,
        value_name = "NAME",
        value_parser = PossibleValuesParser::new(bundled::names()),
        hide_possible_values = true,
        conflicts_with_all = [
            "test", "target", "weight", "group", "fold", "categorical", "numeric", "text", "drop", "keep",
            "missing", "date_order", "delimiter", "no_header", "skip", "comment", "encoding", "decimal",
            "sheet",
        ],
    )]
    pub dataset: Option<String>,
    /// The column to predict, by name or position; `label` where a format has one
    #[arg(long, value_name = "COL", allow_hyphen_values = true)]
    pub target: Option<String>,
    /// A table to measure on; selection never sees it
    #[arg(long, value_name = "FILE")]
    pub test: Vec<PathBuf>,
    /// A column of sample weights, which is no feature
    #[arg(long, value_name = "COL", allow_hyphen_values = true)]
    pub weight: Option<String>,
    /// A column of groups of rows, which is no feature: cross-validation never divides the rows of a group
    /// between those that it trains on and those that it holds out
    #[arg(long, value_name = "COL", allow_hyphen_values = true)]
    pub group: Option<String>,
    /// A column of the folds of the cross-validation, which is no feature: each value in it is a fold
    #[arg(long, value_name = "COL", allow_hyphen_values = true, conflicts_with_all = ["group", "folds"])]
    pub fold: Option<String>,
    /// Weigh classes: `balanced`, so that all count the same, or a CSV file of the columns class and weight
    #[arg(long, value_name = "balanced|FILE")]
    pub class_weight: Option<String>,
    /// Add a feature that says where a numeric value is missing
    #[arg(long)]
    pub missing_indicator: bool,
    #[command(flatten)]
    pub columns: ColumnArguments,
    #[command(flatten)]
    pub form: FormArguments,
}

/// How to train.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct Training {
    /// What the columns are expanded to: smooth curves of numbers, products of pairs, a Gaussian kernel at
    /// landmarks, cells of pairs; auto takes what cross-entropy does best with over the folds
    #[arg(
        long,
        value_name = "NAME",
        default_value_t = FeatureChoice::Auto,
        value_parser = PossibleValuesParser::new(feature_names())
            .try_map(|name| name.parse::<FeatureChoice>()),
    )]
    pub features: FeatureChoice,
    /// Folds of the cross-validation
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub folds: usize,
    /// The optimiser
    #[arg(
        long,
        value_name = "NAME",
        default_value_t = Solver::Auto,
        value_parser = PossibleValuesParser::new(["auto", "lbfgs", "sgd"])
            .try_map(|name| name.parse::<Solver>()),
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

/// What to train for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct Selection {
    /// What the loss exact expects, where it has an expectation, and what all are selected by and compared
    /// in: accuracy, balanced-accuracy, top-2 (or another number), macro-f1, log-loss, or cost:FILE.csv. The
    /// file has the cost of each prediction (columns, named by the header) for each class (rows, named in
    /// the first column); with a column `reject`, predictions may be none, at that cost
    #[arg(long, value_name = "METRIC", default_value_t = MetricArgument::default())]
    pub metric: MetricArgument,
}

/// A metric, with the file of the costs where it is a cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MetricArgument {
    Named(MetricName),
    Cost(PathBuf),
}

/// Before the file of the costs.
const COST: &str = "cost:";

impl Default for MetricArgument {
    fn default() -> Self {
        Self::Named(MetricName::default())
    }
}

impl fmt::Display for MetricArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => name.fmt(f),
            Self::Cost(path) => write!(f, "{COST}{}", path.display()),
        }
    }
}

impl FromStr for MetricArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(COST).filter(|path| !path.is_empty()) {
            Some(path) => Ok(Self::Cost(path.into())),
            None if text == "cost" || text == COST => Err("name the file of the costs: cost:FILE.csv".into()),
            None => text.parse().map(Self::Named).map_err(|error: UnknownMetric| error.to_string()),
        }
    }
}

#[derive(Debug, Args)]
#[command(
    override_usage = "exact fit [OPTIONS] --target <COL> <TRAIN>\n       exact fit [OPTIONS] --dataset <NAME>"
)]
pub(crate) struct Fit {
    #[command(flatten)]
    pub data: TrainingData,
    #[command(flatten)]
    pub selection: Selection,
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
#[command(override_usage = "exact compare [OPTIONS] --target <COL> <TRAIN>\n       \
                      exact compare [OPTIONS] --dataset <NAME>")]
pub(crate) struct Compare {
    #[command(flatten)]
    pub data: TrainingData,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub losses: Losses,
    /// Where to write the HTML report; exact-report-NAME.html by default
    #[arg(long, value_name = "FILE.html", help_heading = OUTPUT)]
    pub report: Option<PathBuf>,
}

/// Which losses to compare.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct Losses {
    /// The losses to compare, separated by commas, or all
    #[arg(
        id = "losses",
        long = "losses",
        value_name = "A,B",
        default_value = ALL_LOSSES,
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(loss_names().chain([ALL_LOSSES])),
    )]
    names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// A model that `exact fit --out` wrote
    pub model: PathBuf,
    /// The table to predict, of one or several files; `-` is standard input
    #[arg(value_name = "DATA", required = true)]
    pub data: Vec<PathBuf>,
    /// Where to write the predictions; standard output by default
    #[arg(long, value_name = "PREDICTIONS.csv")]
    pub out: Option<PathBuf>,
    /// Add the probability of each class
    #[arg(long)]
    pub proba: bool,
    /// Columns to copy beside the predictions, separated by commas
    #[arg(long, value_name = "A,B", value_parser = list, allow_hyphen_values = true)]
    pub id: Vec<List>,
    #[command(flatten)]
    pub form: FormArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// A model that `exact fit --out` wrote
    pub model: PathBuf,
    /// The labelled table, of one or several files; `-` is standard input
    #[arg(value_name = "DATA", required = true)]
    pub data: Vec<PathBuf>,
    /// The column of the labels; the model's target by default
    #[arg(long, value_name = "COL", allow_hyphen_values = true)]
    pub target: Option<String>,
    #[command(flatten)]
    pub form: FormArguments,
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
    LossKind::FOR_ACCURACY.into_iter().map(LossKind::name).chain([AUTO])
}

/// All features that can be asked for.
fn feature_names() -> impl Iterator<Item = &'static str> {
    [AUTO].into_iter().chain(FeatureKind::ALL.into_iter().map(FeatureKind::name))
}

impl Losses {
    /// The losses to compare, each once, in the order that was asked for.
    pub fn choices(&self) -> Result<Vec<LossChoice>, LinearError> {
        let all = self.names.iter().any(|name| name == ALL_LOSSES);
        let names: Vec<&str> =
            if all { loss_names().collect() } else { self.names.iter().map(String::as_str).collect() };
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

/// The sets of images that can be downloaded.
fn downloadable() -> impl Iterator<Item = &'static str> {
    ImageSet::all().iter().filter(|set| !set.is_bundled()).map(|set| set.name.as_str())
}
