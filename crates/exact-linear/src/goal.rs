//! What one training run minimises.

use std::borrow::Cow;

use exact_core::loss::{Loss, LossError};

use crate::LinearError;
use crate::dataset::Dataset;
use crate::metric::Metric;
use crate::settings::{LossKind, Settings};

/// A loss, and the metric whose expected error it is where it is the EXACT loss.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal<'a> {
    pub kind: LossKind,
    pub metric: &'a Metric,
}

impl Goal<'_> {
    pub fn loss(&self, settings: &Settings) -> Result<Box<dyn Loss<f64>>, LossError> {
        settings.loss(self.kind, self.metric)
    }

    /// The weights of rows in the loss.
    pub fn weights<'a>(&self, data: &'a Dataset<'_>) -> Result<Option<Cow<'a, [f64]>>, LinearError> {
        match self.kind {
            LossKind::Exact => self.metric.weights(data),
            _ => Metric::Accuracy.weights(data),
        }
    }
}
