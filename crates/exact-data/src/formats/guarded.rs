//! Readers that panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::raw_table::RawTable;
use crate::{DataError, Source};

thread_local! {
    /// Whether a panic of this thread is caught and told as an error.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Reads a table with a reader of another crate which panics on some damaged files: that is an error here,
/// and nothing is printed.
pub(super) fn guarded(
    source: &Source,
    format: &'static str,
    read: impl FnOnce() -> Result<RawTable, DataError>,
) -> Result<RawTable, DataError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                usual(panic);
            }
        }));
    });
    let before = IS_GUARDED.replace(true);
    // Nothing that is being changed is seen afterwards.
    let table = catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(before);
    table.unwrap_or_else(|_| {
        let problem = "it is damaged in a way that its reader does not expect".into();
        Err(DataError::DamagedFile { file: source.name().into(), format, problem })
    })
}
