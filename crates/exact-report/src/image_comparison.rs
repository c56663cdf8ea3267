//! What the template shows of a comparison of losses on images.

use exact_eval::record::{EpochRecord, ImageCompareRecord, ImageCompareRow, MetricName, TrialRecord};

use crate::ReportError;
use crate::format::{fixed, known, p_value, percent, seconds, significant};
use crate::images::{Chart, Images, Table, facts, known_spread, on_test_images, uncertainty};
use crate::measure::Measure;
use crate::plot::{AccuracyRow, Curve, Picture, Scale, accuracy_by_loss, curves};
use crate::verdict::SIGNIFICANCE;

const EXACT: &str = "exact";

pub(crate) fn comparison(
    record: &ImageCompareRecord,
    recipes: &[(String, String)],
) -> Result<Images, ReportError> {
    let ImageCompareRecord { data, rows, baseline, trials, seeds, seconds: time, .. } = record;
    if rows.is_empty() {
        return Err(ReportError::NoLosses);
    }
    let mut networks: Vec<&str> = rows.iter().map(|row| row.network.as_str()).collect();
    networks.dedup();
    let mut facts = facts(data);
    facts.insert(0, ("network", networks.join(", ")));
    facts.extend([("settings tried", trials.to_string()), ("seeds", seeds.to_string())]);
    facts.push(("time", seconds(*time)));
    let featured: Vec<_> = rows
        .iter()
        .filter(|row| row.name == EXACT || row.name == *baseline)
        .filter_map(|row| Some((row.name.as_str(), &row.runs.first()?.test)))
        .collect();
    let best = rows.iter().filter_map(|row| row.test).map(|test| test.mean).max_by(f64::total_cmp);
    let mut details = vec![format!(
        "Each had {trials} {} and {seeds} {}; the validation images chose the setting and the epoch, \
         the test images nothing.",
        if *trials == 1 { "setting" } else { "settings to choose from" },
        if *seeds == 1 { "seed" } else { "seeds" },
    )];
    details.extend(best.map(|accuracy| uncertainty(data, accuracy)));
    Ok(Images {
        headline: headline(record, best),
        details,
        tables: [Some(results(record)), tried(record), paired(record)].into_iter().flatten().collect(),
        charts: charts(rows),
        recipes: recipes.to_vec(),
        ..on_test_images(data, "Comparison on images", facts, &featured, &[])
    })
}

/// EXACT against the baseline where both are there, else the best.
fn headline(record: &ImageCompareRecord, best: Option<f64>) -> String {
    let named = |name: &str| record.rows.iter().find(|row| row.name == name);
    let means = |row: &ImageCompareRow| row.test.map(|test| test.mean);
    let exact = named(EXACT).filter(|_| record.baseline != EXACT);
    let both = exact.and_then(|exact| Some((exact, means(exact)?, means(named(&record.baseline)?)?)));
    let Some((exact, mean, other)) = both else {
        let names: Vec<&str> =
            record.rows.iter().filter(|row| means(row) == best).map(|row| row.name.as_str()).collect();
        let accuracy = known(best, percent);
        return format!("Highest mean test accuracy: {}, {accuracy} %", names.join(", "));
    };
    let points = fixed(100.0 * (mean - other).abs(), 2);
    let p = exact.p_value.map_or_else(String::new, |p| format!(" (p {})", p_value(p, SIGNIFICANCE)));
    let clear = exact.p_value.is_some_and(|p| p < SIGNIFICANCE);
    let baseline = &record.baseline;
    match (mean > other, clear) {
        (true, true) => format!("EXACT is ahead of {baseline} by {points} points{p}"),
        (true, false) => format!("EXACT is ahead of {baseline} by {points} points, which may be chance{p}"),
        (false, true) => format!("EXACT is behind {baseline} by {points} points{p}"),
        (false, false) => {
            format!("EXACT is not ahead of {baseline}: {points} points, which may be chance{p}")
        }
    }
}

fn results(record: &ImageCompareRecord) -> Table {
    let header = ["loss", "selected", "validation, %", "test, %", "p"].map(Into::into).to_vec();
    let row = |row: &ImageCompareRow| {
        vec![
            row.name.clone(),
            row.trials.get(row.selected).map_or_else(String::new, setting),
            known_spread(row.validation),
            known_spread(row.test),
            known(row.p_value, |p| if p < 0.001 { "< 0.001".into() } else { fixed(p, 3) }),
        ]
    };
    Table {
        heading: "Results",
        header,
        rows: record.rows.iter().map(row).collect(),
        note: "± is the standard deviation over seeds. p: McNemar's exact test of the same test images \
               the baseline, cross-entropy or else the first, \
               combined over seeds.",
        folded: false,
    }
}

fn setting(trial: &TrialRecord) -> String {
    let rate = format!("learning rate {}", significant(trial.learning_rate));
    match &trial.setting {
        Some(setting) => format!("{rate}, {} {}", setting.name, significant(setting.value)),
        None => rate,
    }
}

fn tried(record: &ImageCompareRecord) -> Option<Table> {
    let rows = record.rows.iter().flat_map(|row| {
        row.trials.iter().enumerate().map(|(number, trial)| {
            let accuracy = trial.validation.map(|validation| validation.accuracy);
            let accuracy = accuracy.map_or_else(|| "diverged".into(), percent);
            let chosen = if number == row.selected { "selected" } else { "" };
            vec![row.name.clone(), setting(trial), accuracy, chosen.into()]
        })
    });
    let header = ["loss", "setting", "validation, %", ""].map(Into::into).to_vec();
    let table = Table { heading: "Settings tried", header, rows: rows.collect(), note: "", folded: true };
    (record.trials > 1).then_some(table)
}

fn paired(record: &ImageCompareRecord) -> Option<Table> {
    let rows: Vec<Vec<String>> = record
        .rows
        .iter()
        .flat_map(|row| {
            row.paired.iter().map(|test| {
                let counts = [test.seed, test.only_this, test.only_baseline].map(|count| count.to_string());
                [vec![row.name.clone()], counts.to_vec(), vec![fixed(test.p_value, 4)]].concat()
            })
        })
        .collect();
    let header = ["loss", "seed", "it alone is right", "the baseline alone is right", "p"];
    let header = header.map(Into::into).to_vec();
    (!rows.is_empty()).then_some(Table { heading: "Tests by seed", header, rows, note: "", folded: true })
}

fn charts(rows: &[ImageCompareRow]) -> Vec<Chart> {
    let accuracies: Vec<AccuracyRow<'_>> = rows
        .iter()
        .map(|row| AccuracyRow {
            loss: &row.name,
            dots: row.runs.iter().map(|run| run.test.accuracy).collect(),
            mean: row.test.map(|test| test.mean),
            test: None,
        })
        .collect();
    let description = format!("Test accuracy of {} losses with each seed, and their means", rows.len());
    let lines = rows.iter().enumerate().filter_map(|(number, row)| {
        let point = |epoch: &EpochRecord| (epoch.epoch as f64, 100.0 * epoch.validation_accuracy);
        Some(Curve::numbered(number, &row.name, row.runs.first()?.epochs.iter().map(point).collect()))
    });
    let validation = curves(
        "validation",
        "Validation accuracy after each epoch by loss",
        lines.collect(),
        ["epoch", "validation accuracy, %"],
        Scale::Percent,
    );
    let drawn = |heading, text, picture: Option<Picture>| Some(Chart { heading, text, picture: picture? });
    let test = accuracy_by_loss(&accuracies, Measure(MetricName::Accuracy), "seed", description);
    let charts = [
        drawn("Test accuracy", "With the selected setting.", test),
        drawn("Learning curves", "The selected setting with the first seed.", validation),
    ];
    charts.into_iter().flatten().collect()
}
