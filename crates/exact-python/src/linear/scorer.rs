//! A function of Python as a score to choose settings by.

use exact_linear::{Scored, Scorer, ScorerError};
use numpy::PyArray1;
use pyo3::types::PyAnyMethods;
use pyo3::{Py, PyAny, PyResult, Python};

use crate::outputs::matrix;

/// The scorer that calls `score(labels, logits, probabilities, weights)`, with arrays `[n]`, `[n, n_classes]`
/// twice, and `[n]` or `None`. What it raises is raised by the training.
pub fn scorer(score: Py<PyAny>) -> Scorer {
    Scorer::new(move |scored| Python::attach(|py| call(py, &score, scored)).map_err(ScorerError::from))
}

fn call(py: Python<'_>, score: &Py<PyAny>, scored: &Scored<'_>) -> PyResult<f64> {
    let of_classes = |values: &[f64]| matrix(py, values.to_vec(), scored.labels.len(), scored.n_classes);
    let labels = scored.labels.iter().map(|&label| i64::from(label)).collect();
    let arguments = (
        PyArray1::from_vec(py, labels),
        of_classes(scored.logits)?,
        of_classes(scored.probabilities)?,
        scored.weights.map(|weights| PyArray1::from_slice(py, weights)),
    );
    score.bind(py).call1(arguments)?.extract()
}
