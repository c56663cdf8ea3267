//! Expected accuracy: the probability that the label's score is the largest.

use super::label_metric::{LabelMetric, Outputs};
use super::orthant;
use super::probability::Probability;
use super::sigma::Sigma;
use crate::Real;
use crate::error::LossError;
use crate::quadrature::Rule;
use crate::samples::Logits;

/// Expected accuracy of a batch and its gradient.
///
/// # Formula
/// `P = P(s_y > max_{i≠y} s_i)`, `s_i ~ N(mu_i, sigma_i²)` independent, so that
/// `P = ∫ φ(z) Π_{i≠y} Φ((mu_y - mu_i + sigma_y z) / sigma_i) dz` (a one-factor normal orthant probability:
/// Dunnett and Sobel 1955). With a margin `r`, `mu_y - mu_i` is replaced by `min(mu_y - mu_i, r)`.
///
/// # Accuracy
/// That of [`Rule::precise`] or [`Rule::training`]; with a sigma per class, for ratios up to 64, 4e-15 in P
/// and 3e-13 relative to P, 1 - P and the gradient's largest entry, or 4e-7 and 1e-5 (sigmas' gradient 4e-5).
/// Rows whose label's sigma is more than twice another take several times as long: their integrand has steps.
/// Differences of means beyond 64 (`f32`) or a million (`f64`) sigmas behind are clamped; classes more than
/// 18 or 53 sigmas behind the label do not count. Classes that change nothing by a proven bound are left out,
/// and in single precision several hundred classes are integrated as fewer representatives
/// (docs/derivation.md, sections 11 and 12).
///
/// # Example
/// ```
/// use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
/// use exact_core::loss::Logits;
///
/// // Three equal means: each class wins with probability 1/3.
/// let logits = Logits::new(&[2.0_f64, 2.0, 2.0], 3).unwrap();
/// let mut values = [Probability::default()];
/// let mut grad = [0.0; 3];
/// ExpectedAccuracy::precise::<f64>()
///     .evaluate(logits, &[0], Sigma::Common(0.5), &mut values, &mut grad)
///     .unwrap();
/// assert!((values[0].p - 1.0 / 3.0).abs() < 1e-14);
/// assert!((grad[0] + grad[1] + grad[2]).abs() < 1e-14);
/// ```
#[derive(Debug, Clone)]
pub struct ExpectedAccuracy {
    metric: LabelMetric,
}

impl ExpectedAccuracy {
    /// With the given quadrature rule and no margin.
    pub fn new(rule: Rule) -> Self {
        Self { metric: LabelMetric::new(rule) }
    }

    /// Near machine precision of `T`.
    pub fn precise<T: Real>() -> Self {
        Self::new(Rule::precise::<T>())
    }

    /// Gradients of log P instead of P, accurate also where P underflows. Computed in `f64`.
    #[must_use]
    pub fn of_logarithm(self) -> Self {
        Self { metric: self.metric.of_logarithm() }
    }

    /// Deltas clipped at `margin`, before the division by sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `margin` is NaN.
    pub fn with_margin(self, margin: f64) -> Result<Self, LossError> {
        Ok(Self { metric: self.metric.with_margin(margin)? })
    }

    /// Writes each sample's probability to `values`, `[n]`, and the gradient with respect to the means to
    /// `grad`, `[n, c]`. Runs on the calling thread.
    ///
    /// # Errors
    /// [`LossError`] if lengths differ, a label is out of range, or a sigma is not positive and finite.
    pub fn evaluate<T: Real>(
        &self,
        logits: Logits<'_, T>,
        labels: &[u32],
        sigma: Sigma<'_, T>,
        values: &mut [Probability<T>],
        grad: &mut [T],
    ) -> Result<(), LossError> {
        self.evaluate_with_sigma_gradient(logits, labels, sigma, values, grad, None)
    }

    /// As [`ExpectedAccuracy::evaluate`], and writes the gradient with respect to a sigma per class to
    /// `sigma_grad`, `[n, c]`.
    ///
    /// # Errors
    /// As [`ExpectedAccuracy::evaluate`].
    pub fn evaluate_with_sigma_gradient<T: Real>(
        &self,
        logits: Logits<'_, T>,
        labels: &[u32],
        sigma: Sigma<'_, T>,
        values: &mut [Probability<T>],
        grad: &mut [T],
        sigma_grad: Option<&mut [T]>,
    ) -> Result<(), LossError> {
        let outputs = Outputs { values, grad, sigma_grad };
        self.metric.evaluate(logits, labels, sigma, outputs, orthant::evaluate)
    }
}
