//! What the columns of a model with smooth curves contribute to its logits.

use serde::{Deserialize, Serialize};

/// What a column of numbers contributes to the logit of each class, centred over the training rows: the
/// shape function of an additive model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShapeFunctionRecord {
    /// The column.
    pub column: String,
    /// What its values are.
    pub unit: ColumnUnit,
    /// The smallest and the largest value: those between which nearly all training rows are.
    pub range: [f64; 2],
    /// One curve for each class, in the order of their indices.
    pub curves: Vec<ShapeCurve>,
    /// The training rows with values in bins of the same width over the range.
    pub histogram: Vec<u64>,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnUnit {
    /// Numbers, as the table has them.
    Number,
    /// Moments, in seconds since the beginning of 1970.
    Moment,
    /// Times of day, in hours.
    Hour,
}

/// The contribution to the logit of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShapeCurve {
    /// The name of the class.
    pub class: String,
    /// The standard deviation of the contribution over the training rows.
    pub variation: f64,
    /// The contribution at values of the same distance, from one end of the range to the other.
    pub contributions: Vec<f64>,
}
