//! The records of a block.

use super::blocks::Block;
use super::dialect::{Dialect, skip_lines};
use super::header::Header;
use super::parser::Records;
use crate::DataError;
use crate::cells::Cells;
use crate::encoding::guess;
use crate::error::{FIELD_LIMIT, Place};

/// The cells of a block, and the line of each row.
pub(super) struct Part {
    pub cells: Vec<Cells>,
    pub lines: Vec<u64>,
}

/// Reads all records of a block.
pub(super) fn parse(
    name: &str,
    dialect: &Dialect,
    header: &Header,
    block: &Block,
) -> Result<Part, DataError> {
    let text = dialect.prepare(&block.text);
    let n_columns = header.names.len();
    let mut cells: Vec<Cells> = header.names.iter().map(|_| Cells::default()).collect();
    let (mut lines, mut rest, mut line) = (Vec::new(), &text[..], block.line);
    let mut records = Records::new(dialect);
    loop {
        let (text, skipped) = skip_lines(rest, dialect.comment);
        line += skipped;
        if text.is_empty() {
            return Ok(Part { cells, lines });
        }
        let read = records.read(text);
        let (record, after) = text.split_at(read);
        rest = after;
        let (fields, ends) = (&records.fields[..], &records.ends[..records.n_fields]);
        let place = |column: usize| Place {
            source: name.into(),
            line: line + lines_before(dialect, record, column),
            // A field without a column is told by its number.
            column: header.names.get(column).map_or_else(|| format!("#{}", column + 1), String::clone),
        };
        let mut start = 0;
        for (column, &end) in ends.iter().enumerate() {
            if end - start > FIELD_LIMIT {
                return Err(DataError::FieldTooLong { place: place(column) });
            }
            start = end;
        }
        let mut n_fields = ends.len();
        if n_fields == n_columns + 1 && header.trailing_delimiter && is_empty(fields, ends, n_columns) {
            n_fields -= 1;
        }
        if n_fields == 1 && n_columns > 1 && is_empty(fields, ends, 0) {
            // A line of white space.
            line += newlines(record);
            continue;
        }
        let whole = std::str::from_utf8(&fields[..ends.last().copied().unwrap_or(0)]);
        let Ok(whole) = whole else {
            let mut start = 0;
            let bad = ends.iter().position(|&end| {
                let field = &fields[start..end];
                start = end;
                std::str::from_utf8(field).is_err()
            });
            let column = bad.unwrap_or(0);
            return Err(DataError::NotUtf8 { place: place(column), guess: guess(&block.text) });
        };
        if n_fields != n_columns {
            let (file, found, expected) = (name.into(), n_fields, n_columns);
            return Err(DataError::RaggedRow { file, line, found, expected });
        }
        let mut start = 0;
        for (column, (cells, &end)) in cells.iter_mut().zip(ends).enumerate() {
            // Fields are cut at delimiters, which are whole characters.
            let field = whole
                .get(start..end)
                .ok_or_else(|| DataError::NotUtf8 { place: place(column), guess: guess(&block.text) })?;
            let pushed = if dialect.comma_numbers && may_be_grouped(field) {
                cells.push_text(field)
            } else {
                cells.push_field(field)
            };
            pushed.map_err(|error| error.at(place(column)))?;
            start = end;
        }
        lines.push(line);
        line += newlines(record);
    }
}

fn newlines(record: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', record).count() as u64
}

/// The lines of a record that end before one of its fields.
fn lines_before(dialect: &Dialect, record: &[u8], field: usize) -> u64 {
    let mut parser = dialect.parser();
    let mut output = vec![0; record.len() + 1];
    let (mut at, mut done) = (0, 0);
    while done < field && at < record.len() {
        let (result, read, _) = parser.read_field(&record[at..], &mut output);
        at += read;
        match result {
            csv_core::ReadFieldResult::Field { .. } => done += 1,
            _ => break,
        }
    }
    newlines(&record[..at])
}

fn is_empty(fields: &[u8], ends: &[usize], field: usize) -> bool {
    let start = if field == 0 { 0 } else { ends[field - 1] };
    fields[start..ends[field]].trim_ascii().is_empty()
}

/// Whether the only point of a number may separate thousands.
fn may_be_grouped(field: &str) -> bool {
    let digits = field.trim().trim_start_matches('-');
    match digits.split_once('.') {
        Some((whole, rest)) => matches!(whole.len(), 1..=3) && !whole.starts_with('0') && rest.len() == 3,
        None => false,
    }
}
