//! Parquet.

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::arrow_cells::ArrowTable;
use super::partitions::add_partitions;
use crate::guarded::guarded;
use crate::raw_table::RawTable;
use crate::{DataError, Source};

const FORMAT: &str = "Parquet";
/// The rows that are decoded at a time.
const BATCH: usize = 1 << 13;

/// Reads the columns of the file, and those that the folders around it are named after.
pub(super) fn read(source: &Source) -> Result<RawTable, DataError> {
    add_partitions(guarded(source.name(), FORMAT, || read_columns(source))?, source.name())
}

fn read_columns(source: &Source) -> Result<RawTable, DataError> {
    let file = source.name();
    let damaged = |problem: String| DataError::DamagedFile { file: file.into(), format: FORMAT, problem };
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(source.read()?))
        .map_err(|error| damaged(error.to_string()))?;
    let mut table = ArrowTable::new(file, reader.schema());
    let reader = reader.with_batch_size(BATCH).build().map_err(|error| damaged(error.to_string()))?;
    for batch in reader {
        table.push(&batch.map_err(|error| damaged(error.to_string()))?)?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
    use parquet::file::properties::WriterProperties;

    use super::super::arrow_cells::tests::{assert_batches, batch};
    use super::super::read;
    use crate::{FileForm, Source};

    fn written(batches: &[RecordBatch], compression: Compression) -> Vec<u8> {
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batches[0].schema(), Some(properties)).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn every_type_with_every_compression() {
        for compression in [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(GzipLevel::default()),
            Compression::BROTLI(BrotliLevel::default()),
            Compression::LZ4_RAW,
            Compression::LZ4,
            Compression::ZSTD(ZstdLevel::default()),
        ] {
            let bytes = written(&[batch(), batch()], compression);
            // The content says it is Parquet.
            assert_batches(&read(&Source::bytes("t.csv", bytes), &FileForm::default()).unwrap());
        }
    }

    #[test]
    fn a_file_without_rows() {
        let empty = RecordBatch::try_from_iter([("a", Arc::new(Int64Array::new_null(0)) as _)]).unwrap();
        let bytes = written(&[empty], Compression::UNCOMPRESSED);
        let table = read(&Source::bytes("t.parquet", bytes), &FileForm::default()).unwrap();
        assert_eq!((table.columns.len(), table.n_rows()), (1, 0));
    }
}
