//! Tables as Arrow has them in memory: IPC files, which are Feather files since its second version, and
//! streams.

use std::io::Cursor;

use arrow_array::RecordBatchReader;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;

use super::arrow_cells::ArrowTable;
use super::guarded::guarded;
use crate::raw_table::RawTable;
use crate::{DataError, Source};

const FORMAT: &str = "an Arrow file";

pub(super) fn read_file(source: &Source) -> Result<RawTable, DataError> {
    guarded(source, FORMAT, || read(source, FileReader::try_new(Cursor::new(source.read()?), None)))
}

pub(super) fn read_stream(source: &Source) -> Result<RawTable, DataError> {
    guarded(source, FORMAT, || read(source, StreamReader::try_new(source.open()?, None)))
}

fn read(source: &Source, reader: Result<impl RecordBatchReader, ArrowError>) -> Result<RawTable, DataError> {
    let file = source.name();
    let damaged = |error: ArrowError| DataError::DamagedFile {
        file: file.into(),
        format: FORMAT,
        problem: error.to_string(),
    };
    let reader = reader.map_err(damaged)?;
    let mut table = ArrowTable::new(file, &reader.schema());
    for batch in reader {
        table.push(&batch.map_err(damaged)?)?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};

    use super::super::arrow_cells::tests::{assert_batches, batch};
    use super::super::read;
    use crate::{FileForm, Source};

    #[test]
    fn files_and_streams_with_every_compression() {
        let batch = batch();
        for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
            let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
            let (mut file, mut stream) = (Vec::new(), Vec::new());
            let mut writer =
                FileWriter::try_new_with_options(&mut file, batch.schema_ref(), options.clone()).unwrap();
            writer.write(&batch).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
            drop(writer);
            let mut writer =
                StreamWriter::try_new_with_options(&mut stream, batch.schema_ref(), options).unwrap();
            writer.write(&batch).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
            drop(writer);
            for bytes in [&file, &stream] {
                assert_batches(&read(&Source::bytes("t", bytes.as_slice()), &FileForm::default()).unwrap());
            }
            for cut in [&file[..file.len() / 2], &stream[..stream.len() / 2]] {
                let error = read(&Source::bytes("t", cut), &FileForm::default()).unwrap_err().to_string();
                assert!(error.starts_with("t cannot be read as an Arrow file: "), "{error}");
            }
        }
    }

    /// Of some damage the reader takes no notice, and of some it panics.
    #[test]
    fn damaged_files_are_errors() {
        let batch = batch();
        let mut file = Vec::new();
        let mut writer = FileWriter::try_new(&mut file, batch.schema_ref()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        let mut errors = 0;
        for at in (8..file.len()).step_by(5) {
            let mut damaged = file.clone();
            damaged[at] ^= 0x55;
            errors += usize::from(read(&Source::bytes("t", damaged), &FileForm::default()).is_err());
        }
        assert!(errors > 0);
    }
}
