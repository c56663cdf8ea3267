//! What the template shows of the contributions of columns.

use exact_eval::record::{ColumnUnit, ShapeCurve, ShapeFunctionRecord};
use serde::Serialize;

use crate::format::{count, moment, significant};
use crate::plot::{Picture, shape_function};

/// Classes that can be told apart in one plot.
const MOST_CLASSES: usize = 6;
/// Values in the table of a column.
const SHOWN_VALUES: usize = 11;

/// A column's plot, and the same as a table.
#[derive(Serialize)]
pub(crate) struct ShapeFunction {
    column: String,
    picture: Picture,
    /// Which classes are drawn, if not all.
    caption: Option<String>,
    classes: Vec<String>,
    /// A value and the contribution to each class.
    rows: Vec<Vec<String>>,
}

pub(crate) fn shape_functions(records: &[ShapeFunctionRecord]) -> Vec<ShapeFunction> {
    records.iter().enumerate().filter_map(|(index, record)| of_column(index, record)).collect()
}

fn of_column(index: usize, record: &ShapeFunctionRecord) -> Option<ShapeFunction> {
    let mut curves: Vec<(usize, &ShapeCurve)> = record.curves.iter().enumerate().collect();
    curves.sort_by(|(_, a), (_, b)| b.variation.total_cmp(&a.variation));
    curves.truncate(MOST_CLASSES);
    curves.sort_by_key(|(class, _)| *class);
    let n_classes = record.curves.len();
    let caption = (n_classes > MOST_CLASSES).then(|| {
        let n_classes = count(n_classes as u64);
        format!("The {MOST_CLASSES} of {n_classes} classes whose curves vary most.")
    });
    let picture = shape_function(index, record, &curves)?;
    let n_points = curves.iter().map(|(_, curve)| curve.contributions.len()).min().unwrap_or(0);
    let row = |at: usize| {
        let [low, high] = record.range;
        let point = at * (n_points - 1) / (SHOWN_VALUES - 1);
        let value = low + (high - low) * point as f64 / (n_points - 1).max(1) as f64;
        let contributions = curves.iter().map(|(_, curve)| significant(curve.contributions[point]));
        std::iter::once(text(record, value)).chain(contributions).collect()
    };
    Some(ShapeFunction {
        column: record.column.clone(),
        picture,
        caption,
        classes: curves.iter().map(|(_, curve)| curve.class.clone()).collect(),
        rows: (0..SHOWN_VALUES).map(row).collect(),
    })
}

/// A value of a column.
fn text(record: &ShapeFunctionRecord, value: f64) -> String {
    match record.unit {
        ColumnUnit::Number | ColumnUnit::Hour => significant(value),
        ColumnUnit::Moment => moment(value, record.range[1] - record.range[0]),
    }
}
