//! The fields of a text.

use std::borrow::Cow;

use memchr::{memchr, memchr3};

/// A field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// What it holds, without the quotes around it.
    pub content: Cow<'a, [u8]>,
    /// Where it ends: at the delimiter, the end of the line or that of the text.
    pub end: usize,
    /// Whether it has a closing quote if it begins with one.
    pub closed: bool,
}

impl<'a> Field<'a> {
    /// The field that begins at a place of a text.
    ///
    /// Quotes are those of RFC 4180. One that is not the first character of its field is a character like
    /// others, and so is what stands between the closing quote and the end.
    pub fn at(text: &'a [u8], start: usize, delimiter: u8) -> Self {
        let end = |from: usize| {
            memchr3(delimiter, b'\n', b'\r', &text[from..]).map_or(text.len(), |length| from + length)
        };
        if text.get(start) != Some(&b'"') {
            let end = end(start);
            return Self { content: text[start..end].into(), end, closed: true };
        }
        let (mut content, mut from) = (Cow::default(), start + 1);
        while let Some(length) = memchr(b'"', &text[from..]) {
            let quote = from + length;
            if text.get(quote + 1) == Some(&b'"') {
                append(&mut content, &text[from..=quote]);
                from = quote + 2;
            } else {
                append(&mut content, &text[from..quote]);
                let end = end(quote + 1);
                append(&mut content, &text[quote + 1..end]);
                return Self { content, end, closed: true };
            }
        }
        append(&mut content, &text[from..]);
        Self { content, end: text.len(), closed: false }
    }
}

fn append<'a>(content: &mut Cow<'a, [u8]>, more: &'a [u8]) {
    if content.is_empty() {
        *content = more.into();
    } else if !more.is_empty() {
        content.to_mut().extend_from_slice(more);
    }
}

/// The fields of the record with which a text begins that is not empty.
pub(super) fn first_record(text: &[u8], delimiter: u8) -> Vec<Field<'_>> {
    let (mut fields, mut start) = (Vec::new(), 0);
    loop {
        let field = Field::at(text, start, delimiter);
        start = field.end + 1;
        let is_last = text.get(field.end) != Some(&delimiter);
        fields.push(field);
        if is_last {
            return fields;
        }
    }
}

#[cfg(test)]
mod tests {
    use csv_core::{ReadRecordResult, ReaderBuilder};
    use proptest::prelude::*;

    use super::*;

    /// The fields of the first record by another parser.
    fn reference(text: &[u8], delimiter: u8) -> (Vec<Vec<u8>>, usize) {
        let mut parser = ReaderBuilder::new().delimiter(delimiter).build();
        let (mut output, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 1]);
        let (mut read, mut written, mut n_fields) = (0, 0, 0);
        loop {
            let (result, took, wrote, ended) =
                parser.read_record(&text[read..], &mut output[written..], &mut ends[n_fields..]);
            (read, written, n_fields) = (read + took, written + wrote, n_fields + ended);
            if result == ReadRecordResult::Record {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let fields = starts.zip(&ends[..n_fields]).map(|(start, &end)| output[start..end].to_vec());
                return (fields.collect(), read);
            }
            assert_eq!(result, ReadRecordResult::InputEmpty);
        }
    }

    proptest! {
        #[test]
        fn fields_are_those_of_csv_core(
            text in "[a\",;\n\r é]{1,24}",
            delimiter in prop::sample::select(b",;a".to_vec()),
        ) {
            prop_assume!(!text.starts_with(['\n', '\r']));
            let text = text.as_bytes();
            let (expected, length) = reference(text, delimiter);
            let fields = first_record(text, delimiter);
            let end = fields.last().unwrap().end;
            let contents: Vec<Vec<u8>> = fields.into_iter().map(|field| field.content.into_owned()).collect();
            prop_assert_eq!(contents, expected);
            prop_assert_eq!((end + 1).min(text.len()), length);
        }
    }
}
