//! Readers that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::raw_table::RawTable;
use crate::{DataError, Source};

/// Reads a table with a reader of another crate which panics on some damaged files: that is an error here.
pub(super) fn guarded(
    source: &Source,
    format: &'static str,
    read: impl FnOnce() -> Result<RawTable, DataError>,
) -> Result<RawTable, DataError> {
    // Nothing that is being changed is seen afterwards.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let problem = "it is damaged in a way that its reader does not expect".into();
        Err(DataError::DamagedFile { file: source.name().into(), format, problem })
    })
}
