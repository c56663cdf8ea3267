//! Files of binary records: reading a known number of bytes, with the place where a file is wrong.

use std::io::{self, BufRead, Read};

use exact_data::{DataError, Source};

use crate::ImageError;

/// The content of a source from its beginning, decompressed.
pub(crate) struct Records<'a> {
    file: &'a str,
    content: Box<dyn BufRead + 'a>,
    offset: u64,
}

impl<'a> Records<'a> {
    pub fn open(source: &'a Source) -> Result<Self, ImageError> {
        Ok(Self::of(source, source.open()?))
    }

    /// Content that is part of a source; places in it count from its beginning.
    pub fn of(source: &'a Source, content: Box<dyn BufRead + 'a>) -> Self {
        Self { file: source.name(), content, offset: 0 }
    }

    /// The next `length` bytes; `record` says what lacks, given how many there are. Memory grows with the
    /// bytes that come, not with a length that a damaged header announces.
    pub fn take(&mut self, length: u64, record: impl Fn(u64) -> String) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let result = self.content.by_ref().take(length).read_to_end(&mut bytes);
        let found = bytes.len() as u64;
        self.offset += found;
        match result {
            // Compressed data that is cut short ends too early, too.
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                Err(DataError::Read { file: self.file.into(), error }.into())
            }
            _ if found < length => Err(ImageError::Truncated {
                file: self.file.into(),
                offset: self.offset,
                record: record(found),
            }),
            _ => Ok(bytes),
        }
    }

    /// Checks that nothing is left. This is also where a wrong checksum of compressed data is noticed.
    pub fn finish(mut self) -> Result<(), ImageError> {
        match self.content.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(ImageError::TrailingBytes { file: self.file.into(), offset: self.offset }),
            Err(error) => Err(DataError::Read { file: self.file.into(), error }.into()),
        }
    }

    /// Whether nothing is left.
    pub fn is_at_end(&mut self) -> Result<bool, ImageError> {
        let left = self.content.fill_buf();
        let left = left.map_err(|error| DataError::Read { file: self.file.into(), error })?;
        Ok(left.is_empty())
    }

    /// That the bytes before the current place are not what the format has there.
    pub fn wrong_format(&self, offset: u64, expected: &'static str, found: String) -> ImageError {
        ImageError::WrongFormat { file: self.file.into(), offset, expected, found }
    }

    pub fn file(&self) -> &'a str {
        self.file
    }

    /// Where the next byte stands.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}
