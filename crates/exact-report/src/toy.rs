//! What the template of the five-point example shows.

use exact_eval::record::ToyRecord;
use serde::Serialize;

use crate::ReportError;
use crate::format::{fixed, percent, significant};
use crate::plot::{Picture, landscape, thresholds, training_paths};

/// The context of `toy.html`.
#[derive(Serialize)]
pub(crate) struct Toy {
    title: &'static str,
    kind: &'static str,
    headline: String,
    points: Vec<(String, u32)>,
    best_accuracy: String,
    runs: Vec<Run>,
    thresholds: Picture,
    landscapes: Vec<Picture>,
    paths: Option<Picture>,
}

#[derive(Serialize)]
struct Run {
    loss: String,
    final_b: String,
    accuracy: String,
    best: bool,
    steps: usize,
    sigma: String,
}

pub(crate) fn context(record: &ToyRecord) -> Result<Toy, ReportError> {
    let (points, labels) = (record.x.len(), record.labels.len());
    if points != labels {
        return Err(ReportError::Labels { points, labels });
    }
    let runs = record.runs.iter().map(|run| Run {
        loss: run.loss.clone(),
        final_b: fixed(run.final_b, 3),
        accuracy: percent(run.accuracy),
        best: run.accuracy == record.best_accuracy,
        steps: run.path.len().saturating_sub(1),
        sigma: run.sigma_path.as_deref().map_or_else(|| "–".into(), sigma_range),
    });
    Ok(Toy {
        title: "Five points, one parameter",
        kind: "Toy example",
        headline: headline(record),
        points: record.x.iter().zip(&record.labels).map(|(x, label)| (significant(*x), *label)).collect(),
        best_accuracy: percent(record.best_accuracy),
        runs: runs.collect(),
        thresholds: thresholds(record),
        landscapes: record
            .curves
            .iter()
            .enumerate()
            .filter_map(|(index, curve)| landscape(index, curve, &record.runs))
            .collect(),
        paths: training_paths(&record.runs),
    })
}

/// Which losses reach the best accuracy, and which do not.
fn headline(record: &ToyRecord) -> String {
    let names = |best: bool| {
        let runs = record.runs.iter().filter(|run| (run.accuracy == record.best_accuracy) == best);
        runs.map(|run| run.loss.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (reached, missed) = (names(true), names(false));
    let best = percent(record.best_accuracy);
    match (reached.is_empty(), missed.is_empty()) {
        (true, true) => format!("The best possible accuracy is {best} %"),
        (true, false) => format!("No loss reaches the best possible accuracy of {best} %"),
        (false, true) => format!("Every loss reaches the best possible accuracy of {best} %"),
        (false, false) => {
            format!("The best possible accuracy of {best} % is reached by {reached}; not by {missed}")
        }
    }
}

/// The first and last sigma of a schedule.
fn sigma_range(path: &[f64]) -> String {
    match path {
        [] => "–".into(),
        [only] => significant(*only),
        [first, .., last] => format!("{} → {}", significant(*first), significant(*last)),
    }
}
