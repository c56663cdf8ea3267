//! Batches to time on, and the errors of their gradients.

#![allow(dead_code, reason = "each bench uses a part")]

use std::time::Instant;

use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
use exact_core::loss::{Logits, Loss};
use exact_core::{Real, Rule};

/// Typical for standard normal logits.
pub const SIGMA: f64 = 0.5;
/// Rows whose gradient is smaller say nothing about errors.
const SMALLEST: f64 = 1e-30;
/// Nodes of the reference.
const REFERENCE_NODES: usize = 200;

/// Standard normal logits, labels drawn evenly.
pub struct Batch<T> {
    pub logits: Vec<T>,
    pub labels: Vec<u32>,
    pub n_classes: usize,
}

/// Errors of a gradient, relative to the rows.
pub struct Errors {
    /// The largest of an entry, over the largest entry of its row.
    pub worst: f64,
    /// The root mean square over rows of the error's norm over the row's.
    pub rms: f64,
}

impl<T: Real> Batch<T> {
    pub fn normal(n: usize, n_classes: usize) -> Self {
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        // The sum of twelve uniform numbers is close enough to normal.
        let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let logits = (0..n * n_classes).map(|_| T::from_f64(normal())).collect();
        let labels = (0..n).map(|row| (row % n_classes) as u32).collect();
        Self { logits, labels, n_classes }
    }

    pub fn logits(&self) -> Logits<'_, T> {
        Logits::new(&self.logits, self.n_classes).unwrap()
    }

    /// The first samples.
    pub fn part(&self, n: usize) -> Self {
        let logits = self.logits[..n * self.n_classes].to_vec();
        Self { logits, labels: self.labels[..n].to_vec(), n_classes: self.n_classes }
    }

    /// The precise gradient of each sample's probability, or of its logarithm.
    pub fn reference(&self, logarithm: bool) -> Vec<f64> {
        let logits: Vec<f64> = self.logits.iter().map(|logit| logit.to_f64()).collect();
        let mut values = vec![Probability::default(); self.labels.len()];
        let mut grad = vec![0.0; logits.len()];
        let metric = ExpectedAccuracy::new(Rule::new(REFERENCE_NODES, 40.0).unwrap());
        let metric = if logarithm { metric.of_logarithm() } else { metric };
        let logits = Logits::new(&logits, self.n_classes).unwrap();
        metric.evaluate(logits, &self.labels, Sigma::Common(SIGMA), &mut values, &mut grad).unwrap();
        grad
    }

    /// Errors of the gradient of a mean loss, which is that of the mean of minus the reference's quantity.
    pub fn errors(&self, grad: &[T], reference: &[f64]) -> Errors {
        let factor = -(self.labels.len() as f64);
        let (mut worst, mut sum, mut count) = (0.0_f64, 0.0, 0);
        for (found, expected) in grad.chunks(self.n_classes).zip(reference.chunks(self.n_classes)) {
            let largest = expected.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
            if largest < SMALLEST {
                continue;
            }
            let errors = || found.iter().zip(expected).map(|(f, e)| f.to_f64() * factor - e);
            worst = worst.max(errors().fold(0.0, |size: f64, error| size.max(error.abs())) / largest);
            sum += errors().map(|error| error * error).sum::<f64>()
                / expected.iter().map(|e| e * e).sum::<f64>();
            count += 1;
        }
        Errors { worst, rms: (sum / f64::from(count.max(1))).sqrt() }
    }

    /// Evaluates a loss once; µs per sample.
    pub fn time(&self, loss: &dyn Loss<T>, grad: &mut [T]) -> f64 {
        let start = Instant::now();
        loss.evaluate(self.logits(), &self.labels, None, grad).unwrap();
        start.elapsed().as_secs_f64() * 1e6 / self.labels.len() as f64
    }
}
