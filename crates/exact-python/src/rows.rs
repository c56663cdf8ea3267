//! Blocks of rows, evaluated one by one or on several threads.

use std::ops::Range;

use exact_core::expected::Sigma;
use exact_core::loss::{Logits, LossError};
use pyo3::{PyResult, Python};
use rayon::prelude::*;

use crate::arrays::Number;
use crate::error::value_error;
use crate::outputs::Outputs;
use crate::rule::Spread;
use crate::threads::in_pool;

/// Fewer logits than this are evaluated on the calling thread: waking others would take longer.
const PARALLEL: usize = 8192;

/// Some rows of a batch and what is written for them.
pub struct Rows<'a, T> {
    /// Where in the batch.
    pub range: Range<usize>,
    pub logits: Logits<'a, T>,
    pub sigma: Sigma<'a, T>,
    pub spread: Spread,
    /// `[rows]`.
    pub values: &'a mut [T],
    /// `[rows, c]`.
    pub gradient: &'a mut [T],
    /// `[rows, c]` for a sigma per class, `[rows]` otherwise.
    pub sigma_gradient: &'a mut [T],
}

impl<T: Number> Rows<'_, T> {
    /// Evaluates runs of rows with the same spread, of which `spreads` has one per row.
    fn by_spread(
        mut self,
        spreads: &[Spread],
        evaluate: &impl Fn(Rows<'_, T>) -> Result<(), LossError>,
    ) -> Result<(), LossError> {
        for run in spreads.chunk_by(Spread::eq) {
            let (mut rows, rest) = self.split_at(run.len())?;
            rows.spread = run[0];
            evaluate(rows)?;
            let Some(rest) = rest else { break };
            self = rest;
        }
        Ok(())
    }

    /// The first rows, and the others if there are any.
    fn split_at(self, n: usize) -> Result<(Self, Option<Self>), LossError> {
        let (n_rows, n_classes) = (self.values.len(), self.logits.n_classes());
        if n >= n_rows {
            return Ok((self, None));
        }
        let (head_range, tail_range) = (0..n, n..n_rows);
        let (head_logits, tail_logits) = self.logits.values().split_at(n * n_classes);
        let (head_values, tail_values) = self.values.split_at_mut(n);
        let (head_gradient, tail_gradient) = self.gradient.split_at_mut(n * n_classes);
        let n_sigmas = self.sigma_gradient.len() / n_rows;
        let (head_sigma_gradient, tail_sigma_gradient) = self.sigma_gradient.split_at_mut(n * n_sigmas);
        let head = Self {
            range: self.range.start..self.range.start + n,
            logits: Logits::new(head_logits, n_classes)?,
            sigma: sigmas_of(self.sigma, &head_range, n_classes)?,
            spread: self.spread,
            values: head_values,
            gradient: head_gradient,
            sigma_gradient: head_sigma_gradient,
        };
        let tail = Self {
            range: self.range.start + n..self.range.end,
            logits: Logits::new(tail_logits, n_classes)?,
            sigma: sigmas_of(self.sigma, &tail_range, n_classes)?,
            spread: self.spread,
            values: tail_values,
            gradient: tail_gradient,
            sigma_gradient: tail_sigma_gradient,
        };
        Ok((head, Some(tail)))
    }
}

/// The number of a block, and its parts of the outputs.
type Block<'a, T> = (usize, (&'a mut [T], (&'a mut [T], &'a mut [T])));

/// Evaluates all rows, with other Python threads running. `ratio` of a row's number and its sigmas, one per class, says
/// how steep the row's integrand is; rows that are evaluated together have the same spread. Blocks depend on the shape alone, so that results do not depend
/// on the number of threads.
///
/// # Errors
/// A `ValueError` if the logits or sigmas are not usable, or the evaluation fails.
pub fn evaluate_rows<T: Number>(
    py: Python<'_>,
    logits: &[T],
    n_classes: usize,
    sigma: Sigma<'_, T>,
    ratio: impl Fn(usize, &[T]) -> f64,
    evaluate: impl Fn(Rows<'_, T>) -> Result<(), LossError> + Sync,
) -> PyResult<Outputs<T>> {
    let per_class = matches!(sigma, Sigma::PerClass(_));
    if logits.is_empty() && n_classes > 0 {
        return Ok(Outputs::zeros(0, n_classes, per_class));
    }
    let spreads = spreads_of(sigma, n_classes, ratio)?;
    py.detach(|| {
        // The errors of a block would count its rows from 0.
        let n = Logits::new(logits, n_classes)?.n_rows();
        let mut outputs = Outputs::zeros(n, n_classes, per_class);
        let rows = (4096 / n_classes).next_power_of_two().clamp(16, 512);
        let n_sigmas = if per_class { n_classes } else { 1 };
        let block = |(block, (values, (gradient, sigma_gradient))): Block<'_, T>| {
            let range = block * rows..block * rows + values.len();
            let logits = Logits::new(&logits[range.start * n_classes..range.end * n_classes], n_classes)?;
            let sigma = sigmas_of(sigma, &range, n_classes)?;
            let spreads = spreads.get(range.clone()).unwrap_or(&[Spread::Even]);
            let spread = Spread::Even;
            let rows = Rows { range, logits, sigma, spread, values, gradient, sigma_gradient };
            if per_class { rows.by_spread(spreads, &evaluate) } else { evaluate(rows) }
        };
        let Outputs { values, gradient, sigma_gradient, .. } = &mut outputs;
        if logits.len() < PARALLEL {
            let gradients =
                gradient.chunks_mut(rows * n_classes).zip(sigma_gradient.chunks_mut(rows * n_sigmas));
            values.chunks_mut(rows).zip(gradients).enumerate().try_for_each(block)?;
        } else {
            in_pool(|| {
                let gradients = gradient
                    .par_chunks_mut(rows * n_classes)
                    .zip(sigma_gradient.par_chunks_mut(rows * n_sigmas));
                values.par_chunks_mut(rows).zip(gradients).enumerate().try_for_each(block)
            })?;
        }
        Ok(outputs)
    })
    .map_err(|error: LossError| value_error(&error))
}

/// The spread of each row, for a sigma per class.
///
/// # Errors
/// As [`Spread::of`].
pub fn spreads_of<T: Number>(
    sigma: Sigma<'_, T>,
    n_classes: usize,
    ratio: impl Fn(usize, &[T]) -> f64,
) -> PyResult<Vec<Spread>> {
    let Sigma::PerClass(sigmas) = sigma else {
        return Ok(Vec::new());
    };
    let rows = sigmas.chunks(n_classes.max(1)).enumerate();
    rows.map(|(row, sigmas)| Spread::of(ratio(row, sigmas), row)).collect()
}

/// The sigmas of some rows.
fn sigmas_of<'a, T: Number>(
    sigma: Sigma<'a, T>,
    range: &Range<usize>,
    n_classes: usize,
) -> Result<Sigma<'a, T>, LossError> {
    let part = |sigmas: &'a [T], range: Range<usize>| {
        let (found, expected) = (sigmas.len(), range.end);
        sigmas.get(range).ok_or(LossError::Length { what: "sigma", found, expected })
    };
    Ok(match sigma {
        Sigma::Common(sigma) => Sigma::Common(sigma),
        Sigma::PerSample(sigmas) => Sigma::PerSample(part(sigmas, range.clone())?),
        Sigma::PerClass(sigmas) => {
            Sigma::PerClass(part(sigmas, range.start * n_classes..range.end * n_classes)?)
        }
    })
}
