//! Losses that are a sum over the alternatives `i ≠ y` of a function of `delta_i = logit_y - logit_i`.

use super::{LossError, Samples};
use crate::Real;

/// Adds `term(delta)` over the alternatives of all samples, where `term` returns the value and the slope.
/// Writes the gradient.
pub(super) fn sum_over_alternatives<T: Real>(
    samples: Samples<'_, T>,
    grad: &mut [T],
    mut term: impl FnMut(T, T) -> (T, T),
) -> T {
    let n_classes = samples.n_classes();
    let mut total = 0.0;
    let rows = samples.logits().chunks_exact(n_classes).zip(grad.chunks_exact_mut(n_classes));
    for (row, (logits, grad)) in rows.enumerate() {
        let (label, weight) = (samples.labels()[row] as usize, samples.weight(row));
        let (mut value, mut slopes) = (T::ZERO, T::ZERO);
        for (class, (&logit, grad)) in logits.iter().zip(grad.iter_mut()).enumerate() {
            if class != label {
                let (term, slope) = term(logits[label] - logit, weight);
                value += term;
                slopes += slope;
                *grad = -slope * weight;
            }
        }
        grad[label] = slopes * weight;
        total += (value * weight).to_f64();
    }
    T::from_f64(total)
}

/// `1 / (1 + e^-x)` and `1 / (1 + e^x)`, each with relative accuracy.
pub(super) fn sigmoid_pair<T: Real>(x: T) -> (T, T) {
    let e = (-x.abs()).exp();
    let (large, small) = (T::ONE / (T::ONE + e), e / (T::ONE + e));
    if x < T::ZERO { (small, large) } else { (large, small) }
}

pub(super) fn check_temperature(temperature: f64) -> Result<(), LossError> {
    if temperature > 0.0 && temperature.is_finite() {
        return Ok(());
    }
    Err(LossError::Setting { name: "temperature", expected: "positive and finite", value: temperature })
}
