//! One full-batch training run from given parameters: L-BFGS, OWL-QN where there is an L1 penalty, or
//! proximal steps where there is one of groups.

use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::mean_loss::{Buffers, MeanLossOfRows};
use crate::objective::{MeanLoss, Objective};
use crate::owlqn::L1;
use crate::progress::Watch;
use crate::proximal::GroupPenalty;
use crate::{LinearError, lbfgs, owlqn, proximal};

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

impl Fit {
    /// Whether there is something that can be used.
    pub fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.parameters.iter().all(|parameter| parameter.is_finite())
    }
}

/// Trains on the rows of a data set, from the linear parameters `start`.
pub(crate) fn fit(
    data: &Dataset<'_>,
    goal: &Goal<'_>,
    start: &[f64],
    watch: &Watch<'_>,
) -> Result<Fit, LinearError> {
    let (loss, weights) = (goal.loss()?, goal.weights(data)?);
    let mut buffers = Buffers::new(&data.map(), data.n_rows());
    let mean_loss =
        MeanLossOfRows::new(data, weights.as_deref(), loss.as_ref(), goal.normalized, &mut buffers);
    let passes = watch.passes(goal.limits().iterations);
    let fit = descend(mean_loss, goal, start, || passes.next())?;
    passes.finish()?;
    Ok(fit)
}

/// Trains on rows wherever they are. `poll` is called before each evaluation and may end training.
pub(crate) fn descend<L: MeanLoss>(
    mean_loss: L,
    goal: &Goal<'_>,
    start: &[f64],
    poll: impl Fn() -> Result<(), L::Error>,
) -> Result<Fit, L::Error>
where
    L::Error: From<LinearError>,
{
    let mut parameters = start.to_vec();
    parameters.extend(goal.loss().map_err(LinearError::from)?.initial_parameters());
    let map = mean_loss.map();
    let kept_out = if goal.keeps_columns() { map.columns_without_weights(start) } else { Vec::new() };
    let l1 = L1 { rate: goal.l1() * map.logits_per_score(), len: map.n_weights() };
    let groups = (goal.group_l1() > 0.0).then(|| GroupPenalty {
        groups: mean_loss.column_groups(),
        n_scores: map.n_scores(),
        rate: goal.group_l1() * map.logits_per_score().sqrt(),
    });
    let mut objective = Objective { mean_loss, l2: goal.l2() };
    let evaluate = |parameters: &[f64], gradient: &mut [f64]| -> Result<f64, L::Error> {
        poll()?;
        let value = objective.evaluate(parameters, gradient)?;
        for column in &kept_out {
            gradient[column * map.n_scores()..][..map.n_scores()].fill(0.0);
        }
        Ok(value)
    };
    let outcome = if let Some(groups) = groups {
        proximal::minimize(&mut parameters, &groups, goal.limits(), evaluate)?
    } else if l1.rate > 0.0 {
        owlqn::minimize(&mut parameters, l1, goal.limits(), evaluate)?
    } else {
        lbfgs::minimize(&mut parameters, goal.limits(), evaluate)?
    };
    parameters.truncate(start.len());
    let loss = finish(&mut objective.mean_loss, goal, &mut parameters)?;
    Ok(Fit { parameters, loss, iterations: outcome.iterations, converged: outcome.converged })
}

/// Scales linear parameters, on whose scale a loss on normalised logits does not depend, so that the logits
/// have the standard deviation 1. Returns the loss without penalty, at the loss's initial parameters;
/// infinite where a logit overflows.
pub(crate) fn finish<L: MeanLoss>(
    mean_loss: &mut L,
    goal: &Goal<'_>,
    parameters: &mut [f64],
) -> Result<f64, L::Error>
where
    L::Error: From<LinearError>,
{
    if let Some(std) = mean_loss.logit_std(parameters)? {
        for parameter in parameters.iter_mut() {
            *parameter /= std;
        }
    }
    let loss_parameters = goal.loss().map_err(LinearError::from)?.initial_parameters();
    let at = mean_loss.at(parameters, &loss_parameters)?;
    Ok(at.map_or(f64::INFINITY, |at| at.loss.value))
}
