//! The names of the columns of a text.

use super::blocks::Block;
use super::dialect::{Dialect, skip_lines};
use super::fields::first_record;
use crate::DataError;
use crate::encoding::guess;
use crate::error::Place;
use crate::table::check_names;

/// The names of the columns, and how records have them.
pub(super) struct Header {
    pub names: Vec<String>,
    /// Whether records end with a delimiter, after which there is no field.
    pub trailing_delimiter: bool,
}

/// What an unnamed first column is called: the number or the name of each row, as pandas and R write it.
const INDEX: &str = "index";

impl Header {
    /// Takes the header off the first block; columns are numbered where a text has none.
    pub fn read(
        name: &str,
        dialect: &Dialect,
        first: &mut Block,
        has_names: bool,
    ) -> Result<Self, DataError> {
        let (rest, lines) = skip_lines(&first.text, dialect.comment);
        if rest.is_empty() {
            return Err(DataError::EmptyFile { file: name.into() });
        }
        let line = first.line + lines;
        let first_line = memchr::memchr(b'\n', rest).map_or(rest, |end| &rest[..end]);
        let record = if dialect.blanks { first_line } else { rest };
        let prepared = dialect.prepare(record);
        let fields = first_record(&prepared, dialect.delimiter);
        let record_end =
            if dialect.blanks { first_line.len() } else { fields.last().map_or(0, |field| field.end) };
        let start = first.text.len() - rest.len();
        let end = first.text.len().min(start + record_end + 1);
        let mut names = Vec::new();
        for field in fields {
            if !field.closed {
                return Err(DataError::UnclosedQuote { file: name.into(), line });
            }
            let text = std::str::from_utf8(&field.content).map_err(|_| DataError::NotUtf8 {
                place: Place { source: name.into(), line, column: format!("#{}", names.len() + 1) },
                guess: guess(&first.text),
            })?;
            names.push(text.trim().to_string());
        }
        let mut trailing_delimiter = false;
        let width = dialect.width.unwrap_or(names.len());
        if !has_names {
            trailing_delimiter = dialect.last_is_empty && names.last().is_some_and(String::is_empty);
            let n_columns = names.len() - usize::from(trailing_delimiter);
            return Ok(Self {
                names: (1..=n_columns).map(|at| at.to_string()).collect(),
                trailing_delimiter,
            });
        }
        first.line = line + memchr::memchr_iter(b'\n', &first.text[start..end]).count() as u64;
        first.text.drain(..end);
        let unnamed_end = names.len() > 1 && names.last().is_some_and(String::is_empty);
        if width == names.len() {
            trailing_delimiter = unnamed_end && dialect.last_is_empty;
        } else if width == names.len() + 1 {
            trailing_delimiter = dialect.last_is_empty;
        }
        if unnamed_end && (trailing_delimiter || width + 1 == names.len()) {
            names.pop();
        }
        // R names one column too few: that of the rows has no name.
        if width == names.len() + 1 && !trailing_delimiter {
            names.insert(0, String::new());
        }
        if names.len() > 1 && names[0].is_empty() {
            names[0] = INDEX.into();
            while names[1..].contains(&names[0]) {
                names[0].push('_');
            }
        }
        check_names(name, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(Self { names, trailing_delimiter })
    }
}
