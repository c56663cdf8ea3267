//! What every result must satisfy.

use exact_core::Real;
use exact_core::expected::Probability;

/// `exp(log P)` is compared with P, computed in `f32` by some rules, within this.
const LOGARITHM: f64 = 2e-5;
/// Relative excess over a bound that rounding and the rules' error may cause.
pub const SLACK: f64 = 1e-3;
/// `1 / (2 √π)`: the largest slope of the probability that one of two scores of sigma 1 exceeds the other.
pub const STEEPEST: f64 = 0.282_094_791_773_878_14;

/// Whether each value is 0 or of a size from `MAX^(-1/4)` to `MAX^(1/4)`, 4e9 for `f32` and 1e77 for `f64`:
/// products of three stay in range. What comes of other values may be infinite or NaN where it overflows on
/// the way; they must not make anything panic.
pub fn are_moderate<T: Real>(values: &[T]) -> bool {
    let largest = T::MAX.sqrt().sqrt();
    let range = T::ONE / largest..=largest;
    values.iter().all(|value| *value == T::ZERO || range.contains(&value.abs()))
}

pub fn finite<T: Real>(what: &str, values: &[T]) {
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        assert!(values[at].is_finite(), "{what}: entry {at} is {}", values[at]);
    }
}

/// P and 1 - P add up to 1 within the rounding of each.
pub fn probability<T: Real>(value: &Probability<T>, default_rule: bool) {
    let (p, rest) = (value.p.to_f64(), value.one_minus_p.to_f64());
    assert!((0.0..=1.0).contains(&p) && (0.0..=1.0).contains(&rest), "{value:?}");
    assert!((p + rest - 1.0).abs() <= T::EPSILON.to_f64(), "{value:?}");
    assert!(value.log_p.is_finite() && value.dsigma.is_finite(), "{value:?}");
    if default_rule {
        assert!(value.log_p <= T::ZERO && (value.log_p.to_f64().exp() - p).abs() <= LOGARITHM, "{value:?}");
    }
}

/// The label's slope is not negative and no other is positive; together they are 0 up to rounding.
pub fn signs<T: Real>(grad: &[T], label: usize) {
    let others = grad.iter().enumerate().filter(|&(class, _)| class != label);
    let mut sum = 0.0;
    for (class, slope) in others {
        assert!(*slope <= T::ZERO, "the slope of class {class} is {slope}");
        sum += slope.to_f64();
    }
    let slope = grad[label];
    assert!(slope >= T::ZERO, "the slope of the label is {slope}");
    if slope < T::MAX {
        let rounding = 2.0 * T::EPSILON.to_f64() * grad.len() as f64;
        // Each entry may have been rounded to a multiple of the smallest number.
        let smallest = grad.len() as f64 * 1e-300_f64.max(f64::from(f32::MIN_POSITIVE) * rounding);
        assert!((sum + slope.to_f64()).abs() <= rounding * slope.to_f64() + smallest, "{sum} {slope}");
    }
}
