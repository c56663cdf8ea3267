//! A table as a file has it: named columns of cells.

use crate::cells::Cells;
use crate::origin::Origin;
use crate::table::check_names;
use crate::{CsrMatrix, DataError};

/// What every format is read into.
#[derive(Debug, Default)]
pub(crate) struct RawTable {
    /// All of as many cells as there are rows.
    pub columns: Vec<RawColumn>,
    pub origin: Origin,
    /// Whether a line or a row of the file names the columns, which may be one that does not.
    pub has_header: bool,
    /// Whether semicolons delimit fields, as where commas are needed for decimals.
    pub has_semicolons: bool,
    /// Further columns, of which most values are zero, named by their number.
    pub sparse: Option<CsrMatrix<'static>>,
}

/// A column and its name.
#[derive(Debug)]
pub(crate) struct RawColumn {
    pub name: String,
    pub cells: Cells,
}

impl RawTable {
    /// The table of a file; `lines` are those of the rows.
    ///
    /// # Errors
    /// [`DataError`] if a column's name is empty or not unique.
    pub fn new(name: &str, columns: Vec<RawColumn>, lines: Vec<u64>) -> Result<Self, DataError> {
        check_names(name, &columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>())?;
        let origin = Origin::new(name, lines);
        Ok(Self { columns, origin, has_header: false, has_semicolons: false, sparse: None })
    }

    /// The same, of a format whose rows are not lines: they are counted from 1.
    pub fn of_rows(name: &str, columns: Vec<RawColumn>, n_rows: usize) -> Result<Self, DataError> {
        Self::new(name, columns, (1..=n_rows as u64).collect())
    }

    pub fn n_rows(&self) -> usize {
        self.origin.n_rows()
    }
}
