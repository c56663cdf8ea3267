//! The gradient normaliser: steps of a steady size while sigma changes the scale of the gradient.

use crate::Real;

/// Divides gradients by a running mean of their norm, so that a learning rate keeps its meaning while sigma
/// shrinks. It takes the place of gradient clipping (Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615,
/// improvements).
///
/// # Formula
/// `m ← norm` at the first step, then `m ← 0.9 m + 0.1 norm`; the gradient is divided by `max(m, 0.01)`.
///
/// # Example
/// ```
/// use exact_core::gradient_normalizer::GradientNormalizer;
///
/// let mut normalizer = GradientNormalizer::new();
/// let mut gradient = [3.0_f64, 4.0];
/// normalizer.normalize(&mut gradient);
/// assert!((gradient[0] - 0.6).abs() < 1e-15 && (gradient[1] - 0.8).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GradientNormalizer {
    mean_norm: Option<f64>,
}

/// The weight of the past in the running mean.
const MOMENTUM: f64 = 0.9;
/// The smallest divisor.
const FLOOR: f64 = 0.01;

impl GradientNormalizer {
    /// Before the first step.
    pub fn new() -> Self {
        Self::default()
    }

    /// After steps whose running mean is known, such as those before an interruption.
    pub fn from_mean_norm(mean_norm: Option<f64>) -> Self {
        Self { mean_norm }
    }

    /// The running mean of the norm; none before the first step.
    pub fn mean_norm(&self) -> Option<f64> {
        self.mean_norm
    }

    /// Takes the gradient's norm into the running mean and divides the gradient by it. A gradient that is not
    /// finite is left as it is and not counted.
    pub fn normalize<T: Real>(&mut self, gradient: &mut [T]) {
        let norm = gradient.iter().map(|slope| slope.to_f64().powi(2)).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return;
        }
        let inverse = T::from_f64(1.0 / self.divisor(norm));
        for slope in gradient {
            *slope *= inverse;
        }
    }

    /// Takes a gradient's norm into the running mean and returns what to divide that gradient by: 1 if the
    /// norm is not finite, which is not counted.
    pub fn divisor(&mut self, norm: f64) -> f64 {
        if !norm.is_finite() {
            return 1.0;
        }
        let mean = self.mean_norm.map_or(norm, |mean| MOMENTUM * mean + (1.0 - MOMENTUM) * norm);
        self.mean_norm = Some(mean);
        mean.max(FLOOR)
    }
}

#[cfg(test)]
mod tests {
    use super::GradientNormalizer;

    #[test]
    fn follows_the_norm_and_stops_at_the_floor() {
        let mut normalizer = GradientNormalizer::new();
        normalizer.normalize(&mut [10.0_f64]);
        let mut gradient = [20.0_f64];
        normalizer.normalize(&mut gradient);
        assert!((gradient[0] - 20.0 / 11.0).abs() < 1e-12);
        let mut normalizer = GradientNormalizer::new();
        let mut gradient = [1e-5_f64];
        normalizer.normalize(&mut gradient);
        assert!((gradient[0] - 1e-3).abs() < 1e-15);
        let mut gradient = [f64::NAN];
        normalizer.normalize(&mut gradient);
        let mut gradient = [1e-5_f64];
        normalizer.normalize(&mut gradient);
        assert!(gradient[0].is_finite());
    }
}
