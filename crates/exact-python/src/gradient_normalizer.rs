//! The gradient normaliser.

use exact_core::gradient_normalizer::GradientNormalizer;
use pyo3::pyfunction;

/// What to divide a gradient of this norm by, and the running mean of the norms with it, of which `mean_norm`
/// is the last.
#[pyfunction]
#[pyo3(signature = (mean_norm, norm))]
pub fn gradient_divisor(mean_norm: Option<f64>, norm: f64) -> (f64, Option<f64>) {
    let mut normalizer = GradientNormalizer::from_mean_norm(mean_norm);
    (normalizer.divisor(norm), normalizer.mean_norm())
}
