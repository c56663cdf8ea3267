//! What a person sees when a command fails.

use std::io::{self, Write as _};
use std::process::ExitCode;

use exact_data::DataError;
use exact_linear::LinearError;

/// Prints `error: …` and hints to standard error. A reader that went away, as in `exact … | head`, is no failure.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(broken_pipe) {
        return ExitCode::SUCCESS;
    }
    let mut messages: Vec<String> = Vec::new();
    let mut hint = None;
    for cause in error.chain() {
        let message = cause.to_string();
        // Errors that wrap another one transparently say the same.
        if messages.last() != Some(&message) {
            messages.push(message);
        }
        let this = (cause.downcast_ref::<DataError>().and_then(DataError::hint))
            .or_else(|| cause.downcast_ref::<LinearError>().and_then(LinearError::hint));
        hint = hint.or(this);
    }
    let mut stderr = io::stderr().lock();
    // Nothing is left to tell if standard error is closed as well.
    let _ = writeln!(stderr, "error: {}", messages.join(": "));
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
    ExitCode::from(2)
}

/// Prints `warning: …` to standard error.
pub(crate) fn warn(message: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "warning: {message}");
}
