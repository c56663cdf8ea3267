//! What the template of a benchmark shows, and what its tests say in words.

use exact_eval::record::{BenchmarkRecord, BenchmarkTests, MethodPairRecord};
use serde::Serialize;

use crate::ReportError;
use crate::format::{count, fixed, p_value, percent, significant};
use crate::plot::{Picture, critical_difference};

/// The most pairs of methods that a sentence names.
const NAMED_PAIRS: usize = 6;

/// The context of `benchmark.html`.
#[derive(Serialize)]
pub(crate) struct Benchmark {
    title: String,
    kind: &'static str,
    facts: Vec<(&'static str, String)>,
    headline: String,
    details: Vec<String>,
    methods: Vec<String>,
    rows: Vec<Row>,
    means: Vec<Cell>,
    mean_ranks: Vec<Cell>,
    ranks: Option<Picture>,
    pairs: Vec<Pair>,
    sets: Vec<Set>,
}

/// The accuracies on a data set.
#[derive(Serialize)]
struct Row {
    set: String,
    cells: Vec<Cell>,
    /// Mean and standard deviation over splits.
    spreads: Vec<String>,
}

#[derive(Serialize)]
struct Cell {
    text: String,
    best: bool,
}

#[derive(Serialize)]
struct Pair {
    better: String,
    worse: String,
    counts: [usize; 3],
    p_value: String,
    holm_p_value: String,
    differs: bool,
}

#[derive(Serialize)]
struct Set {
    name: String,
    target: String,
    numbers: [String; 3],
}

pub(crate) fn context(record: &BenchmarkRecord) -> Result<Benchmark, ReportError> {
    let BenchmarkRecord { settings, methods, sets, tests, .. } = record;
    if methods.is_empty() {
        return Err(ReportError::NoLosses);
    }
    let rows = sets.iter().map(|set| {
        let accuracies = set.results.iter().map(|result| result.accuracy);
        Row {
            set: set.name.clone(),
            cells: cells(accuracies.clone().map(|accuracy| percent(accuracy.mean)), f64::max),
            spreads: accuracies
                .map(|accuracy| format!("{} ± {}", percent(accuracy.mean), percent(accuracy.std)))
                .collect(),
        }
    });
    let pair = |pair: &MethodPairRecord| Pair {
        better: pair.better.clone(),
        worse: pair.worse.clone(),
        counts: [pair.wins, pair.ties, pair.losses],
        p_value: significant(pair.p_value),
        holm_p_value: significant(pair.holm_p_value),
        differs: pair.holm_p_value <= settings.alpha,
    };
    let ranks: Vec<(&str, f64)> =
        methods.iter().map(|method| (method.name.as_str(), method.mean_rank)).collect();
    Ok(Benchmark {
        title: format!("{} on {}", counted(methods.len(), "method"), counted(sets.len(), "data set")),
        kind: "Benchmark",
        facts: vec![
            ("splits of each data set", count(settings.splits as u64)),
            ("rows tested on", format!("{} %", significant(100.0 * settings.test_share))),
            ("folds", settings.folds.to_string()),
            ("seed", settings.seed.to_string()),
            ("level of significance", significant(settings.alpha)),
        ],
        headline: headline(record),
        details: findings(record),
        methods: methods.iter().map(|method| method.name.clone()).collect(),
        rows: rows.collect(),
        means: cells(methods.iter().map(|method| percent(method.mean_accuracy)), f64::max),
        mean_ranks: cells(methods.iter().map(|method| fixed(method.mean_rank, 2)), f64::min),
        ranks: tests.as_ref().and_then(|tests| critical_difference(&ranks, tests.critical_difference)),
        pairs: tests.iter().flat_map(|tests| &tests.pairs).map(pair).collect(),
        sets: sets
            .iter()
            .map(|set| Set {
                name: set.name.clone(),
                target: set.target.clone(),
                numbers: [set.rows, set.columns, set.classes].map(|number| count(number as u64)),
            })
            .collect(),
    })
}

/// Numbers as text, of which the best are marked, and all that read the same.
fn cells(texts: impl Iterator<Item = String>, better: fn(f64, f64) -> f64) -> Vec<Cell> {
    let texts: Vec<String> = texts.collect();
    let value = |text: &String| text.parse::<f64>().ok();
    let best = texts.iter().filter_map(value).reduce(better);
    let cell = |text: String| Cell { best: best.is_some() && value(&text) == best, text };
    texts.into_iter().map(cell).collect()
}

fn headline(record: &BenchmarkRecord) -> String {
    let rank = record.methods.iter().map(|method| method.mean_rank).fold(f64::INFINITY, f64::min);
    let best: Vec<&str> = record
        .methods
        .iter()
        .filter(|method| method.mean_rank == rank)
        .map(|method| method.name.as_str())
        .collect();
    format!("Best mean rank: {}, {}", best.join(", "), fixed(rank, 2))
}

/// What the tests say, a sentence or two for each.
pub(crate) fn findings(record: &BenchmarkRecord) -> Vec<String> {
    let alpha = significant(record.settings.alpha);
    match &record.tests {
        None if record.methods.len() < 2 => vec!["With one method there is nothing to test.".into()],
        None => vec!["One data set says nothing of others: tests need at least two.".into()],
        Some(tests) => vec![
            friedman(tests, record.settings.alpha, &alpha),
            format!(
                "Nemenyi's test: mean ranks that differ by {} or more differ significantly.",
                fixed(tests.critical_difference, 2)
            ),
            wilcoxon(tests, record.settings.alpha),
        ],
    }
}

fn friedman(tests: &BenchmarkTests, alpha: f64, level: &str) -> String {
    let test = &tests.friedman;
    let f = test.iman_davenport.map_or_else(|| "∞".into(), |f| fixed(f, 2));
    let finding = if test.iman_davenport_p_value <= alpha {
        format!("some methods differ at the level of {level}")
    } else {
        format!("no difference is found at the level of {level}")
    };
    format!(
        "Friedman's test: {finding} (χ² = {}, p {}; F of Iman and Davenport = {f}, p {}).",
        fixed(test.chi_squared, 2),
        p_value(test.p_value, alpha),
        p_value(test.iman_davenport_p_value, alpha)
    )
}

fn wilcoxon(tests: &BenchmarkTests, alpha: f64) -> String {
    let differing: Vec<&MethodPairRecord> =
        tests.pairs.iter().filter(|pair| pair.holm_p_value <= alpha).collect();
    let named = differing.iter().take(NAMED_PAIRS).map(|pair| {
        format!("{} is better than {} (p {})", pair.better, pair.worse, p_value(pair.holm_p_value, alpha))
    });
    let named: Vec<String> = named.collect();
    let further = differing.len() - named.len();
    match (named.is_empty(), further) {
        (true, _) => "Wilcoxon's test with Holm's correction: no two methods differ.".into(),
        (false, 0) => format!("Wilcoxon's test with Holm's correction: {}.", named.join(", ")),
        (false, _) => format!(
            "Wilcoxon's test with Holm's correction: {}, and {} more differ.",
            named.join(", "),
            counted(further, "pair")
        ),
    }
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(number as u64)) }
}
