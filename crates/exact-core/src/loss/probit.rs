//! The probit loss: the negative logarithm of expected accuracy.

use super::exact::{check_margin, check_sigma};
use super::{Loss, LossError, LossSum, Samples};
use crate::Real;
use crate::expected::{OrthantBatch, Outcome, Quantity, Sigma};
use crate::quadrature::Rule;

/// `-log P(s_y > max_{i≠y} s_i)` for scores `s ~ N(logits, sigma² I)`: multinomial probit regression.
///
/// P is log-concave in the logits (Prékopa 1973), so this loss is convex in them and in linear weights, and unlike the
/// expected error its gradient does not vanish for badly misclassified samples.
///
/// # Example
/// ```
/// use exact_core::loss::{Logits, Loss, Probit};
///
/// let loss = Probit::new(1.0).unwrap();
/// let mut grad = [0.0; 3];
/// let value = loss.evaluate(Logits::new(&[0.0_f64; 3], 3).unwrap(), &[0], None, &mut grad).unwrap();
/// assert!((value - 3.0_f64.ln()).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct Probit {
    sigma: f64,
    margin: Option<f64>,
    rule: Rule,
}

impl Probit {
    /// Without margin, at the given sigma.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `sigma` is not positive and finite.
    pub fn new(sigma: f64) -> Result<Self, LossError> {
        check_sigma(sigma)?;
        Ok(Self { sigma, margin: None, rule: Rule::training() })
    }

    /// Clips the differences between the label's logit and the others at `margin`.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `margin` is negative or NaN.
    pub fn with_margin(self, margin: f64) -> Result<Self, LossError> {
        check_margin(margin)?;
        Ok(Self { margin: Some(margin), ..self })
    }
}

impl<T: Real> Loss<T> for Probit {
    fn name(&self) -> &'static str {
        "probit"
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        let mut value = 0.0;
        T::run_orthant(OrthantBatch {
            logits: samples.logits(),
            n_classes: samples.n_classes(),
            labels: samples.labels(),
            sigma: Sigma::Common(T::from_f64(self.sigma)),
            margin: self.margin.map(T::from_f64),
            rule: &self.rule,
            quantity: Quantity::LogProbability,
            grad,
            sigma_grad: None,
            visit: &mut |row: usize, outcome: &Outcome| {
                let weight = samples.weight(row);
                value -= weight.to_f64() * outcome.log_probability();
                -weight
            },
        });
        LossSum::of(T::from_f64(value))
    }
}
