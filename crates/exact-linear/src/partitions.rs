//! Training on partitions of the rows by the same L-BFGS as on one machine.

use exact_core::logit_normalization::STD_FLOOR;

use crate::LinearError;
use crate::classifier::LinearClassifier;
use crate::fit::{Fitted, link};
use crate::goal::Goal;
use crate::lbfgs::minimize;
use crate::linear_map::LinearMap;
use crate::metric::Metric;
use crate::partition::{Partition, PartitionMoments, PartitionSums, Query};
use crate::refine::limits;
use crate::settings::{LossKind, Settings};
use crate::standardisation::Standardisation;

/// Partitions of the rows, wherever they are. Each answers by the method of [`Partition`] of the same name; answers are in
/// the order of the partitions.
pub trait Partitions {
    /// Why a partition cannot answer. It ends training.
    type Error: From<LinearError>;

    /// The moments of the columns.
    ///
    /// # Errors
    /// If a partition cannot answer.
    fn moments(&mut self) -> Result<Vec<PartitionMoments>, Self::Error>;

    /// The moments of the logits.
    ///
    /// # Errors
    /// If a partition cannot answer.
    fn logit_moments(&mut self, parameters: &[f64]) -> Result<Vec<PartitionMoments>, Self::Error>;

    /// The sums at a point.
    ///
    /// # Errors
    /// If a partition cannot answer.
    fn evaluate(&mut self, query: Query<'_>) -> Result<Vec<PartitionSums>, Self::Error>;
}

/// Partitions in this process.
impl Partitions for Vec<Partition<'_>> {
    type Error = LinearError;

    fn moments(&mut self) -> Result<Vec<PartitionMoments>, LinearError> {
        self.iter().map(Partition::moments).collect()
    }

    fn logit_moments(&mut self, parameters: &[f64]) -> Result<Vec<PartitionMoments>, LinearError> {
        self.iter().map(|partition| partition.logit_moments(parameters)).collect()
    }

    fn evaluate(&mut self, query: Query<'_>) -> Result<Vec<PartitionSums>, LinearError> {
        self.iter().map(|partition| partition.evaluate(query)).collect()
    }
}

impl LinearClassifier {
    /// Trains for accuracy on rows in partitions, from the solution of cross-entropy, as [`LinearClassifier::fit`] does on
    /// the rows together: the same objective, up to the rounding of sums. Per evaluation, each partition is asked once, or
    /// twice by losses on normalised logits; only parameters and sums pass. Rows are dense, and there is no other metric
    /// than accuracy.
    ///
    /// # Errors
    /// That of a partition; [`LinearError`] if a setting is outside its range or training diverges.
    ///
    /// # Example
    /// ```
    /// use exact_data::DenseMatrix;
    /// use exact_linear::{Dataset, LinearClassifier, LossKind, Metric, Partition, Progress, Settings};
    ///
    /// let settings = Settings::new(0.1);
    /// let part = |x: &[f64], y: &[u32]| {
    ///     Partition::new(DenseMatrix::new(x.to_vec(), 1)?, y.to_vec(), 2, None, settings)
    /// };
    /// let mut parts = vec![part(&[0.0, 1.0, 2.0], &[0, 0, 1])?, part(&[3.0, 4.0], &[0, 1])?];
    /// let fitted = LinearClassifier::fit_partitions(&mut parts, 2, LossKind::CrossEntropy, &settings)?;
    ///
    /// let rows = DenseMatrix::new(vec![0.0, 1.0, 2.0, 3.0, 4.0], 1)?;
    /// let data = Dataset::new(rows, vec![0, 0, 1, 0, 1], 2, None)?;
    /// let (kind, metric) = (LossKind::CrossEntropy, Metric::Accuracy);
    /// let whole = LinearClassifier::fit(&data, kind, &metric, &settings, None, &Progress::ignore)?;
    /// let difference = fitted.classifier.weights()[0] - whole.classifier.weights()[0];
    /// assert!(difference.abs() < 1e-9);
    /// # Ok::<(), exact_linear::LinearError>(())
    /// ```
    pub fn fit_partitions<P: Partitions>(
        partitions: &mut P,
        n_classes: usize,
        loss: LossKind,
        settings: &Settings,
    ) -> Result<Fitted, P::Error> {
        settings.check().map_err(LinearError::from)?;
        if n_classes < 2 {
            return Err(LinearError::Classes(n_classes).into());
        }
        let moments = PartitionMoments::combined(partitions.moments()?);
        let total_weight = moments.total_weight;
        let map = LinearMap { n_columns: moments.mean.len(), n_classes };
        let std = moments.variance.iter().map(|variance| variance.sqrt()).collect();
        let standardisation = Standardisation::of_moments(moments.mean, std)?;
        let mut training = Training { partitions, map, standardisation, total_weight };
        let mut parameters = vec![0.0; map.n_parameters()];
        if loss != LossKind::CrossEntropy {
            training.minimize(LossKind::CrossEntropy, &Settings::new(settings.l2), &mut parameters)?;
        }
        let (iterations, converged) = training.minimize(loss, settings, &mut parameters)?;
        let value = training.finish(loss, settings, &mut parameters)?;
        if !(value.is_finite() && parameters.iter().all(|parameter| parameter.is_finite())) {
            return Err(LinearError::Diverged { loss: loss.name() }.into());
        }
        let parameters = training.standardisation.fold(&map, &parameters);
        let classifier = Self { map, parameters, link: link(loss, settings) };
        Ok(Fitted { classifier, loss: value, iterations, converged })
    }
}

/// Training under way.
struct Training<'a, P> {
    partitions: &'a mut P,
    map: LinearMap,
    standardisation: Standardisation,
    /// Of all rows.
    total_weight: f64,
}

impl<P: Partitions> Training<'_, P> {
    /// Moves the parameters, on standardised columns, to a minimum. Returns the number of steps, and whether it converged.
    fn minimize(
        &mut self,
        kind: LossKind,
        settings: &Settings,
        parameters: &mut Vec<f64>,
    ) -> Result<(usize, bool), P::Error> {
        let loss = Goal { kind, metric: &Metric::Accuracy }.loss(settings).map_err(LinearError::from)?;
        parameters.extend(loss.initial_parameters());
        let penalty = settings.penalty(kind);
        let outcome = minimize(parameters, limits(kind, settings), |parameters, gradient| {
            self.objective(kind, penalty, parameters, gradient)
        })?;
        parameters.truncate(self.map.n_parameters());
        Ok((outcome.iterations, outcome.converged))
    }

    /// The mean loss and the penalty, with their gradient, as [`Objective`](crate::objective::Objective) on all rows.
    fn objective(
        &mut self,
        kind: LossKind,
        l2: f64,
        parameters: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, P::Error> {
        let (linear, loss_parameters) = parameters.split_at(self.map.n_parameters());
        let folded = self.standardisation.fold(&self.map, linear);
        let normalization = if kind.is_normalized() { Some(self.logit_statistics(&folded)?) } else { None };
        let query = Query { loss: kind, parameters: &folded, loss_parameters, normalization };
        let mut sums = PartitionSums::total(self.partitions.evaluate(query)?);
        if !sums.loss.is_finite() {
            gradient.fill(0.0);
            return Ok(f64::INFINITY);
        }
        let (linear_gradient, loss_gradient) = gradient.split_at_mut(self.map.n_parameters());
        for (slope, sum) in loss_gradient.iter_mut().zip(&sums.loss_gradient) {
            *slope = sum / self.total_weight;
        }
        self.standardisation.backward(&self.map, &mut sums.gradient);
        for (slope, sum) in linear_gradient.iter_mut().zip(&sums.gradient) {
            *slope = sum / self.total_weight;
        }
        let weights = &linear[..self.map.n_weights()];
        let mut penalty = 0.5 * l2 * weights.iter().map(|weight| weight * weight).sum::<f64>();
        let mut decay = l2;
        if let Some((_, std)) = normalization {
            penalty /= std * std;
            decay /= std * std;
            self.backward(&mut sums, std, penalty, linear_gradient);
        }
        for (slope, weight) in linear_gradient.iter_mut().zip(weights) {
            *slope += decay * weight;
        }
        Ok(sums.loss / self.total_weight + penalty)
    }

    /// Takes the gradient through the normalisation of the logits: with the slopes `g` and the normalised logits `x` it is
    /// `(g - w/W (Σ g + x Σ g x)) / std`, W the weight of all logits. The penalty, `1 / std²`, adds
    /// `-2 penalty w x / (std W)`.
    fn backward(&self, sums: &mut PartitionSums, std: f64, penalty: f64, gradient: &mut [f64]) {
        self.standardisation.backward(&self.map, &mut sums.logit_gradient);
        let total = self.total_weight * self.map.n_classes as f64;
        let slope_dot = if std <= STD_FLOOR { 0.0 } else { sums.slope_dot / self.total_weight };
        let through = (slope_dot + 2.0 * penalty) / (total * std);
        for (slope, logit_slope) in gradient.iter_mut().zip(&sums.logit_gradient) {
            *slope = *slope / std - through * logit_slope;
        }
        // Standardised columns have the mean 0, so that the constant term reaches the biases alone.
        let constant = sums.slope / (total * std);
        for bias in &mut gradient[self.map.n_weights()..] {
            *bias -= constant;
        }
    }

    /// Scales the parameters so that normalised logits have the standard deviation 1; returns the loss without penalty, at
    /// the loss's initial parameters.
    fn finish(
        &mut self,
        kind: LossKind,
        settings: &Settings,
        parameters: &mut [f64],
    ) -> Result<f64, P::Error> {
        if kind.is_normalized() {
            let folded = self.standardisation.fold(&self.map, parameters);
            let (_, std) = self.logit_statistics(&folded)?;
            for parameter in parameters.iter_mut() {
                *parameter /= std;
            }
        }
        let loss = Goal { kind, metric: &Metric::Accuracy }.loss(settings).map_err(LinearError::from)?;
        let mut parameters = parameters.to_vec();
        parameters.extend(loss.initial_parameters());
        let mut gradient = vec![0.0; parameters.len()];
        self.objective(kind, 0.0, &parameters, &mut gradient)
    }

    /// The mean and the standard deviation of all logits.
    fn logit_statistics(&mut self, folded: &[f64]) -> Result<(f64, f64), P::Error> {
        let moments = PartitionMoments::combined(self.partitions.logit_moments(folded)?);
        let of_first = |values: &[f64]| values.first().copied().unwrap_or(0.0);
        Ok((of_first(&moments.mean), of_first(&moments.variance).sqrt().max(STD_FLOOR)))
    }
}
