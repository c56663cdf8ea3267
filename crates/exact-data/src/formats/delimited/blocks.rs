//! A text in blocks of whole records.

use std::io::{self, BufRead, Read as _};

use super::dialect::Dialect;
use crate::error::FIELD_LIMIT;

/// Large enough that parsing is worth a task, small enough that a few fit into the cache of the system.
const BLOCK: usize = 1 << 20;

/// Whole records.
pub(super) struct Block {
    pub text: Vec<u8>,
    /// The line on which it begins, counted from 1.
    pub line: u64,
}

/// Cuts a text into blocks.
pub(super) struct Blocks<R> {
    reader: R,
    /// What has been read and is in no block yet.
    rest: Vec<u8>,
    at_end: bool,
    line: u64,
}

/// How far whole records reach.
struct Extent {
    /// The end of the last of them.
    end: Option<usize>,
    /// The bytes of the field that is not at its end.
    open_field: usize,
}

impl<R: BufRead> Blocks<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, rest: Vec::new(), at_end: false, line: 1 }
    }

    /// The beginning of the text.
    pub fn head(&mut self) -> io::Result<&[u8]> {
        self.read_to(BLOCK)?;
        Ok(&self.rest)
    }

    /// Leaves out lines.
    pub fn skip_lines(&mut self, lines: usize) -> io::Result<()> {
        for _ in 0..lines {
            loop {
                if let Some(end) = memchr::memchr(b'\n', &self.rest) {
                    self.rest.drain(..=end);
                    self.line += 1;
                    break;
                }
                self.rest.clear();
                if self.at_end {
                    return Ok(());
                }
                self.read_to(BLOCK)?;
            }
        }
        Ok(())
    }

    /// The next records. A field that is too long makes a block that is not whole.
    pub fn next(&mut self, dialect: &Dialect) -> io::Result<Option<Block>> {
        let mut size = BLOCK;
        loop {
            self.read_to(size)?;
            if self.rest.is_empty() {
                return Ok(None);
            }
            let end = if self.at_end {
                self.rest.len()
            } else {
                match whole_records(&self.rest, dialect) {
                    Extent { end: Some(end), open_field } if open_field <= FIELD_LIMIT => end,
                    Extent { open_field, .. } if open_field > FIELD_LIMIT => self.rest.len(),
                    _ => {
                        size *= 2;
                        continue;
                    }
                }
            };
            let rest = self.rest.split_off(end);
            let text = std::mem::replace(&mut self.rest, rest);
            let line = self.line;
            self.line += memchr::memchr_iter(b'\n', &text).count() as u64;
            return Ok(Some(Block { text, line }));
        }
    }

    fn read_to(&mut self, size: usize) -> io::Result<()> {
        if !self.at_end && self.rest.len() < size {
            let missing = size - self.rest.len();
            self.rest.reserve_exact(missing);
            let read = self.reader.by_ref().take(missing as u64).read_to_end(&mut self.rest)?;
            self.at_end = read < missing;
        }
        Ok(())
    }
}

/// Where the last whole record of a text ends that begins with a record. It reads quotes as `csv-core` does:
/// one that is not the first character of its field is a character like others.
fn whole_records(text: &[u8], dialect: &Dialect) -> Extent {
    if memchr::memchr(b'"', text).is_none() {
        let end = memchr::memrchr2(b'\n', b'\r', text).map(|at| at + 1);
        return Extent { end, open_field: text.len() - end.unwrap_or(0) };
    }
    let (mut at, mut end, mut field) = (0, None, 0);
    let ends_line = |byte: u8| byte == b'\n' || byte == b'\r';
    let mut in_record = false;
    while at < text.len() {
        if !in_record && Some(text[at]) == dialect.comment {
            match memchr::memchr(b'\n', &text[at..]) {
                Some(length) => at += length + 1,
                None => break,
            }
            end = Some(at);
            continue;
        }
        field = at;
        if text[at] == b'"' {
            at += 1;
            loop {
                let Some(quote) = memchr::memchr(b'"', &text[at..]) else {
                    return Extent { end, open_field: text.len() - field };
                };
                at += quote + 1;
                if text.get(at) == Some(&b'"') {
                    at += 1;
                } else {
                    break;
                }
            }
        }
        let Some(length) = text[at..].iter().position(|&byte| dialect.delimits(byte) || ends_line(byte))
        else {
            return Extent { end, open_field: text.len() - field };
        };
        at += length;
        in_record = dialect.delimits(text[at]);
        at += 1;
        field = at;
        if !in_record {
            end = Some(at);
        }
    }
    Extent { end, open_field: text.len() - field }
}
