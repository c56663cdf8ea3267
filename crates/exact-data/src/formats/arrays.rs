//! Tables of arrays, such as embeddings: an array of n rows is a column of its name, and a matrix `[n, d]`
//! named `x` the columns `x_0` to `x_{d-1}`.

use super::number_type::NumberType;
use crate::DataError;
use crate::cells::Cells;
use crate::error::Place;
use crate::raw_table::{RawColumn, RawTable};

/// The values of an array, row after row.
pub(super) enum Values<'a> {
    /// Of this type, as little-endian bytes.
    Numbers(NumberType, &'a [u8]),
    Texts(Vec<String>),
}

/// The columns of an array of a shape.
pub(super) fn columns(
    file: &str,
    name: &str,
    shape: &[usize],
    values: Values,
) -> Result<Vec<RawColumn>, DataError> {
    let (n_rows, width) = match *shape {
        [n_rows] => (n_rows, None),
        [n_rows, width] => (n_rows, Some(width)),
        _ => {
            let problem = format!("has the shape {shape:?}, of which only [n] and [n, d] are read");
            return Err(bad_array(file, name, problem));
        }
    };
    if n_rows == 0 || width == Some(0) {
        return Err(DataError::NoRows { file: file.into() });
    }
    let mut columns = vec![Cells::default(); width.unwrap_or(1)];
    let filled = match values {
        Values::Numbers(kind, bytes) => kind.append(bytes, &mut columns),
        Values::Texts(texts) => {
            let width = columns.len();
            texts.iter().enumerate().try_for_each(|(at, text)| columns[at % width].push_text(text))
        }
    };
    filled.map_err(|error| error.at(Place { source: file.into(), line: 1, column: name.into() }))?;
    let name_of = |at: usize| if width.is_some() { format!("{name}_{at}") } else { name.to_string() };
    Ok(columns.into_iter().enumerate().map(|(at, cells)| RawColumn { name: name_of(at), cells }).collect())
}

pub(super) fn bad_array(file: &str, name: &str, problem: String) -> DataError {
    DataError::BadArray { file: file.into(), name: name.into(), problem }
}

/// The table of the columns of all arrays, which must have as many rows each.
pub(super) fn table(file: &str, columns: Vec<RawColumn>) -> Result<RawTable, DataError> {
    let Some(first) = columns.first() else { return Err(DataError::NoRows { file: file.into() }) };
    let n_rows = first.cells.len();
    if let Some(other) = columns.iter().find(|column| column.cells.len() != n_rows) {
        let problem = format!("has {} rows, `{}` has {n_rows}", other.cells.len(), first.name);
        return Err(bad_array(file, &other.name, problem));
    }
    RawTable::of_rows(file, columns, n_rows)
}
