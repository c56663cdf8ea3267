//! The sentences at the head of a report: what was found, and how sure it is.

use std::cmp::Ordering;

use exact_eval::corrected_paired_t_test;
use exact_eval::record::{CompareRecord, FitRecord, LossRecord};
use serde::Serialize;

use crate::format::{count, fixed, p_value, percent};

/// A headline and the sentences that support it.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    headline: String,
    details: Vec<String>,
}

const BASELINE: &str = "cross-entropy";
/// The p-value below which a difference is more than chance.
pub(crate) const SIGNIFICANCE: f64 = 0.05;

/// The row that stands for EXACT (`exact`, else `auto`), and that of cross-entropy; each only if it was
/// trained.
pub(crate) fn exact_and_baseline(rows: &[LossRecord]) -> (Option<&LossRecord>, Option<&LossRecord>) {
    let named = |name: &str| rows.iter().find(|row| row.loss == name);
    (named("exact").or_else(|| named("auto")), named(BASELINE))
}

/// The rows whose predictions the report shows in detail: EXACT and cross-entropy, or else the first.
pub(crate) fn featured(rows: &[LossRecord]) -> Vec<&LossRecord> {
    let (exact, baseline) = exact_and_baseline(rows);
    let featured: Vec<&LossRecord> = exact.into_iter().chain(baseline).collect();
    if featured.is_empty() { rows.first().into_iter().collect() } else { featured }
}

pub(crate) fn compare(record: &CompareRecord) -> Verdict {
    let mut details = Vec::new();
    let headline = match exact_and_baseline(&record.rows) {
        (Some(exact), Some(baseline)) => against_baseline(exact, baseline, &mut details),
        _ => best(&record.rows, held_out).map_or_else(
            || "No accuracy on held-out rows".into(),
            |(name, accuracy)| format!("Highest held-out accuracy: {name}, {} %", percent(accuracy)),
        ),
    };
    if record.rows.len() > 2 {
        let in_folds = |row: &LossRecord| row.cv.as_ref().map(|cv| cv.mean);
        if let Some((name, accuracy)) = best(&record.rows, in_folds) {
            details.push(format!("Highest cross-validated accuracy: {name}, {} %.", percent(accuracy)));
        }
        if let Some((name, accuracy)) = best(&record.rows, tested) {
            details.push(format!("Highest test accuracy: {name}, {} %.", percent(accuracy)));
        }
    }
    details.extend(test_uncertainty(&record.rows, record.data.test_rows));
    Verdict { headline, details }
}

pub(crate) fn fit(record: &FitRecord) -> Verdict {
    let row = &record.outcome;
    let mut details = Vec::new();
    let headline = match (&row.test, &row.cv) {
        (Some(test), _) => format!("Test accuracy {} %", percent(test.accuracy)),
        (None, Some(cv)) => format!("Cross-validated accuracy {} %", percent(cv.mean)),
        (None, None) => format!("Train accuracy {} %; no held-out rows", percent(row.train.accuracy)),
    };
    if let Some(chosen) = &row.chosen_loss {
        details.push(format!("Selection by cross-validation chose the loss {chosen}."));
    }
    if let (Some(cv), Some(_)) = (&row.cv, &row.test) {
        let (mean, std) = (percent(cv.mean), percent(cv.std));
        details.push(format!("Cross-validated accuracy: {mean} ± {std} % over {} folds.", cv.folds.len()));
    }
    details.extend(test_uncertainty(std::slice::from_ref(row), record.data.test_rows));
    Verdict { headline, details }
}

/// The headline; by folds if both losses have the same ones, else by test rows.
fn against_baseline(exact: &LossRecord, baseline: &LossRecord, details: &mut Vec<String>) -> String {
    let name = match (exact.loss.as_str(), &exact.chosen_loss) {
        ("exact", _) => "EXACT".to_owned(),
        (other, Some(chosen)) => format!("{other} (which chose {chosen})"),
        (other, None) => other.to_owned(),
    };
    let test_sentence = exact.test.as_ref().zip(baseline.test.as_ref()).map(|(a, b)| {
        let (a, b) = (a.accuracy, b.accuracy);
        format!("Test accuracy: {} % against {} % ({}).", percent(a), percent(b), points(a - b))
    });
    let folds = exact.cv.as_ref().zip(baseline.cv.as_ref());
    let headline = if let Some((a, b)) = folds {
        let difference = a.mean - b.mean;
        let (mean_a, mean_b) = (percent(a.mean), percent(b.mean));
        details.push(format!(
            "Cross-validated accuracy: {mean_a} % against {mean_b} % ({}).",
            points(difference)
        ));
        // The rows held out in a fold over those trained on: 1 / (K - 1).
        let ratio = 1.0 / (a.folds.len().max(2) - 1) as f64;
        match corrected_paired_t_test(&a.folds, &b.folds, ratio) {
            Ok(test) => {
                let clear = test.p_value < SIGNIFICANCE;
                details.push(format!(
                    "The paired difference over {} folds {} at the level of 5 % (standard error {} points, \
                     corrected for overlapping training rows; p {}).",
                    a.folds.len(),
                    if clear { "is significant" } else { "is not significant" },
                    fixed(100.0 * test.standard_error, 2),
                    p_value(test.p_value, SIGNIFICANCE),
                ));
                headline(&name, difference, Some(clear))
            }
            Err(_) => headline(&name, difference, None),
        }
    } else if let Some((a, b)) = exact.test.as_ref().zip(baseline.test.as_ref()) {
        details.push("Without folds of both losses, the spread of this difference is not known.".into());
        headline(&name, a.accuracy - b.accuracy, None)
    } else {
        "No accuracy on held-out rows, so the losses cannot be ranked".into()
    };
    details.extend(test_sentence);
    headline
}

/// `clear` is whether the difference is significant, if that is known.
fn headline(name: &str, difference: f64, clear: Option<bool>) -> String {
    let size = match fixed(100.0 * difference.abs(), 2) {
        tiny if tiny == "0.00" => "by less than 0.01 points".to_owned(),
        size => format!("by {size} points"),
    };
    match (difference.total_cmp(&0.0), clear) {
        _ if difference == 0.0 => format!("{name} and {BASELINE} are equally accurate"),
        (Ordering::Greater, Some(true)) => format!("{name} beats {BASELINE} {size}"),
        (Ordering::Greater, _) => {
            format!("{name} does not clearly beat {BASELINE}: it is ahead {size}, which may be chance")
        }
        (_, Some(true)) => format!("{name} does not beat {BASELINE}: it is behind {size}"),
        (_, _) => format!("{name} does not beat {BASELINE}: it is behind {size}, which may be chance"),
    }
}

fn points(difference: f64) -> String {
    format!("{}{} points", if difference < 0.0 { "−" } else { "+" }, fixed(100.0 * difference.abs(), 2))
}

fn tested(row: &LossRecord) -> Option<f64> {
    row.test.as_ref().map(|test| test.accuracy)
}

fn held_out(row: &LossRecord) -> Option<f64> {
    row.cv.as_ref().map(|cv| cv.mean).or_else(|| tested(row))
}

/// The names of the losses with the largest value, and that value.
fn best(rows: &[LossRecord], value: impl Fn(&LossRecord) -> Option<f64>) -> Option<(String, f64)> {
    let largest = rows.iter().filter_map(&value).max_by(f64::total_cmp)?;
    let names: Vec<&str> =
        rows.iter().filter(|row| value(row) == Some(largest)).map(|row| row.loss.as_str()).collect();
    Some((names.join(", "), largest))
}

/// How far chance alone moves a test accuracy: the binomial standard error.
fn test_uncertainty(rows: &[LossRecord], test_rows: Option<usize>) -> Option<String> {
    let n = test_rows.filter(|&n| n > 0)?;
    let (_, accuracy) = best(rows, tested)?;
    let error = (accuracy * (1.0 - accuracy) / n as f64).sqrt();
    Some(format!(
        "With {} test rows, the standard error of a test accuracy near {} % is {} points.",
        count(n as u64),
        percent(accuracy),
        fixed(100.0 * error, 2)
    ))
}
