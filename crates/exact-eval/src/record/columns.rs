//! What the columns of a table were taken for.

use serde::{Deserialize, Serialize};

/// What a column was taken for, on what evidence, and what was done with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnRecord {
    /// Its name.
    pub name: String,
    /// `numeric`, `categorical`, `date`, `text` or `identifier`.
    pub kind: String,
    /// The number of different values; `None` if they are too many to be counted.
    pub distinct: Option<usize>,
    /// The fields without a value.
    pub missing: usize,
    /// The fields that are numbers, or dates in a column of dates.
    pub numbers: usize,
    /// The fields that are anything else.
    pub texts: usize,
    /// What was done with it and why.
    pub note: String,
}
