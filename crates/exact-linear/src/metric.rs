//! What a classifier is to be good at: the expected loss that is trained and the score that is measured.

use std::borrow::Cow;

use exact_core::expected::balanced_weights;
use exact_core::loss::{ExpectedCost, Logits, LossError, LossKind, LossSettings, RandomScores};
use exact_core::{Link, logit_normalization, predicted_classes};
use exact_eval::record::MetricName;
use exact_eval::{EvalError, accuracy, balanced_accuracy, log_loss, macro_f1, top_k_accuracy};

use crate::LinearError;
use crate::dataset::Dataset;
use crate::decision::{Predictions, mean_cost};

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
    /// The mean over classes of F1. `exact` maximises that of the expected counts of all rows, or with
    /// stochastic gradient descent of those of each minibatch
    /// ([`expected_macro_f1`](exact_core::expected::expected_macro_f1)).
    MacroF1,
    /// Minus the mean negative log probability of the label, in nats, in selection with the scale of
    /// the probabilities that fits the rows held out best: [`Link::calibrated`]. `exact` expects accuracy.
    LogLoss,
    /// Minus the mean cost of predictions, with the cost of each label and prediction `[n_classes,
    /// n_classes]`, row-major. `exact` expects it, and predicts the class with the largest logit; classifiers
    /// that were selected with another loss predict the class with the least expected cost under their
    /// probabilities, in selection with a scale as for [`Metric::LogLoss`]. With one more column, of the
    /// cost of predicting no class, `[n_classes, n_classes + 1]`, all decide so, and `exact` expects accuracy
    /// (Chow 1970).
    Cost(Vec<f64>),
}

impl Metric {
    /// Checks it once, before work starts; `may_reject` is whether there may be a cost of no prediction.
    pub(crate) fn check(&self, n_classes: usize, may_reject: bool) -> Result<(), LinearError> {
        match self {
            Self::TopK(k) if *k == 0 || *k > n_classes => {
                let expected = "from 1 to the number of classes";
                Err(LossError::Setting { name: "k", expected, value: *k as f64 }.into())
            }
            Self::Cost(costs) => {
                let (found, expected) = (costs.len(), n_classes * n_classes);
                let n_predictions = n_classes + usize::from(may_reject && found == expected + n_classes);
                if found != n_classes * n_predictions {
                    return Err(LossError::Length { what: "cost matrix", found, expected }.into());
                }
                Ok(ExpectedCost::new(costs, n_predictions, 1.0).map(drop)?)
            }
            Self::Accuracy | Self::TopK(_) | Self::Balanced | Self::MacroF1 | Self::LogLoss => Ok(()),
        }
    }

    /// What it is called in records.
    pub fn name(&self) -> MetricName {
        match self {
            Self::Accuracy => MetricName::Accuracy,
            Self::TopK(k) => MetricName::TopK(*k),
            Self::Balanced => MetricName::BalancedAccuracy,
            Self::MacroF1 => MetricName::MacroF1,
            Self::LogLoss => MetricName::LogLoss,
            Self::Cost(_) => MetricName::Cost,
        }
    }

    /// The value that a score stands for: minus it where less is better.
    pub fn of_score(&self, score: f64) -> f64 {
        if self.name().is_rate() { score } else { -score }
    }

    /// Whether predicting no class has a cost.
    fn may_reject(&self) -> bool {
        matches!(self, Self::Cost(costs) if costs.len() != costs.len().isqrt().pow(2))
    }

    /// Whether the EXACT loss expects it; else that expects accuracy.
    pub(crate) fn is_expected(&self) -> bool {
        !matches!(self, Self::LogLoss) && !self.may_reject()
    }

    /// The costs that a classifier which was trained with a loss decides by.
    pub(crate) fn decides_by(&self, loss: LossKind) -> Option<&[f64]> {
        match self {
            Self::Cost(costs) if loss != LossKind::Exact || self.may_reject() => Some(costs),
            _ => None,
        }
    }

    /// The expected error or cost as a loss.
    pub(crate) fn expected_error(&self, scores: RandomScores) -> LossSettings {
        match self {
            Self::TopK(k @ 2..) => LossSettings::TopK { k: *k, scores },
            Self::MacroF1 => LossSettings::MacroF1(scores),
            Self::Cost(costs) if self.is_expected() => {
                let rows = costs.chunks(costs.len().isqrt());
                LossSettings::ExpectedCost { costs: rows.map(<[f64]>::to_vec).collect(), scores }
            }
            _ => LossSettings::Exact(scores),
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

    /// The score of an error, or of a cost, as the EXACT loss has it.
    pub(crate) fn of_error(&self, error: f64) -> f64 {
        if matches!(self, Self::Cost(_)) && self.is_expected() { -error } else { 1.0 - error }
    }

    /// The score of a classifier whose logits are not finite.
    fn worst(&self) -> f64 {
        if self.name().is_rate() { 0.0 } else { f64::NEG_INFINITY }
    }

    /// The scores on data sets of a classifier that was trained with a loss. Where the metric needs
    /// probabilities, their scale is the one that fits the first of them best.
    pub(crate) fn scores<const N: usize>(
        &self,
        data: [&Dataset<'_>; N],
        parameters: &[f64],
        loss: &LossSettings,
    ) -> Result<[f64; N], LinearError> {
        let costs = self.decides_by(loss.kind());
        let (mut scores, mut link) = ([self.worst(); N], None);
        for (score, data) in scores.iter_mut().zip(data) {
            let (n_classes, labels, weights) = (data.n_classes, &data.labels, data.weights.as_deref());
            if matches!(self, Self::Accuracy) {
                *score = data.accuracy(parameters);
                continue;
            }
            let logits = data.logits(parameters);
            let calibrated = match link {
                Some(link) => Ok(link),
                None if matches!(self, Self::LogLoss) || costs.is_some() => {
                    loss.link().calibrated(&logits, labels, n_classes, weights).map_err(LinearError::from)
                }
                None => Ok(loss.link()),
            };
            let value = calibrated.and_then(|calibrated| {
                link = Some(calibrated);
                self.measure(labels, weights, n_classes, &logits, calibrated, costs)
            });
            match value {
                Err(
                    LinearError::Eval(EvalError::Score { .. }) | LinearError::Loss(LossError::Logit { .. }),
                ) => {}
                value => *score = self.of_score(value?),
            }
        }
        Ok(scores)
    }

    /// The value on labelled rows with the given logits, `[n, n_classes]`.
    pub(crate) fn measure(
        &self,
        labels: &[u32],
        weights: Option<&[f64]>,
        n_classes: usize,
        logits: &[f64],
        link: Link,
        costs: Option<&[f64]>,
    ) -> Result<f64, LinearError> {
        let classes = || predicted_classes(logits, n_classes);
        Ok(match self {
            Self::Accuracy => accuracy(labels, &classes(), weights)?,
            Self::TopK(k) => top_k_accuracy(labels, logits, n_classes, *k, weights)?,
            Self::Balanced => balanced_accuracy(labels, &classes(), n_classes, weights)?,
            Self::MacroF1 => macro_f1(labels, &classes(), n_classes, weights)?,
            Self::LogLoss => log_loss(labels, &link.probabilities(logits, n_classes)?, n_classes, weights)?,
            Self::Cost(matrix) if costs.is_none() => {
                mean_cost(labels, &classes(), None, matrix, n_classes, weights)
            }
            Self::Cost(matrix) if costs.is_some_and(|costs| costs.len() > matrix.len()) => {
                let (found, expected) = (matrix.len(), n_classes * (n_classes + 1));
                return Err(LossError::Length { what: "cost matrix", found, expected }.into());
            }
            Self::Cost(matrix) => {
                let Predictions { classes, rejected, .. } = Predictions::of(logits, n_classes, link, costs)?;
                mean_cost(labels, &classes, rejected.as_deref(), matrix, n_classes, weights)
            }
        })
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
    use exact_core::loss::{LossError, LossSettings};
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
            (Metric::MacroF1, 0.0),
            (Metric::LogLoss, f64::NEG_INFINITY),
            (Metric::Cost(vec![1.0; 9]), f64::NEG_INFINITY),
        ] {
            assert_eq!(metric.expected_score(&dataset(1.0), &diverged).unwrap(), worst, "{metric:?}");
        }
        let loss = LossSettings::default();
        for (metric, worst) in [(Metric::TopK(2), 0.0), (Metric::LogLoss, f64::NEG_INFINITY)] {
            assert_eq!(metric.scores([&dataset(1.0)], &diverged, &loss).unwrap(), [worst], "{metric:?}");
        }
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
