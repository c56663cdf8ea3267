//! Errors of tables and model files as Python exceptions.

use std::io;

use exact_data::DataError;
use exact_linear::LinearError;
use pyo3::PyErr;
use pyo3::exceptions::{PyFileNotFoundError, PyOSError, PyValueError};

use crate::linear::linear_error;

/// An `OSError` if a file cannot be read or written, and else a `ValueError`; it says how to mend it.
pub fn data_error(error: &DataError) -> PyErr {
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    let message = format!("{error}{hint}");
    match error {
        DataError::Read { error, .. } | DataError::Write { error, .. } => os_error(error, message),
        _ => PyValueError::new_err(message),
    }
}

/// The same for errors of models.
pub fn model_error(error: &LinearError) -> PyErr {
    match error {
        LinearError::Data(error) => data_error(error),
        LinearError::Read { source, .. } => os_error(source, format!("{error}: {source}")),
        LinearError::ModelFile { .. } => {
            let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            PyValueError::new_err(format!("{error}{hint}"))
        }
        error => linear_error(error),
    }
}

fn os_error(error: &io::Error, message: String) -> PyErr {
    match error.kind() {
        io::ErrorKind::NotFound => PyFileNotFoundError::new_err(message),
        _ => PyOSError::new_err(message),
    }
}
