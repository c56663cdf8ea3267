//! Schedules of sigma.

use exact_core::schedule::Schedule;
use pyo3::exceptions::PyValueError;
use pyo3::{PyResult, pyfunction};

/// The value at a step of a geometric or cosine schedule.
///
/// # Errors
/// A `ValueError` if a value is not positive and finite.
#[pyfunction]
pub fn schedule_value(shape: &str, start: f64, end: f64, step: usize, steps: usize) -> PyResult<f64> {
    let schedule = match shape {
        "geometric" => Schedule::geometric(start, end),
        "cosine" => Schedule::cosine(start, end),
        _ => return Err(PyValueError::new_err(format!("there is no schedule named {shape}"))),
    };
    let schedule = schedule.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(schedule.value(step, steps))
}
