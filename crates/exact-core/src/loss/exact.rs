//! The EXACT loss: expected error.

use super::{Loss, LossError, LossSum, Samples};
use crate::Real;
use crate::expected::{OrthantBatch, Outcome, Quantity, Sigma};
use crate::quadrature::Rule;

/// Expected error, one minus the expected accuracy of scores `s ~ N(logits, sigma² I)`.
///
/// # Formula
/// `1 - P(s_y > max_{i≠y} s_i)`; with a margin `r`, differences `logit_y - logit_i` are clipped at `r`.
///
/// `Deviation:` the paper estimates the probability and its gradient by Monte Carlo; here both are computed by
/// deterministic quadrature ([`Rule::training`] by default: the gradient's error is below 4e-6 of its largest entry, typically 4e-7).
///
/// # Example
/// ```
/// use exact_core::loss::{Exact, Logits, Loss};
///
/// let loss = Exact::new(0.5).unwrap();
/// let mut grad = [0.0; 2];
/// let value = loss.evaluate(Logits::new(&[1.0_f64, 0.0], 2).unwrap(), &[0], None, &mut grad).unwrap();
/// // Two classes: 1 - Φ(1 / (0.5 √2)).
/// assert!((value - 0.078_649_603_525_142_7).abs() < 1e-15);
/// assert!(grad[0] < 0.0);
/// ```
///
/// # References
/// Karpukhin, Dereka and Kolesnikov, *EXACT: How to Train Your Accuracy*, arXiv 2205.09615.
#[derive(Debug, Clone)]
pub struct Exact {
    sigma: f64,
    margin: Option<f64>,
    learned_sigma: bool,
    rule: Rule,
}

impl Exact {
    /// Without margin, at the given sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `sigma` is not positive and finite.
    pub fn new(sigma: f64) -> Result<Self, LossError> {
        check_sigma(sigma)?;
        Ok(Self { sigma, margin: None, learned_sigma: false, rule: Rule::training() })
    }

    /// Clips the differences between the label's logit and the others at `margin`.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `margin` is negative or NaN.
    pub fn with_margin(self, margin: f64) -> Result<Self, LossError> {
        check_margin(margin)?;
        Ok(Self { margin: Some(margin), ..self })
    }

    /// Makes log sigma a learned parameter that starts at this loss's sigma.
    #[must_use]
    pub fn with_learned_sigma(self) -> Self {
        Self { learned_sigma: true, ..self }
    }

    /// Replaces the quadrature rule.
    #[must_use]
    pub fn with_rule(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }

    /// The same loss at another sigma, as in a schedule.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `sigma` is not positive and finite.
    pub fn at_sigma(&self, sigma: f64) -> Result<Self, LossError> {
        check_sigma(sigma)?;
        Ok(Self { sigma, ..self.clone() })
    }

    /// The standard deviation of the scores (the starting value, if it is learned).
    pub fn sigma(&self) -> f64 {
        self.sigma
    }
}

/// `e^log_sigma`, within the range of positive numbers.
pub(super) fn sigma_of<T: Real>(log_sigma: T) -> T {
    let limit = (T::MAX.ln() - T::ONE).min(T::from_f64(700.0));
    log_sigma.max(-limit).min(limit).exp()
}

pub(super) fn check_sigma(sigma: f64) -> Result<(), LossError> {
    if sigma > 0.0 && sigma.is_finite() {
        return Ok(());
    }
    Err(LossError::Setting { name: "sigma", expected: "positive and finite", value: sigma })
}

pub(super) fn check_margin(margin: f64) -> Result<(), LossError> {
    if margin >= 0.0 {
        return Ok(());
    }
    Err(LossError::Setting { name: "margin", expected: "at least 0", value: margin })
}

impl<T: Real> Loss<T> for Exact {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn initial_parameters(&self) -> Vec<T> {
        if self.learned_sigma { vec![T::from_f64(self.sigma.ln())] } else { Vec::new() }
    }

    fn sum(&self, samples: Samples<'_, T>, parameters: &[T], grad: &mut [T]) -> LossSum<T> {
        let sigma = match parameters {
            [log_sigma, ..] => sigma_of(*log_sigma),
            [] => T::from_f64(self.sigma),
        };
        let (mut value, mut log_sigma_slope) = (0.0, 0.0);
        T::run_orthant(OrthantBatch {
            logits: samples.logits(),
            n_classes: samples.n_classes(),
            labels: samples.labels(),
            sigma: Sigma::Common(sigma),
            margin: self.margin.map(T::from_f64),
            rule: &self.rule,
            quantity: Quantity::Probability,
            grad,
            sigma_grad: None,
            visit: &mut |row: usize, outcome: &Outcome| {
                let weight = samples.weight(row);
                value += weight.to_f64() * outcome.complement();
                log_sigma_slope -= weight.to_f64() * outcome.dsigma * sigma.to_f64();
                -weight
            },
        });
        let mut sum = LossSum::of(T::from_f64(value));
        if !parameters.is_empty() {
            sum.parameters[0] = T::from_f64(log_sigma_slope);
        }
        sum
    }
}
