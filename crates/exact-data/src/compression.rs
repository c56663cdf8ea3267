//! Compressed content, told by its first bytes.

use std::io::{self, BufRead, Cursor, Read};

use crate::DataError;

/// How often a file may unpack to its own size, unless it is small.
const RATIO: u64 = 1000;
const ALWAYS_ALLOWED: u64 = 1 << 30;

/// What a file may be compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

/// The bytes that tell a compression.
const HEAD: usize = 10;

impl Compression {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            // A frame, or one that is to be skipped, with which parallel compressors begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            // A block, or the end of a stream without one.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }
}

/// A name without the ending that says how the file is compressed.
pub(crate) fn plain_name(name: &str) -> &str {
    const ENDINGS: [&str; 8] = [".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".zip", ".lzma"];
    let ending = |ending: &&str| {
        let start = name.len().checked_sub(ending.len())?;
        let (plain, last) = name.split_at_checked(start)?;
        last.eq_ignore_ascii_case(ending).then_some(plain)
    };
    ENDINGS.iter().find_map(ending).unwrap_or(name)
}

/// The most bytes that a file of a size may unpack to.
pub(crate) fn limit(size: u64) -> u64 {
    size.saturating_mul(RATIO).max(ALWAYS_ALLOWED)
}

/// That a file unpacks to more than a limit.
pub(crate) fn bomb(file: &str, limit: u64) -> DataError {
    DataError::Bomb { file: file.into(), ratio: RATIO, limit }
}

/// The content, decompressed if it is compressed, up to a limit.
pub(crate) fn decompressed<'a>(
    file: &str,
    mut reader: Box<dyn BufRead + Send + 'a>,
    limit: u64,
) -> Result<Box<dyn BufRead + Send + 'a>, DataError> {
    let mut head = Vec::with_capacity(HEAD);
    let read = reader.by_ref().take(HEAD as u64).read_to_end(&mut head);
    read.map_err(|error| DataError::reading(file, error))?;
    let compression = Compression::of(&head);
    let content = Cursor::new(head).chain(reader);
    match compression {
        None => Ok(Box::new(content)),
        Some(compression) => {
            let unpacked = unpack(file, compression, content)?;
            Ok(Box::new(io::BufReader::with_capacity(1 << 16, Bounded::new(file, unpacked, limit))))
        }
    }
}

#[cfg(feature = "compression")]
fn unpack<'a>(
    file: &str,
    compression: Compression,
    content: impl BufRead + Send + 'a,
) -> Result<Box<dyn Read + Send + 'a>, DataError> {
    Ok(match compression {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(content)),
        Compression::Zstd => {
            let decoder = zstd::Decoder::with_buffer(content);
            Box::new(decoder.map_err(|error| DataError::reading(file, error))?)
        }
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(content)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new(content, true)),
    })
}

#[cfg(not(feature = "compression"))]
fn unpack<'a>(
    file: &str,
    _: Compression,
    _: impl BufRead + Send + 'a,
) -> Result<Box<dyn Read + Send + 'a>, DataError> {
    Err(DataError::NotBuiltIn { file: file.into(), format: "compressed files", feature: "compression" })
}

/// What is unpacked, up to a limit.
pub(crate) struct Bounded<R> {
    file: String,
    reader: R,
    limit: u64,
    left: u64,
}

impl<R: Read> Bounded<R> {
    pub fn new(file: &str, reader: R, limit: u64) -> Self {
        Self { file: file.into(), reader, limit, left: limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = (self.left.checked_sub(read as u64))
            .ok_or_else(|| io::Error::other(bomb(&self.file, self.limit)))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_says_how_they_are_compressed() {
        for (name, plain) in [("a.csv.GZ", "a.csv"), ("a.tsv.zst", "a.tsv"), ("a.csv", "a.csv"), ("é", "é")]
        {
            assert_eq!(plain_name(name), plain);
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let mut text = String::new();
        let error = Bounded::new("t.gz", [b'a'; 11].as_slice(), 10).read_to_string(&mut text).unwrap_err();
        let error = DataError::reading("t.gz", error);
        assert!(matches!(error, DataError::Bomb { limit: 10, .. }), "{error}");
        assert_eq!(Bounded::new("t.gz", [b'a'; 10].as_slice(), 10).read_to_string(&mut text).unwrap(), 10);
        assert_eq!((limit(1), limit(1 << 30)), (1 << 30, 1000 << 30));
    }
}
