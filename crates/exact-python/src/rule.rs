//! Quadrature rules, computed once.

use std::sync::LazyLock;

use exact_core::Rule;
use numpy::PyArray1;
use pyo3::types::PyTuple;
use pyo3::{Bound, IntoPyObject, PyResult, Python, pyfunction};

use crate::arrays::Number;

static SINGLE: LazyLock<Rule> = LazyLock::new(Rule::precise::<f32>);
static DOUBLE: LazyLock<Rule> = LazyLock::new(Rule::precise::<f64>);

/// The rule for single or double precision.
pub fn precise<T: Number>() -> &'static Rule {
    if T::EPSILON.to_f64() > 1e-10 { &SINGLE } else { &DOUBLE }
}

/// The nodes in [-1, 1], the weights and the truncation of the rule for single or double precision.
///
/// # Errors
/// If memory runs out.
#[pyfunction]
pub fn quadrature(py: Python<'_>, double: bool) -> PyResult<Bound<'_, PyTuple>> {
    let rule: &Rule = if double { &DOUBLE } else { &SINGLE };
    let nodes = rule.nodes();
    let positions = PyArray1::from_vec(py, nodes.iter().map(|node| node.position).collect());
    let weights = PyArray1::from_vec(py, nodes.iter().map(|node| node.weight).collect());
    (positions, weights, rule.truncation()).into_pyobject(py)
}
