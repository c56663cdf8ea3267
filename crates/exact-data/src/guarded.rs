//! Readers that panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::DataError;

thread_local! {
    /// Whether a panic of this thread is caught and told as an error.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Reads a file with a reader of another crate which panics on some damaged files: that is an error here, and
/// nothing is printed.
///
/// # Errors
/// Those of the reader, and [`DataError::DamagedFile`], with the name of the file and of its format, if it
/// panics.
///
/// # Example
/// ```
/// use exact_data::{DataError, guarded};
/// let read = || -> Result<(), DataError> { unreachable!("a damaged file") };
/// assert!(matches!(guarded("cat.gif", "GIF", read), Err(DataError::DamagedFile { .. })));
/// ```
pub fn guarded<T, E: From<DataError>>(
    file: &str,
    format: &'static str,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
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
    let content = catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(before);
    content.unwrap_or_else(|_| {
        let problem = "it is damaged in a way that its reader does not expect".into();
        Err(DataError::DamagedFile { file: file.into(), format, problem }.into())
    })
}
