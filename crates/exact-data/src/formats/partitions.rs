//! Columns in the names of folders, as Hive and Spark partition a table: `year=2020/month=1/part.parquet`.

use std::path::Path;

use crate::DataError;
use crate::cells::Cells;
use crate::error::Place;
use crate::raw_table::{RawColumn, RawTable};

/// What stands in a name for a value that is missing.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// Adds the columns that the folders directly around a file are named after, unless the file has them.
pub(super) fn add_partitions(mut table: RawTable, file: &str) -> Result<RawTable, DataError> {
    for (name, value) in partitions(file) {
        if table.columns.iter().any(|column| column.name == name) {
            continue;
        }
        let mut cells = Cells::default();
        for row in 0..table.n_rows() {
            cells.push_field(&value).map_err(|error| {
                let line = table.origin.line(row);
                error.at(Place { source: file.into(), line, column: name.clone() })
            })?;
        }
        table.columns.push(RawColumn { name, cells });
    }
    Ok(table)
}

/// Names and values, the outermost folder first.
fn partitions(file: &str) -> Vec<(String, String)> {
    let folders = Path::new(file).ancestors().skip(1).filter_map(|folder| folder.file_name()?.to_str());
    let pair = |folder: &str| {
        let (name, value) = folder.split_once('=').filter(|(name, _)| !name.is_empty())?;
        let value = if value == MISSING { String::new() } else { unescaped(value) };
        Some((unescaped(name), value))
    };
    let mut pairs: Vec<_> = folders.map_while(pair).collect();
    pairs.reverse();
    pairs
}

/// A name in which `%3A` stands for a colon, and so on.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digits = (*first == b'%').then(|| behind.get(..2)).flatten();
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Cell::{Empty, Number, Text};

    #[test]
    fn folders_name_columns() {
        let column = |name: &str| RawColumn { name: name.into(), cells: Cells::default() };
        let name = "data=1/set/year=2020/at=12%3A30/x=2/none=__HIVE_DEFAULT_PARTITION__/a=b.parquet";
        let mut x = column("x");
        x.cells.push_number(1.0);
        let table = add_partitions(RawTable::of_rows(name, vec![x], 1).unwrap(), name).unwrap();
        let columns: Vec<_> =
            table.columns.iter().map(|column| (column.name.as_str(), column.cells.get(0))).collect();
        let expected = [("x", Number(1.0)), ("year", Number(2020.0)), ("at", Text("12:30")), ("none", Empty)];
        assert_eq!(columns, expected);
        assert_eq!(unescaped("100%, %zz %C3%A9"), "100%, %zz é");
    }
}
