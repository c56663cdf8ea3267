//! ZIP archives: what they hold, and the only file of one.

use std::io::{BufRead, Seek};

#[cfg(not(feature = "archives"))]
use crate::DataError;

/// What can be read from any place.
pub(crate) trait ReadSeek: BufRead + Seek + Send {}

impl<R: BufRead + Seek + Send> ReadSeek for R {}

/// Whether content begins as an archive does, one without files included.
pub(crate) fn is_archive(head: &[u8]) -> bool {
    matches!(head, [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..])
}

#[cfg(feature = "excel")]
pub(crate) use unpacking::check_size;
#[cfg(feature = "arrays")]
pub(crate) use unpacking::unpack;
#[cfg(feature = "archives")]
pub(crate) use unpacking::{names, only_file};

#[cfg(feature = "archives")]
mod unpacking {
    use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

    use flate2::{Crc, bufread::DeflateDecoder};
    use zip::result::ZipError;
    use zip::{CompressionMethod, ZipArchive};

    use super::ReadSeek;
    use crate::DataError;
    use crate::compression::Bounded;
    #[cfg(any(feature = "arrays", feature = "excel"))]
    use crate::compression::bomb;

    fn damaged(file: &str, error: ZipError) -> DataError {
        let problem = match error {
            ZipError::Io(error) => return DataError::reading(file, error),
            error => error.to_string(),
        };
        DataError::DamagedFile { file: file.into(), format: "a ZIP archive", problem }
    }

    fn open<R: Read + Seek>(file: &str, reader: R) -> Result<ZipArchive<R>, DataError> {
        ZipArchive::new(reader).map_err(|error| damaged(file, error))
    }

    /// The files of an archive, without folders and what systems add.
    fn files<R: Read + Seek>(file: &str, archive: &ZipArchive<R>) -> Result<Vec<(usize, String)>, DataError> {
        let mut files = Vec::new();
        for at in 0..archive.len() {
            let entry = archive.by_index_data(at).map_err(|error| damaged(file, error))?;
            let name = entry.name().map_err(|error| damaged(file, error))?.into_owned();
            let last = name.rsplit('/').next().unwrap_or_default();
            if !entry.is_dir() && !name.starts_with("__MACOSX/") && last != ".DS_Store" {
                files.push((at, name));
            }
        }
        Ok(files)
    }

    /// The names of the files of an archive.
    pub(crate) fn names(file: &str, reader: impl Read + Seek) -> Result<Vec<String>, DataError> {
        Ok(files(file, &open(file, reader)?)?.into_iter().map(|(_, name)| name).collect())
    }

    /// Checks that the files of an archive are together not larger than a limit.
    #[cfg(feature = "excel")]
    pub(crate) fn check_size(file: &str, reader: impl Read + Seek, limit: u64) -> Result<(), DataError> {
        let size = open(file, reader)?.decompressed_size();
        if size.is_some_and(|size| size > u128::from(limit)) { Err(bomb(file, limit)) } else { Ok(()) }
    }

    /// All files of an archive with their names, one after the other; together up to a limit of bytes.
    #[cfg(feature = "arrays")]
    pub(crate) fn unpack(
        file: &str,
        reader: impl Read + Seek,
        limit: u64,
        mut visit: impl FnMut(&str, &[u8]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut archive = open(file, reader)?;
        let mut left = limit;
        for (at, name) in files(file, &archive)? {
            let mut member = archive.by_index(at).map_err(|error| match error {
                ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
                    DataError::Encrypted { file: file.into() }
                }
                error => damaged(file, error),
            })?;
            let mut bytes = Vec::new();
            let read = member.by_ref().take(left + 1).read_to_end(&mut bytes).map_err(|error| {
                let problem = format!("`{name}` cannot be unpacked: {error}");
                DataError::DamagedFile { file: file.into(), format: "a ZIP archive", problem }
            })?;
            left = left.checked_sub(read as u64).ok_or_else(|| bomb(file, limit))?;
            visit(&name, &bytes)?;
        }
        Ok(())
    }

    /// The content of the only file of an archive, up to a limit. It is unpacked while it is read.
    pub(crate) fn only_file<'a>(
        file: &str,
        reader: Box<dyn ReadSeek + 'a>,
        limit: u64,
    ) -> Result<Box<dyn BufRead + Send + 'a>, DataError> {
        let mut archive = open(file, reader)?;
        let files = files(file, &archive)?;
        let at = match files.as_slice() {
            [] => return Err(DataError::NoMember { file: file.into() }),
            [(at, _)] => *at,
            _ => {
                let members = files.into_iter().map(|(_, name)| name).collect();
                return Err(DataError::SeveralMembers { file: file.into(), members });
            }
        };
        let member = archive.by_index_raw(at).map_err(|error| damaged(file, error))?;
        if member.encrypted() {
            return Err(DataError::Encrypted { file: file.into() });
        }
        let (crc, compression) = (member.crc32(), member.compression());
        let (start, size) = (member.data_start(), member.compressed_size());
        drop(member);
        let start = start.expect("a member that is opened has been found");
        let mut reader = archive.into_inner();
        reader.seek(SeekFrom::Start(start)).map_err(|error| DataError::reading(file, error))?;
        let packed = reader.take(size);
        let unpacked: Box<dyn Read + Send + 'a> = match compression {
            CompressionMethod::Stored => Box::new(packed),
            CompressionMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
            other => {
                let problem = format!("it is compressed with {other}, only Deflate is read");
                return Err(DataError::DamagedFile { file: file.into(), format: "a ZIP archive", problem });
            }
        };
        let checked = Checked { reader: unpacked, sum: Crc::new(), expected: crc };
        Ok(Box::new(BufReader::with_capacity(1 << 16, Bounded::new(file, checked, limit))))
    }

    /// What is unpacked, whose checksum is compared at the end.
    struct Checked<R> {
        reader: R,
        sum: Crc,
        expected: u32,
    }

    impl<R: Read> Read for Checked<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.reader.read(buffer)?;
            self.sum.update(&buffer[..read]);
            if read == 0 && !buffer.is_empty() && self.sum.sum() != self.expected {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is another one"));
            }
            Ok(read)
        }
    }
}

#[cfg(not(feature = "archives"))]
pub(crate) fn only_file<'a>(
    file: &str,
    _: Box<dyn ReadSeek + 'a>,
    _: u64,
) -> Result<Box<dyn BufRead + Send + 'a>, DataError> {
    Err(DataError::NotBuiltIn { file: file.into(), format: "ZIP archives", feature: "archives" })
}
