//! Expected top-k accuracy: the probability that fewer than k scores exceed the label's.

use super::exceedance;
use super::label_metric::{LabelMetric, Outputs};
use super::probability::Probability;
use super::sigma::Sigma;
use crate::Real;
use crate::error::LossError;
use crate::quadrature::Rule;
use crate::samples::Logits;

/// Expected top-k accuracy of a batch and its gradient.
///
/// # Formula
/// `P = P(#{i ≠ y: s_i > s_y} < k)` for independent `s_i ~ N(mu_i, sigma_i²)`: the integral over the label's
/// score of a Poisson-binomial probability. For `k = 1` it is [`ExpectedAccuracy`](super::ExpectedAccuracy),
/// which is much faster. `k` of at least the number of classes gives P = 1.
///
/// The cost is O(nodes · classes · k) per sample, in `f64` whatever `T`, and in numbers of a wider range
/// where a probability leaves that of `f64`. Unlike for `k = 1`, `-log P` is not convex in the means.
///
/// # Accuracy
/// With [`Rule::precise`] in `f64`: 2e-15 absolute and 3e-13 relative in P, 1e-13 relative in 1 - P and 9e-13
/// in the gradient (of its largest entry), also where the sigmas of classes differ by a factor of 64.
///
/// # Example
/// ```
/// use exact_core::expected::{ExpectedTopK, Probability, Sigma};
/// use exact_core::loss::Logits;
///
/// // Five equal means: each class is among the first two with probability 2/5.
/// let mut values = [Probability::default()];
/// let mut grad = [0.0_f64; 5];
/// ExpectedTopK::precise::<f64>(2)
///     .unwrap()
///     .evaluate(Logits::new(&[1.0; 5], 5).unwrap(), &[3], Sigma::Common(0.5), &mut values, &mut grad)
///     .unwrap();
/// assert!((values[0].p - 0.4).abs() < 1e-14);
/// ```
#[derive(Debug, Clone)]
pub struct ExpectedTopK {
    k: usize,
    metric: LabelMetric,
}

impl ExpectedTopK {
    /// With the given quadrature rule and no margin.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `k` is 0.
    pub fn new(k: usize, rule: Rule) -> Result<Self, LossError> {
        if k == 0 {
            return Err(LossError::Setting { name: "k", expected: "at least 1", value: 0.0 });
        }
        Ok(Self { k, metric: LabelMetric::new(rule) })
    }

    /// Near machine precision of `T`.
    ///
    /// # Errors
    /// As [`ExpectedTopK::new`].
    pub fn precise<T: Real>(k: usize) -> Result<Self, LossError> {
        Self::new(k, Rule::precise::<T>())
    }

    /// Gradients of log P instead of P.
    #[must_use]
    pub fn of_logarithm(self) -> Self {
        Self { metric: self.metric.of_logarithm(), ..self }
    }

    /// Deltas clipped at `margin`, before the division by sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `margin` is NaN.
    pub fn with_margin(self, margin: f64) -> Result<Self, LossError> {
        Ok(Self { metric: self.metric.with_margin(margin)?, ..self })
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

    /// As [`ExpectedTopK::evaluate`], and writes the gradient with respect to a sigma per class to
    /// `sigma_grad`, `[n, c]`.
    ///
    /// # Errors
    /// As [`ExpectedTopK::evaluate`].
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
        self.metric.evaluate(logits, labels, sigma, outputs, |batch| exceedance::evaluate(batch, self.k))
    }
}
