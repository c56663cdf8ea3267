//! The sentences at the head of a report: what was found, and how sure it is.

use std::cmp::Ordering;

use exact_eval::corrected_paired_t_test;
use exact_eval::record::{CompareRecord, CrossValidation, FitRecord, LossRecord};
use serde::Serialize;

use crate::format::{count, fixed, p_value, percent};
use crate::measure::{Measure, tested};

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
    let measure = Measure::of(&record.rows);
    let (metric, superlative) = (measure.words(), measure.superlative());
    let headline = match exact_and_baseline(&record.rows) {
        (Some(exact), Some(baseline)) => against_baseline(exact, baseline, &mut details),
        _ => best(&record.rows, held_out).map_or_else(
            || format!("No {metric} on held-out rows"),
            |(name, value)| format!("{superlative} held-out {metric}: {name}, {}", measure.value(value)),
        ),
    };
    if record.rows.len() > 2 {
        let in_folds = |row: &LossRecord| row.cv.as_ref().map(|cv| cv.mean);
        if let Some((name, value)) = best(&record.rows, in_folds) {
            details
                .push(format!("{superlative} cross-validated {metric}: {name}, {}.", measure.value(value)));
        }
        if let Some((name, value)) = best(&record.rows, tested) {
            details.push(format!("{superlative} test {metric}: {name}, {}.", measure.value(value)));
        }
    }
    details.extend(test_uncertainty(&record.rows, record.data.test_rows));
    Verdict { headline, details }
}

pub(crate) fn fit(record: &FitRecord) -> Verdict {
    let row = &record.outcome;
    let mut details = Vec::new();
    let measure = Measure(row.metric);
    let metric = measure.words();
    let headline = match (tested(row), &row.cv) {
        (Some(value), _) => format!("Test {metric} {}", measure.value(value)),
        (None, Some(cv)) => format!("Cross-validated {metric} {}", measure.value(cv.mean)),
        (None, None) => format!("Train accuracy {} %; no held-out rows", percent(row.train.accuracy)),
    };
    if let Some(chosen) = &row.chosen_loss {
        details.push(format!("Selection by cross-validation chose the loss {chosen}."));
    }
    if let (Some(cv), Some(_)) = (&row.cv, &row.test) {
        details.push(over_folds(&format!("Cross-validated {metric}"), cv, measure));
    }
    if let Some(cv) = &record.cross_entropy_cv {
        details.push(over_folds(&format!("That of {BASELINE}"), cv, measure));
    }
    details.extend(test_uncertainty(std::slice::from_ref(row), record.data.test_rows));
    Verdict { headline, details }
}

/// A mean over folds with its spread.
fn over_folds(what: &str, cv: &CrossValidation, measure: Measure) -> String {
    let (mean, std) = (measure.number(cv.mean), measure.value(cv.std));
    format!("{what}: {mean} ± {std} over {} folds.", cv.folds.len())
}

/// The headline; by folds if both losses have the same ones, else by test rows.
fn against_baseline(exact: &LossRecord, baseline: &LossRecord, details: &mut Vec<String>) -> String {
    let name = match (exact.loss.as_str(), &exact.chosen_loss) {
        ("exact", _) => "EXACT".to_owned(),
        (other, Some(chosen)) => format!("{other} (which chose {chosen})"),
        (other, None) => other.to_owned(),
    };
    let measure = Measure(exact.metric);
    let metric = measure.words();
    let against = |a: f64, b: f64| {
        format!("{} against {} ({})", measure.value(a), measure.value(b), measure.difference(a - b))
    };
    let tests = tested(exact).zip(tested(baseline));
    let test_sentence = tests.map(|(a, b)| format!("Test {metric}: {}.", against(a, b)));
    let folds = exact.cv.as_ref().zip(baseline.cv.as_ref());
    let headline = if let Some((a, b)) = folds {
        let gain = measure.gain(a.mean, b.mean);
        details.push(format!("Cross-validated {metric}: {}.", against(a.mean, b.mean)));
        // The rows held out in a fold over those trained on: 1 / (K - 1).
        let ratio = 1.0 / (a.folds.len().max(2) - 1) as f64;
        match corrected_paired_t_test(&a.folds, &b.folds, ratio) {
            Ok(test) => {
                let clear = test.p_value < SIGNIFICANCE;
                details.push(format!(
                    "The paired difference over {} folds {} at the level of 5 % (standard error {}{}, \
                     corrected for overlapping training rows; p {}).",
                    a.folds.len(),
                    if clear { "is significant" } else { "is not significant" },
                    measure.number(test.standard_error),
                    if measure.0.is_rate() { " points" } else { "" },
                    p_value(test.p_value, SIGNIFICANCE),
                ));
                headline(&name, gain, Some(clear), measure)
            }
            Err(_) => headline(&name, gain, None, measure),
        }
    } else if let Some((a, b)) = tests {
        details.push("Without folds of both losses, the spread of this difference is not known.".into());
        headline(&name, measure.gain(a, b), None, measure)
    } else {
        format!("No {metric} on held-out rows, so the losses cannot be ranked")
    };
    details.extend(test_sentence);
    headline
}

/// `clear` is whether the difference is significant, if that is known.
fn headline(name: &str, gain: f64, clear: Option<bool>, measure: Measure) -> String {
    let size = match (measure.size(gain), measure.0.is_rate()) {
        (Some(size), _) => format!("by {size}"),
        (None, true) => "by less than 0.01 points".to_owned(),
        (None, false) => "by less than 0.0001".to_owned(),
    };
    match (gain.total_cmp(&0.0), clear) {
        _ if gain == 0.0 && measure.is_accuracy() => format!("{name} and {BASELINE} are equally accurate"),
        _ if gain == 0.0 => format!("{name} and {BASELINE} have the same {}", measure.words()),
        (Ordering::Greater, Some(true)) => format!("{name} beats {BASELINE} {size}"),
        (Ordering::Greater, _) => {
            format!("{name} does not clearly beat {BASELINE}: it is ahead {size}, which may be chance")
        }
        (_, Some(true)) => format!("{name} does not beat {BASELINE}: it is behind {size}"),
        (_, _) => format!("{name} does not beat {BASELINE}: it is behind {size}, which may be chance"),
    }
}

fn held_out(row: &LossRecord) -> Option<f64> {
    row.cv.as_ref().map(|cv| cv.mean).or_else(|| tested(row))
}

/// The names of the losses with the best value, and that value.
fn best(rows: &[LossRecord], value: impl Fn(&LossRecord) -> Option<f64>) -> Option<(String, f64)> {
    let best = Measure::of(rows).best(rows.iter().filter_map(&value))?;
    let names: Vec<&str> =
        rows.iter().filter(|row| value(row) == Some(best)).map(|row| row.loss.as_str()).collect();
    Some((names.join(", "), best))
}

/// How far chance alone moves a test accuracy: the binomial standard error.
fn test_uncertainty(rows: &[LossRecord], test_rows: Option<usize>) -> Option<String> {
    let n = test_rows.filter(|&n| n > 0 && Measure::of(rows).is_accuracy())?;
    let (_, accuracy) = best(rows, tested)?;
    let error = (accuracy * (1.0 - accuracy) / n as f64).sqrt();
    Some(format!(
        "With {} test rows, the standard error of a test accuracy near {} % is {} points.",
        count(n as u64),
        percent(accuracy),
        fixed(100.0 * error, 2)
    ))
}
