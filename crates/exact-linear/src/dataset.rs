//! Encoded features with labels, and how well parameters do on them.

use exact_core::logit_normalization;
use exact_core::loss::{Exact, Logits, Loss};
use exact_data::Features;

use crate::classifier::argmax_rows;
use crate::linear_map::LinearMap;

/// The sigma, in units of the logits' standard deviation, at which settings are compared.
const COMPARISON_SIGMA: f64 = 0.05;

/// Encoded features with labels below `n_classes`.
#[derive(Debug, Clone)]
pub(crate) struct Dataset {
    pub features: Features,
    pub labels: Vec<u32>,
    pub n_classes: usize,
}

impl Dataset {
    pub fn n_rows(&self) -> usize {
        self.labels.len()
    }

    pub fn map(&self) -> LinearMap {
        LinearMap { n_columns: self.features.n_columns(), n_classes: self.n_classes }
    }

    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            features: self.features.select(rows),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            n_classes: self.n_classes,
        }
    }

    /// The rows that are not in `rows`, which is sorted, and those that are.
    pub fn hold_out(&self, rows: &[usize]) -> (Self, Self) {
        let kept: Vec<usize> = (0..self.n_rows()).filter(|row| rows.binary_search(row).is_err()).collect();
        (self.select(&kept), self.select(rows))
    }

    /// The logits of all rows; parameters past those of the linear map are ignored.
    pub fn logits(&self, parameters: &[f64]) -> Vec<f64> {
        let mut logits = vec![0.0; self.n_rows() * self.n_classes];
        self.map().logits(parameters, &self.features, &mut logits);
        logits
    }

    /// The fraction of rows whose label has the largest logit.
    pub fn accuracy(&self, parameters: &[f64]) -> f64 {
        let predictions = argmax_rows(&self.logits(parameters), self.n_classes);
        let correct = predictions.iter().zip(&self.labels).filter(|(a, b)| a == b).count();
        correct as f64 / self.n_rows().max(1) as f64
    }

    /// Expected accuracy at [`COMPARISON_SIGMA`]; 0 where the logits are not finite.
    pub fn expected_accuracy(&self, parameters: &[f64]) -> f64 {
        let logits = self.logits(parameters);
        let mut normal = vec![0.0; logits.len()];
        logit_normalization::normalize(&logits, self.n_classes, None, &mut normal);
        let mut gradient = logits;
        let error = Exact::new(COMPARISON_SIGMA).and_then(|loss| {
            loss.evaluate(Logits::new(&normal, self.n_classes)?, &self.labels, None, &mut gradient)
        });
        error.map_or(0.0, |error| 1.0 - error)
    }
}
