//! One full-batch training run: L-BFGS from given parameters.

use exact_core::logit_normalization;

use crate::LinearError;
use crate::dataset::Dataset;
use crate::lbfgs::{Limits, minimize};
use crate::objective::Objective;
use crate::progress::Watch;
use crate::settings::{LossKind, Settings};

/// Convex losses are solved closely, since others start from the solution.
const CONVEX: Limits = Limits { iterations: 200, gradient: 1e-6, decrease: 1e-7 };
/// The other losses have many stationary points of nearly equal value.
const NON_CONVEX: Limits = Limits { iterations: 60, gradient: 1e-5, decrease: 1e-5 };

/// Trains from the linear parameters `start`. Returns the linear parameters and the loss without penalty.
pub(crate) fn fit(
    data: &Dataset<'_>,
    kind: LossKind,
    settings: &Settings,
    start: &[f64],
    watch: &Watch<'_>,
) -> Result<(Vec<f64>, f64), LinearError> {
    let loss = settings.loss(kind)?;
    let mut parameters = start.to_vec();
    parameters.extend(loss.initial_parameters());
    let limits = if kind.is_convex() { CONVEX } else { NON_CONVEX };
    let mut objective = Objective::new(data, loss.as_ref(), kind.is_normalized(), settings.penalty(kind));
    minimize(&mut parameters, limits, |parameters, gradient| {
        watch.poll()?;
        Ok::<_, LinearError>(objective.evaluate(parameters, gradient))
    })?;
    parameters.truncate(start.len());
    finish(data, kind, settings, parameters)
}

/// Scales the parameters of a normalised objective, which does not depend on their scale, so that the logits have the
/// standard deviation 1. Returns the parameters and the loss without penalty, at the loss's initial parameters.
pub(crate) fn finish(
    data: &Dataset<'_>,
    kind: LossKind,
    settings: &Settings,
    mut parameters: Vec<f64>,
) -> Result<(Vec<f64>, f64), LinearError> {
    if kind.is_normalized() {
        let logits = data.logits(&parameters);
        let mut normal = vec![0.0; logits.len()];
        let statistics =
            logit_normalization::normalize(&logits, data.n_classes, data.weights.as_deref(), &mut normal);
        for parameter in &mut parameters {
            *parameter /= statistics.std;
        }
    }
    let value = loss(data, kind, settings, &parameters)?;
    Ok((parameters, value))
}

/// The loss without penalty at given linear parameters.
pub(crate) fn loss(
    data: &Dataset<'_>,
    kind: LossKind,
    settings: &Settings,
    parameters: &[f64],
) -> Result<f64, LinearError> {
    let loss = settings.loss(kind)?;
    let mut parameters = parameters.to_vec();
    parameters.extend(loss.initial_parameters());
    let mut gradient = vec![0.0; parameters.len()];
    Ok(Objective::new(data, loss.as_ref(), kind.is_normalized(), 0.0).evaluate(&parameters, &mut gradient))
}
