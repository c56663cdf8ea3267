//! One full-batch training run: L-BFGS from given parameters.

use exact_core::logit_normalization;

use crate::LinearError;
use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::lbfgs::{Limits, minimize};
use crate::objective::Objective;
use crate::progress::Watch;
use crate::settings::{LossKind, Settings};

/// Convex losses are solved closely, since others start from the solution.
const CONVEX: Limits = Limits { iterations: 200, gradient: 1e-6, decrease: 1e-7 };
/// The other losses have many stationary points of nearly equal value.
const NON_CONVEX: Limits = Limits { iterations: 60, gradient: 1e-5, decrease: 1e-5 };

/// Where a training run ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fit {
    /// On standardised columns.
    pub parameters: Vec<f64>,
    /// Without penalty, at the loss's initial parameters.
    pub loss: f64,
    pub iterations: usize,
    pub converged: bool,
}

/// When training with a loss stops.
pub(crate) fn limits(kind: LossKind, settings: &Settings) -> Limits {
    let limits = if kind.is_convex() { CONVEX } else { NON_CONVEX };
    Limits { iterations: settings.max_iterations.unwrap_or(limits.iterations), ..limits }
}

/// Trains from the linear parameters `start`.
pub(crate) fn fit(
    data: &Dataset<'_>,
    goal: Goal<'_>,
    settings: &Settings,
    start: &[f64],
    watch: &Watch<'_>,
) -> Result<Fit, LinearError> {
    let (loss, weights, kind) = (goal.loss(settings)?, goal.weights(data)?, goal.kind);
    let mut parameters = start.to_vec();
    parameters.extend(loss.initial_parameters());
    let (normalized, penalty) = (kind.is_normalized(), settings.penalty(kind));
    let mut objective = Objective::new(data, weights.as_deref(), loss.as_ref(), normalized, penalty);
    let outcome = minimize(&mut parameters, limits(kind, settings), |parameters, gradient| {
        watch.poll()?;
        Ok::<_, LinearError>(objective.evaluate(parameters, gradient))
    })?;
    parameters.truncate(start.len());
    let (parameters, loss) = finish(data, goal, settings, parameters)?;
    Ok(Fit { parameters, loss, iterations: outcome.iterations, converged: outcome.converged })
}

/// Scales the parameters of a normalised objective, which does not depend on their scale, so that the logits have the
/// standard deviation 1. Returns the parameters and the loss without penalty, at the loss's initial parameters.
pub(crate) fn finish(
    data: &Dataset<'_>,
    goal: Goal<'_>,
    settings: &Settings,
    mut parameters: Vec<f64>,
) -> Result<(Vec<f64>, f64), LinearError> {
    if goal.kind.is_normalized() {
        let (logits, weights) = (data.logits(&parameters), goal.weights(data)?);
        let mut normal = vec![0.0; logits.len()];
        let statistics =
            logit_normalization::normalize(&logits, data.n_classes, weights.as_deref(), &mut normal)?;
        for parameter in &mut parameters {
            *parameter /= statistics.std;
        }
    }
    let value = loss(data, goal, settings, &parameters)?;
    Ok((parameters, value))
}

/// The loss without penalty at given linear parameters.
fn loss(
    data: &Dataset<'_>,
    goal: Goal<'_>,
    settings: &Settings,
    parameters: &[f64],
) -> Result<f64, LinearError> {
    let (loss, weights) = (goal.loss(settings)?, goal.weights(data)?);
    let mut parameters = parameters.to_vec();
    parameters.extend(loss.initial_parameters());
    let mut gradient = vec![0.0; parameters.len()];
    let normalized = goal.kind.is_normalized();
    let mut objective = Objective::new(data, weights.as_deref(), loss.as_ref(), normalized, 0.0);
    Ok(objective.evaluate(&parameters, &mut gradient))
}
