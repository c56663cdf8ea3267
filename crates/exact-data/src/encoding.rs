//! Text in other encodings than UTF-8.

use std::io::{BufRead, Cursor, Read};

use crate::DataError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The bytes that tell UTF-16.
const HEAD: usize = 64;

/// Text as UTF-8 without byte order mark: decoded from the encoding of a label, or from UTF-16, if a byte
/// order mark or every second byte gives it away. What is taken for UTF-8 is handed on as it is.
pub(crate) fn utf8<'a>(
    file: &str,
    mut reader: Box<dyn BufRead + Send + 'a>,
    label: Option<&str>,
) -> Result<Box<dyn BufRead + Send + 'a>, DataError> {
    let mut head = Vec::with_capacity(HEAD);
    let read = reader.by_ref().take(HEAD as u64).read_to_end(&mut head);
    read.map_err(|error| DataError::reading(file, error))?;
    let encoding = utf16(&head);
    let marked = head.starts_with(BYTE_ORDER_MARK);
    if marked {
        head.drain(..BYTE_ORDER_MARK.len());
    }
    let text: Box<dyn BufRead + Send + 'a> = Box::new(Cursor::new(head).chain(reader));
    match (encoding, label) {
        (Some(encoding), _) => decoding::decode(file, text, encoding),
        (None, Some(label)) if !marked => decoding::decode(file, text, label),
        (None, _) => Ok(text),
    }
}

/// Whether text begins as UTF-16 does: with a byte order mark, or with characters of Latin scripts, every
/// second byte of which is zero.
fn utf16(head: &[u8]) -> Option<&'static str> {
    let zeros = |of: usize| head.chunks_exact(2).all(|pair| pair[of] == 0 && pair[1 - of] != 0);
    match head {
        [0xff, 0xfe, ..] => Some("utf-16le"),
        [0xfe, 0xff, ..] => Some("utf-16be"),
        [_, _, _, _, ..] if zeros(1) => Some("utf-16le"),
        [_, _, _, _, ..] if zeros(0) => Some("utf-16be"),
        _ => None,
    }
}

/// The encoding that bytes which are not UTF-8 may be in, for a hint.
#[cfg(feature = "encodings")]
pub(crate) fn guess(bytes: &[u8]) -> Option<&'static str> {
    use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(|_| encoding.name())
}

/// Without the feature that knows encodings there is no guess.
#[cfg(not(feature = "encodings"))]
pub(crate) fn guess(_: &[u8]) -> Option<&'static str> {
    None
}

#[cfg(not(feature = "encodings"))]
mod decoding {
    use super::BufRead;
    use crate::DataError;

    pub(super) fn decode<'a>(
        file: &str,
        _: Box<dyn BufRead + Send + 'a>,
        _: &str,
    ) -> Result<Box<dyn BufRead + Send + 'a>, DataError> {
        let format = "text in other encodings than UTF-8";
        Err(DataError::NotBuiltIn { file: file.into(), format, feature: "encodings" })
    }
}

#[cfg(feature = "encodings")]
mod decoding {
    use std::io;
    use std::ops::Range;

    use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

    use super::{BufRead, DataError, Read, guess};

    /// The names of all encodings.
    const NAMES: [&str; 42] = [
        "utf-8",
        "utf-16le",
        "utf-16be",
        "windows-1250",
        "windows-1251",
        "windows-1252",
        "windows-1253",
        "windows-1254",
        "windows-1255",
        "windows-1256",
        "windows-1257",
        "windows-1258",
        "windows-874",
        "latin1",
        "ascii",
        "iso-8859-1",
        "iso-8859-2",
        "iso-8859-3",
        "iso-8859-4",
        "iso-8859-5",
        "iso-8859-6",
        "iso-8859-7",
        "iso-8859-8",
        "iso-8859-10",
        "iso-8859-13",
        "iso-8859-14",
        "iso-8859-15",
        "iso-8859-16",
        "ibm866",
        "koi8-r",
        "koi8-u",
        "macintosh",
        "x-mac-cyrillic",
        "gbk",
        "gb2312",
        "gb18030",
        "big5",
        "euc-jp",
        "iso-2022-jp",
        "shift_jis",
        "euc-kr",
        "tis-620",
    ];

    pub(super) fn decode<'a>(
        file: &str,
        reader: Box<dyn BufRead + Send + 'a>,
        label: &str,
    ) -> Result<Box<dyn BufRead + Send + 'a>, DataError> {
        let encoding = of_label(label).ok_or_else(|| DataError::NoSuchEncoding {
            label: label.into(),
            known: NAMES.map(String::from).to_vec(),
        })?;
        if encoding == UTF_8 {
            return Ok(reader);
        }
        Ok(Box::new(Decoded {
            file: file.into(),
            reader,
            decoder: encoding.new_decoder_with_bom_removal(),
            text: vec![0; 1 << 16],
            unread: 0..0,
            line: 1,
            problem: None,
            ended: false,
        }))
    }

    /// Also knows names that other programs have for encodings.
    fn of_label(label: &str) -> Option<&'static Encoding> {
        let label = label.trim().to_ascii_lowercase().replace('_', "-");
        let page = label.strip_prefix("cp").filter(|page| page.starts_with("125"));
        let known = match (label.as_str(), page) {
            (_, Some(page)) => format!("windows-{page}"),
            ("latin-1", _) => "latin1".into(),
            ("utf8", _) => "utf-8".into(),
            ("utf-16" | "utf16", _) => "utf-16le".into(),
            ("cp932" | "shift-jis", _) => "shift_jis".into(),
            ("cp936", _) => "gbk".into(),
            ("cp949", _) => "euc-kr".into(),
            ("cp950", _) => "big5".into(),
            ("mac-roman", _) => "macintosh".into(),
            (label, _) => label.into(),
        };
        Encoding::for_label_no_replacement(known.as_bytes())
    }

    /// A reader of UTF-8 from text in another encoding.
    struct Decoded<'a> {
        file: String,
        reader: Box<dyn BufRead + Send + 'a>,
        decoder: Decoder,
        text: Vec<u8>,
        /// What of the text has not been read yet.
        unread: Range<usize>,
        /// The line at the end of the text.
        line: u64,
        /// What is wrong behind the text.
        problem: Option<DataError>,
        ended: bool,
    }

    impl BufRead for Decoded<'_> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            while self.unread.is_empty() && !self.ended {
                if let Some(problem) = self.problem.take() {
                    self.ended = true;
                    return Err(io::Error::other(problem));
                }
                let input = self.reader.fill_buf()?;
                let last = input.is_empty();
                let (result, read, written) =
                    self.decoder.decode_to_utf8_without_replacement(input, &mut self.text, last);
                self.line += self.text[..written].iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>();
                self.unread = 0..written;
                self.ended = last && result == DecoderResult::InputEmpty;
                if let DecoderResult::Malformed(..) = result {
                    let (file, line) = (self.file.clone(), self.line);
                    let (encoding, guess) = (self.decoder.encoding().name(), guess(input));
                    let guess = guess.filter(|guess| *guess != encoding);
                    self.problem = Some(DataError::NotEncoded { file, line, encoding, guess });
                }
                self.reader.consume(read);
            }
            Ok(&self.text[self.unread.clone()])
        }

        fn consume(&mut self, read: usize) {
            self.unread.start += read;
        }
    }

    impl Read for Decoded<'_> {
        fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
            let read = self.fill_buf()?.read(output)?;
            self.consume(read);
            Ok(read)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn all_names_are_those_of_encodings() {
            for name in NAMES {
                assert!(of_label(name).is_some(), "{name}");
            }
            for name in ["cp1252", "Latin-1", "utf_16", "cp932", "Shift_JIS", "mac_roman"] {
                assert!(of_label(name).is_some(), "{name}");
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "encodings")]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], label: Option<&str>) -> Result<String, DataError> {
        let mut text = String::new();
        let read = utf8("t.csv", Box::new(bytes), label)?.read_to_string(&mut text);
        read.map_err(|error| DataError::reading("t.csv", error))?;
        Ok(text)
    }

    #[test]
    fn utf16_is_told_by_its_bytes() {
        let text = "naïve,x\n".repeat(20_000);
        let (little, big): (Vec<u8>, Vec<u8>) = (
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        );
        for bytes in [little.clone(), big.clone()] {
            assert_eq!(decoded(&bytes, None).unwrap(), text);
        }
        assert_eq!(decoded(&[&[0xff, 0xfe], little.as_slice()].concat(), None).unwrap(), text);
        assert_eq!(decoded(&[&[0xfe, 0xff], big.as_slice()].concat(), None).unwrap(), text);
        assert_eq!(decoded("\u{feff}é".as_bytes(), Some("latin1")).unwrap(), "é", "its mark says UTF-8");
    }

    #[test]
    fn labels_say_the_encoding() {
        assert_eq!(decoded(b"caf\xe9 \x80", Some("latin1")).unwrap(), "café €");
        assert_eq!(decoded(b"\x83\x65", Some("cp932")).unwrap(), "テ");
        let error = decoded(b"a", Some("windows-1522")).unwrap_err();
        assert_eq!(error.to_string(), "there is no encoding `windows-1522`");
        assert!(error.hint().unwrap().starts_with("did you mean `windows-1252`?"), "{:?}", error.hint());
    }

    #[test]
    fn text_of_another_encoding_is_refused_with_its_line() {
        let error = decoded(b"a,b\nc,\x81\x20\n", Some("shift_jis")).unwrap_err();
        assert_eq!(error.to_string(), "t.csv, line 2: the text is not Shift_JIS");
        assert!(error.hint().unwrap().contains("--encoding"));
    }

    #[test]
    fn encodings_are_guessed() {
        assert_eq!(
            guess("Köln, Zürich, München".chars().map(|c| c as u8).collect::<Vec<_>>().as_slice()),
            Some("windows-1252")
        );
    }
}
