//! Several files as one table.

use super::read;
use crate::cells::Cells;
use crate::error::Place;
use crate::raw_table::RawTable;
use crate::{DataError, FileForm, Source};

/// Reads the rows of several files, of which there is at least one, one file after the other; each has the
/// columns of the first, in any order.
pub(crate) fn read_all(sources: &[Source], form: &FileForm) -> Result<RawTable, DataError> {
    let (first, rest) = sources.split_first().expect("a table has at least one file");
    let mut table = read(first, form)?;
    for source in rest {
        append(&mut table, first.name(), read(source, form)?, source.name())?;
    }
    Ok(table)
}

fn append(table: &mut RawTable, first: &str, other: RawTable, name: &str) -> Result<(), DataError> {
    let names = |table: &RawTable| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let without = |all: &[String], known: &[String]| {
        all.iter().filter(|column| !known.contains(column)).cloned().collect::<Vec<_>>()
    };
    let (known, found) = (names(table), names(&other));
    let (missing, further) = (without(&known, &found), without(&found, &known));
    if !missing.is_empty() || !further.is_empty() || table.sparse.is_some() != other.sparse.is_some() {
        return Err(DataError::MixedColumns { first: first.into(), other: name.into(), missing, further });
    }
    let line = if other.n_rows() == 0 { 0 } else { other.origin.line(0) };
    for column in other.columns {
        let at = known.iter().position(|known| *known == column.name).expect("no column is missing");
        let cells = &mut table.columns[at].cells;
        if is_mixed(cells, &column.cells) {
            let problem = format!("has moments in {first} or {name}, and numbers in the other");
            return Err(DataError::BadColumn { file: name.into(), column: column.name, problem });
        }
        let place = || Place { source: name.into(), line, column: column.name.clone() };
        cells.append(column.cells).map_err(|error| error.at(place()))?;
    }
    if let (Some(sparse), Some(other)) = (table.sparse.take(), other.sparse) {
        table.sparse = Some(sparse.above(&other));
    }
    table.origin.append(other.origin);
    Ok(())
}

/// Whether one column has moments and the other numbers, which cannot be told apart in one.
fn is_mixed(a: &Cells, b: &Cells) -> bool {
    a.moments != b.moments && a.has_numbers() && b.has_numbers()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Cell::{Empty, Number, Text};

    fn table(files: &[(&str, &str)]) -> Result<RawTable, DataError> {
        let sources: Vec<_> =
            files.iter().map(|&(name, text)| Source::bytes(name, text.as_bytes())).collect();
        read_all(&sources, &FileForm::default())
    }

    #[test]
    fn rows_of_several_files_and_formats() {
        let table = table(&[("a.csv", "x,y\n1,a\n"), ("b.csv", "y;x\nb;\n"), ("c", "{\"x\":3,\"y\":\"a\"}")]);
        let table = table.unwrap();
        assert_eq!(table.columns[0].cells.iter().collect::<Vec<_>>(), [Number(1.0), Empty, Number(3.0)]);
        assert_eq!(table.columns[1].cells.iter().collect::<Vec<_>>(), [Text("a"), Text("b"), Text("a")]);
        let places = [0, 1, 2].map(|row| (table.origin.file(row), table.origin.line(row)));
        assert_eq!(places, [("a.csv", 2), ("b.csv", 2), ("c", 1)]);
    }

    #[test]
    fn sparse_rows_of_several_files() {
        let table = table(&[("a", "1 0:1 3:2\n"), ("b", "2 5:4\n2\n")]).unwrap();
        let sparse = table.sparse.unwrap();
        assert_eq!((sparse.n_rows(), sparse.n_columns()), (3, 6));
        assert_eq!([0, 1, 2].map(|row| sparse.row_range(row)), [0..2, 2..3, 3..3]);
        assert_eq!(sparse.indices(), &crate::Indices::from(vec![0, 3, 5]));
    }

    #[test]
    fn other_columns_are_refused() {
        let error = table(&[("a.csv", "x,y\n1,2\n"), ("b.csv", "x,z\n1,2\n")]).unwrap_err();
        let message = "b.csv has not the same columns as a.csv; it lacks `y`; it also has `z`";
        assert_eq!(error.to_string(), message);
        assert!(table(&[("a", "1 0:1\n"), ("b.csv", "label\n1\n")]).is_err());
    }
}
