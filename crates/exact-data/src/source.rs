//! Where tables come from: files, bytes or the standard input, plain or compressed.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, SeekFrom};
use std::path::Path;

use crate::DataError;
use crate::archive::{ReadSeek, is_archive, only_file};
use crate::compression::{decompressed, limit, plain_name};
use crate::encoding::utf8;

/// The name of a source and its content, which is read more than once if need be. Content that is compressed
/// with gzip, zstd, bzip2 or xz, or is a ZIP archive of one file, is told by its first bytes and unpacked.
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

    /// The standard input, read into memory to its end.
    ///
    /// # Errors
    /// [`DataError::Read`].
    pub fn stdin() -> Result<Self, DataError> {
        let name = "standard input";
        let mut bytes = Vec::new();
        match io::stdin().lock().read_to_end(&mut bytes) {
            Ok(_) => Ok(Self::bytes(name, bytes)),
            Err(error) => Err(DataError::Read { file: name.into(), error }),
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

    /// The extension that the name has before it says how the file is compressed, in lower case.
    pub(crate) fn extension(&self) -> Option<String> {
        let extension = Path::new(plain_name(&self.name)).extension()?;
        Some(extension.to_str()?.to_ascii_lowercase())
    }

    /// Whether the name says that fields are delimited by tabs.
    pub(crate) fn is_tsv(&self) -> bool {
        self.extension().is_some_and(|extension| extension == "tsv")
    }

    /// The content from its beginning, unpacked: decompressed, and the file in an archive of one.
    ///
    /// # Errors
    /// [`DataError`] if it cannot be read, is an archive of several files or of none, is encrypted, or needs
    /// a feature that was not built in. What comes to light only while it is read is an [`io::Error`] then.
    pub fn open(&self) -> Result<Box<dyn BufRead + Send + '_>, DataError> {
        let (reader, size) = self.open_as_it_is()?;
        let limit = limit(size);
        let content: Box<dyn BufRead + Send + '_> = match self.peek(reader)? {
            (reader, head) if is_archive(&head) => only_file(&self.name, reader, limit)?,
            (reader, _) => Box::new(reader),
        };
        decompressed(&self.name, content, limit)
    }

    /// The content as text in UTF-8, without byte order mark: what is in the named encoding, or in UTF-16 as
    /// its first bytes say, is decoded. Other text is handed on as it is.
    pub(crate) fn open_text(
        &self,
        encoding: Option<&str>,
    ) -> Result<Box<dyn BufRead + Send + '_>, DataError> {
        utf8(&self.name, self.open()?, encoding)
    }

    /// The names of the files in it if it is an archive, and `None` otherwise.
    #[cfg(feature = "archives")]
    pub(crate) fn members(&self) -> Result<Option<Vec<String>>, DataError> {
        match self.peek(self.open_as_it_is()?.0)? {
            (reader, head) if is_archive(&head) => crate::archive::names(&self.name, reader).map(Some),
            _ => Ok(None),
        }
    }

    /// Calls `visit` with the name and the content of each file in the archive that it is.
    #[cfg(feature = "arrays")]
    pub(crate) fn unpack(
        &self,
        visit: impl FnMut(&str, &[u8]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let (reader, size) = self.open_as_it_is()?;
        crate::archive::unpack(&self.name, reader, limit(size), visit)
    }

    /// The bytes of the archive that it is, whose files together must not be too large.
    #[cfg(feature = "excel")]
    pub(crate) fn read_archive(&self) -> Result<Vec<u8>, DataError> {
        let (mut reader, size) = self.open_as_it_is()?;
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|error| DataError::reading(&self.name, error))?;
        crate::archive::check_size(&self.name, Cursor::new(&bytes), limit(size))?;
        Ok(bytes)
    }

    /// The most bytes that it may unpack to.
    #[cfg(feature = "arrow-ipc")]
    pub(crate) fn limit(&self) -> Result<u64, DataError> {
        Ok(limit(self.open_as_it_is()?.1))
    }

    /// All of the content, unpacked.
    #[cfg(any(feature = "arrays", feature = "arrow-ipc", feature = "excel", feature = "parquet"))]
    pub(crate) fn read(&self) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let read = self.open()?.read_to_end(&mut bytes);
        read.map_err(|error| DataError::reading(&self.name, error))?;
        Ok(bytes)
    }

    /// The content as it is, which can be read from any place, and its size.
    fn open_as_it_is(&self) -> Result<(Box<dyn ReadSeek + '_>, u64), DataError> {
        match &self.content {
            Content::File(path) => {
                let open = || {
                    let file = File::open(path)?;
                    let size = file.metadata()?.len();
                    Ok((file, size))
                };
                let (file, size) = open().map_err(|error| DataError::reading(&self.name, error))?;
                Ok((Box::new(BufReader::with_capacity(1 << 16, file)), size))
            }
            Content::Bytes(bytes) => Ok((Box::new(Cursor::new(bytes.as_ref())), bytes.len() as u64)),
        }
    }

    /// The first bytes of a reader that stands at its beginning, and does so afterwards.
    fn peek<'b>(
        &self,
        mut reader: Box<dyn ReadSeek + 'b>,
    ) -> Result<(Box<dyn ReadSeek + 'b>, Vec<u8>), DataError> {
        let mut head = Vec::new();
        let read =
            reader.by_ref().take(4).read_to_end(&mut head).and_then(|_| reader.seek(SeekFrom::Start(0)));
        read.map_err(|error| DataError::reading(&self.name, error))?;
        Ok((reader, head))
    }
}

#[cfg(test)]
#[cfg(all(feature = "compression", feature = "arrays"))]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn text() -> Vec<u8> {
        (0..10_000).flat_map(|row| format!("{row},{}\n", row * row).into_bytes()).collect()
    }

    fn archive(members: &[(&str, &[u8])], compression: CompressionMethod) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.add_directory("folder/", SimpleFileOptions::default()).unwrap();
        for (name, bytes) in members {
            let options = SimpleFileOptions::default().compression_method(compression);
            archive.start_file(*name, options).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder =
            lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn message(bytes: &[u8]) -> String {
        let error = Source::bytes("t", bytes).read().unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error.to_string()
    }

    #[test]
    fn what_is_compressed_is_unpacked() {
        let text = text();
        let (first, second) = text.split_at(20_000);
        let system: (&str, &[u8]) = ("__MACOSX/t.csv", b"no table");
        let deflated = archive(&[("folder/t.csv", &text), system], CompressionMethod::Deflated);
        for bytes in [
            text.clone(),
            gzip(&text),
            bzip2(&text),
            [bzip2(first), bzip2(second)].concat(),
            xz(&text),
            [xz(first), xz(second)].concat(),
            zstd::encode_all(text.as_slice(), 1).unwrap(),
            archive(&[("t.csv", &text)], CompressionMethod::Stored),
            archive(&[("t.csv.gz", &gzip(&text))], CompressionMethod::Stored),
            deflated,
        ] {
            assert!(Source::bytes("t", bytes).read().unwrap() == text);
        }
        assert_eq!(Source::bytes("t", bzip2(b"")).read().unwrap(), b"");
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let text = text();
        for bytes in [gzip(&text), bzip2(&text), xz(&text), zstd::encode_all(text.as_slice(), 1).unwrap()] {
            let text = message(&bytes[..bytes.len() / 2]);
            assert!(text.starts_with("cannot read t: "), "{text}");
            let error = Source::bytes("t", &bytes[..bytes.len() - 1]).read().unwrap_err();
            assert!(error.hint().unwrap().contains("cut short"), "{error:?}");
        }
    }

    #[test]
    fn archives_that_are_not_one_file() {
        let several = archive(&[("a.csv", b"a"), ("b.csv", b"b")], CompressionMethod::Stored);
        assert_eq!(message(&several), "t holds 2 files: `a.csv`, `b.csv`");
        assert_eq!(message(&archive(&[], CompressionMethod::Stored)), "t is an archive without a file");
        let whole = archive(&[("t.csv", &text())], CompressionMethod::Deflated);
        assert!(message(&whole[..whole.len() / 2]).starts_with("t cannot be read as a ZIP archive: "));
        let mut altered = archive(&[("t.csv", b"some text")], CompressionMethod::Stored);
        let at = altered.windows(4).position(|bytes| bytes == b"some").unwrap();
        altered[at] = b'S';
        assert_eq!(message(&altered), "cannot read t: its checksum is another one");
        // The flag of encryption, in the head of the file and in the directory.
        let mut encrypted = archive(&[("t.csv", b"some text")], CompressionMethod::Stored);
        let heads: Vec<usize> = (0..encrypted.len() - 4)
            .filter(|&at| {
                encrypted[at..].starts_with(b"PK\x03\x04") || encrypted[at..].starts_with(b"PK\x01\x02")
            })
            .collect();
        for at in heads {
            let flags = if encrypted[at + 2] == 3 { at + 6 } else { at + 8 };
            encrypted[flags] |= 1;
        }
        assert_eq!(message(&encrypted), "t is encrypted");
    }
}
