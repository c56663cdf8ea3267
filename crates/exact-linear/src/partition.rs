//! One partition of the rows, which may be in another process or on another machine: its sums.

use exact_core::logit_normalization;
use exact_core::loss::{Logits, LossError, LossSettings, Samples};
use exact_data::DenseMatrix;

use crate::LinearError;
use crate::dataset::Dataset;
use crate::linear_map::Partial;
use crate::standardisation::Standardisation;

/// The total weight of some values, and their weighted means and population variances.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartitionMoments {
    /// The sum of the weights.
    pub total_weight: f64,
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// The population variance of each column.
    pub variance: Vec<f64>,
}

impl PartitionMoments {
    /// Those of the values of all partitions, taken together in their order (Chan, Golub and `LeVeque` 1983).
    pub(crate) fn combined(parts: Vec<Self>) -> Self {
        let combine = |a: Self, b: Self| {
            let total_weight = a.total_weight + b.total_weight;
            let share = b.total_weight / total_weight;
            let columns = a.mean.iter().zip(&b.mean).zip(a.variance.iter().zip(&b.variance));
            let (mean, variance) = columns
                .map(|((mean, other), (variance, other_variance))| {
                    let delta = other - mean;
                    let within = (1.0 - share) * variance + share * other_variance;
                    (mean + share * delta, within + share * (1.0 - share) * delta * delta)
                })
                .unzip();
            Self { total_weight, mean, variance }
        };
        parts.into_iter().reduce(combine).unwrap_or_default()
    }
}

/// Where partitions are to be evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Query<'a> {
    /// The loss.
    pub loss: &'a LossSettings,
    /// `[n_columns, n_classes]` weights for the values as they are, row-major, then the biases; of two
    /// classes those of the second alone, whose negatives are the first's.
    pub parameters: &'a [f64],
    /// The loss's own.
    pub loss_parameters: &'a [f64],
    /// The mean and the standard deviation of all logits, by which they are normalised first.
    pub normalization: Option<(f64, f64)>,
}

/// Weighted sums over the rows of a partition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartitionSums {
    /// Of the losses; infinite where a logit overflows, with gradients of 0.
    pub loss: f64,
    /// The gradient with respect to the loss's own parameters.
    pub loss_gradient: Vec<f64>,
    /// The gradient with respect to the parameters at fixed normalisation, in units of normalised logits.
    pub gradient: Vec<f64>,
    /// Of the normalised logits times the rows' weights, with respect to the same parameters; empty without
    /// normalisation.
    pub logit_gradient: Vec<f64>,
    /// Of the slopes with respect to normalised logits.
    pub slope: f64,
    /// Of these slopes times the normalised logits.
    pub slope_dot: f64,
}

impl PartitionSums {
    /// The sums over all partitions, in their order.
    pub(crate) fn total(parts: Vec<Self>) -> Self {
        fn added(mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
            for (sum, term) in a.iter_mut().zip(b) {
                *sum += term;
            }
            a
        }
        let add = |a: Self, b: Self| Self {
            loss: a.loss + b.loss,
            loss_gradient: added(a.loss_gradient, &b.loss_gradient),
            gradient: added(a.gradient, &b.gradient),
            logit_gradient: added(a.logit_gradient, &b.logit_gradient),
            slope: a.slope + b.slope,
            slope_dot: a.slope_dot + b.slope_dot,
        };
        parts.into_iter().reduce(add).unwrap_or_default()
    }
}

/// The rows of one partition, with labels and sample weights.
#[derive(Debug, Clone)]
pub struct Partition<'a>(Dataset<'a>);

impl<'a> Partition<'a> {
    /// Rows with labels below `n_classes` and, unless all weigh the same, sample weights, `[n_rows]`.
    ///
    /// # Errors
    /// As [`Dataset::new`], except that one class is enough.
    pub fn new(
        rows: DenseMatrix<'a>,
        labels: Vec<u32>,
        n_classes: usize,
        sample_weight: Option<Vec<f64>>,
    ) -> Result<Self, LinearError> {
        Dataset::unstandardised(rows, labels, n_classes, sample_weight, None).map(Self)
    }

    /// The moments of the columns.
    ///
    /// # Errors
    /// [`LinearError::ColumnRange`] if values are too large.
    pub fn moments(&self) -> Result<PartitionMoments, LinearError> {
        let weights = self.0.weights.as_deref();
        let n_rows = self.0.n_rows();
        let total_weight = weights.map_or(n_rows as f64, |weights| weights.iter().sum());
        let moments = match self.0.inputs.moments(weights) {
            Some(moments) if n_rows > 0 => moments,
            _ => return Err(LinearError::NoRows),
        };
        let variance = moments.std.iter().map(|std| std * std).collect();
        Ok(PartitionMoments { total_weight, mean: moments.mean, variance })
    }

    /// The moments of all logits, as of one column.
    ///
    /// # Errors
    /// [`LinearError`] if there are too few or too many parameters.
    pub fn logit_moments(&self, parameters: &[f64]) -> Result<PartitionMoments, LinearError> {
        let logits = self.logits(parameters)?;
        let mut normal = vec![0.0; logits.len()];
        let weights = self.0.weights.as_deref();
        let statistics = logit_normalization::normalize(&logits, self.0.n_classes, weights, &mut normal)?;
        Ok(PartitionMoments {
            total_weight: statistics.total_weight,
            mean: vec![statistics.mean],
            variance: vec![statistics.std * statistics.std],
        })
    }

    /// The sums at a point.
    ///
    /// # Errors
    /// [`LinearError`] if there are too few or too many parameters, the loss refuses its settings, or the
    /// weights cannot be used.
    pub fn evaluate(&self, query: Query<'_>) -> Result<PartitionSums, LinearError> {
        let mut logits = self.logits(query.parameters)?;
        let loss = query.loss.build()?;
        let (found, expected) = (query.loss_parameters.len(), loss.initial_parameters().len());
        if found != expected {
            return Err(LossError::Length { what: "the loss's own parameters", found, expected }.into());
        }
        if let Some((mean, std)) = query.normalization {
            for logit in &mut logits {
                *logit = (*logit - mean) / std;
            }
        }
        let (n_classes, weights) = (self.0.n_classes, self.0.weights.as_deref());
        let mut slopes = vec![0.0; logits.len()];
        let sum = Logits::new(&logits, n_classes)
            .and_then(|logits| Samples::sum(logits, &self.0.labels, weights))
            .and_then(|samples| loss.evaluate_samples(samples, query.loss_parameters, &mut slopes));
        let n_parameters = query.parameters.len();
        let sum = match sum {
            Ok(sum) => sum,
            Err(LossError::Logit { .. }) => {
                return Ok(PartitionSums {
                    loss: f64::INFINITY,
                    loss_gradient: vec![0.0; query.loss_parameters.len()],
                    gradient: vec![0.0; n_parameters],
                    ..PartitionSums::default()
                });
            }
            Err(error) => return Err(error.into()),
        };
        let mut sums = PartitionSums {
            loss: sum.value,
            loss_gradient: sum.parameters[..query.loss_parameters.len()].to_vec(),
            gradient: self.transpose(&slopes),
            ..PartitionSums::default()
        };
        if query.normalization.is_some() {
            sums.slope = slopes.iter().sum();
            sums.slope_dot = slopes.iter().zip(&logits).map(|(slope, logit)| slope * logit).sum();
            for (row, logits) in logits.chunks_exact_mut(n_classes).enumerate() {
                let weight = weights.map_or(1.0, |weights| weights[row]);
                for logit in logits {
                    *logit *= weight;
                }
            }
            sums.logit_gradient = self.transpose(&logits);
        }
        Ok(sums)
    }

    fn logits(&self, parameters: &[f64]) -> Result<Vec<f64>, LinearError> {
        let (found, expected) = (parameters.len(), self.0.map().n_parameters());
        if found != expected {
            return Err(LinearError::Parameters { found, expected });
        }
        Ok(self.0.logits(parameters))
    }

    /// The gradient with respect to the parameters, given the one with respect to the logits.
    fn transpose(&self, slopes: &[f64]) -> Vec<f64> {
        let map = self.0.map();
        let mut gradient = vec![0.0; map.n_parameters()];
        let mut partial = Partial::new(&map, self.0.n_rows());
        let none = Standardisation::none(map.n_columns);
        map.transpose(slopes, &self.0.inputs, &none, &mut partial, &mut gradient);
        gradient
    }
}
