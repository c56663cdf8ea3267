//! Delimited texts: CSV, TSV and their relatives.
//!
//! A text is read in blocks of whole records, of which each thread takes the next one; what they parse is
//! joined in the order of the text, so that the table does not depend on the number of threads.

mod blocks;
mod dialect;
mod fields;
mod header;
mod join;
mod records;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use self::blocks::Blocks;
use self::dialect::Dialect;
use self::header::Header;
use self::join::Join;
use self::records::Part;
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
    let join = Mutex::new(Join::new(name, &header));
    let has_failed = AtomicBool::new(false);
    std::iter::once(Ok(first))
        .chain(std::iter::from_fn(|| blocks.next(&dialect).transpose()))
        .enumerate()
        // What has been taken is parsed, so that all blocks before the one that failed are.
        .take_while(|_| !has_failed.load(Ordering::Relaxed))
        .par_bridge()
        .for_each(|(number, block)| {
            let part =
                block.map_err(failed).and_then(|block| records::parse(name, &dialect, &header, &block));
            has_failed.fetch_or(part.is_err(), Ordering::Relaxed);
            join.lock().expect("joining does not panic").add(number, part);
        });
    let Part { cells, lines } = join.into_inner().expect("joining does not panic").finish()?;
    let columns =
        header.names.into_iter().zip(cells).map(|(name, cells)| RawColumn { name, cells }).collect();
    let has_semicolons = dialect.delimiter == b';';
    Ok(RawTable { has_header: form.header, has_semicolons, ..RawTable::new(name, columns, lines)? })
}
