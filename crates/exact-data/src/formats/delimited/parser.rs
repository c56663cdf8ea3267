//! Single records of a text.

use csv_core::ReadRecordResult;

use super::dialect::Dialect;
use crate::DataError;

/// The bytes of the first record of a text, which is not empty.
pub(super) fn first_record(dialect: &Dialect, text: &[u8]) -> usize {
    if dialect.blanks {
        return memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
    }
    Records::new(dialect).read(text)
}

/// Shows each field of a record.
pub(super) fn visit_record(
    dialect: &Dialect,
    record: &[u8],
    mut visit: impl FnMut(&[u8]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let text = dialect.prepare(record);
    let mut records = Records::new(dialect);
    records.read(&text);
    let mut start = 0;
    for &end in &records.ends[..records.n_fields] {
        visit(&records.fields[start..end])?;
        start = end;
    }
    Ok(())
}

/// Parses one record at a time.
pub(super) struct Records {
    parser: csv_core::Reader,
    /// The fields of the record, one behind the other.
    pub fields: Vec<u8>,
    pub ends: Vec<usize>,
    pub n_fields: usize,
}

impl Records {
    pub fn new(dialect: &Dialect) -> Self {
        Self { parser: dialect.parser(), fields: vec![0; 1 << 10], ends: vec![0; 1 << 6], n_fields: 0 }
    }

    /// Reads the record with which a text begins that is not empty; returns its bytes.
    pub fn read(&mut self, text: &[u8]) -> usize {
        let (mut read, mut written) = (0, 0);
        self.n_fields = 0;
        loop {
            // Without more input, the parser ends the record.
            let (result, took, wrote, ended) = self.parser.read_record(
                &text[read..],
                &mut self.fields[written..],
                &mut self.ends[self.n_fields..],
            );
            read += took;
            written += wrote;
            self.n_fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.fields.resize(2 * self.fields.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record | ReadRecordResult::End => return read,
            }
        }
    }
}
