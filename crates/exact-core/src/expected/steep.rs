//! Rows with a sigma per class, by whether the integrand has steps.
//!
//! Where the label's sigma is much larger than another class's, `F` rises within a fraction of the label's sigma, and
//! `γ = φ F'` may have two modes. The bracket and the single panel of the lanes are made for one broad mode; the
//! integral of top-k scans for the interval and halves it until each step is resolved.

use super::batch::{OrthantBatch, Outcome};
use super::sigma::Sigma;
use crate::Real;

/// The label's sigma over the smallest of the row, up to which one panel resolves the integrand.
const MAX_RATIO: f64 = 2.0;

impl<T: Real> OrthantBatch<'_, T> {
    /// Runs the rows in lanes, but those with steps one by one.
    pub fn run_by_steepness(mut self) {
        let Sigma::PerClass(sigmas) = self.sigma else {
            return T::run_orthant(self);
        };
        let (n, n_classes) = (self.labels.len(), self.n_classes);
        let is_steep = |row: usize| {
            let sigmas = &sigmas[row * n_classes..][..n_classes];
            let label = sigmas[self.labels[row] as usize].to_f64();
            sigmas.iter().any(|sigma| label > MAX_RATIO * sigma.to_f64())
        };
        let mut first = 0;
        while first < n {
            let steep = is_steep(first);
            let end = (first..n).find(|&row| is_steep(row) != steep).unwrap_or(n);
            let visit = &mut self.visit;
            let entries = first * n_classes..end * n_classes;
            let rows = OrthantBatch {
                logits: &self.logits[entries.clone()],
                labels: &self.labels[first..end],
                sigma: Sigma::PerClass(&sigmas[entries.clone()]),
                grad: &mut self.grad[entries.clone()],
                sigma_grad: self.sigma_grad.as_mut().map(|grad| &mut grad[entries]),
                visit: &mut |row: usize, outcome: &Outcome| visit(first + row, outcome),
                ..self
            };
            if steep && n_classes > 2 {
                rows.run_top_k(1);
            } else {
                T::run_orthant(rows);
            }
            first = end;
        }
    }
}
