//! The training objective: the mean loss of rows, wherever they are, with an L2 penalty.

use std::borrow::Cow;

use exact_core::loss::LossSum;

use crate::column_groups::ColumnGroups;
use crate::shape::LinearMap;

/// The mean of a loss over rows, as a function of the parameters of a linear map and of the loss.
pub(crate) trait MeanLoss {
    /// Why it cannot be evaluated.
    type Error;

    fn map(&self) -> LinearMap;

    /// Which columns belong together.
    fn column_groups(&self) -> ColumnGroups;

    /// What the weights of each column are divided by in the penalties; `None` for 1.
    fn penalty_units(&self) -> Option<&[f64]>;

    /// The mean loss at a point; `None` where a logit overflows.
    fn at(&mut self, linear: &[f64], loss_parameters: &[f64]) -> Result<Option<AtPoint>, Self::Error>;

    /// Writes the gradient with respect to the linear parameters at the last point. Where logits are
    /// normalised, that of a penalty of this value there, which is divided by their variance, through the
    /// normalisation is added.
    fn gradient(&mut self, penalty: f64, gradient: &mut [f64]) -> Result<(), Self::Error>;

    /// The standard deviation of all logits, where the loss sees them normalised.
    fn logit_std(&mut self, linear: &[f64]) -> Result<Option<f64>, Self::Error>;
}

/// A mean loss at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AtPoint {
    /// The mean, and its derivatives with respect to the loss's own parameters.
    pub loss: LossSum<f64>,
    /// The standard deviation of all logits, where the loss sees them normalised.
    pub logit_std: Option<f64>,
}

/// A mean loss plus `l2 / 2` times the squared norm of the weights of all classes in the units of the penalty
/// (biases are free).
///
/// Normalised logits are shifted and scaled to mean 0 and standard deviation 1 (one scalar each, the gradient
/// through both), and the penalty is on the weights in the same units. The objective is then invariant to the
/// scale of the weights, and sigma, margin and temperature are in units of the logits' standard deviation.
pub(crate) struct Objective<L> {
    pub mean_loss: L,
    pub l2: f64,
}

impl<L: MeanLoss> Objective<L> {
    /// The value at `parameters` (those of the map, then those of the loss); the gradient goes to `gradient`.
    /// Infinite, with a gradient of 0, where a logit overflows, which a line search takes as a step too long.
    pub fn evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> Result<f64, L::Error> {
        let map = self.mean_loss.map();
        let (linear, loss_parameters) = parameters.split_at(map.n_parameters());
        let Some(AtPoint { loss, logit_std }) = self.mean_loss.at(linear, loss_parameters)? else {
            gradient.fill(0.0);
            return Ok(f64::INFINITY);
        };
        let weights = &linear[..map.n_weights()];
        let units = self.mean_loss.penalty_units();
        let penalised = divided(weights, units, map.n_scores());
        let slopes = divided(&penalised, units, map.n_scores());
        let squares: f64 = penalised.iter().map(|weight| weight * weight).sum();
        let variance = logit_std.map_or(1.0, |std| std * std);
        let decay = self.l2 * map.logits_per_score() / variance;
        let penalty = 0.5 * decay * squares;
        let (linear_gradient, loss_gradient) = gradient.split_at_mut(map.n_parameters());
        self.mean_loss.gradient(penalty, linear_gradient)?;
        for (slope, term) in linear_gradient.iter_mut().zip(slopes.iter()) {
            *slope += decay * term;
        }
        for (slope, term) in loss_gradient.iter_mut().zip(loss.parameters) {
            *slope = term;
        }
        Ok(loss.value + penalty)
    }
}

/// Weights `[n_columns, n_scores]`, those of each column divided by its unit, if there are units.
fn divided<'a>(weights: &'a [f64], units: Option<&[f64]>, n_scores: usize) -> Cow<'a, [f64]> {
    let Some(units) = units else { return Cow::Borrowed(weights) };
    let columns = weights.chunks_exact(n_scores).zip(units);
    columns.flat_map(|(weights, unit)| weights.iter().map(move |weight| weight / unit)).collect()
}

#[cfg(test)]
mod tests {
    use super::Objective;
    use crate::LinearError;
    use crate::dataset::Dataset;
    use crate::mean_loss::{Buffers, MeanLossOfRows};
    use exact_core::Rule;
    use exact_core::loss::{
        CrossEntropy, Exact, Hyperparameters, Loss, LossError, LossKind, OnRandomScores, Probit,
    };
    use exact_data::{DenseMatrix, Features, Layout};
    use std::sync::Arc;

    const L2: f64 = 0.03;

    /// Two dense columns, a block of three and an indicator, with codes that are absent; labels of three
    /// classes.
    fn dataset(n_rows: usize) -> Dataset<'static> {
        let layout = Layout {
            n_dense: 2,
            block_offsets: vec![0, 3, 4],
            indicator_mean: vec![0.3, 0.2, 0.4, 0.1],
            indicator_std: vec![0.5, 0.4, 0.6, 0.3],
            ..Layout::dense(2)
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

    /// The objective at parameters, whose gradient goes to `gradient`.
    fn evaluate(
        data: &Dataset<'_>,
        (loss, normalized, l2): (&dyn Loss<f64>, bool, f64),
        parameters: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, LinearError> {
        let mut buffers = Buffers::new(&data.map(), data.n_rows());
        let weights = data.weights.as_deref();
        let mean_loss = MeanLossOfRows::new(data, weights, loss, normalized, &mut buffers);
        Objective { mean_loss, l2 }.evaluate(parameters, gradient)
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
        let mut buffers = Buffers::new(&data.map(), data.n_rows());
        let mean_loss = MeanLossOfRows::new(data, data.weights.as_deref(), loss, normalized, &mut buffers);
        let mut objective = Objective { mean_loss, l2: L2 };
        let parameters = parameters(data, loss);
        let mut gradient = vec![f64::NAN; parameters.len()];
        let value = objective.evaluate(&parameters, &mut gradient).unwrap();
        assert!(value.is_finite());
        let mut ignored = gradient.clone();
        for i in 0..parameters.len() {
            let mut value = |step: f64| {
                let mut moved = parameters.clone();
                moved[i] += step;
                objective.evaluate(&moved, &mut ignored).unwrap()
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
        let (temperature, epsilon) = (Some(0.7), Some(2.0));
        let numbers = Hyperparameters { temperature, epsilon, ..Hyperparameters::default() };
        for kind in LossKind::FOR_ACCURACY {
            let loss = match kind {
                LossKind::Exact => {
                    Arc::new(Exact::new(0.8).unwrap().with_rule(Rule::precise::<f64>())) as Arc<dyn Loss<f64>>
                }
                LossKind::Probit => Arc::new(Probit::new(0.8).unwrap().with_rule(Rule::precise::<f64>())),
                _ => numbers.settings(kind).unwrap().build().unwrap(),
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
    fn gradient_flows_through_penalties_in_the_units_of_the_columns() {
        let x: Vec<f64> = (0..60 * 3).map(|i| [1.0, 20.0, 0.2][i % 3] * (1.3 * i as f64).sin()).collect();
        let rows = DenseMatrix::new(x, 3).unwrap();
        let data =
            Dataset::new(rows, dataset(60).labels, 3, None).unwrap().without_standardisation().unwrap();
        let exact = Exact::new(0.8).unwrap().with_rule(Rule::precise::<f64>());
        for normalized in [false, true] {
            assert_gradient(&data, &CrossEntropy::new(), normalized, 1e-3, 1e-8);
            assert_gradient(&data, &exact, normalized, 1e-3, 1e-8);
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
                (evaluate(&data, (loss, true, L2), &parameters, &mut gradient).unwrap(), gradient)
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
        let parameters = parameters(&data, &loss);
        let mut gradient = vec![0.0; parameters.len()];
        let value = evaluate(&data, (&loss, true, L2), &parameters, &mut gradient).unwrap();
        // No change along the parameters themselves, and the same value a thousand times further out.
        let radial: f64 = parameters.iter().zip(&gradient).map(|(a, b)| a * b).sum();
        assert!(radial.abs() < 1e-12, "{radial}");
        let scaled: Vec<f64> = parameters.iter().map(|parameter| 1e3 * parameter).collect();
        let far = evaluate(&data, (&loss, true, L2), &scaled, &mut gradient).unwrap();
        assert!((value - far).abs() < 1e-12, "{value} {far}");
    }

    #[test]
    fn biases_are_not_penalised() {
        let data = dataset(60);
        let mut parameters = vec![0.0; data.map().n_parameters()];
        let n_weights = data.map().n_weights();
        parameters[n_weights..].fill(2.0);
        let mut gradient = vec![0.0; parameters.len()];
        let mut value = |l2: f64, parameters: &[f64]| {
            evaluate(&data, (&CrossEntropy::new(), false, l2), parameters, &mut gradient).unwrap()
        };
        assert_eq!(value(0.0, &parameters), value(5.0, &parameters));
        parameters[0] = 3.0;
        let difference = value(5.0, &parameters) - value(0.0, &parameters);
        assert!((difference - 0.5 * 5.0 * 9.0).abs() < 1e-12, "{difference}");
    }

    #[test]
    fn overflowing_logits_have_an_infinite_value_and_no_slope() {
        let data = dataset(10);
        for kind in LossKind::FOR_ACCURACY {
            let loss = Hyperparameters::default().settings(kind).unwrap().build().unwrap();
            for normalized in [false, true] {
                let mut parameters = parameters(&data, loss.as_ref());
                parameters[..data.map().n_parameters()].fill(1e308);
                let mut gradient = vec![f64::NAN; parameters.len()];
                let value = evaluate(&data, (loss.as_ref(), normalized, L2), &parameters, &mut gradient);
                assert_eq!(value.unwrap(), f64::INFINITY, "{kind}");
                assert!(gradient.iter().all(|&slope| slope == 0.0));
            }
        }
    }

    #[test]
    fn nothing_but_an_overflowing_logit_has_an_infinite_value() {
        let data = Dataset { weights: Some(vec![1e-312; 10]), ..dataset(10) };
        let loss = CrossEntropy::new();
        let parameters = parameters(&data, &loss);
        let value = evaluate(&data, (&loss, false, L2), &parameters, &mut vec![0.0; parameters.len()]);
        assert!(matches!(value, Err(LinearError::Loss(LossError::WeightSum { .. }))), "{value:?}");
    }
}
