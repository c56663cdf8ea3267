//! Delimited texts: CSV, TSV and their relatives.
//!
//! A text is read in blocks of whole records; several blocks are parsed at once and joined in order, so that
//! the table does not depend on the number of threads.

mod blocks;
mod dialect;
mod header;
mod parser;
mod records;

use rayon::prelude::*;

use self::blocks::{Block, Blocks};
use self::dialect::Dialect;
use self::header::Header;
use crate::cells::Cells;
use crate::raw_table::{RawColumn, RawTable};
use crate::{DataError, FileForm, Source};

/// Reads a delimited text.
///
/// Quotes are those of RFC 4180, lines end in LF or CRLF, empty lines are skipped, and white space around a
/// field is no part of it.
pub(crate) fn read(source: &Source<'_>, form: &FileForm) -> Result<RawTable, DataError> {
    let name = source.name();
    let failed = |error| DataError::reading(name, error);
    let mut blocks = Blocks::new(source.open_text(form.encoding.as_deref())?);
    blocks.skip_lines(form.skip).map_err(failed)?;
    let head = blocks.head().map_err(failed)?;
    let (dialect, has_separator_line) = Dialect::of(source.is_tsv(), head, form);
    if has_separator_line {
        blocks.skip_lines(1).map_err(failed)?;
    }
    let Some(mut first) = blocks.next(&dialect).map_err(failed)? else {
        return Err(DataError::EmptyFile { file: name.into() });
    };
    let header = Header::read(name, &dialect, &mut first, form.header)?;
    let mut cells: Vec<Cells> = header.names.iter().map(|_| Cells::default()).collect();
    let mut lines = Vec::new();
    let at_once = rayon::current_num_threads();
    let mut next = Some(first);
    while let Some(block) = next.take() {
        let mut batch: Vec<Block> = vec![block];
        while batch.len() < at_once {
            match blocks.next(&dialect).map_err(failed)? {
                Some(block) => batch.push(block),
                None => break,
            }
        }
        let parsed: Vec<_> =
            batch.par_iter().map(|block| records::parse(name, &dialect, &header, block)).collect();
        for part in parsed {
            let part = part?;
            for ((column, name), cells) in cells.iter_mut().zip(&header.names).zip(part.cells) {
                let line = part.lines.first().copied().unwrap_or(0);
                column.append(cells).map_err(|error| {
                    let column = name.clone();
                    error.at(crate::error::Place { source: source.name().into(), line, column })
                })?;
            }
            lines.extend(part.lines);
        }
        next = blocks.next(&dialect).map_err(failed)?;
    }
    let columns =
        header.names.into_iter().zip(cells).map(|(name, cells)| RawColumn { name, cells }).collect();
    RawTable::new(name, columns, lines)
}

/// Whether a text has a number with a decimal comma, or with commas between thousands: whether a column that
/// has points in groups of three may mean thousands by them.
fn has_comma_numbers(text: &[u8]) -> bool {
    text.windows(3)
        .any(|window| window[0].is_ascii_digit() && window[1] == b',' && window[2].is_ascii_digit())
}
