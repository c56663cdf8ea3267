//! The settings that losses on random class scores share.

use super::exact::{check_margin, check_sigma};
use super::{LossError, LossSum};
use crate::Real;
use crate::quadrature::Rule;

/// The distribution of the class scores that a loss assumes, and how its integrals are computed.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    pub sigma: f64,
    pub margin: Option<f64>,
    pub learned_sigma: bool,
    pub rule: Rule,
}

impl Scores {
    pub fn new(sigma: f64) -> Result<Self, LossError> {
        check_sigma(sigma)?;
        Ok(Self { sigma, margin: None, learned_sigma: false, rule: Rule::training() })
    }

    pub fn with_margin(self, margin: f64) -> Result<Self, LossError> {
        check_margin(margin)?;
        Ok(Self { margin: Some(margin), ..self })
    }

    pub fn at_sigma(&self, sigma: f64) -> Result<Self, LossError> {
        check_sigma(sigma)?;
        Ok(Self { sigma, ..self.clone() })
    }

    /// Log sigma, if it is learned.
    pub fn initial_parameters<T: Real>(&self) -> Vec<T> {
        if self.learned_sigma { vec![T::from_f64(self.sigma.ln())] } else { Vec::new() }
    }

    /// Sigma at the given parameters.
    pub fn sigma_at<T: Real>(&self, parameters: &[T]) -> T {
        match parameters {
            [log_sigma, ..] => log_sigma.exp(),
            [] => T::from_f64(self.sigma),
        }
    }

    /// A sum with its derivative with respect to sigma, as one with the derivative with respect to the parameters.
    pub fn sum<T: Real>(&self, value: f64, dsigma: f64, parameters: &[T]) -> LossSum<T> {
        let mut sum = LossSum::of(T::from_f64(value));
        if !parameters.is_empty() {
            sum.parameters[0] = T::from_f64(dsigma * self.sigma_at(parameters).to_f64());
        }
        sum
    }
}
