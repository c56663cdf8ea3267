//! The training objective: a loss on the logits of a linear map, with an L2 penalty.

use exact_core::logit_normalization::{self, LogitStatistics};
use exact_core::loss::{Logits, Loss, Samples};

use crate::dataset::Dataset;
use crate::linear_map::{LinearMap, Partial};

/// The mean of a loss over a data set plus `l2 / 2` times the squared norm of the weights (biases are free).
///
/// With `normalized`, the loss sees all logits shifted and scaled to mean 0 and standard deviation 1 (one scalar each,
/// the gradient through both), and the penalty is on the weights in the same units. The objective is then invariant to
/// the scale of the weights, and sigma, margin and temperature are in units of the logits' standard deviation.
pub(crate) struct Objective<'a> {
    data: &'a Dataset,
    loss: &'a dyn Loss<f64>,
    normalized: bool,
    l2: f64,
    map: LinearMap,
    logits: Vec<f64>,
    normal: Vec<f64>,
    logit_gradient: Vec<f64>,
    partial: Partial,
}

impl<'a> Objective<'a> {
    pub fn new(data: &'a Dataset, loss: &'a dyn Loss<f64>, normalized: bool, l2: f64) -> Self {
        let map = data.map();
        let n = data.labels.len() * data.n_classes;
        Self {
            data,
            loss,
            normalized,
            l2,
            map,
            logits: vec![0.0; n],
            normal: vec![0.0; if normalized { n } else { 0 }],
            logit_gradient: vec![0.0; n],
            partial: Partial::new(&map, data.labels.len()),
        }
    }

    /// The value at `parameters` (those of the map, then those of the loss); the gradient goes to `gradient`. Infinite
    /// where a logit overflows, which a line search takes as a step too long.
    pub fn evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let Dataset { features, labels, n_classes } = self.data;
        let (linear, loss_parameters) = parameters.split_at(self.map.n_parameters());
        self.map.logits(linear, features, &mut self.logits);
        let statistics = self
            .normalized
            .then(|| logit_normalization::normalize(&self.logits, *n_classes, None, &mut self.normal));
        let logits = if self.normalized { &self.normal } else { &self.logits };
        let loss =
            Logits::new(logits, *n_classes).and_then(|logits| Samples::mean(logits, labels, None)).and_then(
                |samples| self.loss.evaluate_samples(samples, loss_parameters, &mut self.logit_gradient),
            );
        let Ok(loss) = loss else {
            gradient.fill(0.0);
            return f64::INFINITY;
        };
        let weights = &linear[..self.map.n_weights()];
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let (mut penalty, mut decay) = (0.5 * self.l2 * squares, self.l2);
        if let Some(statistics) = &statistics {
            self.backward(statistics, &mut penalty, &mut decay);
        }
        let (linear_gradient, loss_gradient) = gradient.split_at_mut(self.map.n_parameters());
        self.map.transpose(&self.logit_gradient, features, &mut self.partial, linear_gradient);
        for (slope, weight) in linear_gradient.iter_mut().zip(weights) {
            *slope += decay * weight;
        }
        for (slope, term) in loss_gradient.iter_mut().zip(loss.parameters) {
            *slope = term;
        }
        loss.value + penalty
    }

    /// Takes the gradient through the normalisation, and the penalty to units of the logits' standard deviation.
    fn backward(&mut self, statistics: &LogitStatistics<f64>, penalty: &mut f64, decay: &mut f64) {
        let n_classes = self.data.n_classes;
        logit_normalization::backward(&self.normal, statistics, n_classes, None, &mut self.logit_gradient);
        let variance = statistics.std * statistics.std;
        *penalty /= variance;
        *decay /= variance;
        // d penalty / d std = -2 penalty / std, and d std / d logit = normalised logit / number of logits.
        let slope = -2.0 * *penalty / (statistics.std * self.logits.len() as f64);
        for (gradient, normal) in self.logit_gradient.iter_mut().zip(&self.normal) {
            *gradient += slope * normal;
        }
    }
}
