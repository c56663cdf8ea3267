//! How a text is delimited, seen from its beginning.

use std::borrow::Cow;

use super::fields::{Field, first_record};
use crate::FileForm;

/// In the order in which ties are resolved.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Bytes and records that are looked at.
const SAMPLE: usize = 1 << 16;
const SAMPLED_RECORDS: usize = 100;

/// How a text is delimited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialect {
    /// A tab where any white space delimits.
    pub delimiter: u8,
    /// Whether fields are delimited by white space of any length.
    pub blanks: bool,
    pub comment: Option<u8>,
    /// Whether commas stand in numbers: a point that may separate thousands is then kept as text.
    pub comma_numbers: bool,
    /// The number of fields of most records but the first, if most agree.
    pub width: Option<usize>,
    /// Whether the last of these fields is empty in all of them.
    pub last_is_empty: bool,
}

impl Dialect {
    /// The dialect of a text that begins so, and whether its first line names the delimiter, as Excel
    /// understands it; `is_tsv` if its name says that tabs delimit.
    pub fn of(is_tsv: bool, head: &[u8], form: &FileForm) -> (Self, bool) {
        let (separator, line) = separator_line(head);
        let delimiter = form.delimiter.or(separator).or_else(|| is_tsv.then_some(b'\t'));
        let head = &head[line..];
        let sample = sample(head);
        let comment = form.comment;
        let new = |delimiter, blanks| Self {
            delimiter,
            blanks,
            comment,
            comma_numbers: false,
            width: None,
            last_is_empty: false,
        };
        let dialect = match delimiter {
            Some(b' ') => new(b'\t', true),
            Some(delimiter) => new(delimiter, false),
            None => {
                let candidates = DELIMITERS.map(|delimiter| new(delimiter, false));
                let best = candidates
                    .into_iter()
                    .map(|dialect| (dialect.widths(sample).fit(), dialect))
                    .rev()
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .filter(|(fit, _)| *fit > 0.0);
                let blanks = new(b'\t', true);
                match best {
                    Some((_, dialect)) => dialect,
                    None if blanks.widths(sample).are_those_of_a_table() => blanks,
                    None => new(b',', false),
                }
            }
        };
        let widths = dialect.widths(sample);
        let width = widths.most.filter(|_| widths.share > 0.5);
        let comma_numbers = form.decimal == Some(',') || dialect.has_comma_numbers(head);
        (Self { comma_numbers, width, last_is_empty: widths.last_is_empty, ..dialect }, line > 0)
    }

    pub fn delimits(&self, byte: u8) -> bool {
        byte == self.delimiter || (self.blanks && byte == b' ')
    }

    /// The text as the parser reads it: where white space delimits, one tab for any of it.
    pub fn prepare<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.blanks {
            return text.into();
        }
        let mut prepared = Vec::with_capacity(text.len());
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let (body, end) = line.split_at(line.trim_ascii_end().len());
            let (mut quoted, mut blank) = (false, false);
            for &byte in body.trim_ascii_start() {
                quoted ^= byte == b'"';
                let is_blank = !quoted && matches!(byte, b' ' | b'\t');
                if is_blank && !blank {
                    prepared.push(b'\t');
                } else if !is_blank {
                    prepared.push(byte);
                }
                blank = is_blank;
            }
            prepared.extend(end.iter().filter(|byte| matches!(byte, b'\r' | b'\n')));
        }
        prepared.into()
    }

    /// The numbers of fields of the first records.
    fn widths(&self, sample: &[u8]) -> Widths {
        let text = self.prepare(sample);
        let (mut rest, mut all, mut last_is_empty) = (&text[..], Vec::new(), true);
        while all.len() < SAMPLED_RECORDS {
            rest = skip_lines(rest, self.comment).0;
            if rest.is_empty() {
                break;
            }
            let fields = first_record(rest, self.delimiter);
            let last = fields.last().expect("a record has a field");
            // At the end of the sample, a record may be cut.
            if last.end < rest.len() {
                last_is_empty &= all.is_empty() || last.content.trim_ascii().is_empty();
            }
            all.push(fields.len());
            rest = rest.get(last.end + 1..).unwrap_or_default();
        }
        Widths::of(&all, last_is_empty)
    }

    /// Whether some number has a comma, for decimals or between thousands.
    fn has_comma_numbers(&self, text: &[u8]) -> bool {
        let has_one = |text: &[u8]| {
            text.windows(3)
                .any(|window| window[0].is_ascii_digit() && window[1] == b',' && window[2].is_ascii_digit())
        };
        if self.delimiter != b',' {
            return has_one(text);
        }
        // A field has commas only in quotes.
        let mut start = 0;
        let mut fields = std::iter::from_fn(|| {
            let field = (start < text.len()).then(|| Field::at(text, start, self.delimiter))?;
            start = field.end + 1;
            Some(field)
        });
        memchr::memchr(b'"', text).is_some() && fields.any(|field| has_one(&field.content))
    }
}

/// How many fields records have.
struct Widths {
    header: usize,
    most: Option<usize>,
    /// The part of the records below the header that has the number of most.
    share: f64,
    last_is_empty: bool,
}

impl Widths {
    fn of(all: &[usize], last_is_empty: bool) -> Self {
        let Some((&header, rows)) = all.split_first() else {
            return Self { header: 0, most: None, share: 0.0, last_is_empty: false };
        };
        let count = |width: usize| rows.iter().filter(|&&other| other == width).count();
        let most = rows.iter().copied().max_by_key(|&width| (count(width), width));
        let share = most.map_or(1.0, |most| count(most) as f64 / rows.len() as f64);
        Self { header, most, share, last_is_empty: last_is_empty && most.is_some_and(|most| most > 1) }
    }

    /// How well the delimiter fits: 0 where it does not delimit, then by the share of records that agree,
    /// then by the number of fields.
    fn fit(&self) -> f64 {
        let width = self.most.unwrap_or(self.header);
        if width < 2 && self.header < 2 {
            return 0.0;
        }
        if width < 2 {
            return f64::MIN_POSITIVE;
        }
        let agreement = match self.header.abs_diff(width) {
            0 => 2.0,
            1 => 1.0,
            _ => 0.0,
        };
        (100.0 * (self.share + agreement)).round() + (width as f64 / 1e6).min(0.5)
    }

    /// White space is found in any text: records must agree wholly.
    fn are_those_of_a_table(&self) -> bool {
        let Some(most) = self.most else { return false };
        self.share == 1.0 && ((most == self.header && most > 1) || (most == self.header + 1 && most > 2))
    }
}

/// Without ends of lines and lines of comment at the beginning; and how many lines these are.
pub(super) fn skip_lines(mut text: &[u8], comment: Option<u8>) -> (&[u8], u64) {
    let mut lines = 0;
    loop {
        match text.first() {
            Some(&byte) if matches!(byte, b'\n' | b'\r') => {
                lines += u64::from(byte == b'\n');
                text = &text[1..];
            }
            Some(&byte) if Some(byte) == comment => {
                let end = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
                lines += u64::from(end > 0 && text[end - 1] == b'\n');
                text = &text[end..];
            }
            _ => return (text, lines),
        }
    }
}

/// Whole lines, so that no multi-byte character is cut.
fn sample(head: &[u8]) -> &[u8] {
    if head.len() <= SAMPLE {
        return head;
    }
    let end = memchr::memrchr(b'\n', &head[..SAMPLE]).map_or(SAMPLE, |end| end + 1);
    &head[..end]
}

/// The delimiter of a line like `sep=;`, and the bytes of that line.
fn separator_line(head: &[u8]) -> (Option<u8>, usize) {
    let end = memchr::memchr(b'\n', head).map_or(head.len(), |end| end + 1);
    let line = head[..end].trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let is_separator = line.len() <= 5 && line.get(..4).is_some_and(|key| key.eq_ignore_ascii_case(b"sep="));
    match line {
        // The tab is white space at the end.
        [_, _, _, _] if is_separator => (Some(b'\t'), end),
        [_, _, _, _, delimiter] if is_separator => (Some(*delimiter), end),
        _ => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Dialect {
        Dialect::of(false, text.as_bytes(), &FileForm::default()).0
    }

    #[test]
    fn the_delimiter_is_the_one_that_records_agree_on() {
        for (text, delimiter) in [
            ("a;b;c,d\n1;2;3\n", b';'),
            ("\"a;b;c\",d\n1,2\n", b','),
            ("a\n1\n", b','),
            ("a;b\n1,5;2,5\n3,5;1,0\n", b';'),
            ("a|b\n1|2\n", b'|'),
            ("a\tb\nx, y\tz\n", b'\t'),
            ("sep=|\na|b\n", b'|'),
        ] {
            assert_eq!(of(text).delimiter as char, delimiter as char, "{text:?}");
            assert!(!of(text).blanks);
        }
        assert_eq!(Dialect::of(true, b"a,b\n", &FileForm::default()).0.delimiter, b'\t');
    }

    #[test]
    fn white_space_delimits_where_nothing_else_does() {
        let dialect = of("a  b c\n1   2 3\n 4 5  \"6 7\"\n");
        assert!(dialect.blanks);
        assert_eq!(&*dialect.prepare(b" 4 5  \"6 7\" \r\n"), b"4\t5\t\"6 7\"\r\n");
        assert!(!of("text\nhello world\nfoo bar\n").blanks);
    }
}
