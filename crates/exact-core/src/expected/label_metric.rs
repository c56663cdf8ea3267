//! What expected accuracy and expected top-k accuracy share: the settings, and the checks of a batch.

use super::batch::{OrthantBatch, Outcome, Quantity};
use super::probability::Probability;
use super::sigma::Sigma;
use crate::Real;
use crate::error::LossError;
use crate::quadrature::Rule;
use crate::samples::{Logits, Samples};

/// The settings of a metric that is the probability of an event for each sample's label.
#[derive(Debug, Clone)]
pub(super) struct LabelMetric {
    rule: Rule,
    margin: Option<f64>,
    quantity: Quantity,
}

/// Where the values and the gradients of a batch go.
pub(super) struct Outputs<'a, T> {
    pub values: &'a mut [Probability<T>],
    pub grad: &'a mut [T],
    pub sigma_grad: Option<&'a mut [T]>,
}

impl LabelMetric {
    /// P itself, without margin.
    pub fn new(rule: Rule) -> Self {
        Self { rule, margin: None, quantity: Quantity::Probability }
    }

    pub fn of_logarithm(self) -> Self {
        Self { quantity: Quantity::LogProbability, ..self }
    }

    pub fn with_margin(self, margin: f64) -> Result<Self, LossError> {
        if margin.is_nan() {
            return Err(LossError::Setting { name: "margin", expected: "a number", value: margin });
        }
        Ok(Self { margin: Some(margin), ..self })
    }

    /// Checks the batch and hands it to a kernel.
    pub fn evaluate<T: Real>(
        &self,
        logits: Logits<'_, T>,
        labels: &[u32],
        sigma: Sigma<'_, T>,
        outputs: Outputs<'_, T>,
        kernel: impl FnOnce(OrthantBatch<'_, T>),
    ) -> Result<(), LossError> {
        let Outputs { values, grad, sigma_grad } = outputs;
        let samples = Samples::sum(logits, labels, None)?;
        sigma.check_outputs(samples, values.len(), grad, sigma_grad.as_deref())?;
        kernel(OrthantBatch {
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
        });
        Ok(())
    }
}
