//! Sparse rows as LIBSVM and `SVMlight` have them: a label, and pairs of index and value.

use std::num::IntErrorKind;

use super::lines::Lines;
use crate::cells::Cells;
use crate::error::Place;
use crate::message::shorten;
use crate::plain_number::plain_number;
use crate::raw_table::{RawColumn, RawTable};
use crate::{CsrMatrix, DataError, FileForm, Source};

/// The column of the labels.
const LABEL: &str = "label";
const MEND: &str = "a row is a label and pairs of index and value: `1 3:0.5 7:2`";

/// Reads the rows into a sparse matrix, and their labels into a column.
///
/// A column of the matrix has the index of the file as its number, so in a file that counts from 1 the first
/// one is empty, and files go together of which only some happen to have an index 0.
pub(super) fn read(source: &Source, form: &FileForm) -> Result<RawTable, DataError> {
    let file = source.name();
    let mut text = Lines::open(source, form)?;
    let (mut labels, mut lines) = (Cells::default(), Vec::new());
    let (mut offsets, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    let mut n_columns = 0;
    let mut row = Vec::new();
    while let Some((line, content)) = text.next()? {
        let bad = |problem| DataError::BadLine { file: file.into(), line, problem, mend: MEND };
        let mut words = content.split('#').next().unwrap_or_default().split_ascii_whitespace();
        let Some(label) = words.next() else { continue };
        if label.contains(':') {
            return Err(bad(format!("the row begins with `{}` in place of its label", shorten(label))));
        }
        if label.contains(',') {
            return Err(bad(format!("`{}` is more than one label", shorten(label))));
        }
        let place = || Place { source: file.into(), line, column: LABEL.into() };
        labels.push_field(without_plus(label)).map_err(|error| error.at(place()))?;
        row.clear();
        for word in words.filter(|word| !word.starts_with("qid:")) {
            row.push(pair(word).map_err(bad)?);
        }
        row.sort_unstable_by_key(|&(index, _)| index);
        if let Some(twice) = row.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(bad(format!("the index {} occurs twice", twice[0].0)));
        }
        n_columns = row.last().map_or(n_columns, |&(last, _)| n_columns.max(last as usize + 1));
        let stored = row.iter().filter(|(_, value)| *value != 0.0);
        indices.extend(stored.clone().map(|&(index, _)| index));
        values.extend(stored.map(|&(_, value)| value));
        offsets.push(values.len());
        lines.push(line);
    }
    let sparse = CsrMatrix::of_rows(offsets, indices, values, n_columns);
    let labels = RawColumn { name: LABEL.into(), cells: labels };
    Ok(RawTable { sparse: Some(sparse), ..RawTable::new(file, vec![labels], lines)? })
}

/// A label without the plus sign that distinguishes it from a negative number.
fn without_plus(label: &str) -> &str {
    match label.strip_prefix('+') {
        Some(rest) if plain_number(rest.as_bytes()).is_some() => rest,
        _ => label,
    }
}

/// An index and its value.
fn pair(word: &str) -> Result<(i32, f64), String> {
    let none = || format!("`{}` is no pair of index and value", shorten(word));
    let (index, value) = word.split_once(':').ok_or_else(none)?;
    let index: i32 = index.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => format!("the index {} is not below 2^31", shorten(index)),
        _ => none(),
    })?;
    let value: f64 = value.parse().map_err(|_| none())?;
    if index < 0 || index == i32::MAX {
        return Err(format!("the index {index} is not from 0 to below 2^31"));
    }
    if !value.is_finite() {
        return Err(format!("the value of index {index} is not a finite number"));
    }
    Ok((index, value))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::cells::Cell;
    use crate::{Indices, Numbers};

    fn table(name: &str, text: &str) -> Result<RawTable, DataError> {
        read(&Source::bytes(name, text.as_bytes()), &FileForm::default())
    }

    #[test]
    fn sparse_rows() {
        let text = "# made\n+1 qid:1 3:0.5 1:2 # first\n-1\n1 5:0 2:-1e-2\n";
        for name in ["t.svm", "t.csv"] {
            let table = table(name, text).unwrap();
            let sparse = table.sparse.as_ref().unwrap();
            assert_eq!((sparse.n_rows(), sparse.n_columns(), sparse.row_range(2)), (3, 6, 2..3));
            assert_eq!(sparse.indices(), &Indices::from(vec![1, 3, 2]));
            assert_eq!(sparse.values(), &Numbers::from(vec![2.0, 0.5, -0.01]));
            assert_eq!(table.columns[0].name, "label");
            let labels: Vec<_> = table.columns[0].cells.iter().collect();
            assert_eq!(labels, [1.0, -1.0, 1.0].map(Cell::Number));
            assert_eq!([0, 1, 2].map(|row| table.origin.line(row)), [2, 3, 4]);
        }
    }

    #[test]
    fn what_is_no_row_is_refused_with_its_line() {
        for (row, problem) in [
            ("1 2:1 2:3", "the index 2 occurs twice"),
            ("1,2 2:1", "`1,2` is more than one label"),
            ("1:2 2:1", "the row begins with `1:2` in place of its label"),
            ("1 x:1", "`x:1` is no pair of index and value"),
            ("1 1:", "`1:` is no pair of index and value"),
            ("1 -1:1", "the index -1 is not from 0 to below 2^31"),
            ("1 99999999999:1", "the index 99999999999 is not below 2^31"),
            ("1 1:nan", "the value of index 1 is not a finite number"),
        ] {
            let error = table("t.svm", &format!("1 1:1\n{row}\n")).unwrap_err();
            assert_eq!(error.to_string(), format!("t.svm, line 2: {problem}"));
        }
    }
}
