//! What the template of a run's report shows, as text and plots.

use exact_eval::record::{
    ColumnRecord, CompareRecord, CrossValidation, DataRecord, FitRecord, LossRecord, Selected,
    ShapeFunctionRecord, SigmaPathPoint, TestMetrics,
};
use serde::Serialize;

use crate::ReportError;
use crate::confusion::{Confusion, confusion};
use crate::format::{count, fixed, known, percent, seconds, significant};
use crate::measure::{Measure, tested};
use crate::plot::{AccuracyRow, Picture, accuracy_by_loss, reliability, sigma_path};
use crate::shape_functions::{ShapeFunction, shape_functions};
use crate::verdict::{self, Verdict, featured};

const SHOWN_COLUMNS: usize = 100;

/// A penalty with its coefficient, where there is one.
type Penalty = (&'static str, fn(&Selected) -> Option<f64>);

const PENALTIES: [Penalty; 3] = [
    ("L2", |selected| Some(selected.l2)),
    ("L1", |selected| selected.l1),
    ("group L1", |selected| selected.group_l1),
];

/// The context of `report.html`.
#[derive(Serialize)]
pub(crate) struct Report {
    title: String,
    kind: &'static str,
    facts: Vec<(&'static str, String)>,
    #[serde(flatten)]
    verdict: Verdict,
    columns: Vec<ColumnRecord>,
    /// The most columns that are shown.
    shown_columns: usize,
    #[serde(flatten)]
    compared_in: ComparedIn,
    outcomes: Vec<Outcome>,
    has_test: bool,
    /// Those that any loss has.
    penalties: Vec<&'static str>,
    /// What is counted on the test set.
    unit: &'static str,
    accuracy: Option<Picture>,
    /// The longest list of folds, for the header of their table.
    n_folds: usize,
    sigma: Option<Picture>,
    selected_sigma: Option<String>,
    sigma_points: Vec<[String; 4]>,
    /// Of the features that are smooth curves.
    shapes: Vec<ShapeFunction>,
    confusions: Vec<Confusion>,
    reliability: Option<Picture>,
    calibrations: Vec<Calibration>,
}

/// The metric that losses are compared in: its words, with a capital letter and with its unit.
#[derive(Serialize)]
struct ComparedIn {
    metric: String,
    metric_title: String,
    metric_with_unit: String,
    by_accuracy: bool,
    /// Whether more of it is better.
    is_rate: bool,
}

/// One row of the table of losses.
#[derive(Serialize)]
struct Outcome {
    loss: String,
    chosen: Option<String>,
    cv: String,
    best_cv: bool,
    folds: Vec<String>,
    train: String,
    test: String,
    best_test: bool,
    accuracy: String,
    balanced_accuracy: String,
    macro_f1: String,
    log_loss: String,
    brier: String,
    calibration_error: String,
    /// The coefficients of the penalties that any loss has.
    penalties: Vec<String>,
    sigma: String,
    margin: String,
    time: String,
}

/// The bins of one reliability diagram.
#[derive(Serialize)]
pub(crate) struct Calibration {
    loss: String,
    error: String,
    brier: String,
    bins: Vec<[String; 4]>,
}

pub(crate) fn compare(record: &CompareRecord) -> Result<Report, ReportError> {
    if record.rows.is_empty() {
        return Err(ReportError::NoLosses);
    }
    let mut facts = facts(&record.data);
    facts.push(("expanded to", record.rows[0].features.to_string()));
    if record.folds > 0 {
        facts.push(("folds", record.folds.to_string()));
    }
    facts.push(("seed", record.seed.to_string()));
    let verdict = verdict::compare(record);
    Ok(report(
        "Comparison of training losses",
        &record.data,
        &record.columns,
        facts,
        verdict,
        &record.rows,
        &record.sigma_path,
    ))
}

pub(crate) fn fit(record: &FitRecord, shapes: &[ShapeFunctionRecord]) -> Report {
    let mut facts = facts(&record.data);
    facts.push(("expanded to", record.outcome.features.to_string()));
    facts.push(("loss", record.outcome.loss.clone()));
    facts.push(("solver", record.solver.clone()));
    facts.push(("seed", record.seed.to_string()));
    facts.extend(record.model.clone().map(|path| ("model file", path)));
    let rows = std::slice::from_ref(&record.outcome);
    let report = report(
        "Trained model",
        &record.data,
        &record.columns,
        facts,
        verdict::fit(record),
        rows,
        &record.sigma_path,
    );
    Report { shapes: shape_functions(shapes), ..report }
}

fn facts(data: &DataRecord) -> Vec<(&'static str, String)> {
    let mut facts = vec![("target", data.target.clone()), ("train rows", count(data.train_rows as u64))];
    facts.extend(data.test_rows.map(|rows| ("test rows", count(rows as u64))));
    facts.push(("features", count(data.features as u64)));
    facts.push(("classes", count(data.classes as u64)));
    facts
}

fn report(
    kind: &'static str,
    data: &DataRecord,
    columns: &[ColumnRecord],
    facts: Vec<(&'static str, String)>,
    verdict: Verdict,
    rows: &[LossRecord],
    path: &[SigmaPathPoint],
) -> Report {
    let measure = Measure::of(rows);
    // A single loss has no rival to be better than.
    let best = |row: &LossRecord, value: fn(&LossRecord) -> Option<f64>| {
        rows.len() > 1 && value(row).is_some() && value(row) == measure.best(rows.iter().filter_map(value))
    };
    let mut penalties = PENALTIES.to_vec();
    penalties.retain(|(_, of)| rows.iter().any(|row| of(&row.selected).is_some()));
    let outcomes = rows
        .iter()
        .map(|row| outcome(row, &penalties, best(row, cross_validated), best(row, tested)))
        .collect();
    let tests: Vec<_> = featured(rows)
        .into_iter()
        .filter_map(|row| row.test.as_ref().map(|test| (row.loss.as_str(), test)))
        .collect();
    let selected = selected_sigma(rows, path).filter(|sigma| sigma.is_finite());
    Report {
        title: data.name.clone().unwrap_or_else(|| data.target.clone()),
        kind,
        facts,
        verdict,
        columns: columns.to_vec(),
        shown_columns: SHOWN_COLUMNS,
        compared_in: ComparedIn {
            metric: measure.words(),
            metric_title: measure.title(),
            metric_with_unit: measure.with_unit(),
            by_accuracy: measure.is_accuracy(),
            is_rate: measure.0.is_rate(),
        },
        outcomes,
        has_test: rows.iter().any(|row| row.test.is_some()),
        penalties: penalties.iter().map(|(name, _)| *name).collect(),
        accuracy: accuracy(rows),
        unit: "rows",
        n_folds: rows.iter().filter_map(|row| row.cv.as_ref()).map(|cv| cv.folds.len()).max().unwrap_or(0),
        sigma: sigma_path(path, measure, selected),
        selected_sigma: selected.map(significant),
        sigma_points: path.iter().map(|point| sigma_point(point, measure)).collect(),
        shapes: Vec::new(),
        confusions: tests
            .iter()
            .filter_map(|(loss, test)| confusion(loss, test, &data.class_names))
            .collect(),
        reliability: reliability(&tests),
        calibrations: calibrations(&tests),
    }
}

fn accuracy(rows: &[LossRecord]) -> Option<Picture> {
    let view = rows.iter().map(|row| AccuracyRow {
        loss: &row.loss,
        dots: row.cv.as_ref().map_or_else(Vec::new, |cv| cv.folds.clone()),
        mean: cross_validated(row),
        test: tested(row),
    });
    let measure = Measure::of(rows);
    let description = format!(
        "{} of {} losses in each fold, on average over folds, and on the test rows",
        measure.title(),
        rows.len()
    );
    accuracy_by_loss(&view.collect::<Vec<_>>(), measure, "fold", description)
}

/// The bins of the losses that have some.
pub(crate) fn calibrations(tests: &[(&str, &TestMetrics)]) -> Vec<Calibration> {
    let calibration = |(loss, test): &(&str, &TestMetrics)| {
        let bins = test.reliability.iter().map(|bin| {
            let range = format!("{}–{}", fixed(100.0 * bin.lower, 0), fixed(100.0 * bin.upper, 0));
            [range, significant(bin.weight), percent(bin.mean_confidence), percent(bin.accuracy)]
        });
        Calibration {
            loss: (*loss).to_owned(),
            error: percent(test.expected_calibration_error),
            brier: fixed(test.brier, 4),
            bins: bins.collect(),
        }
    };
    tests.iter().filter(|(_, test)| !test.reliability.is_empty()).map(calibration).collect()
}

/// The sigma of the row whose L2 penalty and margin the path has.
fn selected_sigma(rows: &[LossRecord], path: &[SigmaPathPoint]) -> Option<f64> {
    let point = path.first()?;
    let on_path = |row: &&LossRecord| row.selected.l2 == point.l2 && row.selected.margin == point.margin;
    rows.iter().filter(on_path).find_map(|row| row.selected.sigma)
}

fn sigma_point(point: &SigmaPathPoint, measure: Measure) -> [String; 4] {
    [
        significant(point.sigma),
        measure.number(point.train_accuracy),
        measure.number(point.validation_accuracy),
        measure.number(point.expected_accuracy),
    ]
}

fn cross_validated(row: &LossRecord) -> Option<f64> {
    row.cv.as_ref().map(|cv| cv.mean)
}

fn outcome(row: &LossRecord, penalties: &[Penalty], best_cv: bool, best_test: bool) -> Outcome {
    let test = row.test.as_ref();
    let measure = Measure(row.metric);
    let number = |value: f64| measure.number(value);
    let mean_and_std = |cv: &CrossValidation| format!("{} ± {}", number(cv.mean), number(cv.std));
    Outcome {
        loss: row.loss.clone(),
        chosen: row.chosen_loss.clone(),
        cv: row.cv.as_ref().map_or_else(|| "–".into(), mean_and_std),
        best_cv,
        folds: row.cv.iter().flat_map(|cv| cv.folds.iter().map(|fold| number(*fold))).collect(),
        train: percent(row.train.accuracy),
        test: known(tested(row), number),
        best_test,
        accuracy: known(test.map(|test| test.accuracy), percent),
        balanced_accuracy: known(test.map(|test| test.balanced_accuracy), percent),
        macro_f1: known(test.map(|test| test.macro_f1), percent),
        log_loss: known(test.map(|test| test.log_loss), |loss| fixed(loss, 4)),
        brier: known(test.map(|test| test.brier), |score| fixed(score, 4)),
        calibration_error: known(test.map(|test| test.expected_calibration_error), percent),
        penalties: penalties.iter().map(|(_, of)| known(of(&row.selected), significant)).collect(),
        sigma: known(row.selected.sigma, significant),
        margin: known(row.selected.margin, significant),
        time: seconds(row.seconds),
    }
}
