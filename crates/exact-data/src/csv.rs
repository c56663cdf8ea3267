//! The rows of a delimited text, one field at a time, with the line of each.
//!
//! This drives `csv-core`, the parser below the `csv` crate, because it reads a field in pieces: a field is
//! refused once it passes [`FIELD_LIMIT`], before the rest of it is read, so memory stays bounded whatever
//! the input.

use std::io::{BufRead, Cursor, Read};

use csv_core::ReadFieldResult;

use crate::error::{FIELD_LIMIT, Place};
use crate::table::check_names;
use crate::{DataError, Source};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// In the order in which ties are resolved.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The rows below the header of a delimited text.
///
/// Quotes are those of RFC 4180, lines end in LF or CRLF, empty lines are skipped, and white space around a
/// field is no part of it.
pub(crate) struct Records<R> {
    name: String,
    header: Vec<String>,
    parser: Parser<R>,
}

struct Parser<R> {
    reader: R,
    core: csv_core::Reader,
    /// Lines that ended between records, which `core` has not seen.
    skipped_lines: u64,
    field: Vec<u8>,
}

enum Field {
    Complete { length: usize, ends_record: bool },
    TooLong,
}

impl<'a> Records<Box<dyn BufRead + 'a>> {
    /// Opens a source and reads its header. Without a delimiter, it is a tab if the source is named `.tsv`,
    /// else the one of comma, semicolon, tab and bar that the first line has most of.
    pub(crate) fn open(source: &'a Source<'a>, delimiter: Option<u8>) -> Result<Self, DataError> {
        let failed = |error| DataError::Read { file: source.name().into(), error };
        let mut reader = source.open()?;
        let mut head = Vec::new();
        reader.by_ref().take(FIELD_LIMIT as u64).read_until(b'\n', &mut head).map_err(failed)?;
        if head.starts_with(BYTE_ORDER_MARK) {
            head.drain(..BYTE_ORDER_MARK.len());
        }
        let detected = if source.is_tsv() { b'\t' } else { detect_delimiter(&head) };
        let reader: Box<dyn BufRead + 'a> = Box::new(Cursor::new(head).chain(reader));
        Records::new(source.name(), reader, delimiter.unwrap_or(detected))
    }
}

impl<R: BufRead> Records<R> {
    /// Reads the header of a text without byte order mark.
    pub(crate) fn new(name: &str, reader: R, delimiter: u8) -> Result<Self, DataError> {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let parser = Parser { reader, core, skipped_lines: 0, field: vec![0; 1 << 10] };
        let mut records = Self { name: name.into(), header: Vec::new(), parser };
        let mut header = Vec::new();
        let read = records.read_record(&mut |_, _, text: &str| {
            header.push(text.to_string());
            Ok(())
        })?;
        if read.is_none() {
            return Err(DataError::EmptyFile { file: records.name });
        }
        check_names(name, &header.iter().map(String::as_str).collect::<Vec<_>>())?;
        records.header = header;
        Ok(records)
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Reads a row: calls `visit` with the column, the line and the text of each field. Returns the row's
    /// line, or `None` at the end.
    pub(crate) fn read_record(
        &mut self,
        visit: &mut impl FnMut(usize, u64, &str) -> Result<(), DataError>,
    ) -> Result<Option<u64>, DataError> {
        let failed = |error| DataError::Read { file: self.name.clone(), error };
        let Some(start) = self.parser.skip_empty_lines().map_err(failed)? else { return Ok(None) };
        let n_columns = self.header.len();
        let in_header = n_columns == 0;
        let mut column = 0;
        loop {
            let line = self.parser.line();
            let place = || Place {
                source: self.name.clone(),
                line,
                // A field without a column name is told by its number.
                column: self.header.get(column).map_or_else(|| format!("#{}", column + 1), String::clone),
            };
            let (length, ends_record) = match self.parser.read_field().map_err(failed)? {
                Field::TooLong => return Err(DataError::FieldTooLong { place: place() }),
                Field::Complete { length, ends_record } => (length, ends_record),
            };
            if in_header || column < n_columns {
                let text = std::str::from_utf8(&self.parser.field[..length]);
                let text = text.map_err(|_| DataError::NotUtf8 { place: place() })?;
                visit(column, line, text.trim())?;
            }
            column += 1;
            if ends_record {
                break;
            }
        }
        if !in_header && column != n_columns {
            let (file, expected) = (self.name.clone(), n_columns);
            return Err(DataError::RaggedRow { file, line: start, found: column, expected });
        }
        Ok(Some(start))
    }
}

impl<R: BufRead> Parser<R> {
    fn line(&self) -> u64 {
        self.core.line() + self.skipped_lines
    }

    /// Skips ends of lines and returns the line of the next record. Done here because `csv-core` would count
    /// them only once it reads that record.
    fn skip_empty_lines(&mut self) -> std::io::Result<Option<u64>> {
        loop {
            let input = self.reader.fill_buf()?;
            if input.is_empty() {
                return Ok(None);
            }
            let ends = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.skipped_lines += input[..ends].iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>();
            let found = ends < input.len();
            self.reader.consume(ends);
            if found {
                return Ok(Some(self.line()));
            }
        }
    }

    /// Reads the next field of a record into the beginning of `self.field`.
    fn read_field(&mut self) -> std::io::Result<Field> {
        let mut length = 0;
        loop {
            let input = self.reader.fill_buf()?;
            let (result, read, written) = self.core.read_field(input, &mut self.field[length..]);
            self.reader.consume(read);
            length += written;
            match result {
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull if length > FIELD_LIMIT => return Ok(Field::TooLong),
                ReadFieldResult::OutputFull => {
                    let doubled = (2 * self.field.len()).min(FIELD_LIMIT + 1);
                    self.field.resize(doubled, 0);
                }
                ReadFieldResult::Field { record_end } => {
                    return Ok(Field::Complete { length, ends_record: record_end });
                }
                ReadFieldResult::End => return Ok(Field::Complete { length, ends_record: true }),
            }
        }
    }
}

fn detect_delimiter(line: &[u8]) -> u8 {
    let mut counts = [0; DELIMITERS.len()];
    let mut quoted = false;
    for &byte in line {
        quoted ^= byte == b'"';
        if let Some(at) = DELIMITERS.iter().position(|&delimiter| delimiter == byte && !quoted) {
            counts[at] += 1;
        }
    }
    // Of several that there are as many of, the last in the reversed order is the first.
    let most = (0..DELIMITERS.len()).rev().max_by_key(|&at| counts[at]);
    DELIMITERS[most.expect("there are delimiters")]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only a reader that stops by itself comes to an end here.
    #[test]
    fn an_endless_field_is_refused() {
        let endless = b"a,b\n1,".chain(std::io::BufReader::new(std::io::repeat(b'x')));
        let mut records = Records::new("endless", endless, b',').unwrap();
        let error = records.read_record(&mut |_, _, _| Ok(())).unwrap_err();
        assert!(matches!(error, DataError::FieldTooLong { place } if place.column == "b" && place.line == 2));
        assert!(records.parser.field.len() <= FIELD_LIMIT + 1);
    }

    #[test]
    fn the_delimiter_is_the_most_frequent_outside_quotes() {
        assert_eq!(detect_delimiter(b"a;b;c,d"), b';');
        assert_eq!(detect_delimiter(b"\"a;b;c\",d"), b',');
        assert_eq!(detect_delimiter(b"a"), b',');
    }
}
