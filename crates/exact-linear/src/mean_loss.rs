//! The mean loss of the rows of one data set, with its gradient.

use exact_core::logit_normalization::{self, LogitStatistics};
use exact_core::loss::{Logits, Loss, LossError, Samples};

use crate::LinearError;
use crate::column_groups::ColumnGroups;
use crate::dataset::Dataset;
use crate::linear_map::Partial;
use crate::objective::{AtPoint, MeanLoss};
use crate::shape::LinearMap;

/// What one evaluation needs for each row; kept from one to the next.
pub(crate) struct Buffers {
    logits: Vec<f64>,
    /// The logits when normalised.
    normal: Vec<f64>,
    logit_gradient: Vec<f64>,
    partial: Partial,
}

impl Buffers {
    pub fn new(map: &LinearMap, n_rows: usize) -> Self {
        let n = n_rows * map.n_classes;
        Self {
            logits: vec![0.0; n],
            normal: vec![0.0; n],
            logit_gradient: vec![0.0; n],
            partial: Partial::new(map, n_rows),
        }
    }
}

/// The mean of a loss over the rows of a data set.
pub(crate) struct MeanLossOfRows<'a> {
    data: &'a Dataset<'a>,
    weights: Option<&'a [f64]>,
    loss: &'a dyn Loss<f64>,
    normalized: bool,
    buffers: &'a mut Buffers,
    /// Of the logits at the last point.
    statistics: Option<LogitStatistics<f64>>,
}

impl<'a> MeanLossOfRows<'a> {
    /// `weights`, `[n_rows]`, are those of the rows in the loss and in the normalisation. The buffers are for
    /// as many rows.
    pub fn new(
        data: &'a Dataset<'a>,
        weights: Option<&'a [f64]>,
        loss: &'a dyn Loss<f64>,
        normalized: bool,
        buffers: &'a mut Buffers,
    ) -> Self {
        Self { data, weights, loss, normalized, buffers, statistics: None }
    }

    /// Computes the logits and, where the loss sees them so, normalises them.
    fn logits(&mut self, linear: &[f64]) -> Result<(), LossError> {
        let Dataset { inputs, n_classes, standardisation, .. } = self.data;
        let Buffers { logits, normal, .. } = &mut *self.buffers;
        self.data.map().logits(linear, inputs, standardisation, logits);
        self.statistics = self
            .normalized
            .then(|| logit_normalization::normalize(logits, *n_classes, self.weights, normal))
            .transpose()?;
        Ok(())
    }
}

impl MeanLoss for MeanLossOfRows<'_> {
    type Error = LinearError;

    fn map(&self) -> LinearMap {
        self.data.map()
    }

    fn column_groups(&self) -> ColumnGroups {
        ColumnGroups::of(self.data)
    }

    fn penalty_units(&self) -> Option<&[f64]> {
        self.data.penalty_units()
    }

    fn at(&mut self, linear: &[f64], loss_parameters: &[f64]) -> Result<Option<AtPoint>, LinearError> {
        self.logits(linear)?;
        let Buffers { logits, normal, logit_gradient, .. } = &mut *self.buffers;
        let logits = match Logits::new(if self.normalized { normal } else { logits }, self.data.n_classes) {
            Err(LossError::Logit { .. }) => return Ok(None),
            logits => logits?,
        };
        let samples = Samples::mean(logits, &self.data.labels, self.weights)?;
        let loss = self.loss.evaluate_samples(samples, loss_parameters, logit_gradient)?;
        Ok(Some(AtPoint { loss, logit_std: self.statistics.map(|statistics| statistics.std) }))
    }

    fn gradient(&mut self, penalty: f64, gradient: &mut [f64]) -> Result<(), LinearError> {
        let Dataset { inputs, n_classes, standardisation, .. } = self.data;
        let Buffers { normal, logit_gradient, partial, .. } = &mut *self.buffers;
        if let Some(statistics) = &self.statistics {
            logit_normalization::backward(normal, statistics, *n_classes, self.weights, logit_gradient)?;
            // d penalty / d std = -2 penalty / std, and d std / d logit = weight · normalised logit / sum of
            // the weights.
            let slope = -2.0 * penalty / (statistics.std * statistics.total_weight);
            if let Some(weights) = self.weights {
                let rows = logit_gradient.chunks_exact_mut(*n_classes).zip(normal.chunks_exact(*n_classes));
                for ((gradient, normal), weight) in rows.zip(weights) {
                    for (gradient, normal) in gradient.iter_mut().zip(normal) {
                        *gradient += slope * weight * normal;
                    }
                }
            } else {
                for (gradient, normal) in logit_gradient.iter_mut().zip(normal) {
                    *gradient += slope * *normal;
                }
            }
        }
        self.data.map().transpose(logit_gradient, inputs, standardisation, partial, gradient);
        self.data.clear_biases(gradient);
        Ok(())
    }

    fn logit_std(&mut self, linear: &[f64]) -> Result<Option<f64>, LinearError> {
        self.logits(linear)?;
        Ok(self.statistics.map(|statistics| statistics.std))
    }
}
