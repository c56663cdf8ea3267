//! Quadrature rules, computed once.

use std::sync::LazyLock;

use exact_core::Rule;
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::types::PyTuple;
use pyo3::{Bound, IntoPyObject, PyResult, Python, pyfunction};

use crate::arrays::Number;

static SINGLE: LazyLock<Rule> = LazyLock::new(Rule::precise::<f32>);
static DOUBLE: LazyLock<Rule> = LazyLock::new(Rule::precise::<f64>);
static NODES_128: LazyLock<Rule> = LazyLock::new(Rule::wide);
static NODES_1024: LazyLock<Rule> = LazyLock::new(|| {
    let wide = Rule::wide();
    Rule::new(1024, wide.truncation()).unwrap_or(wide)
});

/// How much the sigmas of a sample's classes differ. The integrand has steps as narrow as their ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spread {
    /// At most by the factor that the rules for one sigma bear.
    Even,
    /// At most by the factor that 128 nodes bear.
    Wide,
    /// More.
    Steep,
}

/// Measured: the rules for one sigma lose digits from a ratio of 3 on, 128 nodes from 16 on, and 1024 nodes none up to
/// [`STEEP`].
const EVEN: f64 = 2.0;
const WIDE: f64 = 8.0;
const STEEP: f64 = 300.0;

impl Spread {
    /// Of the sigmas of a sample that are in this ratio.
    ///
    /// # Errors
    /// A `ValueError` if it is so large that no rule is precise.
    pub fn of(ratio: f64, row: usize) -> PyResult<Self> {
        if ratio > STEEP {
            return Err(PyValueError::new_err(format!(
                "the sigmas of the classes of sample {row} differ by a factor of {ratio:.0}, which is more than {STEEP}; bound them"
            )));
        }
        Ok(if ratio > WIDE {
            Self::Steep
        } else if ratio > EVEN {
            Self::Wide
        } else {
            Self::Even
        })
    }

    /// The rule that is precise for these sigmas.
    pub fn rule<T: Number>(self) -> &'static Rule {
        match self {
            Self::Even if T::EPSILON.to_f64() > 1e-10 => &SINGLE,
            Self::Even => &DOUBLE,
            Self::Wide => &NODES_128,
            Self::Steep => &NODES_1024,
        }
    }
}

/// The largest sigma over the smallest: the steps of the predictive distribution.
pub fn largest_ratio<T: Number>(_: usize, sigmas: &[T]) -> f64 {
    ratio(sigmas.iter().fold(0.0, |high: f64, sigma| high.max(sigma.to_f64())), sigmas)
}

/// A sigma over the smallest.
pub fn ratio<T: Number>(high: f64, sigmas: &[T]) -> f64 {
    let low = sigmas.iter().fold(f64::INFINITY, |low, sigma| low.min(sigma.to_f64()));
    // What is not positive is refused by the kernels, with a better message.
    if low > 0.0 && high.is_finite() { high / low } else { 1.0 }
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
