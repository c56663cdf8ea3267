//! A benchmark as tables on the screen.

use exact_eval::record::BenchmarkRecord;

use crate::output::{NumberColumn, percent, wide_tables};

/// The most characters of a name.
const NAME: usize = 40;

/// Data sets by methods, in as many tables as it takes, with the means and the mean ranks below. A star marks
/// the best of a row, and what prints the same.
pub(super) fn tables(record: &BenchmarkRecord) -> String {
    let BenchmarkRecord { methods, sets, .. } = record;
    let names = sets.iter().map(|set| shortened(&set.name));
    let names: Vec<String> = names.chain(["mean", "mean rank"].map(String::from)).collect();
    let accuracies = sets.iter().map(|set| {
        let means = || set.results.iter().map(|result| result.accuracy.mean);
        starred(means().map(percent), &percent(means().fold(0.0, f64::max)))
    });
    let means = || methods.iter().map(|method| method.mean_accuracy);
    let means = starred(means().map(percent), &percent(means().fold(0.0, f64::max)));
    let ranks = || methods.iter().map(|method| method.mean_rank);
    let rank = |rank: f64| format!("{rank:.2}");
    let ranks = starred(ranks().map(rank), &rank(ranks().fold(f64::INFINITY, f64::min)));
    let rows: Vec<Vec<String>> = accuracies.chain([means, ranks]).collect();
    let headers: Vec<String> = methods.iter().map(|method| shortened(&method.name)).collect();
    let columns: Vec<NumberColumn<'_>> = headers
        .iter()
        .enumerate()
        .map(|(at, header)| (header.as_str(), rows.iter().map(|row| row[at].clone()).collect()))
        .collect();
    let tables = wide_tables("accuracy, %", &names, &columns);
    tables.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Cells with a star at the best, and room for one at the others.
fn starred(cells: impl Iterator<Item = String>, best: &str) -> Vec<String> {
    cells.map(|cell| if cell == best { format!("{cell}*") } else { format!("{cell} ") }).collect()
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.into();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}
