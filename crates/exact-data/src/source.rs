//! Where tables come from: files or bytes, plain or compressed.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use crate::DataError;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The name of a source and its content, which is read more than once if need be. Content that begins as gzip
/// or zstd does is decompressed.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    name: String,
    content: Content<'a>,
}

#[derive(Debug, Clone)]
enum Content<'a> {
    File(&'a Path),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Source<'a> {
    /// A file. A pipe is read into memory, since it can be read only once.
    ///
    /// # Errors
    /// [`DataError::Read`] if there is no such file, or it is a folder.
    pub fn file(path: &'a Path) -> Result<Self, DataError> {
        let name = path.display().to_string();
        let read = || {
            let metadata = std::fs::metadata(path)?;
            match (metadata.is_file(), metadata.is_dir()) {
                (true, _) => Ok(Content::File(path)),
                (_, true) => Err(io::ErrorKind::IsADirectory.into()),
                _ => Ok(Content::Bytes(std::fs::read(path)?.into())),
            }
        };
        match read() {
            Ok(content) => Ok(Self { name, content }),
            Err(error) => Err(DataError::Read { file: name, error }),
        }
    }

    /// Bytes that messages call `name`.
    pub fn bytes(name: &str, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { name: name.into(), content: Content::Bytes(bytes.into()) }
    }

    /// What messages call the source: the path of a file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the name says that fields are delimited by tabs.
    pub(crate) fn is_tsv(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let plain = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        Path::new(plain).extension().is_some_and(|extension| extension == "tsv")
    }

    /// The content from its beginning, decompressed.
    ///
    /// # Errors
    /// [`DataError::Read`], and [`DataError::NotBuiltIn`] for compressed content without the feature
    /// `compression`.
    pub fn open(&self) -> Result<Box<dyn BufRead + '_>, DataError> {
        match &self.content {
            Content::File(path) => {
                let file = File::open(path).map_err(|error| self.unreadable(error))?;
                self.decompressed(BufReader::with_capacity(1 << 16, file))
            }
            Content::Bytes(bytes) => self.decompressed(bytes.as_ref()),
        }
    }

    fn decompressed<'b>(&self, mut reader: impl BufRead + 'b) -> Result<Box<dyn BufRead + 'b>, DataError> {
        let mut head = Vec::with_capacity(ZSTD.len());
        let read = reader.by_ref().take(ZSTD.len() as u64).read_to_end(&mut head);
        read.map_err(|error| self.unreadable(error))?;
        let (gzip, zstd) = (head.starts_with(&GZIP), head == ZSTD);
        let content = Cursor::new(head).chain(reader);
        match (gzip, zstd) {
            (false, false) => Ok(Box::new(content)),
            #[cfg(feature = "compression")]
            (true, _) => Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(content)))),
            #[cfg(feature = "compression")]
            (_, true) => match zstd::Decoder::with_buffer(content) {
                Ok(content) => Ok(Box::new(BufReader::new(content))),
                Err(error) => Err(self.unreadable(error)),
            },
            #[cfg(not(feature = "compression"))]
            _ => Err(DataError::NotBuiltIn {
                file: self.name.clone(),
                format: "compressed files",
                feature: "compression",
            }),
        }
    }

    fn unreadable(&self, error: io::Error) -> DataError {
        DataError::Read { file: self.name.clone(), error }
    }
}
