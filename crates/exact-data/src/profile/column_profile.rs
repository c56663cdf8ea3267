//! What a column was taken for, with the evidence.

use serde::{Deserialize, Serialize};

use crate::ColumnKind;

/// What a column was taken for, on what evidence, and what was done with it.
///
/// # Example
/// ```
/// use exact_data::{ColumnKind, ReadOptions, Source, Table};
///
/// let source = Source::bytes("cars.csv", b"price,colour\n$5,red\n$7,blue\nNA,red\n".as_slice());
/// let table = Table::read(&source, &ReadOptions::default())?;
/// let price = &table.profiles()[0];
/// assert_eq!((price.kind, price.numbers, price.missing), (ColumnKind::Numeric, 2, 1));
/// assert_eq!(price.note, "numbers: `$`; missing where `NA`");
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// What it was taken for.
    pub kind: ColumnKind,
    /// The number of rows.
    pub rows: usize,
    /// The fields that are numbers of the column's format, or plainly numbers where it has none.
    pub numbers: usize,
    /// The fields that hold anything else.
    pub texts: usize,
    /// The fields that are missing: empty, or what stands for it.
    pub missing: usize,
    /// The number of different values; `None` if it is above 100,000.
    pub distinct: Option<usize>,
    /// What was done with it and why, in words.
    pub note: String,
}
