//! The solutions of cross-entropy, from which training with other losses starts.

use exact_core::Link;
use exact_core::loss::LossSettings;

use crate::column_groups::ColumnGroups;
use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::mean_loss::{Buffers, MeanLossOfRows};
use crate::metric::Metric;
use crate::objective::MeanLoss;
use crate::progress::Watch;
use crate::refine::Fit;
use crate::settings::Settings;
use crate::strength::{Largest, Penalty};
use crate::{LinearError, proximal, refine};

/// The settings of cross-entropy with a penalty.
pub(crate) fn settings(penalty: Penalty) -> Settings {
    penalty.settings(LossSettings::default())
}

/// The solutions along a path of penalties: the first from `start`, each other from the one before.
pub(crate) fn path(
    data: &Dataset<'_>,
    penalties: impl IntoIterator<Item = Penalty>,
    mut start: Vec<f64>,
    watch: &Watch<'_>,
) -> Result<Vec<Fit>, LinearError> {
    let mut path = Vec::new();
    for penalty in penalties {
        let settings = settings(penalty);
        let goal = Goal::new(&settings, &Metric::Accuracy)?.compared();
        let fit = refine::fit(data, &goal, &start, watch)?;
        start.clone_from(&fit.parameters);
        path.push(fit);
    }
    Ok(path)
}

/// What the labels lack of the probabilities of a solution, `[n_rows, n_classes]`.
pub(crate) fn residuals(data: &Dataset<'_>, parameters: &[f64]) -> Result<Vec<f64>, LinearError> {
    let logits = data.logits(parameters);
    let mut residuals = Link::Softmax { temperature: 1.0 }.probabilities(&logits, data.n_classes)?;
    for (row, &label) in residuals.chunks_exact_mut(data.n_classes).zip(&data.labels) {
        for value in row.iter_mut() {
            *value = -*value;
        }
        row[label as usize] += 1.0;
    }
    Ok(residuals)
}

/// The smallest coefficients with which no column has a weight: the largest slope of the mean loss along one
/// logit's weight, or along those of a group over the root of its size, where there are no weights and the
/// biases, if there are any, give each class its share of rows.
pub(crate) fn largest(data: &Dataset<'_>) -> Result<Largest, LinearError> {
    let map = data.map();
    let mut shares = vec![0.0; data.n_classes];
    for (row, &label) in data.labels.iter().enumerate() {
        shares[label as usize] += data.weights.as_ref().map_or(1.0, |weights| weights[row]);
    }
    // A class without rows has a probability of 0.
    let logits: Vec<f64> = shares.iter().map(|share| share.max(f64::MIN_POSITIVE).ln()).collect();
    let mut parameters = vec![0.0; map.n_weights()];
    match logits[..] {
        [first, second] => parameters.push(0.5 * (second - first)),
        _ => parameters.extend(logits),
    }
    data.clear_biases(&mut parameters);
    let loss = LossSettings::default().build()?;
    let mut buffers = Buffers::new(&map, data.n_rows());
    let weights = data.weights.as_deref();
    let mut mean_loss = MeanLossOfRows::new(data, weights, loss.as_ref(), false, &mut buffers);
    let mut gradient = vec![0.0; parameters.len()];
    mean_loss.at(&parameters, &[])?;
    mean_loss.gradient(0.0, &mut gradient)?;
    // In the units of the penalties; a constant column has no slope.
    if let Some(units) = data.penalty_units() {
        for (slopes, unit) in gradient.chunks_exact_mut(map.n_scores()).zip(units) {
            for slope in slopes {
                *slope *= if unit.is_finite() { *unit } else { 0.0 };
            }
        }
    }
    let steepest = gradient[..map.n_weights()].iter().fold(0.0, |max: f64, slope| max.max(slope.abs()));
    let of_group = |columns: &[usize]| {
        proximal::norm(columns, map.n_scores(), &gradient) / (columns.len() as f64).sqrt()
    };
    let steepest_group = ColumnGroups::of(data).iter().map(of_group).fold(0.0, f64::max);
    Ok(Largest {
        l1: steepest / map.logits_per_score(),
        group_l1: steepest_group / map.logits_per_score().sqrt(),
    })
}
