//! What the columns of a table contribute to the logits of a model, in the units of the table.

use std::collections::HashMap;

use exact_data::{DatePart, Encoder, Reading};
use exact_eval::record::{ColumnUnit, ShapeCurve, ShapeFunctionRecord};
use exact_linear::{LinearClassifier, LinearError, Rows, ShapeFunction};

/// Columns at most, those whose contributions vary most.
const COLUMNS: usize = 12;
const HOUR: f64 = 3600.0;

/// The shape functions of the encoded rows that a classifier was trained on; none without smooth curves.
pub(crate) fn shape_functions(
    classifier: &LinearClassifier,
    rows: &impl Rows,
    encoder: &Encoder,
    classes: &[String],
) -> Result<Vec<ShapeFunctionRecord>, LinearError> {
    let (names, readings) = (encoder.column_names(), encoder.columns());
    let readings: HashMap<&str, &Reading> =
        readings.iter().map(|(name, reading)| (name.as_str(), reading)).collect();
    let record = |function: ShapeFunction| {
        let column = &encoder.standardised_columns()[function.column];
        let unit = unit(column.part, readings.get(column.column.as_str()).copied());
        let scale = if unit == ColumnUnit::Hour { HOUR } else { 1.0 };
        let curves = classes.iter().zip(function.contributions).zip(function.variation);
        ShapeFunctionRecord {
            column: names[function.column].clone(),
            unit,
            range: function.range.map(|value| (column.mean + column.std * value) / scale),
            curves: curves
                .map(|((class, contributions), variation)| ShapeCurve {
                    class: class.clone(),
                    variation,
                    contributions,
                })
                .collect(),
            histogram: function.histogram,
        }
    };
    Ok(classifier.shape_functions(rows, COLUMNS)?.into_iter().map(record).collect())
}

/// The unit of a column, or of a part of its dates.
fn unit(part: Option<DatePart>, reading: Option<&Reading>) -> ColumnUnit {
    match (part, reading) {
        (None, Some(Reading::Date(format))) if format.has_date() => ColumnUnit::Moment,
        (None, Some(Reading::Date(_))) => ColumnUnit::Hour,
        _ => ColumnUnit::Number,
    }
}
