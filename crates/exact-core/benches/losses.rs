//! Time per sample of losses with their gradients, beside the error of the gradient:
//! `cargo bench -p exact-core --bench losses` prints one table in Markdown.
//!
//! One thread, standard normal logits, labels drawn evenly, sigma 0.5. Contenders take turns, and the
//! smallest time of all rounds counts. A loss that estimates another quantity than accuracy has no error.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::{Batch, SIGMA};
use exact_core::estimator::{EstimatedLoss, Genz, MonteCarlo};
use exact_core::loss::{CrossEntropy, Exact, ExpectedCost, Loss, OnRandomScores, Probit, TopK};
use exact_core::{Real, Rule};

const ROUNDS: usize = 20;
/// Logits of a batch, about.
const BATCH: usize = 200_000;
/// What the quadratic cost of Genz's estimator is limited to: samples times classes squared.
const GENZ_BUDGET: usize = 400_000;

/// What the gradient is compared with.
#[derive(Clone, Copy, PartialEq)]
enum Truth {
    Accuracy,
    Logarithm,
    Nothing,
}

struct Contender<T> {
    name: &'static str,
    loss: Box<dyn Loss<T>>,
    /// On how many of the samples it is timed.
    samples: usize,
    truth: Truth,
}

fn contenders<T: Real>(n: usize, n_classes: usize) -> Vec<Contender<T>>
where
    EstimatedLoss<Genz>: Loss<T>,
    EstimatedLoss<MonteCarlo>: Loss<T>,
{
    let exact = Exact::new(SIGMA).unwrap();
    let wrong: Vec<f64> = (0..n_classes * n_classes)
        .map(|at| if at % n_classes == at / n_classes { 0.0 } else { 1.0 })
        .collect();
    let contender = |name, loss, samples, truth| Contender { name, loss, samples, truth };
    let mut contenders = vec![
        contender("cross-entropy", Box::new(CrossEntropy::new()) as Box<dyn Loss<T>>, n, Truth::Nothing),
        contender("EXACT", Box::new(exact.clone()), n, Truth::Accuracy),
        contender(
            "EXACT, precise rule",
            Box::new(exact.with_rule(Rule::precise::<f64>())),
            n,
            Truth::Accuracy,
        ),
        contender("probit", Box::new(Probit::new(SIGMA).unwrap()), n, Truth::Logarithm),
        contender("top-2", Box::new(TopK::new(2, SIGMA).unwrap()), (n / 32).max(1), Truth::Nothing),
    ];
    if n_classes <= 1000 {
        let cost = ExpectedCost::new(&wrong, n_classes, SIGMA).unwrap();
        contenders.push(contender("expected cost", Box::new(cost), (n / 4).max(1), Truth::Accuracy));
        let few = (GENZ_BUDGET / n_classes.pow(2)).clamp(1, 256).min(n);
        let genz = EstimatedLoss::new(Genz::new(16, 0).unwrap(), SIGMA).unwrap();
        contenders.push(contender("Genz, 16 samples", Box::new(genz), few, Truth::Accuracy));
        let draws = EstimatedLoss::new(MonteCarlo::new(16, 0).unwrap(), SIGMA).unwrap();
        contenders.push(contender(
            "Monte Carlo, 16 draws",
            Box::new(draws),
            (n / 32).max(1),
            Truth::Accuracy,
        ));
    }
    contenders
}

fn rows<T: Real>(n_classes: usize)
where
    EstimatedLoss<Genz>: Loss<T>,
    EstimatedLoss<MonteCarlo>: Loss<T>,
{
    let n = (BATCH / n_classes).next_multiple_of(64);
    let whole = Batch::<T>::normal(n, n_classes);
    let contenders = contenders::<T>(n, n_classes);
    let parts: Vec<Batch<T>> = contenders.iter().map(|contender| whole.part(contender.samples)).collect();
    let mut grads: Vec<Vec<T>> = parts.iter().map(|part| vec![T::ZERO; part.logits.len()]).collect();
    let mut times = vec![f64::INFINITY; contenders.len()];
    for round in 0..ROUNDS {
        for (at, contender) in contenders.iter().enumerate() {
            // What takes long is as precise after a few rounds.
            if round < 3 || times[at] * (parts[at].labels.len() as f64) < 1e5 {
                times[at] = times[at].min(parts[at].time(contender.loss.as_ref(), &mut grads[at]));
            }
        }
    }
    let references = [whole.reference(false), whole.reference(true)];
    let genz = contenders.iter().position(|contender| contender.name.starts_with("Genz"));
    for (at, contender) in contenders.iter().enumerate() {
        let precision = if size_of::<T>() == 4 { "f32" } else { "f64" };
        let against_genz = genz.map_or(String::new(), |genz| format!("{:.1}", times[genz] / times[at]));
        let errors = match contender.truth {
            Truth::Nothing => " | ".to_owned(),
            truth => {
                let reference = &references[usize::from(truth == Truth::Logarithm)];
                let errors = parts[at].errors(&grads[at], reference);
                format!("{:.1e} | {:.1e}", errors.worst, errors.rms)
            }
        };
        println!(
            "| {n_classes} | {precision} | {} | {:.3} | {:.1} | {against_genz} | {errors} |",
            contender.name,
            times[at],
            times[at] / times[0]
        );
    }
}

fn main() {
    // `cargo test --benches` only has to see that it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!(
        "| classes | precision | loss | µs per sample | of cross-entropy | Genz takes | worst error \
         | rms error |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        for n_classes in [2, 3, 10, 100, 1000, 20_000] {
            rows::<f32>(n_classes);
        }
        for n_classes in [10, 100, 1000] {
            rows::<f64>(n_classes);
        }
    });
}
