//! The training objective: a loss on the logits of a linear map, with an L2 penalty.

use exact_core::logit_normalization::{self, LogitStatistics};
use exact_core::loss::{Logits, Loss, LossError, Samples};

use crate::dataset::Dataset;
use crate::linear_map::{LinearMap, Partial};

/// The mean of a loss over a data set plus `l2 / 2` times the squared norm of the weights (biases are free).
///
/// With `normalized`, the loss sees all logits shifted and scaled to mean 0 and standard deviation 1 (one scalar each,
/// the gradient through both), and the penalty is on the weights in the same units. The objective is then invariant to
/// the scale of the weights, and sigma, margin and temperature are in units of the logits' standard deviation.
pub(crate) struct Objective<'a> {
    data: &'a Dataset<'a>,
    weights: Option<&'a [f64]>,
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
    /// `weights`, `[n_rows]`, are those of the rows in the loss and in the normalisation.
    pub fn new(
        data: &'a Dataset<'_>,
        weights: Option<&'a [f64]>,
        loss: &'a dyn Loss<f64>,
        normalized: bool,
        l2: f64,
    ) -> Self {
        let map = data.map();
        let n = data.labels.len() * data.n_classes;
        Self {
            data,
            weights,
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
        self.try_evaluate(parameters, gradient).unwrap_or_else(|_| {
            gradient.fill(0.0);
            f64::INFINITY
        })
    }

    fn try_evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> Result<f64, LossError> {
        let Dataset { inputs, labels, n_classes, standardisation, .. } = self.data;
        let weights = self.weights;
        let (linear, loss_parameters) = parameters.split_at(self.map.n_parameters());
        self.map.logits(linear, inputs, standardisation, &mut self.logits);
        let statistics = self
            .normalized
            .then(|| logit_normalization::normalize(&self.logits, *n_classes, weights, &mut self.normal))
            .transpose()?;
        let logits = Logits::new(if self.normalized { &self.normal } else { &self.logits }, *n_classes)?;
        let samples = Samples::mean(logits, labels, weights)?;
        let loss = self.loss.evaluate_samples(samples, loss_parameters, &mut self.logit_gradient)?;
        let linear_weights = &linear[..self.map.n_weights()];
        let squares: f64 = linear_weights.iter().map(|weight| weight * weight).sum();
        let (mut penalty, mut decay) = (0.5 * self.l2 * squares, self.l2);
        if let Some(statistics) = &statistics {
            self.backward(statistics, &mut penalty, &mut decay)?;
        }
        let (linear_gradient, loss_gradient) = gradient.split_at_mut(self.map.n_parameters());
        self.map.transpose(&self.logit_gradient, inputs, standardisation, &mut self.partial, linear_gradient);
        for (slope, weight) in linear_gradient.iter_mut().zip(linear_weights) {
            *slope += decay * weight;
        }
        for (slope, term) in loss_gradient.iter_mut().zip(loss.parameters) {
            *slope = term;
        }
        Ok(loss.value + penalty)
    }

    /// Takes the gradient through the normalisation, and the penalty to units of the logits' standard deviation.
    fn backward(
        &mut self,
        statistics: &LogitStatistics<f64>,
        penalty: &mut f64,
        decay: &mut f64,
    ) -> Result<(), LossError> {
        let (n_classes, weights) = (self.data.n_classes, self.weights);
        let gradient = &mut self.logit_gradient;
        logit_normalization::backward(&self.normal, statistics, n_classes, weights, gradient)?;
        let variance = statistics.std * statistics.std;
        *penalty /= variance;
        *decay /= variance;
        // d penalty / d std = -2 penalty / std, and d std / d logit = weight · normalised logit / sum of the weights.
        let slope = -2.0 * *penalty / (statistics.std * statistics.total_weight);
        let Some(weights) = weights else {
            for (gradient, normal) in self.logit_gradient.iter_mut().zip(&self.normal) {
                *gradient += slope * normal;
            }
            return Ok(());
        };
        let rows = self.logit_gradient.chunks_exact_mut(n_classes).zip(self.normal.chunks_exact(n_classes));
        for ((gradient, normal), weight) in rows.zip(weights) {
            for (gradient, normal) in gradient.iter_mut().zip(normal) {
                *gradient += slope * weight * normal;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Objective;
    use crate::dataset::Dataset;
    use crate::metric::Metric;
    use crate::settings::{LossKind, Settings};
    use exact_core::Rule;
    use exact_core::loss::{Exact, Loss, OnRandomScores, Probit};
    use exact_data::{Features, Layout};

    const L2: f64 = 0.03;

    /// Two dense columns, a block of three and an indicator, with codes that are absent; labels of three classes.
    fn dataset(n_rows: usize) -> Dataset<'static> {
        let layout = Layout {
            n_dense: 2,
            block_offsets: vec![0, 3, 4],
            indicator_mean: vec![0.3, 0.2, 0.4, 0.1],
            indicator_std: vec![0.5, 0.4, 0.6, 0.3],
        };
        let dense = (0..n_rows * 2).map(|i| ((i * 37 % 101) as f64 - 50.0) / 30.0).collect();
        let codes = (0..n_rows)
            .flat_map(|i| {
                [[0, 1, 2, Features::ABSENT][i * 7 % 4], if i % 3 == 0 { 0 } else { Features::ABSENT }]
            })
            .collect();
        let features = Features::new(n_rows, dense, codes, layout).unwrap();
        let labels = (0..n_rows).map(|i| (i * i % 11 % 3) as u32).collect();
        Dataset::new(features, labels, 3, None).unwrap()
    }

    /// The same with sample weights.
    fn weighted(n_rows: usize) -> Dataset<'static> {
        let weights = Some((0..n_rows).map(|i| 0.5 + (i % 5) as f64).collect());
        Dataset { weights, ..dataset(n_rows) }
    }

    /// Parameters at which no difference of logits lies at the kink of the hinge or of a margin.
    fn parameters(data: &Dataset<'_>, loss: &dyn Loss<f64>) -> Vec<f64> {
        let n = data.map().n_parameters();
        let mut parameters: Vec<f64> = (0..n).map(|i| 0.4 * (1.7 * i as f64 + 0.3).sin()).collect();
        parameters.extend(loss.initial_parameters().iter().map(|start| start + 0.3));
        parameters
    }

    fn assert_gradient(
        data: &Dataset<'_>,
        loss: &dyn Loss<f64>,
        normalized: bool,
        step: f64,
        tolerance: f64,
    ) {
        let mut objective = Objective::new(data, data.weights.as_deref(), loss, normalized, L2);
        let parameters = parameters(data, loss);
        let mut gradient = vec![f64::NAN; parameters.len()];
        let value = objective.evaluate(&parameters, &mut gradient);
        assert!(value.is_finite());
        let mut ignored = gradient.clone();
        for i in 0..parameters.len() {
            let mut value = |step: f64| {
                let mut moved = parameters.clone();
                moved[i] += step;
                objective.evaluate(&moved, &mut ignored)
            };
            // Fourth order, so that the step can be large against the rounding of the values.
            let near = value(step) - value(-step);
            let far = value(2.0 * step) - value(-2.0 * step);
            let difference = (8.0 * near - far) / (12.0 * step);
            assert!(
                (gradient[i] - difference).abs() < tolerance,
                "{} normalized {normalized} parameter {i}: {} against {difference}",
                loss.name(),
                gradient[i]
            );
        }
    }

    #[test]
    fn gradient_of_every_loss_agrees_with_finite_differences() {
        let data = dataset(60);
        let settings =
            Settings { sigma: Some(0.8), temperature: Some(0.7), epsilon: Some(2.0), ..Settings::default() };
        for kind in LossKind::ALL {
            let loss = match kind {
                LossKind::Exact => {
                    Box::new(Exact::new(0.8).unwrap().with_rule(Rule::precise::<f64>())) as Box<dyn Loss<f64>>
                }
                LossKind::Probit => Box::new(Probit::new(0.8).unwrap().with_rule(Rule::precise::<f64>())),
                _ => settings.loss(kind, &Metric::Accuracy).unwrap(),
            };
            for normalized in [false, true] {
                let (step, tolerance) = match kind {
                    // Its second derivative jumps where the relaxation becomes constant.
                    LossKind::Polynomial => (1e-6, 1e-7),
                    _ => (1e-3, 1e-8),
                };
                assert_gradient(&data, loss.as_ref(), normalized, step, tolerance);
                // With these weights, a difference lies at the kink of the hinge.
                if kind != LossKind::Hinge {
                    assert_gradient(&weighted(60), loss.as_ref(), normalized, step, tolerance);
                }
            }
        }
    }

    #[test]
    fn gradient_flows_through_learned_parameters_and_margins() {
        let data = dataset(60);
        let exact = Exact::new(0.8).unwrap().with_rule(Rule::precise::<f64>());
        for normalized in [false, true] {
            assert_gradient(&data, &exact.clone().with_learned_sigma(), normalized, 1e-3, 1e-8);
            assert_gradient(&data, &exact.clone().with_margin(0.1).unwrap(), normalized, 1e-3, 1e-8);
        }
    }

    #[test]
    fn training_rule_of_exact_agrees_with_the_precise_one() {
        let data = dataset(200);
        for sigma in [1.0, 0.3, 0.1, 0.03] {
            let training = Exact::new(sigma).unwrap();
            let precise = training.clone().with_rule(Rule::precise::<f64>());
            let parameters = parameters(&data, &training);
            let [(value, gradient), (reference, reference_gradient)] = [&training, &precise].map(|loss| {
                let mut gradient = vec![f64::NAN; parameters.len()];
                (Objective::new(&data, None, loss, true, L2).evaluate(&parameters, &mut gradient), gradient)
            });
            assert!((value - reference).abs() < 1e-6, "sigma {sigma}: {value} {reference}");
            let largest = reference_gradient.iter().fold(0.0, |max: f64, slope| max.max(slope.abs()));
            for (slope, reference) in gradient.iter().zip(&reference_gradient) {
                assert!(
                    (slope - reference).abs() < 1e-5 * largest.max(1e-2),
                    "sigma {sigma}: {slope} {reference}"
                );
            }
        }
    }

    #[test]
    fn normalised_objective_does_not_depend_on_the_scale_of_the_parameters() {
        let data = dataset(60);
        let loss = Exact::new(0.3).unwrap().with_rule(Rule::precise::<f64>());
        let mut objective = Objective::new(&data, None, &loss, true, L2);
        let parameters = parameters(&data, &loss);
        let mut gradient = vec![0.0; parameters.len()];
        let value = objective.evaluate(&parameters, &mut gradient);
        // No change along the parameters themselves, and the same value a thousand times further out.
        let radial: f64 = parameters.iter().zip(&gradient).map(|(a, b)| a * b).sum();
        assert!(radial.abs() < 1e-12, "{radial}");
        let scaled: Vec<f64> = parameters.iter().map(|parameter| 1e3 * parameter).collect();
        let far = objective.evaluate(&scaled, &mut gradient);
        assert!((value - far).abs() < 1e-12, "{value} {far}");
    }

    #[test]
    fn biases_are_not_penalised() {
        let data = dataset(60);
        let settings = Settings::default();
        let loss = settings.loss(LossKind::CrossEntropy, &Metric::Accuracy).unwrap();
        let mut parameters = vec![0.0; data.map().n_parameters()];
        let n_weights = data.map().n_weights();
        parameters[n_weights..].fill(2.0);
        let mut gradient = vec![0.0; parameters.len()];
        let mut value = |l2: f64, parameters: &[f64]| {
            Objective::new(&data, None, loss.as_ref(), false, l2).evaluate(parameters, &mut gradient)
        };
        assert_eq!(value(0.0, &parameters), value(5.0, &parameters));
        parameters[0] = 3.0;
        let difference = value(5.0, &parameters) - value(0.0, &parameters);
        assert!((difference - 0.5 * 5.0 * 9.0).abs() < 1e-12, "{difference}");
    }

    #[test]
    fn overflowing_logits_have_an_infinite_value_and_no_slope() {
        let data = dataset(10);
        let settings = Settings::default();
        for kind in LossKind::ALL {
            let loss = settings.loss(kind, &Metric::Accuracy).unwrap();
            for normalized in [false, true] {
                let mut objective = Objective::new(&data, None, loss.as_ref(), normalized, L2);
                let mut parameters = parameters(&data, loss.as_ref());
                parameters[..data.map().n_parameters()].fill(1e308);
                let mut gradient = vec![f64::NAN; parameters.len()];
                assert_eq!(objective.evaluate(&parameters, &mut gradient), f64::INFINITY, "{kind}");
                assert!(gradient.iter().all(|&slope| slope == 0.0));
            }
        }
    }
}
