//! The confusion matrix as a heat map, which is a table with coloured cells.

use exact_eval::record::TestMetrics;
use serde::Serialize;

use crate::format;

/// The most classes whose counts fit into cells.
const LABELLED_CLASSES: usize = 20;
/// The most classes whose cells are of full size.
const ROOMY_CLASSES: usize = 10;
/// The most classes whose cells are drawn at all; beyond, a million cells would only hide the list of
/// confusions.
const DRAWN_CLASSES: usize = 100;
/// The confusions that are listed when cells have no counts.
const LISTED_CONFUSIONS: usize = 15;

/// The confusion matrix of one loss.
#[derive(Serialize)]
pub(crate) struct Confusion {
    loss: String,
    /// Whether cells show counts.
    labelled: bool,
    /// Whether there are so many cells with counts that they must be small.
    compact: bool,
    names: Vec<String>,
    /// Empty if there are too many classes to draw.
    rows: Vec<Row>,
    /// The most frequent confusions; empty if cells show counts.
    frequent: Vec<Frequent>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    cells: Vec<Cell>,
    total: String,
    recall: String,
}

#[derive(Serialize)]
struct Cell {
    count: String,
    title: String,
    /// The opacity of the cell's colour, from the fraction of the row, `0..=1`.
    shade: String,
    /// `right`, `wrong`, or `none` for an empty cell.
    kind: &'static str,
    /// Whether the text stands on a dark colour.
    dark: bool,
}

#[derive(Serialize)]
struct Frequent {
    actual: String,
    predicted: String,
    count: String,
    share: String,
}

/// The view of a loss's confusion matrix; `None` if it has no cells.
pub(crate) fn confusion(loss: &str, test: &TestMetrics, class_names: &[String]) -> Option<Confusion> {
    let matrix = &test.confusion;
    let n_classes = matrix.len();
    if n_classes == 0 {
        return None;
    }
    let name = |class: usize| class_names.get(class).cloned().unwrap_or_else(|| class.to_string());
    let names: Vec<String> = (0..n_classes).map(name).collect();
    let labelled = n_classes <= LABELLED_CLASSES;
    let rows = if n_classes <= DRAWN_CLASSES {
        matrix.iter().enumerate().map(|(actual, counts)| row(actual, counts, &names)).collect()
    } else {
        Vec::new()
    };
    let frequent = if labelled { Vec::new() } else { frequent(matrix, &names) };
    Some(Confusion {
        loss: loss.to_owned(),
        labelled,
        compact: labelled && n_classes > ROOMY_CLASSES,
        names,
        rows,
        frequent,
    })
}

fn row(actual: usize, counts: &[u64], names: &[String]) -> Row {
    let total: u64 = counts.iter().sum();
    let fraction = |count: u64| if total == 0 { 0.0 } else { count as f64 / total as f64 };
    let cell = |(predicted, &count): (usize, &u64)| {
        // Less than proportional, so that rare confusions show.
        let shade = if count == 0 { 0.0 } else { 0.06 + 0.94 * fraction(count).powf(0.6) };
        let predicted_name = names.get(predicted).map_or("?", String::as_str);
        Cell {
            count: format::count(count),
            title: format!("{} predicted as {predicted_name}: {}", names[actual], format::count(count)),
            shade: format::fixed(shade, 2),
            kind: match (count, predicted == actual) {
                (0, _) => "none",
                (_, true) => "right",
                (_, false) => "wrong",
            },
            dark: shade > 0.55,
        }
    };
    let correct = counts.get(actual).copied().unwrap_or_default();
    Row {
        name: names[actual].clone(),
        cells: counts.iter().enumerate().map(cell).collect(),
        total: format::count(total),
        recall: format::known((total > 0).then(|| fraction(correct)), |recall| {
            format::fixed(100.0 * recall, 1)
        }),
    }
}

fn frequent(matrix: &[Vec<u64>], names: &[String]) -> Vec<Frequent> {
    let mut wrong: Vec<(usize, usize, u64)> = Vec::new();
    for (actual, counts) in matrix.iter().enumerate() {
        let cells =
            counts.iter().enumerate().filter(|(predicted, count)| *predicted != actual && **count > 0);
        wrong.extend(cells.map(|(predicted, &count)| (actual, predicted, count)));
    }
    wrong.sort_by_key(|&(actual, predicted, count)| (std::cmp::Reverse(count), actual, predicted));
    wrong
        .iter()
        .take(LISTED_CONFUSIONS)
        .map(|&(actual, predicted, count)| Frequent {
            actual: names[actual].clone(),
            predicted: names.get(predicted).cloned().unwrap_or_default(),
            count: format::count(count),
            share: format::fixed(100.0 * count as f64 / matrix[actual].iter().sum::<u64>() as f64, 1),
        })
        .collect()
}
