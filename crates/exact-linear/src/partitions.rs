//! Training on partitions of the rows by the same L-BFGS as on one machine.

use std::mem;

use exact_core::logit_normalization::STD_FLOOR;
use exact_core::loss::{LossSettings, LossSum};

use crate::LinearError;
use crate::classifier::LinearClassifier;
use crate::column_groups::ColumnGroups;
use crate::fit::Fitted;
use crate::goal::Goal;
use crate::metric::Metric;
use crate::moments::Moments;
use crate::objective::{AtPoint, MeanLoss};
use crate::partition::{Partition, PartitionMoments, PartitionSums, Query};
use crate::refine;
use crate::settings::Settings;
use crate::shape::LinearMap;
use crate::standardisation::Standardisation;

/// Partitions of the rows, wherever they are. Each answers by the method of [`Partition`] of the same name;
/// answers are in the order of the partitions.
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
    /// Trains for accuracy on rows in partitions, from the solution of cross-entropy, as
    /// [`LinearClassifier::fit`] does on the rows together: the same objective, up to the rounding of sums.
    /// Per evaluation, each partition is asked once, or twice by losses on normalised logits; only parameters
    /// and sums pass. Rows are dense, and there is no other metric than accuracy.
    ///
    /// # Errors
    /// That of a partition; [`LinearError`] if a setting is outside its range or training diverges.
    ///
    /// # Example
    /// ```
    /// use exact_data::DenseMatrix;
    /// use exact_linear::{Dataset, FitOptions, LinearClassifier, LossSettings, Partition, Settings};
    ///
    /// let settings = Settings::new(LossSettings::default(), 0.1);
    /// let part = |x: &[f64], y: &[u32]| {
    ///     Partition::new(DenseMatrix::new(x.to_vec(), 1)?, y.to_vec(), 2, None)
    /// };
    /// let mut parts = vec![part(&[0.0, 1.0, 2.0], &[0, 0, 1])?, part(&[3.0, 4.0], &[0, 1])?];
    /// let fitted = LinearClassifier::fit_partitions(&mut parts, 2, &settings)?;
    ///
    /// let rows = DenseMatrix::new(vec![0.0, 1.0, 2.0, 3.0, 4.0], 1)?;
    /// let data = Dataset::new(rows, vec![0, 0, 1, 0, 1], 2, None)?;
    /// let whole = LinearClassifier::fit(&data, &settings, &FitOptions::default())?;
    /// let difference = fitted.classifier.coefficients()[1] - whole.classifier.coefficients()[1];
    /// assert!(difference.abs() < 1e-9);
    /// # Ok::<(), exact_linear::LinearError>(())
    /// ```
    pub fn fit_partitions<P: Partitions>(
        partitions: &mut P,
        n_classes: usize,
        settings: &Settings,
    ) -> Result<Fitted, P::Error> {
        settings.check()?;
        if n_classes < 2 {
            return Err(LinearError::Classes(n_classes).into());
        }
        let PartitionMoments { total_weight, mean, variance } =
            PartitionMoments::combined(partitions.moments()?);
        if mean.is_empty() {
            return Err(LinearError::NoRows.into());
        }
        let map = LinearMap { n_columns: mean.len(), n_classes };
        let std = variance.iter().map(|variance| variance.sqrt()).collect();
        let standardisation = Standardisation::of(Moments { mean, std })?;
        let mut descend = |settings: &Settings, start: &[f64]| {
            let goal = Goal::new(settings, &Metric::Accuracy)?;
            let mean_loss = MeanLossOfPartitions {
                partitions: &mut *partitions,
                map,
                standardisation: &standardisation,
                total_weight,
                loss: &settings.loss,
                normalized: goal.normalized,
                sums: PartitionSums::default(),
                logit_std: None,
            };
            refine::descend(mean_loss, &goal, start, || Ok(()))
        };
        let mut start = vec![0.0; map.n_parameters()];
        if let Some(cross_entropy) = settings.start() {
            start = descend(&cross_entropy, &start)?.parameters;
        }
        let fit = descend(settings, &start)?;
        if !fit.is_finite() {
            return Err(LinearError::Diverged { loss: settings.loss.name() }.into());
        }
        let mut parameters = standardisation.fold(&map, &fit.parameters);
        map.centre(&mut parameters);
        let link = settings.loss.link();
        let classifier = Self { expansion: None, map, parameters, link, costs: None };
        Ok(Fitted { classifier, loss: fit.loss, iterations: fit.iterations, converged: fit.converged })
    }
}

/// The mean of a loss over the rows of all partitions.
struct MeanLossOfPartitions<'a, P> {
    partitions: &'a mut P,
    map: LinearMap,
    standardisation: &'a Standardisation,
    /// Of all rows.
    total_weight: f64,
    loss: &'a LossSettings,
    normalized: bool,
    /// At the last point.
    sums: PartitionSums,
    logit_std: Option<f64>,
}

impl<P: Partitions> MeanLossOfPartitions<'_, P> {
    /// The mean and the standard deviation of all logits.
    fn normalization(&mut self, folded: &[f64]) -> Result<Option<(f64, f64)>, P::Error> {
        if !self.normalized {
            return Ok(None);
        }
        let moments = PartitionMoments::combined(self.partitions.logit_moments(folded)?);
        let ([mean], [variance]) = (&moments.mean[..], &moments.variance[..]) else {
            unreachable!("the moments of logits are those of one column");
        };
        Ok(Some((*mean, variance.sqrt().max(STD_FLOOR))))
    }

    /// Takes the gradient through the normalisation of the logits: with the slopes `g` and the normalised
    /// logits `x` it is `(g - w/W (Σ g + x Σ g x)) / std`, W the weight of all logits. The penalty, `1 /
    /// std²`, adds `-2 penalty w x / (std W)`.
    fn backward(&self, mut sums: PartitionSums, std: f64, penalty: f64, gradient: &mut [f64]) {
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
}

impl<P: Partitions> MeanLoss for MeanLossOfPartitions<'_, P> {
    type Error = P::Error;

    fn map(&self) -> LinearMap {
        self.map
    }

    fn column_groups(&self) -> ColumnGroups {
        ColumnGroups::single(self.map.n_columns)
    }

    fn penalty_units(&self) -> Option<&[f64]> {
        None
    }

    fn at(&mut self, linear: &[f64], loss_parameters: &[f64]) -> Result<Option<AtPoint>, P::Error> {
        let folded = self.standardisation.fold(&self.map, linear);
        let normalization = self.normalization(&folded)?;
        let query = Query { loss: self.loss, parameters: &folded, loss_parameters, normalization };
        self.sums = PartitionSums::total(self.partitions.evaluate(query)?);
        self.logit_std = normalization.map(|(_, std)| std);
        if !self.sums.loss.is_finite() {
            return Ok(None);
        }
        let mut loss = LossSum::of(self.sums.loss / self.total_weight);
        for (slope, sum) in loss.parameters.iter_mut().zip(&self.sums.loss_gradient) {
            *slope = sum / self.total_weight;
        }
        Ok(Some(AtPoint { loss, logit_std: self.logit_std }))
    }

    fn gradient(&mut self, penalty: f64, gradient: &mut [f64]) -> Result<(), P::Error> {
        let mut sums = mem::take(&mut self.sums);
        self.standardisation.backward(&self.map, &mut sums.gradient);
        for (slope, sum) in gradient.iter_mut().zip(&sums.gradient) {
            *slope = sum / self.total_weight;
        }
        if let Some(std) = self.logit_std {
            self.backward(sums, std, penalty, gradient);
        }
        Ok(())
    }

    fn logit_std(&mut self, linear: &[f64]) -> Result<Option<f64>, P::Error> {
        let folded = self.standardisation.fold(&self.map, linear);
        Ok(self.normalization(&folded)?.map(|(_, std)| std))
    }
}
