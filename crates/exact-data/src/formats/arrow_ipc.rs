//! Tables as Arrow has them in memory: IPC files, which are Feather files since its second version, and
//! streams.

use std::io::Cursor;

use arrow_array::RecordBatchReader;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;

use super::arrow_cells::ArrowTable;
use super::arrow_lengths::{CheckedStream, check_file};
use crate::guarded::guarded;
use crate::raw_table::RawTable;
use crate::{DataError, Source};

const FORMAT: &str = "an Arrow file";

pub(super) fn read_file(source: &Source) -> Result<RawTable, DataError> {
    guarded(source.name(), FORMAT, || {
        let bytes = source.read()?;
        check_file(&bytes, source.limit()?).map_err(|error| damaged(source, error.into()))?;
        read(source, FileReader::try_new(Cursor::new(bytes), None))
    })
}

pub(super) fn read_stream(source: &Source) -> Result<RawTable, DataError> {
    guarded(source.name(), FORMAT, || {
        let stream = CheckedStream::new(source.open()?, source.limit()?);
        read(source, StreamReader::try_new(stream, None))
    })
}

fn read(source: &Source, reader: Result<impl RecordBatchReader, ArrowError>) -> Result<RawTable, DataError> {
    let damaged = |error| damaged(source, error);
    let reader = reader.map_err(damaged)?;
    let mut table = ArrowTable::new(source.name(), &reader.schema());
    for batch in reader {
        table.push(&batch.map_err(damaged)?)?;
    }
    table.finish()
}

fn damaged(source: &Source, error: ArrowError) -> DataError {
    let problem = match error {
        ArrowError::IoError(problem, _) => problem,
        error => error.to_string(),
    };
    DataError::DamagedFile { file: source.name().into(), format: FORMAT, problem }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, RecordBatch};
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};

    use super::super::arrow_cells::tests::{assert_batches, batch};
    use super::super::read;
    use crate::{DataError, FileForm, Source};

    /// A file and a stream of batches.
    fn written(batches: &[RecordBatch], compression: Option<CompressionType>) -> [Vec<u8>; 2] {
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let schema = batches[0].schema();
        let mut file = FileWriter::try_new_with_options(Vec::new(), &schema, options.clone()).unwrap();
        let mut stream = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
        for batch in batches {
            file.write(batch).unwrap();
            stream.write(batch).unwrap();
        }
        [file.into_inner().unwrap(), stream.into_inner().unwrap()]
    }

    fn error(bytes: &[u8]) -> String {
        let error: DataError = read(&Source::bytes("t", bytes), &FileForm::default()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn files_and_streams_with_every_compression() {
        for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
            for bytes in written(&[batch(), batch()], compression) {
                assert_batches(&read(&Source::bytes("t", bytes.as_slice()), &FileForm::default()).unwrap());
                let error = error(&bytes[..bytes.len() / 2]);
                assert!(error.starts_with("t cannot be read as an Arrow file: "), "{error}");
            }
        }
    }

    #[test]
    fn lengths_that_no_buffer_has_are_errors() {
        let numbers = Arc::new(Float64Array::from(vec![0.5; 1000]));
        let batch = RecordBatch::try_from_iter([("x", numbers as _)]).unwrap();
        for compression in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
            for bytes in written(&[batch.clone(), batch.clone()], Some(compression)) {
                let length = 8000_i64.to_le_bytes();
                let places = bytes.windows(8).enumerate().filter(|(_, window)| *window == length);
                let last = places.map(|(at, _)| at).next_back().unwrap();
                for length in [1 << 31, 1 << 45, i64::MAX] {
                    let mut damaged = bytes.clone();
                    damaged[last..last + 8].copy_from_slice(&i64::to_le_bytes(length));
                    let problem = format!("a buffer is said to unpack to {length} bytes, which is too much");
                    assert_eq!(error(&damaged), format!("t cannot be read as an Arrow file: {problem}"));
                }
                let mut damaged = bytes.clone();
                damaged[last] ^= 1;
                assert!(error(&damaged).starts_with("t cannot be read as an Arrow file: "));
            }
        }
    }

    /// Of some damage the reader takes no notice, and of some it panics.
    #[test]
    fn damaged_files_are_errors() {
        for bytes in written(&[batch()], None) {
            let mut errors = 0;
            for at in (8..bytes.len()).step_by(5) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x55;
                errors += usize::from(read(&Source::bytes("t", damaged), &FileForm::default()).is_err());
            }
            assert!(errors > 0);
        }
    }
}
