//! The samples that metrics are compared with scikit-learn on. Values come from scikit-learn 1.9.1.

pub(crate) const LABELS: [u32; 10] = [0, 1, 2, 2, 1, 0, 0, 2, 1, 1];
pub(crate) const PREDICTIONS: [u32; 10] = [0, 1, 2, 1, 0, 0, 2, 2, 1, 0];
pub(crate) const WEIGHTS: [f64; 10] = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.25, 2.0, 1.0, 0.75];
#[rustfmt::skip]
pub(crate) const PROBABILITIES: [f64; 30] = [
    0.70, 0.20, 0.10,
    0.30, 0.50, 0.20,
    0.20, 0.20, 0.60,
    0.10, 0.55, 0.35,
    0.45, 0.40, 0.15,
    0.80, 0.15, 0.05,
    0.25, 0.30, 0.45,
    0.05, 0.05, 0.90,
    0.10, 0.75, 0.15,
    0.60, 0.25, 0.15,
];

const TOLERANCE: f64 = 1e-13;

#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < TOLERANCE, "{found} is not {expected}");
}
