//! Files of every format as tables of cells.

mod arff;
#[cfg(feature = "arrays")]
mod arrays;
#[cfg(any(feature = "parquet", feature = "arrow-ipc"))]
mod arrow_cells;
#[cfg(feature = "arrow-ipc")]
mod arrow_ipc;
#[cfg(feature = "arrow-ipc")]
mod arrow_lengths;
mod delimited;
#[cfg(feature = "excel")]
mod excel;
mod integers;
mod json_lines;
mod libsvm;
mod lines;
#[cfg(feature = "arrays")]
pub(crate) mod npy;
#[cfg(feature = "arrays")]
mod npy_head;
#[cfg(feature = "arrays")]
mod number_type;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod partitions;
#[cfg(feature = "arrays")]
mod safetensors;
mod several;
mod signature;

pub(crate) use several::read_all;
pub(crate) use signature::has_table_extension;

use crate::raw_table::RawTable;
use crate::{DataError, FileForm, Source};
use signature::{Format, recognise};

/// Reads a file of any format, which its content says, or else its name.
pub(crate) fn read(source: &Source, form: &FileForm) -> Result<RawTable, DataError> {
    match recognise(source, form)? {
        Format::Delimited => delimited::read(source, form),
        Format::JsonLines => json_lines::read_lines(source, form),
        Format::JsonArray => json_lines::read_array(source, form),
        Format::Arff => arff::read(source, form),
        Format::Libsvm => libsvm::read(source, form),
        #[cfg(feature = "arrays")]
        Format::Npy => npy::read_npy(source),
        #[cfg(feature = "arrays")]
        Format::Npz => npy::read_npz(source),
        #[cfg(feature = "arrays")]
        Format::Safetensors => safetensors::read(source),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::read(source),
        #[cfg(feature = "arrow-ipc")]
        Format::ArrowFile => arrow_ipc::read_file(source),
        #[cfg(feature = "arrow-ipc")]
        Format::ArrowStream => arrow_ipc::read_stream(source),
        #[cfg(feature = "excel")]
        Format::Workbook(kind) => excel::read(source, kind, form),
        #[allow(unreachable_patterns, reason = "with all features, all formats are above")]
        format => Err(format.not_built_in(source)),
    }
}
