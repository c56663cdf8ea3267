//! What a classifier is to be good at: the expected loss that is trained and the score that is measured.

use std::borrow::Cow;

use exact_core::expected::balanced_weights;
use exact_core::loss::{ExpectedCost, Logits, LossError, LossSettings, RandomScores};
use exact_core::{logit_normalization, predicted_classes};
use exact_eval::{EvalError, balanced_accuracy, top_k_accuracy};

use crate::LinearError;
use crate::dataset::Dataset;

/// The sigma, in units of the logits' standard deviation, at which settings are compared.
const COMPARISON_SIGMA: f64 = 0.05;

/// What a classifier is to be good at. It is what the loss [`exact`](crate::LossKind::Exact) expects under
/// noise, and, as a score of which more is better, what settings are chosen by, whatever the loss.
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
    /// Minus the mean cost of predictions, with the cost of each label and prediction `[n_classes,
    /// n_classes]`, row-major.
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
            Self::Accuracy | Self::TopK(_) | Self::Balanced => Ok(()),
        }
    }

    /// The expected error or cost as a loss.
    pub(crate) fn expected_error(&self, scores: RandomScores) -> LossSettings {
        match self {
            Self::Accuracy | Self::Balanced | Self::TopK(..2) => LossSettings::Exact(scores),
            Self::TopK(k) => LossSettings::TopK { k: *k, scores },
            Self::Cost(costs) => {
                let rows = costs.chunks(costs.len().isqrt());
                LossSettings::ExpectedCost { costs: rows.map(<[f64]>::to_vec).collect(), scores }
            }
        }
    }

    /// The weights of rows in that loss.
    pub(crate) fn weights<'a>(&self, data: &'a Dataset<'_>) -> Result<Option<Cow<'a, [f64]>>, LinearError> {
        let weights = data.weights.as_deref();
        match self {
            Self::Balanced => Ok(Some(balanced_weights(&data.labels, data.n_classes, weights)?.into())),
            Self::Accuracy | Self::TopK(_) | Self::Cost(_) => Ok(weights.map(Cow::Borrowed)),
        }
    }

    /// The score of an error, or of a cost.
    pub(crate) fn of_error(&self, error: f64) -> f64 {
        if matches!(self, Self::Cost(_)) { -error } else { 1.0 - error }
    }

    /// The score of a classifier whose logits are not finite.
    fn worst(&self) -> f64 {
        if matches!(self, Self::Cost(_)) { f64::NEG_INFINITY } else { 0.0 }
    }

    /// The score on all rows.
    pub(crate) fn score(&self, data: &Dataset<'_>, parameters: &[f64]) -> Result<f64, LinearError> {
        let (n_classes, labels, weights) = (data.n_classes, &data.labels, data.weights.as_deref());
        match self {
            Self::Accuracy => Ok(data.accuracy(parameters)),
            Self::TopK(k) => match top_k_accuracy(labels, &data.logits(parameters), n_classes, *k, weights) {
                Err(EvalError::Score { .. }) => Ok(self.worst()),
                score => Ok(score?),
            },
            Self::Balanced => {
                let predictions = predicted_classes(&data.logits(parameters), n_classes);
                Ok(balanced_accuracy(labels, &predictions, n_classes, weights)?)
            }
            Self::Cost(costs) => {
                let predictions = predicted_classes(&data.logits(parameters), n_classes);
                let (mut sum, mut total) = (0.0, 0.0);
                for (row, (&label, &prediction)) in labels.iter().zip(&predictions).enumerate() {
                    let weight = weights.map_or(1.0, |weights| weights[row]);
                    sum += weight * costs[label as usize * n_classes + prediction as usize];
                    total += weight;
                }
                Ok(-sum / total)
            }
        }
    }

    /// The expected score at [`COMPARISON_SIGMA`]: a smoother measure.
    pub(crate) fn expected_score(&self, data: &Dataset<'_>, parameters: &[f64]) -> Result<f64, LinearError> {
        let (logits, n_classes) = (data.logits(parameters), data.n_classes);
        let weights = self.weights(data)?;
        let weights = weights.as_deref();
        let mut normal = vec![0.0; logits.len()];
        logit_normalization::normalize(&logits, n_classes, weights, &mut normal)?;
        let logits = match Logits::new(&normal, n_classes) {
            Err(LossError::Logit { .. }) => return Ok(self.worst()),
            logits => logits?,
        };
        let loss = self.expected_error(RandomScores::constant(COMPARISON_SIGMA)).build()?;
        let mut gradient = vec![0.0; normal.len()];
        Ok(self.of_error(loss.evaluate(logits, &data.labels, weights, &mut gradient)?))
    }
}

#[cfg(test)]
mod tests {
    use super::Metric;
    use crate::LinearError;
    use crate::dataset::Dataset;
    use exact_core::loss::LossError;
    use exact_data::Features;

    fn dataset(weight: f64) -> Dataset<'static> {
        let features = Features::from_dense(vec![-1.0, 1.0, 2.0, 0.5], 1).unwrap();
        Dataset::new(features, vec![0, 1, 2, 1], 3, Some(vec![weight; 4])).unwrap()
    }

    #[test]
    fn logits_that_are_not_finite_have_the_worst_score() {
        let diverged = [0.0, f64::INFINITY, 1.0, 0.0, 0.0, 0.0];
        for (metric, worst) in [
            (Metric::Accuracy, 0.0),
            (Metric::TopK(2), 0.0),
            (Metric::Balanced, 0.0),
            (Metric::Cost(vec![1.0; 9]), f64::NEG_INFINITY),
        ] {
            assert_eq!(metric.expected_score(&dataset(1.0), &diverged).unwrap(), worst, "{metric:?}");
        }
        assert_eq!(Metric::TopK(2).score(&dataset(1.0), &diverged).unwrap(), 0.0);
    }

    #[test]
    fn any_other_trouble_is_an_error_rather_than_a_score() {
        // Weights whose sum no mean can be divided by.
        let data = dataset(1e-310);
        let parameters = [0.0, 1.0, 2.0, 0.0, 0.0, 0.5];
        for metric in [Metric::Accuracy, Metric::TopK(2), Metric::Cost(vec![1.0; 9])] {
            let error = metric.expected_score(&data, &parameters).unwrap_err();
            assert!(matches!(error, LinearError::Loss(LossError::WeightSum { .. })), "{metric:?}: {error}");
        }
    }
}
