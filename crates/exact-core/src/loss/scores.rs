//! The settings that losses on random class scores share.

use super::{LossError, LossSum, Samples};
use crate::Real;
use crate::expected::{OrthantBatch, Outcome, Quantity, Sigma};
use crate::quadrature::Rule;

/// The distribution of the class scores that a loss assumes, and how its integrals are computed.
#[derive(Debug, Clone)]
pub struct Scores {
    pub sigma: f64,
    pub margin: Option<f64>,
    pub learned_sigma: bool,
    pub rule: Rule,
}

/// Access to the distribution of the scores, out of reach outside the crate.
pub trait HasScores: Clone {
    fn scores(&self) -> &Scores;
    fn scores_mut(&mut self) -> &mut Scores;
}

/// Makes a type with a field `scores` a loss on random scores.
macro_rules! has_scores {
    ($loss:ident) => {
        impl super::scores::HasScores for $loss {
            fn scores(&self) -> &Scores {
                &self.scores
            }

            fn scores_mut(&mut self) -> &mut Scores {
                &mut self.scores
            }
        }
    };
}
pub(super) use has_scores;

/// What losses on random class scores have in common: how the scores are distributed, and how the integrals
/// over them are computed.
///
/// # Example
/// ```
/// use exact_core::loss::{Exact, OnRandomScores};
///
/// let loss = Exact::new(0.5)?.with_margin(2.0)?;
/// assert_eq!(loss.at_sigma(0.1)?.sigma(), 0.1);
/// # Ok::<(), exact_core::loss::LossError>(())
/// ```
pub trait OnRandomScores: HasScores {
    /// Clips the differences between the label's logit and the others at `margin`.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `margin` is negative or NaN.
    fn with_margin(mut self, margin: f64) -> Result<Self, LossError> {
        self.scores_mut().set_margin(margin)?;
        Ok(self)
    }

    /// Makes log sigma a learned parameter that starts at this loss's sigma.
    #[must_use]
    fn with_learned_sigma(mut self) -> Self {
        self.scores_mut().learned_sigma = true;
        self
    }

    /// Replaces the quadrature rule.
    #[must_use]
    fn with_rule(mut self, rule: Rule) -> Self {
        self.scores_mut().rule = rule;
        self
    }

    /// The same loss at another sigma, as in a schedule.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `sigma` is not positive and finite.
    fn at_sigma(&self, sigma: f64) -> Result<Self, LossError> {
        let mut loss = self.clone();
        loss.scores_mut().set_sigma(sigma)?;
        Ok(loss)
    }

    /// The standard deviation of the scores (the starting value, if it is learned).
    fn sigma(&self) -> f64 {
        self.scores().sigma
    }
}

impl<L: HasScores> OnRandomScores for L {}

impl Scores {
    /// Without margin, at a fixed sigma, with the rule for training.
    pub fn new(sigma: f64) -> Result<Self, LossError> {
        let mut scores = Self { sigma, margin: None, learned_sigma: false, rule: Rule::training() };
        scores.set_sigma(sigma)?;
        Ok(scores)
    }

    pub fn set_sigma(&mut self, sigma: f64) -> Result<(), LossError> {
        if sigma > 0.0 && sigma.is_finite() {
            self.sigma = sigma;
            return Ok(());
        }
        Err(LossError::Setting { name: "sigma", expected: "positive and finite", value: sigma })
    }

    pub fn set_margin(&mut self, margin: f64) -> Result<(), LossError> {
        if margin >= 0.0 {
            self.margin = Some(margin);
            return Ok(());
        }
        Err(LossError::Setting { name: "margin", expected: "at least 0", value: margin })
    }

    /// Log sigma, if it is learned.
    pub fn initial_parameters<T: Real>(&self) -> Vec<T> {
        if self.learned_sigma { vec![T::from_f64(self.sigma.ln())] } else { Vec::new() }
    }

    /// Sigma at the given parameters, within the range of positive numbers.
    pub fn sigma_at<T: Real>(&self, parameters: &[T]) -> T {
        let Some(&log_sigma) = parameters.first() else {
            return T::from_f64(self.sigma);
        };
        let limit = (T::MAX.ln() - T::ONE).min(T::from_f64(700.0));
        log_sigma.max(-limit).min(limit).exp()
    }

    /// A sum with its derivative with respect to sigma, as one with the derivative with respect to the
    /// parameters.
    pub fn sum<T: Real>(&self, value: f64, dsigma: f64, parameters: &[T]) -> LossSum<T> {
        let mut sum = LossSum::of(T::from_f64(value));
        if !parameters.is_empty() {
            sum.parameters[0] = T::from_f64(dsigma * self.sigma_at(parameters).to_f64());
        }
        sum
    }

    /// Sums a loss of each sample's [`Outcome`] of which the quantity's gradient is `-1` times the gradient.
    pub fn sum_orthants<T: Real>(
        &self,
        samples: Samples<'_, T>,
        parameters: &[T],
        quantity: Quantity,
        grad: &mut [T],
        (loss, run): (impl Fn(&Outcome) -> f64, impl FnOnce(OrthantBatch<'_, T>)),
    ) -> LossSum<T> {
        let (mut value, mut dsigma) = (0.0, 0.0);
        run(OrthantBatch {
            logits: samples.logits(),
            n_classes: samples.n_classes(),
            labels: samples.labels(),
            sigma: Sigma::Common(self.sigma_at(parameters)),
            margin: self.margin.map(T::from_f64),
            rule: &self.rule,
            quantity,
            grad,
            sigma_grad: None,
            visit: &mut |row: usize, outcome: &Outcome| {
                let weight = samples.weight(row);
                value += weight.to_f64() * loss(outcome);
                dsigma -= weight.to_f64() * outcome.dsigma;
                -weight
            },
        });
        self.sum(value, dsigma, parameters)
    }
}
