//! Expected top-k accuracy: the probability that fewer than k scores exceed the label's.

use super::batch::{OrthantBatch, Outcome, Quantity};
use super::classes::Classes;
use super::exceedance::{Exceedance, normal};
use super::extended::Extended;
use super::orthant::{Orthant, Workspace};
use super::probability::Probability;
use super::sigma::Sigma;
use crate::Real;
use crate::loss::{Logits, LossError, Samples};
use crate::quadrature::Rule;

/// Points of one scan for the interval of integration.
const SCAN: usize = 40;
/// A scan is fine enough when this many of its points lie in the interval.
const RESOLVED: usize = 8;
/// Scans at most; each is about twenty times finer than the one before.
const MAX_SCANS: usize = 30;
/// Steps of the search for one end of the interval.
const EDGE_STEPS: usize = 6;

/// Expected top-k accuracy of a batch and its gradient.
///
/// # Formula
/// `P = P(#{i ≠ y: s_i > s_y} < k)` for independent `s_i ~ N(mu_i, sigma_i²)`: the integral over the label's score of
/// a Poisson-binomial probability. For `k = 1` it is [`ExpectedAccuracy`](super::ExpectedAccuracy), which is much
/// faster. `k` of at least the number of classes gives P = 1.
///
/// The cost is O(nodes · classes · k) per sample, computed in `f64` whatever `T`. Unlike for `k = 1`, `-log P` is not
/// convex in the means.
///
/// # Accuracy
/// With [`Rule::precise`] in `f64`: 2e-15 absolute and 3e-13 relative in P, 1e-13 relative in 1 - P and 9e-13 in the
/// gradient (of its largest entry), for the label's sigma up to 4 times the smallest; [`Rule::wide`] for larger ratios.
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
    rule: Rule,
    margin: Option<f64>,
    quantity: Quantity,
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
        Ok(Self { k, rule, margin: None, quantity: Quantity::Probability })
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
        Self { quantity: Quantity::LogProbability, ..self }
    }

    /// Deltas clipped at `margin`, before the division by sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `margin` is NaN.
    pub fn with_margin(self, margin: f64) -> Result<Self, LossError> {
        if margin.is_nan() {
            return Err(LossError::Setting { name: "margin", expected: "a number", value: margin });
        }
        Ok(Self { margin: Some(margin), ..self })
    }

    /// Writes each sample's probability to `values`, `[n]`, and the gradient with respect to the means to `grad`,
    /// `[n, c]`. Runs on the calling thread.
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

    /// As [`ExpectedTopK::evaluate`], and writes the gradient with respect to a sigma per class to `sigma_grad`,
    /// `[n, c]`.
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
        let samples = Samples::sum(logits, labels, None)?;
        sigma.check_outputs(samples, values.len(), grad, sigma_grad.as_deref())?;
        let batch = OrthantBatch {
            logits: samples.logits(),
            n_classes: samples.n_classes(),
            labels,
            sigma,
            margin: self.margin.map(T::from_f64),
            rule: &self.rule,
            quantity: self.quantity,
            grad,
            sigma_grad,
            visit: &mut |row: usize, outcome: &Outcome| {
                values[row] = Probability::of(outcome);
                T::ONE
            },
        };
        batch.run_top_k(self.k);
        Ok(())
    }
}

impl<const SCALED: bool> Classes<'_, f64, 1, SCALED> {
    fn each(&self) -> impl Iterator<Item = (f64, f64)> {
        let scales = self.scale.iter().map(|scale| scale[0]).chain(std::iter::repeat(1.0));
        scales.zip(self.shift.iter().map(|shift| shift[0]))
    }

    /// The top-k counterpart of the orthant probability: F is replaced by W and F' by W'.
    pub(super) fn integrate_top_k(
        &self,
        rule: &Rule,
        exceedance: &mut Exceedance,
        workspace: &mut Workspace<'_, f64, 1>,
    ) -> Orthant<1> {
        let bracket = self.scan(rule.truncation(), exceedance);
        let unit = bracket.height.reciprocal();
        workspace.gradient.fill([0.0]);
        workspace.first_moment.fill([0.0]);

        exceedance.move_to(bracket.left, self.each());
        let (_, upper, _) = normal(bracket.left);
        let mut probability = (exceedance.split().fewer * upper * unit).to_f64();
        exceedance.move_to(bracket.right, self.each());
        let (lower, _, _) = normal(bracket.right);
        let mut complement = (exceedance.split().rest * lower * unit).to_f64();

        let half_width = 0.5 * (bracket.right - bracket.left);
        let center = 0.5 * (bracket.right + bracket.left);
        for node in rule.nodes() {
            let z = node.position * half_width + center;
            let weight = Extended::new(node.weight * half_width) * unit;
            let (lower, upper, density) = normal(z);
            let density = weight * density;
            exceedance.move_to(z, self.each());
            let slope = exceedance.slopes(|class, part| {
                let part = (part * density).to_f64();
                workspace.gradient[class][0] += part;
                if SCALED {
                    workspace.first_moment[class][0] += z * part;
                }
            });
            probability += (weight * slope * upper).to_f64();
            complement += (weight * slope * lower).to_f64();
        }
        Orthant {
            probability: [probability],
            complement: [complement],
            factor: [bracket.height.value()],
            exponent: [bracket.height.exponent()],
        }
    }

    /// `γ(z) = φ(z) W'(z)`.
    fn gamma(&self, z: f64, exceedance: &mut Exceedance) -> Extended {
        exceedance.move_to(z, self.each());
        exceedance.slope() * normal(z).2
    }

    /// The interval on which γ is at least `e^-truncation` of its maximum, by scans that zoom in. Nothing is assumed
    /// about the number of γ's modes, as long as a scan sees them.
    fn scan(&self, truncation: f64, exceedance: &mut Exceedance) -> Interval {
        // γ's mode is not further out than where a class's probability turns, nor than the classes together can pull.
        let count = self.shift.len() as f64;
        let reach = |(a, b): (f64, f64)| (b / a).abs().min(count * a * b.abs());
        let margin = 6.0 + (2.0 * truncation).sqrt();
        let right = self.each().map(reach).fold(0.0, f64::max) + margin;
        let (mut left, mut right) = (-right, right);
        let mut heights = [0.0; SCAN + 1];
        for _ in 0..MAX_SCANS {
            let spacing = (right - left) / SCAN as f64;
            let at = |i: usize| left + i as f64 * spacing;
            let mut top = (f64::NEG_INFINITY, Extended::ZERO);
            for (i, height) in heights.iter_mut().enumerate() {
                let gamma = self.gamma(at(i), exceedance);
                *height = gamma.ln();
                if *height > top.0 {
                    top = (*height, gamma);
                }
            }
            let level = top.0 - truncation;
            let inside = |height: &f64| *height > level;
            let (first, last) = match (heights.iter().position(inside), heights.iter().rposition(inside)) {
                (Some(first), Some(last)) => (first, last),
                _ => (0, SCAN),
            };
            let (outer, far) = (first.saturating_sub(1), (last + 1).min(SCAN));
            if last - first >= RESOLVED {
                let mut drop = |z: f64| self.gamma(z, exceedance).ln() - level;
                let sides = |i: usize| (at(i), heights[i] - level);
                return Interval {
                    left: edge(sides(first), sides(outer), &mut drop),
                    right: edge(sides(last), sides(far), &mut drop),
                    height: top.1,
                };
            }
            (left, right) = (at(outer), at(far));
        }
        Interval { left, right, height: self.gamma(0.5 * (left + right), exceedance) }
    }
}

/// Where to put the nodes, and γ's size there.
struct Interval {
    left: f64,
    right: f64,
    height: Extended,
}

/// Where `f` vanishes between a point `(z, f(z))` where it is positive and one where it is negative, by the Illinois
/// method.
fn edge(mut inside: (f64, f64), mut outside: (f64, f64), f: &mut impl FnMut(f64) -> f64) -> f64 {
    if outside.1 >= 0.0 {
        return outside.0;
    }
    for _ in 0..EDGE_STEPS {
        let z = (inside.0 * outside.1 - outside.0 * inside.1) / (outside.1 - inside.1);
        let value = f(z);
        if value.abs() < 0.05 || !value.is_finite() {
            return z;
        }
        if value > 0.0 {
            inside = (z, value);
            outside.1 *= 0.5;
        } else {
            outside = (z, value);
            inside.1 *= 0.5;
        }
    }
    outside.0
}
