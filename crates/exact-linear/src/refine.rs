//! One full-batch training run from given parameters: L-BFGS, OWL-QN where there is an L1 penalty, or
//! proximal steps where there is one of groups.

use std::borrow::Cow;

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
    let variables = Variables::of(&mean_loss, goal);
    let rates = (goal.l1() > 0.0).then(|| {
        let rate = goal.l1() * map.logits_per_score();
        let of_column = |column| vec![rate / variables.unit(column); map.n_scores()];
        (0..map.n_columns).flat_map(of_column).collect::<Vec<f64>>()
    });
    let groups = (goal.group_l1() > 0.0).then(|| {
        let (groups, rate) = (mean_loss.column_groups(), goal.group_l1() * map.logits_per_score().sqrt());
        // Columns in units of their own are groups of one.
        let rates = groups.iter().map(|columns| rate / variables.unit(columns[0])).collect();
        GroupPenalty { groups, n_scores: map.n_scores(), rates }
    });
    let mut objective = Objective { mean_loss, l2: goal.l2() };
    let evaluate = |parameters: &[f64], gradient: &mut [f64]| -> Result<f64, L::Error> {
        poll()?;
        let value = objective.evaluate(&variables.parameters(parameters), gradient)?;
        variables.turn(gradient);
        for column in &kept_out {
            gradient[column * map.n_scores()..][..map.n_scores()].fill(0.0);
        }
        Ok(value)
    };
    variables.turn_back(&mut parameters);
    let outcome = if let Some(groups) = groups {
        proximal::minimize(&mut parameters, &groups, goal.limits(), evaluate)?
    } else if let Some(rates) = &rates {
        owlqn::minimize(&mut parameters, L1 { rates }, goal.limits(), evaluate)?
    } else {
        lbfgs::minimize(&mut parameters, goal.limits(), evaluate)?
    };
    variables.turn(&mut parameters);
    parameters.truncate(start.len());
    let loss = finish(&mut objective.mean_loss, goal, &mut parameters)?;
    Ok(Fit { parameters, loss, iterations: outcome.iterations, converged: outcome.converged })
}

/// What the solvers move instead of weights. Where penalties are on weights in units of their own, they would
/// be much steeper along some than along others: these are taken times the root of 1 and the penalty's
/// curvature, relative to that of cross-entropy where all classes are as likely, `1 / n_classes`; all over
/// the least of these roots, so that columns in the same unit stay as they are.
struct Variables {
    n_scores: usize,
    /// Of each column, its unit and what its weights are multiplied by; `None` for 1.
    columns: Option<Vec<(f64, f64)>>,
}

impl Variables {
    fn of(mean_loss: &impl MeanLoss, goal: &Goal<'_>) -> Self {
        let map = mean_loss.map();
        let l2 = goal.l2() * map.n_classes as f64;
        let columns = mean_loss.penalty_units().map(|units| {
            let factor = |&unit: &f64| (1.0 + l2 / (unit * unit)).sqrt();
            let least = units.iter().map(factor).fold(f64::INFINITY, f64::min);
            units.iter().map(|unit| (*unit, factor(unit) / least)).collect()
        });
        Self { n_scores: map.n_scores(), columns }
    }

    /// What the variables of a column are divided by in the penalties.
    fn unit(&self, column: usize) -> f64 {
        self.columns.as_ref().map_or(1.0, |columns| columns[column].0 * columns[column].1)
    }

    /// The parameters of these values of the variables.
    fn parameters<'a>(&self, values: &'a [f64]) -> Cow<'a, [f64]> {
        let mut parameters = Cow::Borrowed(values);
        if self.columns.is_some() {
            self.turn(parameters.to_mut());
        }
        parameters
    }

    /// Turns values of the variables into parameters, and slopes along these into slopes along those.
    fn turn(&self, values: &mut [f64]) {
        self.for_each(values, |value, factor| *value /= factor);
    }

    fn turn_back(&self, parameters: &mut [f64]) {
        self.for_each(parameters, |value, factor| *value *= factor);
    }

    fn for_each(&self, values: &mut [f64], change: impl Fn(&mut f64, f64)) {
        let columns = values.chunks_exact_mut(self.n_scores).zip(self.columns.iter().flatten());
        for (values, (_, factor)) in columns {
            for value in values {
                change(value, *factor);
            }
        }
    }
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
