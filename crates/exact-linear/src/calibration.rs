//! The scale that turns logits into probabilities, by log loss on rows held out from training.

use exact_eval::log_loss;

use crate::LinearError;
use crate::classifier::{Link, link_probabilities};
use crate::progress::Watch;

/// The scale is sought between `e^-6` and `e^6`.
const LOG_SCALE_LIMIT: f64 = 6.0;
/// Steps of golden-section search; each shortens the interval by 0.618.
const STEPS: usize = 30;
/// Rows that are used at most: the scale is one number.
const MAX_ROWS: usize = 20_000;

/// The link of the same kind as `link` with the scale that gives the logits of held-out rows, `[n, n_classes]`, the
/// smallest log loss. The log loss of softmax is convex in the inverse temperature, so golden-section search finds it;
/// that of probit is unimodal in practice.
pub(crate) fn calibrate(
    logits: &[f64],
    labels: &[u32],
    n_classes: usize,
    sample_weight: Option<&[f64]>,
    link: Link,
    watch: &Watch<'_>,
) -> Result<Link, LinearError> {
    let rows = labels.len().min(MAX_ROWS);
    let (logits, labels) = (&logits[..rows * n_classes], &labels[..rows]);
    let sample_weight = sample_weight.map(|weights| &weights[..rows]);
    let at = |log_scale: f64| match link {
        Link::Softmax { .. } => Link::Softmax { temperature: log_scale.exp() },
        Link::Probit { .. } => Link::Probit { sigma: log_scale.exp() },
    };
    let cost = |log_scale: f64| -> Result<f64, LinearError> {
        watch.poll()?;
        let probabilities = link_probabilities(logits, n_classes, at(log_scale))?;
        Ok(log_loss(labels, &probabilities, n_classes, sample_weight)?)
    };
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut low, mut high) = (-LOG_SCALE_LIMIT, LOG_SCALE_LIMIT);
    let mut left = high - golden * (high - low);
    let mut right = low + golden * (high - low);
    let (mut cost_left, mut cost_right) = (cost(left)?, cost(right)?);
    for _ in 0..STEPS {
        if cost_left <= cost_right {
            (high, right, cost_right) = (right, left, cost_left);
            left = high - golden * (high - low);
            cost_left = cost(left)?;
        } else {
            (low, left, cost_left) = (left, right, cost_right);
            right = low + golden * (high - low);
            cost_right = cost(right)?;
        }
    }
    Ok(at(0.5 * (low + high)))
}

#[cfg(test)]
mod tests {
    use super::calibrate;
    use crate::classifier::Link;
    use crate::progress::{Progress, Watch};

    #[test]
    fn the_scale_makes_probabilities_match_frequencies() {
        // Three in four rows have the label that a logit difference of 5 favours: softmax needs 5 / T = ln 3.
        let logits: Vec<f64> = (0..400).flat_map(|_| [0.0, 5.0]).collect();
        let labels: Vec<u32> = (0..400).map(|i| u32::from(i % 4 != 0)).collect();
        let watch = Watch::new(&Progress::ignore, "calibration", 1);
        let Link::Softmax { temperature } =
            calibrate(&logits, &labels, 2, None, Link::Softmax { temperature: 1.0 }, &watch).unwrap()
        else {
            panic!("the kind of link changed");
        };
        assert!((temperature - 5.0 / 3.0_f64.ln()).abs() < 1e-3, "{temperature}");
        // Probit: Φ(5 / (sigma √2)) = 3/4 where 5 / (sigma √2) = 0.674489750196.
        let Link::Probit { sigma } =
            calibrate(&logits, &labels, 2, None, Link::Probit { sigma: 1.0 }, &watch).unwrap()
        else {
            panic!("the kind of link changed");
        };
        assert!((sigma - 5.0 / (2.0_f64.sqrt() * 0.674_489_750_196)).abs() < 1e-3, "{sigma}");
    }
}
