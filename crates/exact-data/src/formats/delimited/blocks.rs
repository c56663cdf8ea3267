//! A text in blocks of whole records.

use std::io::{self, BufRead, Read as _};

use memchr::{memchr, memchr_iter, memchr2, memrchr2};

use super::dialect::Dialect;
use crate::error::FIELD_LIMIT;

/// Large enough that parsing is worth a task, small enough for the cache of a core.
const BLOCK: usize = 1 << 20;

/// Whole records.
pub(super) struct Block {
    pub text: Vec<u8>,
    /// The line on which it begins, counted from 1.
    pub line: u64,
    /// How many lines end in it.
    pub n_lines: usize,
}

/// Cuts a text into blocks.
pub(super) struct Blocks<R> {
    reader: R,
    /// What has been read and is in no block yet.
    rest: Vec<u8>,
    at_end: bool,
    line: u64,
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
                if let Some(end) = memchr(b'\n', &self.rest) {
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
            let Extent { end, open_field } = Extent::of(&self.rest, dialect);
            let end = match end {
                _ if self.at_end || open_field > FIELD_LIMIT => self.rest.len(),
                Some(end) => end,
                None => {
                    size *= 2;
                    continue;
                }
            };
            let rest = self.rest.split_off(end);
            let text = std::mem::replace(&mut self.rest, rest);
            let (line, n_lines) = (self.line, memchr_iter(b'\n', &text).count());
            self.line += n_lines as u64;
            return Ok(Some(Block { text, line, n_lines }));
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

/// How far whole records reach in a text that begins with a record.
#[derive(Debug, PartialEq, Eq)]
struct Extent {
    /// The end of the last of them.
    end: Option<usize>,
    /// The bytes of the field that is not at its end.
    open_field: usize,
}

impl Extent {
    /// Goes from quote to quote, and to marks of comments. A quote opens a field where a field begins;
    /// elsewhere it is a character like others.
    fn of(text: &[u8], dialect: &Dialect) -> Self {
        let ends_line = |byte: u8| matches!(byte, b'\n' | b'\r');
        let (mut at, mut end) = (0, None);
        // Where what is neither in quotes nor comment begins, and the field there.
        let (mut outside, mut field) = (0, 0);
        let last_line = |outside: usize, to: usize| {
            memrchr2(b'\n', b'\r', &text[outside..to]).map(|length| outside + length + 1)
        };
        while let Some(length) = memchr2(b'"', dialect.comment.unwrap_or(b'"'), &text[at..]) {
            let found = at + length;
            let before = found.checked_sub(1).map(|before| text[before]);
            let begins_record = before.is_none_or(ends_line);
            let is_quote = text[found] == b'"';
            at = found + 1;
            let begins_field = begins_record || before.is_some_and(|before| dialect.delimits(before));
            if !(if is_quote { begins_field } else { begins_record }) {
                continue;
            }
            end = last_line(outside, found).or(end);
            if is_quote {
                let Some(close) = closing_quote(text, at) else {
                    return Self { end, open_field: text.len() - found };
                };
                at = close + 1;
                field = found;
            } else {
                let Some(length) = memchr(b'\n', &text[at..]) else {
                    return Self { end, open_field: 0 };
                };
                at += length + 1;
                (end, field) = (Some(at), at);
            }
            outside = at;
        }
        let is_end = |&byte: &u8| ends_line(byte) || dialect.delimits(byte);
        let open = text[outside..].iter().rposition(is_end).map_or(field, |length| outside + length + 1);
        Self { end: last_line(outside, text.len()).or(end), open_field: text.len() - open }
    }
}

/// The quote that closes a field whose content begins at a place.
fn closing_quote(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let quote = at + memchr(b'"', &text[at..])?;
        if text.get(quote + 1) != Some(&b'"') {
            return Some(quote);
        }
        at = quote + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::dialect::skip_lines;
    use super::super::fields::first_record;
    use super::*;
    use crate::FileForm;

    fn records(mut text: &[u8], dialect: &Dialect) -> Vec<Vec<Vec<u8>>> {
        let mut records = Vec::new();
        loop {
            text = skip_lines(text, dialect.comment).0;
            if text.is_empty() {
                return records;
            }
            let fields = first_record(text, dialect.delimiter);
            let end = fields.last().map_or(0, |field| field.end);
            records.push(fields.into_iter().map(|field| field.content.into_owned()).collect());
            text = text.get(end + 1..).unwrap_or_default();
        }
    }

    proptest! {
        #[test]
        fn blocks_are_whole_records(text in "[a\",\n\r#]{0,40}", seen in 0_usize..40, comments: bool) {
            let form = FileForm {
                delimiter: Some(b','),
                comment: comments.then_some(b'#'),
                ..FileForm::default()
            };
            let (dialect, _) = Dialect::of(false, text.as_bytes(), &form);
            let text = text.as_bytes();
            let seen = &text[..seen.min(text.len())];
            let (first, rest) = text.split_at(Extent::of(seen, &dialect).end.unwrap_or(0));
            let in_blocks = [records(first, &dialect), records(rest, &dialect)].concat();
            prop_assert_eq!(in_blocks, records(text, &dialect));
        }
    }
}
