//! What a classifier is to be good at: the expected loss that is trained and the score that is measured.

use std::borrow::Cow;

use exact_core::loss::{Exact, ExpectedCost, Logits, Loss, LossError, OnRandomScores, TopK};
use exact_core::{logit_normalization, predicted_classes};
use exact_eval::{balanced_accuracy, top_k_accuracy};

use crate::dataset::Dataset;
use crate::{LinearError, balanced_weights};

/// The sigma, in units of the logits' standard deviation, at which settings are compared.
const COMPARISON_SIGMA: f64 = 0.05;

/// What a classifier is to be good at. It is what the loss [`exact`](crate::LossKind::Exact) expects under noise, and, as
/// a score of which more is better, what settings are chosen by, whatever the loss.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub enum Metric {
    /// The fraction of rows whose label has the largest logit.
    #[default]
    Accuracy,
    /// The fraction of rows whose label is among this many largest logits; from 1 to the number of classes.
    TopK(usize),
    /// The mean over classes of the fraction of their rows that are right. `exact` weighs rows by
    /// [`balanced_weights`]; the other losses take them as they are.
    Balanced,
    /// Minus the mean cost of predictions, with the cost of each label and prediction `[n_classes, n_classes]`, row-major.
    Cost(Vec<f64>),
}

impl Metric {
    /// Checks it once, before work starts.
    pub(crate) fn check(&self, n_classes: usize) -> Result<(), LinearError> {
        match self {
            Self::TopK(k) if *k == 0 || *k > n_classes => {
                let expected = "from 1 to the number of classes";
                Err(LossError::Setting { name: "k", expected, value: *k as f64 }.into())
            }
            Self::Cost(costs) if costs.len() != n_classes * n_classes => {
                let (found, expected) = (costs.len(), n_classes * n_classes);
                Err(LossError::Length { what: "cost matrix", found, expected }.into())
            }
            Self::Cost(costs) => Ok(ExpectedCost::new(costs, n_classes, 1.0).map(drop)?),
            _ => Ok(()),
        }
    }

    /// The expected error or cost as a loss.
    pub(crate) fn loss(&self, sigma: f64, margin: Option<f64>) -> Result<Box<dyn Loss<f64>>, LossError> {
        macro_rules! with_margin {
            ($loss:expr) => {{
                let loss = $loss;
                Ok(Box::new(match margin {
                    None => loss,
                    Some(margin) => loss.with_margin(margin)?,
                }))
            }};
        }
        match self {
            Self::TopK(k) if *k > 1 => with_margin!(TopK::new(*k, sigma)?),
            Self::Cost(costs) => with_margin!(ExpectedCost::new(costs, costs.len().isqrt(), sigma)?),
            _ => with_margin!(Exact::new(sigma)?),
        }
    }

    /// The weights of rows in that loss.
    pub(crate) fn weights<'a>(&self, data: &'a Dataset<'_>) -> Result<Option<Cow<'a, [f64]>>, LinearError> {
        let weights = data.weights.as_deref();
        match self {
            Self::Balanced => Ok(Some(balanced_weights(&data.labels, data.n_classes, weights)?.into())),
            _ => Ok(weights.map(Cow::Borrowed)),
        }
    }

    /// The score of an error, or of a cost.
    pub(crate) fn of_error(&self, error: f64) -> f64 {
        if matches!(self, Self::Cost(_)) { -error } else { 1.0 - error }
    }

    /// The score of rows that cannot be scored.
    fn worst(&self) -> f64 {
        if matches!(self, Self::Cost(_)) { f64::NEG_INFINITY } else { 0.0 }
    }

    /// The score on all rows.
    pub(crate) fn score(&self, data: &Dataset<'_>, parameters: &[f64]) -> f64 {
        let (n_classes, labels, weights) = (data.n_classes, &data.labels, data.weights.as_deref());
        match self {
            Self::Accuracy => data.accuracy(parameters),
            Self::TopK(k) => {
                let logits = data.logits(parameters);
                top_k_accuracy(labels, &logits, n_classes, *k, weights).unwrap_or_else(|_| self.worst())
            }
            Self::Balanced => {
                let predictions = predicted_classes(&data.logits(parameters), n_classes);
                let score = balanced_accuracy(labels, &predictions, n_classes, weights);
                score.unwrap_or_else(|_| self.worst())
            }
            Self::Cost(costs) => {
                let predictions = predicted_classes(&data.logits(parameters), n_classes);
                let (mut sum, mut total) = (0.0, 0.0);
                for (row, (&label, &prediction)) in labels.iter().zip(&predictions).enumerate() {
                    let weight = weights.map_or(1.0, |weights| weights[row]);
                    sum += weight * costs[label as usize * n_classes + prediction as usize];
                    total += weight;
                }
                -sum / total
            }
        }
    }

    /// The expected score at [`COMPARISON_SIGMA`]: a smoother measure.
    pub(crate) fn expected_score(&self, data: &Dataset<'_>, parameters: &[f64]) -> f64 {
        let (logits, n_classes) = (data.logits(parameters), data.n_classes);
        let evaluate = || -> Result<f64, LinearError> {
            let weights = self.weights(data)?;
            let weights = weights.as_deref();
            let mut normal = vec![0.0; logits.len()];
            logit_normalization::normalize(&logits, n_classes, weights, &mut normal)?;
            let loss = self.loss(COMPARISON_SIGMA, None)?;
            let mut gradient = vec![0.0; logits.len()];
            let logits = Logits::new(&normal, n_classes)?;
            Ok(loss.evaluate(logits, &data.labels, weights, &mut gradient)?)
        };
        evaluate().map_or(self.worst(), |error| self.of_error(error))
    }
}
