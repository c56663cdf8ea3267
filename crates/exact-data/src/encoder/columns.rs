//! The columns of a table by their names.

use std::collections::HashMap;

use arrow_array::Float64Array;

use crate::table::{Categories, Column};
use crate::{ColumnKind, DataError, Table};

/// Found once, since a table may have many.
pub(super) struct Columns<'a> {
    table: &'a Table,
    columns: HashMap<&'a str, Column<'a>>,
}

impl<'a> Columns<'a> {
    pub fn of(table: &'a Table) -> Result<Self, DataError> {
        let columns = table.features()?.into_iter().map(|(name, _, column)| (name, column)).collect();
        Ok(Self { table, columns })
    }

    /// A column of numbers or dates.
    pub fn numbers(&self, name: &str) -> Result<&'a Float64Array, DataError> {
        match self.columns.get(name) {
            Some(Column::Numeric(values)) => Ok(values),
            Some(Column::Categorical(_)) => {
                Err(self.table.wrong_kind(name, ColumnKind::Categorical, ColumnKind::Numeric))
            }
            None => Err(self.table.no_such_column(name)),
        }
    }

    /// A column of categories or texts.
    pub fn categories(&self, name: &str) -> Result<Categories<'a>, DataError> {
        match self.columns.get(name) {
            Some(Column::Categorical(values)) => Ok(*values),
            Some(Column::Numeric(_)) => {
                Err(self.table.wrong_kind(name, ColumnKind::Numeric, ColumnKind::Categorical))
            }
            None => Err(self.table.no_such_column(name)),
        }
    }
}
