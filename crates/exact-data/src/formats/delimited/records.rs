//! The records of a block.

use super::blocks::Block;
use super::dialect::{Dialect, skip_lines};
use super::fields::Field;
use super::header::Header;
use crate::DataError;
use crate::cells::Cells;
use crate::encoding::guess;
use crate::error::{FIELD_LIMIT, Place};
use crate::plain_number::leading_number;

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
    let text = &*dialect.prepare(&block.text);
    let n_columns = header.names.len();
    // The last line may not be ended.
    let most_rows = block.n_lines + 1;
    let mut cells: Vec<Cells> = header.names.iter().map(|_| Cells::with_capacity(most_rows)).collect();
    let mut lines = Vec::with_capacity(most_rows);
    let (mut next, mut line) = (0, block.line);
    loop {
        let (rest, skipped) = skip_lines(&text[next..], dialect.comment);
        line += skipped;
        if rest.is_empty() {
            return Ok(Part { cells, lines });
        }
        let start = text.len() - rest.len();
        let place = |column: usize, at: usize| Place {
            source: name.into(),
            line: line + newlines(&text[start..at]),
            // A field without a column is told by its number.
            column: header.names.get(column).map_or_else(|| format!("#{}", column + 1), String::clone),
        };
        let (mut at, mut n_fields) = (start, 0);
        let (end, last_is_empty) = loop {
            let (end, is_empty) = if let Some((number, end)) = number_at(text, at, dialect) {
                if let Some(cells) = cells.get_mut(n_fields) {
                    cells.push_number(number);
                }
                (end, false)
            } else {
                let Field { content, end, closed } = Field::at(text, at, dialect.delimiter);
                if end - at > FIELD_LIMIT {
                    return Err(DataError::FieldTooLong { place: place(n_fields, at) });
                }
                if !closed {
                    return Err(DataError::UnclosedQuote {
                        file: name.into(),
                        line: place(n_fields, at).line,
                    });
                }
                let Ok(field) = std::str::from_utf8(&content) else {
                    return Err(DataError::NotUtf8 { place: place(n_fields, at), guess: guess(&block.text) });
                };
                if let Some(cells) = cells.get_mut(n_fields) {
                    let is_text = dialect.comma_numbers && may_be_grouped(field);
                    let pushed = if is_text { cells.push_text(field) } else { cells.push_field(field) };
                    pushed.map_err(|error| error.at(place(n_fields, at)))?;
                }
                (end, field.trim_ascii().is_empty())
            };
            n_fields += 1;
            if text.get(end) != Some(&dialect.delimiter) {
                break (end, is_empty);
            }
            at = end + 1;
        };
        if last_is_empty && header.trailing_delimiter && n_fields == n_columns + 1 {
            n_fields -= 1;
        }
        if last_is_empty && n_fields == 1 && n_columns > 1 {
            // A line of white space.
            cells[0].pop();
        } else if n_fields == n_columns {
            lines.push(line);
        } else {
            let (file, found, expected) = (name.into(), n_fields, n_columns);
            return Err(DataError::RaggedRow { file, line, found, expected });
        }
        next = text.len().min(end + 1);
        line += newlines(&text[start..next]);
    }
}

fn newlines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// The number that the field at a place of a text is, and where the field ends, if that is quick to tell.
fn number_at(text: &[u8], at: usize, dialect: &Dialect) -> Option<(f64, usize)> {
    if matches!(dialect.delimiter, b'0'..=b'9' | b'.' | b'-') {
        return None;
    }
    let (number, length) = leading_number(&text[at..])?;
    let end = at + length;
    let is_field = text.get(end).is_some_and(|&b| b == dialect.delimiter || matches!(b, b'\n' | b'\r'));
    let may_be_grouped = dialect.comma_numbers && length > 4 && text[end - 4] == b'.';
    (is_field && !may_be_grouped).then_some((number, end))
}

/// Whether the only point of a number may separate thousands.
fn may_be_grouped(field: &str) -> bool {
    let digits = field.trim().trim_start_matches('-');
    match digits.split_once('.') {
        Some((whole, rest)) => matches!(whole.len(), 1..=3) && !whole.starts_with('0') && rest.len() == 3,
        None => false,
    }
}
