//! What one training run minimises, and what training has to know of each loss.

use std::borrow::Cow;
use std::sync::Arc;

use exact_core::loss::{Loss, LossError, LossKind, LossSettings};

use crate::LinearError;
use crate::dataset::Dataset;
use crate::lbfgs::Limits;
use crate::metric::Metric;
use crate::settings::Settings;

/// Convex losses are solved closely, since others start from the solution.
const CONVEX: Limits = Limits { iterations: 200, gradient: 1e-6, decrease: 1e-7 };
/// Selection compares solutions by scores, which see little of what is beyond this: on eight sets, kernel
/// features took 28 % of the time and had a mean accuracy of 92.2 % instead of 92.4 %.
const SELECTION: Limits = Limits { iterations: 200, gradient: 1e-5, decrease: 1e-5 };
/// The other losses have many stationary points of nearly equal value.
const NON_CONVEX: Limits = Limits { iterations: 60, gradient: 1e-5, decrease: 1e-5 };

/// A loss, which is the expected error of a metric where it is the EXACT loss, with the other settings of
/// training.
#[derive(Debug, Clone)]
pub(crate) struct Goal<'a> {
    settings: &'a Settings,
    metric: &'a Metric,
    loss: LossSettings,
    /// Whether the loss sees normalised logits: its sigma or temperature then has a meaning of its own,
    /// instead of being absorbed by the scale of the weights.
    pub normalized: bool,
    /// Whether the loss is convex in the logits and smooth.
    convex: bool,
    /// Whether the solution is one of many that selection compares.
    compared: bool,
}

impl<'a> Goal<'a> {
    pub fn new(settings: &'a Settings, metric: &'a Metric) -> Result<Self, LinearError> {
        let (normalized, convex) = match settings.loss.kind() {
            LossKind::CrossEntropy | LossKind::Probit => (false, true),
            LossKind::Hinge | LossKind::Poly1 => (false, false),
            LossKind::Exact | LossKind::Sigmoid | LossKind::BetaBernoulli | LossKind::Polynomial => {
                (true, false)
            }
            kind @ (LossKind::Focal
            | LossKind::TopK
            | LossKind::MacroF1
            | LossKind::ExpectedCost
            | LossKind::WeightedSum) => return Err(LinearError::loss_not_offered(kind)),
        };
        let loss = match &settings.loss {
            LossSettings::Exact(scores) => metric.expected_error(scores.clone()),
            loss => loss.clone(),
        };
        Ok(Self { settings, metric, loss, normalized, convex, compared: false })
    }

    /// The same, solved as closely as selection needs.
    pub fn compared(self) -> Self {
        Self { compared: true, ..self }
    }

    pub fn kind(&self) -> LossKind {
        self.settings.loss.kind()
    }

    pub fn loss(&self) -> Result<Arc<dyn Loss<f64>>, LossError> {
        self.loss.build()
    }

    /// The loss at a step of its schedule of sigma.
    pub fn loss_at(&self, step: usize, steps: usize) -> Result<Arc<dyn Loss<f64>>, LossError> {
        self.loss.at(step, steps)
    }

    /// The weights of rows in the loss.
    pub fn weights<'b>(&self, data: &'b Dataset<'_>) -> Result<Option<Cow<'b, [f64]>>, LinearError> {
        match self.kind() {
            LossKind::Exact => self.metric.weights(data),
            _ => Metric::Accuracy.weights(data),
        }
    }

    /// The coefficient of the L2 penalty in the objective. The strength is that of the cross-entropy solution
    /// from which training starts; weights in units of the logits' standard deviation are penalised by a
    /// tenth of it, which was better than the whole and than nothing on eleven sets that are not among the
    /// bundled ones.
    pub fn l2(&self) -> f64 {
        if self.normalized { 0.1 * self.settings.l2 } else { self.settings.l2 }
    }

    /// The coefficient of the L1 penalty in the objective.
    pub fn l1(&self) -> f64 {
        if self.normalized { 0.0 } else { self.settings.l1 }
    }

    /// The coefficient of the group penalty in the objective.
    pub fn group_l1(&self) -> f64 {
        if self.normalized { 0.0 } else { self.settings.group_l1 }
    }

    /// Whether columns without a weight at the start stay without: how the L1 and the group penalty reach
    /// losses on normalised logits.
    pub fn keeps_columns(&self) -> bool {
        self.normalized && (self.settings.l1 > 0.0 || self.settings.group_l1 > 0.0)
    }

    /// When the full-batch solvers stop.
    pub fn limits(&self) -> Limits {
        let limits = match (self.convex, self.compared) {
            (true, false) => CONVEX,
            (true, true) => SELECTION,
            (false, _) => NON_CONVEX,
        };
        Limits { iterations: self.settings.max_iterations.unwrap_or(limits.iterations), ..limits }
    }
}
