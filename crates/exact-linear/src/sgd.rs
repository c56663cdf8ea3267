//! Minibatch stochastic gradient descent with the paper's recipe.
//!
//! Momentum, a learning rate and a sigma that fall geometrically, logits normalised within each batch and
//! gradients divided by a running mean of their norm (Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615).

use exact_core::gradient_normalizer::GradientNormalizer;
use exact_core::random::stream;
use exact_core::schedule::Schedule;
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::LinearError;
use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::mean_loss::{Buffers, MeanLossOfRows};
use crate::objective::Objective;
use crate::progress::Watch;
use crate::refine::{self, Fit};

const BATCH: usize = 256;
/// Passes over the data at least.
const EPOCHS: usize = 16;
/// Steps at least: the paper's 16 epochs of about 500 steps each.
const MIN_STEPS: usize = 8000;
const MOMENTUM: f64 = 0.9;
const LAST_LEARNING_RATE: f64 = 1e-4;

/// How rows are divided into batches.
struct Steps {
    batch_rows: usize,
    /// In an epoch.
    batches: usize,
    /// In all epochs.
    total: usize,
}

impl Steps {
    fn of(n_rows: usize) -> Self {
        let batch_rows = BATCH.min(n_rows);
        let batches = n_rows / batch_rows;
        let epochs = EPOCHS.max(MIN_STEPS.div_ceil(batches));
        Self { batch_rows, batches, total: epochs * batches }
    }
}

/// The steps of a run on so many rows.
pub(crate) fn steps(n_rows: usize) -> usize {
    Steps::of(n_rows).total
}

/// Trains from small random weights.
pub(crate) fn fit(
    data: &Dataset<'_>,
    goal: &Goal<'_>,
    learning_rate: f64,
    seed: u64,
    watch: &Watch<'_>,
) -> Result<Fit, LinearError> {
    let mut random = stream(seed, 0);
    let (loss, weights, map) = (goal.loss()?, goal.weights(data)?, data.map());
    // Equal logits have no standard deviation to be divided by, so the weights do not start at 0.
    let spread = 1.0 / (data.n_columns().max(1) as f64).sqrt();
    let mut parameters: Vec<f64> =
        (0..map.n_parameters()).map(|_| spread * (2.0 * random.random::<f64>() - 1.0)).collect();
    map.centre(&mut parameters);
    data.clear_biases(&mut parameters);
    parameters.extend(loss.initial_parameters());
    let mut gradient = vec![0.0; parameters.len()];
    let mut velocity = vec![0.0; parameters.len()];
    let mut normalizer = GradientNormalizer::new();

    let Steps { batch_rows, batches, total: steps } = Steps::of(data.n_rows());
    let rate = Schedule::geometric(learning_rate, LAST_LEARNING_RATE)?;
    let mut rows: Vec<usize> = (0..data.n_rows()).collect();
    let mean_weight = weights.as_deref().map(mean);
    let mut buffers = Buffers::new(&map, batch_rows);
    let passes = watch.passes(steps);
    for step in 0..steps {
        passes.next()?;
        if step % batches == 0 {
            rows.shuffle(&mut random);
        }
        let batch_rows = &rows[step % batches * batch_rows..][..batch_rows];
        let batch = data.select(batch_rows);
        let batch_weights: Option<Vec<f64>> =
            weights.as_ref().map(|weights| batch_rows.iter().map(|&row| weights[row]).collect());
        let loss = goal.loss_at(step, steps)?;
        let weights = batch_weights.as_deref();
        let mean_loss = MeanLossOfRows::new(&batch, weights, loss.as_ref(), goal.normalized, &mut buffers);
        Objective { mean_loss, l2: goal.l2() }.evaluate(&parameters, &mut gradient)?;
        // The mean over the batch, but a batch of more weight has a larger part in the whole.
        if let (Some(batch), Some(mean_weight)) = (weights, mean_weight) {
            let share = mean(batch) / mean_weight;
            for slope in &mut gradient {
                *slope *= share;
            }
        }
        if goal.normalized {
            normalizer.normalize(&mut gradient);
        }
        let rate = rate.value(step, steps);
        for ((parameter, velocity), slope) in parameters.iter_mut().zip(&mut velocity).zip(&gradient) {
            *velocity = MOMENTUM * *velocity + slope;
            *parameter -= rate * *velocity;
        }
    }
    parameters.truncate(map.n_parameters());
    let mut buffers = Buffers::new(&map, data.n_rows());
    let mut mean_loss =
        MeanLossOfRows::new(data, weights.as_deref(), loss.as_ref(), goal.normalized, &mut buffers);
    let loss = refine::finish(&mut mean_loss, goal, &mut parameters)?;
    Ok(Fit { parameters, loss, iterations: 0, converged: true })
}

fn mean(weights: &[f64]) -> f64 {
    weights.iter().sum::<f64>() / weights.len() as f64
}
