//! What compressed buffers of Arrow are said to unpack to. Their reader reserves as much memory as they say,
//! and ends the program where there is none, so that it has to be checked before.

use std::io::{self, Cursor, Read};

use arrow_ipc::reader::read_footer_length;
use arrow_ipc::{MessageHeader, root_as_footer, root_as_message};

/// Stands before the length of a message, but in files of old.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Checks the messages of a file, which together must not unpack to more than a limit. What cannot be
/// understood is left to the reader, which refuses it.
///
/// # Errors
/// An [`io::Error`] if they would.
pub(super) fn check_file(bytes: &[u8], limit: u64) -> io::Result<()> {
    let footer = || {
        let (rest, end) = bytes.split_last_chunk()?;
        let start = rest.len().checked_sub(read_footer_length(*end).ok()?)?;
        root_as_footer(&rest[start..]).ok()
    };
    let Some(footer) = footer() else { return Ok(()) };
    let mut left = limit;
    for block in footer.dictionaries().iter().flatten().chain(footer.recordBatches().iter().flatten()) {
        let message = || {
            let start = usize::try_from(block.offset()).ok()?;
            let metadata = usize::try_from(block.metaDataLength()).ok()?;
            let body = usize::try_from(block.bodyLength()).ok()?;
            let (metadata, rest) = bytes.get(start..)?.split_at_checked(metadata)?;
            let prefix = if metadata.starts_with(&CONTINUATION) { 8 } else { 4 };
            Some((metadata.get(prefix..)?, rest.get(..body)?))
        };
        if let Some((metadata, body)) = message() {
            take(&mut left, metadata, body)?;
        }
    }
    Ok(())
}

/// A stream of messages, each of which is checked before it is handed on.
pub(super) struct CheckedStream<R> {
    reader: R,
    left: u64,
    message: Cursor<Vec<u8>>,
}

impl<R: Read> CheckedStream<R> {
    /// Of messages that together must not unpack to more than a limit.
    pub fn new(reader: R, limit: u64) -> Self {
        Self { reader, left: limit, message: Cursor::default() }
    }

    /// Reads the next message. One that is cut short is handed on as far as it goes.
    fn next(&mut self) -> io::Result<()> {
        let bytes = self.message.get_mut();
        bytes.clear();
        let mut append = |bytes: &mut Vec<u8>, length: u64| -> io::Result<bool> {
            Ok(self.reader.by_ref().take(length).read_to_end(bytes)? as u64 == length)
        };
        let mut is_whole = append(bytes, 4)?;
        if is_whole && *bytes == CONTINUATION {
            is_whole = append(bytes, 4)?;
        }
        let start = bytes.len();
        if is_whole && let Some(length) = bytes.last_chunk() {
            let length = u32::from_le_bytes(*length);
            if append(bytes, length.into())?
                && let Ok(message) = root_as_message(&bytes[start..])
                && let Ok(length) = u64::try_from(message.bodyLength())
            {
                let end = bytes.len();
                append(bytes, length)?;
                let (metadata, body) = bytes.split_at(end);
                take(&mut self.left, &metadata[start..], body)?;
            }
        }
        self.message.set_position(0);
        Ok(())
    }
}

impl<R: Read> Read for CheckedStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.message.position() == self.message.get_ref().len() as u64 {
            self.next()?;
        }
        self.message.read(buffer)
    }
}

/// Takes what the buffers of a message unpack to from the bytes that are left.
fn take(left: &mut u64, metadata: &[u8], body: &[u8]) -> io::Result<()> {
    let Ok(message) = root_as_message(metadata) else { return Ok(()) };
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|it| it.data()),
        _ => None,
    };
    let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(()) };
    for buffer in batch.buffers().iter().flatten().filter(|buffer| buffer.length() > 0) {
        let start = usize::try_from(buffer.offset()).ok();
        let prefix = start.and_then(|start| body.get(start..)).and_then(|bytes| bytes.first_chunk());
        // A negative length says that the buffer is not compressed.
        let Some(length) = prefix.and_then(|prefix| usize::try_from(i64::from_le_bytes(*prefix)).ok()) else {
            continue;
        };
        let there_is_memory = Vec::<u8>::new().try_reserve_exact(length).is_ok();
        *left = left.checked_sub(length as u64).filter(|_| there_is_memory).ok_or_else(|| {
            let problem = format!("a buffer is said to unpack to {length} bytes, which is too much");
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })?;
    }
    Ok(())
}
