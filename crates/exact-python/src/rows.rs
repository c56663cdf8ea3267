//! Blocks of rows, evaluated one by one or on several threads.

use std::ops::Range;

use exact_core::expected::Sigma;
use exact_core::loss::{Logits, LossError};
use pyo3::{PyResult, Python};
use rayon::prelude::*;

use crate::arrays::Number;
use crate::error::value_error;
use crate::outputs::{Outputs, Parameters};
use crate::threads::in_pool;

/// Fewer logits than this are evaluated on the calling thread: waking others would take longer.
const PARALLEL: usize = 8192;

/// Some rows of a batch and what is written for them.
pub struct Rows<'a, T> {
    /// Where in the batch.
    pub range: Range<usize>,
    pub logits: Logits<'a, T>,
    pub sigma: Sigma<'a, T>,
    /// `[rows]`.
    pub values: &'a mut [T],
    /// `[rows, c]`.
    pub gradient: &'a mut [T],
    /// `[rows, c]` for a sigma per class, `[rows]` otherwise.
    pub sigma_gradient: &'a mut [T],
}

/// The number of a block, and its parts of the outputs.
type Block<'a, T> = (usize, (&'a mut [T], (&'a mut [T], &'a mut [T])));

/// Evaluates all rows, with other Python threads running. Blocks depend on the shape alone, so that results
/// do not depend on the number of threads.
///
/// # Errors
/// A `ValueError` if the logits or sigmas are not usable, or the evaluation fails.
pub fn evaluate_rows<T: Number>(
    py: Python<'_>,
    logits: &[T],
    n_classes: usize,
    sigma: Sigma<'_, T>,
    evaluate: impl Fn(Rows<'_, T>) -> Result<(), LossError> + Sync,
) -> PyResult<Outputs<T>> {
    let parameters = parameters_of(sigma);
    if logits.is_empty() && n_classes > 0 {
        return Ok(Outputs::zeros(0, n_classes, parameters));
    }
    py.detach(|| {
        // The errors of a block would count its rows from 0.
        let n = Logits::new(logits, n_classes)?.n_rows();
        let mut outputs = Outputs::zeros(n, n_classes, parameters);
        let rows = (4096 / n_classes).next_power_of_two().clamp(16, 512);
        let n_sigmas = if matches!(sigma, Sigma::PerClass(_)) { n_classes } else { 1 };
        let block = |(block, (values, (gradient, sigma_gradient))): Block<'_, T>| {
            let range = block * rows..block * rows + values.len();
            let logits = Logits::new(&logits[range.start * n_classes..range.end * n_classes], n_classes)?;
            let sigma = sigmas_of(sigma, &range, n_classes)?;
            evaluate(Rows { range, logits, sigma, values, gradient, sigma_gradient })
        };
        let Outputs { values, gradient, parameter_gradient: sigma_gradient, .. } = &mut outputs;
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

/// How many sigmas there are.
pub fn parameters_of<T>(sigma: Sigma<'_, T>) -> Parameters {
    match sigma {
        Sigma::Common(_) => Parameters::Common,
        Sigma::PerSample(_) => Parameters::PerSample,
        Sigma::PerClass(_) => Parameters::PerClass,
    }
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
