//! Columns that are in memory.

use crate::cells::Cells;
use crate::error::Place;
use crate::raw_table::{RawColumn, RawTable};
use crate::{DataError, ReadOptions, Table};

/// The values of a column in memory, `[n_rows]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers; NaN is missing.
    Numbers(Vec<f64>),
    /// Moments in seconds since the beginning of 1970; NaN is missing.
    Moments(Vec<f64>),
    /// Texts, and whatever else is written as text; what is written as a number counts as one.
    Texts(Vec<Option<String>>),
}

impl Table {
    /// A table of columns in memory, understood as those of a file are. `name` stands for the file in
    /// messages, and the rows count as lines from 1.
    ///
    /// # Errors
    /// As [`Table::read`], and [`DataError::Inconsistent`] if columns differ in length.
    ///
    /// # Example
    /// ```
    /// use exact_data::{ReadOptions, Table, Values};
    ///
    /// let width = Values::Numbers(vec![1.0, f64::NAN]);
    /// let colour = Values::Texts(vec![Some("red".into()), None]);
    /// let columns = vec![("width".to_string(), width), ("colour".into(), colour)];
    /// let table = Table::of_columns("the frame", columns, &ReadOptions::default())?;
    /// assert_eq!((table.n_rows(), table.n_columns()), (2, 2));
    /// # Ok::<(), exact_data::DataError>(())
    /// ```
    pub fn of_columns(
        name: &str,
        columns: Vec<(String, Values)>,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        let n_rows = columns.first().map_or(0, |(_, values)| values.len());
        let mut raw = Vec::with_capacity(columns.len());
        for (column, values) in columns {
            if values.len() != n_rows {
                let problem =
                    format!("has {} rows in the column `{column}`, expected {n_rows}", values.len());
                return Err(DataError::Inconsistent { what: "table", problem });
            }
            let place = || Place { source: name.into(), line: 1, column: column.clone() };
            let cells = values.cells().map_err(|error| error.at(place()))?;
            raw.push(RawColumn { name: column, cells });
        }
        Self::of_cells(RawTable::of_rows(name, raw, n_rows)?, options)
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(values) | Self::Moments(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn cells(self) -> Result<Cells, crate::cells::TooManyTexts> {
        let mut cells = Cells::default();
        cells.moments = matches!(self, Self::Moments(_));
        match self {
            Self::Numbers(values) | Self::Moments(values) => {
                for value in values {
                    cells.push_number(value);
                }
            }
            Self::Texts(values) => {
                for value in values {
                    match value {
                        Some(text) => cells.push_field(&text)?,
                        None => cells.push_empty(),
                    }
                }
            }
        }
        Ok(cells)
    }
}
