//! Predictions that are expected to cost the least.

use exact_core::{Link, predicted_classes};

use crate::LinearError;

/// What is predicted of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// The class of each row, `[n]`: the one with the largest logit, or, where the classifier decides by cost
    /// ([`LinearClassifier::costs`](crate::LinearClassifier::costs)), with the least expected cost.
    pub classes: Vec<u32>,
    /// The rows of which it is expected to cost less to predict no class, `[n]`; `None` if the classifier
    /// always predicts one.
    pub rejected: Option<Vec<bool>>,
    /// The probability of each class, `[n, n_classes]`, row-major.
    pub probabilities: Vec<f64>,
}

impl Predictions {
    /// The predictions of logits, `[n, n_classes]`; with costs `[n_classes, n_classes]`, or
    /// `[n_classes, n_classes + 1]` where the last are those of no prediction, those that cost the least.
    pub(crate) fn of(
        logits: &[f64],
        n_classes: usize,
        link: Link,
        costs: Option<&[f64]>,
    ) -> Result<Self, LinearError> {
        let probabilities = link.probabilities(logits, n_classes)?;
        let Some(costs) = costs else {
            return Ok(Self { classes: predicted_classes(logits, n_classes), rejected: None, probabilities });
        };
        let n_predictions = costs.len() / n_classes;
        let (mut classes, mut rejected) = (Vec::new(), Vec::new());
        for probabilities in probabilities.chunks_exact(n_classes) {
            let expected = |prediction: usize| -> f64 {
                let costs = costs.chunks_exact(n_predictions).map(|costs| costs[prediction]);
                probabilities.iter().zip(costs).map(|(probability, cost)| probability * cost).sum()
            };
            let (class, cost) = (1..n_classes).fold((0, expected(0)), |best, class| {
                let cost = expected(class);
                if cost < best.1 { (class, cost) } else { best }
            });
            classes.push(class as u32);
            rejected.push(n_predictions > n_classes && expected(n_classes) < cost);
        }
        let rejected = (n_predictions > n_classes).then_some(rejected);
        Ok(Self { classes, rejected, probabilities })
    }
}

/// The weighted mean of the costs of predictions, some of which may be none: `rejected`.
pub(crate) fn mean_cost(
    labels: &[u32],
    classes: &[u32],
    rejected: Option<&[bool]>,
    costs: &[f64],
    n_classes: usize,
    sample_weight: Option<&[f64]>,
) -> f64 {
    let n_predictions = costs.len() / n_classes;
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, (&label, &class)) in labels.iter().zip(classes).enumerate() {
        let is_rejected = rejected.is_some_and(|rejected| rejected[row]);
        let prediction = if is_rejected { n_classes } else { class as usize };
        let weight = sample_weight.map_or(1.0, |weights| weights[row]);
        sum += weight * costs[label as usize * n_predictions + prediction];
        total += weight;
    }
    sum / total
}
