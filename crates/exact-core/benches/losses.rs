//! Time per sample beside the error it comes with: `cargo bench -p exact-core`.
//!
//! One thread, standard normal logits, labels drawn evenly, sigma 0.5. Times are the smallest and the median of
//! several rounds. The error is the worst of a gradient entry, over the largest entry of its row, against the precise
//! rule in `f64`; it is the loss's own, so a loss that estimates another quantity has no such figure. For expected cost,
//! whose nodes all classes share, it is the absolute error.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use exact_core::estimator::{EstimatedLoss, Genz};
use exact_core::expected::{
    ExpectedAccuracy, ExpectedTopK, Probability, Sigma, expected_cost, predictive_distribution,
};
use exact_core::loss::{CrossEntropy, Exact, Logits, Loss, Probit};
use exact_core::{Real, Rule};

const SIGMA: f64 = 0.5;
const ROUNDS: usize = 15;
/// Logits of a batch, about.
const BATCH: usize = 200_000;

struct Batch<T> {
    logits: Vec<T>,
    labels: Vec<u32>,
    n_classes: usize,
}

impl<T: Real> Batch<T>
where
    CrossEntropy: Loss<T>,
    EstimatedLoss<Genz>: Loss<T>,
{
    fn normal(n_classes: usize) -> Self {
        let n = (BATCH / n_classes).next_multiple_of(64);
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        // The sum of twelve uniform numbers is close enough to normal.
        let logits = (0..n * n_classes).map(|_| T::from_f64((0..12).map(|_| uniform()).sum::<f64>() - 6.0));
        let logits = logits.collect();
        let labels = (0..n).map(|row| (row % n_classes) as u32).collect();
        Self { logits, labels, n_classes }
    }

    fn logits(&self) -> Logits<'_, T> {
        Logits::new(&self.logits, self.n_classes).unwrap()
    }

    /// The precise gradient of each sample's probability, or of its logarithm.
    fn reference(&self, logarithm: bool) -> Vec<f64> {
        let logits: Vec<f64> = self.logits.iter().map(|logit| logit.to_f64()).collect();
        let mut values = vec![Probability::default(); self.labels.len()];
        let mut grad = vec![0.0; logits.len()];
        let metric = ExpectedAccuracy::precise::<f64>();
        let metric = if logarithm { metric.of_logarithm() } else { metric };
        let logits = Logits::new(&logits, self.n_classes).unwrap();
        metric.evaluate(logits, &self.labels, Sigma::Common(SIGMA), &mut values, &mut grad).unwrap();
        grad
    }

    /// The worst error of a row of `grad`, whose entries are `factor` times those of the reference.
    fn error(&self, grad: &[T], reference: &[f64], factor: f64) -> f64 {
        let rows = grad.chunks(self.n_classes).zip(reference.chunks(self.n_classes));
        rows.map(|(found, expected)| {
            let size = expected.iter().fold(f64::MIN_POSITIVE, |size, g| size.max(g.abs()));
            let errors = found.iter().zip(expected).map(|(f, e)| (f.to_f64() / factor - e).abs());
            errors.fold(0.0, f64::max) / size
        })
        .fold(0.0, f64::max)
    }

    /// Prints a row of the table. `run` evaluates the batch once.
    fn row(&self, name: &str, mut run: impl FnMut()) -> String {
        run();
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                run();
                start.elapsed().as_secs_f64() * 1e6 / self.labels.len() as f64
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let precision = if size_of::<T>() == 4 { "f32" } else { "f64" };
        let (smallest, median) = (times[0], times[ROUNDS / 2]);
        format!("{:6} {precision} {name:28} {smallest:9.3} {median:9.3}", self.n_classes)
    }

    /// A row for a loss, with its gradient's error if `reference` holds what it should be.
    fn loss(&self, name: &str, loss: &dyn Loss<T>, reference: Option<&[f64]>) {
        let mut grad = vec![T::ZERO; self.logits.len()];
        let row = self.row(name, || {
            loss.evaluate(self.logits(), &self.labels, None, &mut grad).unwrap();
        });
        // A loss is the mean of minus the quantity.
        let factor = -1.0 / self.labels.len() as f64;
        let error = reference.map_or(String::new(), |r| format!("{:9.1e}", self.error(&grad, r, factor)));
        println!("{row} {error}");
    }

    fn losses(&self) {
        let (accuracy, logarithm) = (self.reference(false), self.reference(true));
        let exact = Exact::new(SIGMA).unwrap();
        self.loss("exact, n = 20", &exact, Some(&accuracy));
        self.loss("exact, n = 16", &exact.with_rule(Rule::new(16, 13.0).unwrap()), Some(&accuracy));
        self.loss("probit, n = 20", &Probit::new(SIGMA).unwrap(), Some(&logarithm));
        self.loss("cross-entropy", &CrossEntropy::new(), None);
    }

    /// The paper's estimator, on so few samples that its quadratic cost allows. Its error is noise.
    fn estimated(&self) {
        let part = self.part((400_000 / self.n_classes.pow(2)).clamp(1, 256));
        let genz = EstimatedLoss::new(Genz::new(16, 0).unwrap(), SIGMA).unwrap();
        part.loss("Genz, 16 samples", &genz, Some(&part.reference(false)));
    }

    /// The first samples.
    fn part(&self, n: usize) -> Self {
        let logits = self.logits[..n * self.n_classes].to_vec();
        Self { logits, labels: self.labels[..n].to_vec(), n_classes: self.n_classes }
    }

    fn metrics(&self) {
        let reference = self.reference(false);
        let mut values = vec![Probability::default(); self.labels.len()];
        let mut grad = vec![T::ZERO; self.logits.len()];
        let sigma = Sigma::Common(T::from_f64(SIGMA));
        for (name, rule) in [
            ("expected accuracy, n = 20", Rule::training()),
            ("expected accuracy, n = 56", Rule::precise::<f64>()),
        ] {
            let metric = ExpectedAccuracy::new(rule);
            let row = self.row(name, || {
                metric.evaluate(self.logits(), &self.labels, sigma, &mut values, &mut grad).unwrap();
            });
            println!("{row} {:9.1e}", self.error(&grad, &reference, 1.0));
        }
    }

    /// Functions for prediction, timed on a part of the batch.
    fn predictions(&self) {
        // Whole groups of samples, which the kernels evaluate together.
        let n = (self.labels.len() / 64).next_multiple_of(16);
        let part = self.part(n);
        let mut values = vec![Probability::default(); n];
        let mut grad = vec![T::ZERO; part.logits.len()];
        let sigma = Sigma::Common(T::from_f64(SIGMA));
        let mut costs = vec![T::ONE; part.logits.len()];
        for (row, label) in part.labels.iter().enumerate() {
            costs[row * self.n_classes + *label as usize] = T::ZERO;
        }
        let mut sums = vec![T::ZERO; n];
        let reference = part.reference(false);
        for (nodes, rule) in [(20, Rule::training()), (56, Rule::precise::<f64>())] {
            let row = part.row(&format!("distribution, n = {nodes}"), || {
                predictive_distribution(part.logits(), sigma, &rule, &mut grad).unwrap();
            });
            println!("{row}");
            let row = part.row(&format!("expected cost, n = {nodes}"), || {
                expected_cost(part.logits(), &costs, sigma, &rule, &mut sums, &mut grad, None).unwrap();
            });
            let errors = grad.iter().zip(&reference).map(|(g, expected)| (g.to_f64() + expected).abs());
            println!("{row} {:9.1e}", errors.fold(0.0, f64::max));
        }
        let top = ExpectedTopK::new(2, Rule::training()).unwrap();
        let row = part.row("expected top-2 accuracy", || {
            top.evaluate(part.logits(), &part.labels, sigma, &mut values, &mut grad).unwrap();
        });
        println!("{row}");
    }
}

fn table<T: Real>()
where
    CrossEntropy: Loss<T>,
    EstimatedLoss<Genz>: Loss<T>,
{
    for n_classes in [2, 3, 10, 100, 1000] {
        let batch = Batch::<T>::normal(n_classes);
        batch.metrics();
        batch.losses();
        batch.estimated();
        batch.predictions();
        println!();
    }
}

fn main() {
    // `cargo test --benches` only has to see that it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("     C                                       us/sample    median     error");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        table::<f32>();
        table::<f64>();
    });
}
