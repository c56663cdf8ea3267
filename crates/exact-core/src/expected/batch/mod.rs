//! Rows of logits in, one probability of the label and one gradient row per sample out: what the kernels of
//! [`orthant`](super::orthant) and of [`exceedance`](super::exceedance) share.

mod outcome;
mod row;
mod sample;

pub(in crate::expected) use outcome::Orthant;
pub use outcome::{Outcome, Quantity};
pub(in crate::expected) use row::{Buffers, Row, tree_sum};
pub(in crate::expected) use sample::{Sample, Scaling, Selection, reciprocal};

use super::sigma::Sigma;
use crate::Real;
use crate::quadrature::Rule;

/// Rows of logits whose orthant probabilities are wanted. `visit` sees each sample's outcome and returns the
/// factor of its gradient row.
pub struct OrthantBatch<'a, T> {
    pub logits: &'a [T],
    pub n_classes: usize,
    pub labels: &'a [u32],
    pub sigma: Sigma<'a, T>,
    pub margin: Option<T>,
    pub rule: &'a Rule,
    pub quantity: Quantity,
    /// `[n, c]`: factor times the derivative of the quantity with respect to the logits.
    pub grad: &'a mut [T],
    /// `[n, c]`: the same with respect to the sigmas, for a sigma per class.
    pub sigma_grad: Option<&'a mut [T]>,
    pub visit: &'a mut dyn FnMut(usize, &Outcome) -> T,
}

impl<T: Real> OrthantBatch<'_, T> {
    #[inline(always)]
    pub(in crate::expected) fn sample(&self, row: usize) -> Sample<'_, T> {
        let logits = &self.logits[row * self.n_classes..][..self.n_classes];
        Sample::new(logits, self.labels[row], self.sigma.row(row, self.n_classes), self.margin)
    }

    /// Reports a sample, for which γ's size is `unit` and P's derivative with respect to sigma is that times
    /// `slope_of_sigma`. Returns what its derivatives with respect to the differences are to be multiplied
    /// by.
    #[inline(always)]
    pub(in crate::expected) fn report<const L: usize>(
        &mut self,
        index: usize,
        lane: usize,
        orthant: &Orthant<L>,
        unit: f64,
        slope_of_sigma: f64,
    ) -> f64 {
        let (probability, complement) = (orthant.probability[lane], orthant.complement[lane]);
        let (factor, exponent) = (orthant.factor[lane], orthant.exponent[lane]);
        let mut outcome = Outcome::new(probability, complement, factor, exponent, unit);
        let size = match self.quantity {
            Quantity::Probability => unit,
            Quantity::LogProbability if outcome.is_probability => 1.0 / probability,
            Quantity::LogProbability => unit / outcome.probability(),
        };
        outcome.dsigma = slope_of_sigma * size;
        (self.visit)(index, &outcome).to_f64() * size
    }

    /// Reports a sample, whose derivatives are in `row`, and writes its gradient.
    #[inline(always)]
    pub(in crate::expected) fn store<U: Real, const L: usize, const SCALED: bool>(
        &mut self,
        index: usize,
        lane: usize,
        scaling: &Scaling,
        orthant: &Orthant<L>,
        row: &Row<'_, U>,
    ) {
        let unit = orthant.factor[lane] * orthant.exponent[lane].exp();
        let slope_of_sigma =
            if SCALED { f64::NAN } else { -row.slope_of_scale(scaling.origin) * scaling.inverse_sigma };
        let factor = self.report(index, lane, orthant, unit, slope_of_sigma);
        let n_classes = self.n_classes;
        let logits = &self.logits[index * n_classes..][..n_classes];
        let sigmas = self.sigma.row(index, n_classes);
        let sample = Sample::new(logits, self.labels[index], sigmas, self.margin);
        let grad = &mut self.grad[index * n_classes..][..n_classes];
        sample.gradient::<U, SCALED>(scaling, row.slopes, factor, grad);
        if SCALED && let Some(sigma_grad) = &mut self.sigma_grad {
            let sigma_grad = &mut sigma_grad[index * n_classes..][..n_classes];
            sample.sigma_gradient(row, factor, sigma_grad);
        }
    }
}
