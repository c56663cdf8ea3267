//! The lines of a text, with their numbers.

use std::io::{BufRead, Read as _};

use crate::encoding::guess;
use crate::{DataError, FileForm, Source};

/// The most bytes of a line. A line is a row here, which may have many fields.
const LINE_LIMIT: usize = 1 << 28;

/// A reader of lines.
pub(super) struct Lines<'a> {
    file: String,
    reader: Box<dyn BufRead + 'a>,
    bytes: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    pub fn open(source: &'a Source, form: &FileForm) -> Result<Self, DataError> {
        let reader = source.open_text(form.encoding.as_deref())?;
        Ok(Self { file: source.name().into(), reader, bytes: Vec::new(), number: 0 })
    }

    /// The next line that is not blank, without white space around it, and its number from 1.
    pub fn next(&mut self) -> Result<Option<(u64, &str)>, DataError> {
        loop {
            self.bytes.clear();
            let read = (&mut self.reader).take(LINE_LIMIT as u64 + 1).read_until(b'\n', &mut self.bytes);
            if read.map_err(|error| DataError::reading(&self.file, error))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.bytes.len() > LINE_LIMIT {
                let (file, line) = (self.file.clone(), self.number);
                return Err(DataError::LineTooLong { file, line, limit: LINE_LIMIT });
            }
            if !self.bytes.trim_ascii().is_empty() {
                break;
            }
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(line) => Ok(Some((self.number, line.trim()))),
            Err(_) => Err(DataError::NotEncoded {
                file: self.file.clone(),
                line: self.number,
                encoding: "UTF-8",
                guess: guess(&self.bytes),
            }),
        }
    }
}
