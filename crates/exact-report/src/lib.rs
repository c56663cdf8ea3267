//! A record in, one self-contained HTML report with plots out.
//!
//! The HTML holds its style and its plots (SVG), refers to no other file, runs no script, follows the
//! reader's light or dark setting, and repeats every plot as a table. The same record gives the same bytes.

mod benchmark;
mod confusion;
mod context;
mod error;
mod format;
mod image_comparison;
mod images;
mod measure;
mod page;
mod plot;
mod shape_functions;
mod toy;
mod verdict;

use exact_eval::record::{
    BenchmarkRecord, CompareRecord, FitRecord, ImageCompareRecord, ImageEvaluateRecord, ImageTrainRecord,
    Mistake, ShapeFunctionRecord, ToyRecord,
};

pub use error::ReportError;

/// The report of a comparison of losses: verdict, table, accuracy by fold, sigma path, confusion and
/// calibration.
///
/// # Errors
/// [`ReportError::NoLosses`] if the record has no rows, [`ReportError::Template`] if the page cannot be
/// rendered.
///
/// # Example
/// ```
/// use exact_eval::record::{
///     CompareRecord, CrossValidation, DataRecord, LossRecord, MetricName, Selected, SelectedFeatures,
///     TrainMetrics,
/// };
///
/// let row = |loss: &str, folds: [f64; 3]| LossRecord {
///     loss: loss.into(),
///     selected: Selected { l2: 0.01, ..Selected::default() },
///     features: SelectedFeatures::default(),
///     metric: MetricName::Accuracy,
///     cv: CrossValidation::of_folds(folds.to_vec()),
///     train: TrainMetrics { accuracy: 0.9 },
///     test: None,
///     test_value: None,
///     seconds: 0.1,
///     chosen_loss: None,
/// };
/// let record = CompareRecord {
///     data: DataRecord {
///         name: Some("wine".into()),
///         target: "cultivar".into(),
///         train_rows: 142,
///         test_rows: None,
///         features: 13,
///         classes: 2,
///         class_names: vec!["a".into(), "b".into()],
///     },
///     columns: Vec::new(),
///     rows: vec![row("exact", [0.8, 0.9, 0.85]), row("cross-entropy", [0.8, 0.9, 0.80])],
///     sigma_path: Vec::new(),
///     seed: 0,
///     folds: 3,
///     report: None,
/// };
/// let html = exact_report::compare_report(&record)?;
/// assert!(html.contains("cross-entropy") && html.contains("85.00"));
/// # Ok::<(), exact_report::ReportError>(())
/// ```
pub fn compare_report(record: &CompareRecord) -> Result<String, ReportError> {
    page::render("report.html", context::compare(record)?)
}

/// The report of one model: metrics, accuracy by fold, sigma path, the shape functions of its columns if
/// there are some, confusion and calibration.
///
/// # Errors
/// [`ReportError::Template`] if the page cannot be rendered.
pub fn fit_report(record: &FitRecord, shapes: &[ShapeFunctionRecord]) -> Result<String, ReportError> {
    page::render("report.html", context::fit(record, shapes))
}

/// The report of the paper's five-point example: the threshold that each loss settles at, the landscapes of
/// the losses and the paths of training.
///
/// # Errors
/// [`ReportError::Labels`] if the points and labels differ in number, [`ReportError::Template`] if the page
/// cannot be rendered.
pub fn toy_report(record: &ToyRecord) -> Result<String, ReportError> {
    page::render("toy.html", toy::context(record)?)
}

/// The report of methods over several data sets: what the tests say, accuracies, mean ranks with a diagram of
/// critical differences, and methods in pairs.
///
/// # Errors
/// [`ReportError::NoLosses`] if the record has no methods, [`ReportError::Template`] if the page cannot be
/// rendered.
pub fn benchmark_report(record: &BenchmarkRecord) -> Result<String, ReportError> {
    page::render("benchmark.html", benchmark::context(record)?)
}

/// What the tests of a benchmark say, in the sentences of its report.
pub fn benchmark_findings(record: &BenchmarkRecord) -> Vec<String> {
    benchmark::findings(record)
}

/// A wrong prediction, and the image as the bytes of a PNG file.
#[derive(Debug, Clone, PartialEq)]
pub struct MistakePicture {
    /// The prediction.
    pub mistake: Mistake,
    /// The picture.
    pub png: Vec<u8>,
}

/// The report of the training of networks that differ in their seeds alone: metrics, learning curves, sigma,
/// expected against actual accuracy, and of the first seed confusion, calibration and mistakes. `recipe` is
/// the text of all settings.
///
/// # Errors
/// [`ReportError::NoRuns`] if the record has no run, [`ReportError::Template`] if the page cannot be
/// rendered.
pub fn image_train_report(
    record: &ImageTrainRecord,
    recipe: &str,
    mistakes: &[MistakePicture],
) -> Result<String, ReportError> {
    page::render("images.html", images::train(record, recipe, mistakes)?)
}

/// The report of a comparison on images: verdict, table, settings that were tried, tests against the
/// baseline, learning curves, and confusion and calibration of EXACT and the baseline with the first seed.
/// `recipes` are names and the texts of their settings.
///
/// # Errors
/// [`ReportError::NoLosses`] if the record has no rows, [`ReportError::Template`] if the page cannot be
/// rendered.
pub fn image_compare_report(
    record: &ImageCompareRecord,
    recipes: &[(String, String)],
) -> Result<String, ReportError> {
    page::render("images.html", image_comparison::comparison(record, recipes)?)
}

/// The report of a network on test images: metrics, confusion, calibration and mistakes.
///
/// # Errors
/// [`ReportError::Template`] if the page cannot be rendered.
pub fn image_evaluate_report(
    record: &ImageEvaluateRecord,
    mistakes: &[MistakePicture],
) -> Result<String, ReportError> {
    page::render("images.html", images::evaluate(record, mistakes))
}
