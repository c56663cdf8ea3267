//! Errors of exact-core as Python exceptions.

use exact_core::loss::LossError;
use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

/// A `ValueError` that says what was wrong and how to mend it.
pub fn value_error(error: &LossError) -> PyErr {
    let hint = match error {
        LossError::Logit { .. } => "; leave the sample out, or look for a diverging model",
        LossError::Label { .. } => "; number the classes from 0",
        LossError::Setting { name: "sigma", .. } => "; for a learned sigma, learn its logarithm",
        LossError::Setting { name: "cost", .. } => "; give a mistake to be avoided a large cost",
        LossError::ZeroWeights => "; give at least one sample a weight",
        _ => "",
    };
    PyValueError::new_err(format!("{error}{hint}"))
}
