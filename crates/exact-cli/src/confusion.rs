//! The confusion matrix as a person reads it.

use comfy_table::{CellAlignment, Table, presets};

use crate::output::{Align, table};

/// The most classes of which all pairs are shown.
const SHOWN_CLASSES: usize = 12;
/// The confusions that are shown of more classes.
const SHOWN_CONFUSIONS: usize = 20;

/// The confusion matrix, `confusion[label][prediction]`: a row for each class and a column for each
/// prediction, or of many classes the most frequent confusions.
pub(crate) fn confusion_table(confusion: &[Vec<u64>], classes: &[String]) -> Table {
    if classes.len() > SHOWN_CLASSES {
        return largest(confusion, classes);
    }
    let mut table = Table::new();
    let corner = "label \\ prediction".to_string();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(std::iter::once(corner).chain(classes.iter().cloned()));
    for (class, counts) in classes.iter().zip(confusion) {
        table.add_row(std::iter::once(class.clone()).chain(counts.iter().map(u64::to_string)));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The pairs of classes that are confused most often, the first ones of equally frequent.
fn largest(confusion: &[Vec<u64>], classes: &[String]) -> Table {
    let pairs = confusion.iter().enumerate().flat_map(|(label, counts)| {
        counts.iter().enumerate().map(move |(prediction, &count)| (count, label, prediction))
    });
    let mut confused: Vec<_> =
        pairs.filter(|&(count, label, prediction)| count > 0 && label != prediction).collect();
    confused.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let row = |&(count, label, prediction): &(u64, usize, usize)| {
        [classes[label].clone(), classes[prediction].clone(), count.to_string()]
    };
    let header = [("label", Align::Text), ("prediction", Align::Text), ("rows", Align::Number)];
    table(header, confused.iter().take(SHOWN_CONFUSIONS).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_classes_show_the_most_frequent_confusions() {
        let classes: Vec<String> = (0..13).map(|class| format!("c{class}")).collect();
        let mut confusion = vec![vec![0; 13]; 13];
        (confusion[3][4], confusion[7][1], confusion[5][5]) = (2, 9, 100);
        let text = confusion_table(&confusion, &classes).to_string();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[3][1..4], ["c7", "c1", "9"]);
        assert_eq!(rows[4][1..4], ["c3", "c4", "2"]);
        assert!(!text.contains("c5"));
    }
}
