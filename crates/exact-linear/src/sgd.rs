//! Minibatch stochastic gradient descent with the paper's recipe.
//!
//! Momentum, a learning rate and a sigma that fall geometrically, logits normalised within each batch and gradients
//! divided by a running mean of their norm (Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615).

use exact_core::gradient_normalizer::GradientNormalizer;
use exact_core::schedule::Schedule;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::LinearError;
use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::objective::Objective;
use crate::progress::Watch;
use crate::refine;
use crate::settings::{LossKind, Settings};

const BATCH: usize = 256;
/// Passes over the data at least.
const EPOCHS: usize = 16;
/// Steps at least: the paper's 16 epochs of about 500 steps each.
const MIN_STEPS: usize = 8000;
const MOMENTUM: f64 = 0.9;
const LAST_LEARNING_RATE: f64 = 1e-4;
/// Sigma over training, in units of the logits' standard deviation.
const FIRST_SIGMA: f64 = 10.0;
const LAST_SIGMA: f64 = 0.01;
const LEARNING_RATES: [f64; 3] = [1e-2, 1e-1, 1.0];
const L2_STRENGTHS: [f64; 2] = [1e-3, 1e-5];

/// The hyper-parameters to choose from.
pub(crate) fn grid(kind: LossKind) -> Vec<Settings> {
    let mut grid = Vec::new();
    for settings in kind.sgd_grid(LAST_SIGMA) {
        for l2 in L2_STRENGTHS {
            for learning_rate in LEARNING_RATES {
                grid.push(Settings { l2, learning_rate: Some(learning_rate), ..settings });
            }
        }
    }
    grid
}

/// Trains from small random weights. Returns the linear parameters and the loss without penalty.
pub(crate) fn fit(
    data: &Dataset<'_>,
    goal: Goal<'_>,
    settings: &Settings,
    seed: u64,
    watch: &Watch<'_>,
) -> Result<(Vec<f64>, f64), LinearError> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let kind = goal.kind;
    let (loss, weights) = (goal.loss(settings)?, goal.weights(data)?);
    let n_linear = data.map().n_parameters();
    // Equal logits have no standard deviation to be divided by, so the weights do not start at 0.
    let spread = 1.0 / (data.n_columns().max(1) as f64).sqrt();
    let mut parameters: Vec<f64> =
        (0..n_linear).map(|_| spread * (2.0 * random.random::<f64>() - 1.0)).collect();
    parameters.extend(loss.initial_parameters());
    let mut gradient = vec![0.0; parameters.len()];
    let mut velocity = vec![0.0; parameters.len()];
    let mut normalizer = GradientNormalizer::new();

    let batch_rows = BATCH.min(data.n_rows());
    let batches = data.n_rows() / batch_rows;
    let epochs = EPOCHS.max(MIN_STEPS.div_ceil(batches));
    let steps = epochs * batches;
    let first_rate = settings.learning_rate.unwrap_or(LEARNING_RATES[0]);
    let rate = Schedule::geometric(first_rate, LAST_LEARNING_RATE)?;
    let sigma = Schedule::geometric(FIRST_SIGMA, LAST_SIGMA)?;
    let mut rows: Vec<usize> = (0..data.n_rows()).collect();
    let mean_weight = weights.as_deref().map(mean);
    for step in 0..steps {
        watch.poll()?;
        if step % batches == 0 {
            rows.shuffle(&mut random);
        }
        let batch_rows = &rows[step % batches * batch_rows..][..batch_rows];
        let batch = data.select(batch_rows);
        let batch_weights: Option<Vec<f64>> =
            weights.as_ref().map(|weights| batch_rows.iter().map(|&row| weights[row]).collect());
        let annealed = (kind == LossKind::Exact)
            .then(|| goal.loss(&settings.with_sigma(sigma.value(step, steps))))
            .transpose()?;
        let loss = annealed.as_ref().unwrap_or(&loss).as_ref();
        Objective::new(&batch, batch_weights.as_deref(), loss, kind.is_normalized(), settings.penalty(kind))
            .evaluate(&parameters, &mut gradient);
        // The mean over the batch, but a batch of more weight has a larger part in the whole.
        if let (Some(batch), Some(mean_weight)) = (&batch_weights, mean_weight) {
            let share = mean(batch) / mean_weight;
            for slope in &mut gradient {
                *slope *= share;
            }
        }
        if kind.is_normalized() {
            normalizer.normalize(&mut gradient);
        }
        let rate = rate.value(step, steps);
        for ((parameter, velocity), slope) in parameters.iter_mut().zip(&mut velocity).zip(&gradient) {
            *velocity = MOMENTUM * *velocity + slope;
            *parameter -= rate * *velocity;
        }
    }
    parameters.truncate(n_linear);
    refine::finish(data, goal, settings, parameters)
}

fn mean(weights: &[f64]) -> f64 {
    weights.iter().sum::<f64>() / weights.len() as f64
}
