//! Batch normalisation of the logits by two scalars, so that sigma has a meaning whatever the scale of the
//! weights.
//!
//! All logits of a batch are shifted and scaled together, `(logit - mean) / std`, with one mean and one
//! standard deviation over samples and classes; the gradient flows through both (Karpukhin, Dereka and
//! Kolesnikov, arXiv 2205.09615, improvements).

use rayon::prelude::*;

use crate::Real;
use crate::error::LossError;
use crate::samples::{check_length, check_samples, n_rows};

/// The smallest standard deviation that logits are divided by. Below it, they are equal up to rounding.
pub const STD_FLOOR: f64 = 1e-12;

/// Elements that are summed by one task; the split depends on the number of elements alone, so the sums do
/// not depend on the number of threads.
const CHUNK: usize = 16_384;
/// Sums side by side.
const LANES: usize = 8;

/// What a batch of logits was normalised by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogitStatistics<T> {
    /// The (weighted) mean over all logits.
    pub mean: T,
    /// The (weighted) population standard deviation over all logits, at least [`STD_FLOOR`].
    pub std: T,
    /// The sum of the weights of all logits; their number without weights.
    pub total_weight: T,
}

/// Writes the normalised logits of a row-major `[n, c]` batch to `normalized`, of the same length, and
/// returns the statistics. `weights`, `[n]`, are sample weights.
///
/// # Errors
/// [`LossError`] if the logits are not rows of `n_classes`, or `weights` or `normalized` has another length.
/// Values are not looked at.
///
/// # Example
/// ```
/// use exact_core::logit_normalization::normalize;
///
/// let mut normalized = [0.0; 4];
/// let statistics = normalize(&[1.0_f64, 3.0, 1.0, 3.0], 2, None, &mut normalized)?;
/// assert_eq!((statistics.mean, statistics.std), (2.0, 1.0));
/// assert_eq!(normalized, [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), exact_core::loss::LossError>(())
/// ```
pub fn normalize<T: Real>(
    logits: &[T],
    n_classes: usize,
    weights: Option<&[T]>,
    normalized: &mut [T],
) -> Result<LogitStatistics<T>, LossError> {
    check(logits.len(), n_classes, weights, "normalized", normalized)?;
    Ok(normalize_checked(logits, n_classes, weights, normalized))
}

/// [`normalize`] of lengths that are right.
pub(crate) fn normalize_checked<T: Real>(
    logits: &[T],
    n_classes: usize,
    weights: Option<&[T]>,
    normalized: &mut [T],
) -> LogitStatistics<T> {
    let weight = weight_of(n_classes, weights);
    let total = match weights {
        None => logits.len() as f64,
        Some(weights) => n_classes as f64 * weights.iter().map(|weight| weight.to_f64()).sum::<f64>(),
    };
    let inverse = reciprocal(total);
    let mean = inverse * sum(logits, |at, logit| weight(at) * logit.to_f64());
    let variance = inverse * sum(logits, |at, logit| weight(at) * (logit.to_f64() - mean).powi(2));
    let std = variance.sqrt().max(STD_FLOOR);
    let scale = 1.0 / std;
    let pairs = normalized.par_chunks_mut(CHUNK).zip(logits.par_chunks(CHUNK));
    pairs.for_each(|(normalized, logits)| {
        for (normalized, logit) in normalized.iter_mut().zip(logits) {
            *normalized = T::from_f64((logit.to_f64() - mean) * scale);
        }
    });
    LogitStatistics { mean: T::from_f64(mean), std: T::from_f64(std), total_weight: T::from_f64(total) }
}

/// Turns the gradient with respect to the normalised logits into the one with respect to the logits, in
/// place.
///
/// # Formula
/// With `x` the normalised logits, `g` the gradient with respect to them, `w` the weights and `W` their sum:
/// `(g_i - w_i/W (Σ g_j + x_i Σ g_j x_j)) / std`. At the floor of the standard deviation the last term is
/// left out.
///
/// # Errors
/// [`LossError`] if the normalised logits are not rows of `n_classes`, or `weights` or `gradient` has another
/// length.
pub fn backward<T: Real>(
    normalized: &[T],
    statistics: &LogitStatistics<T>,
    n_classes: usize,
    weights: Option<&[T]>,
    gradient: &mut [T],
) -> Result<(), LossError> {
    check(normalized.len(), n_classes, weights, "gradient", gradient)?;
    backward_checked(normalized, statistics, n_classes, weights, gradient);
    Ok(())
}

/// [`backward`] of lengths that are right.
pub(crate) fn backward_checked<T: Real>(
    normalized: &[T],
    statistics: &LogitStatistics<T>,
    n_classes: usize,
    weights: Option<&[T]>,
    gradient: &mut [T],
) {
    let weight = weight_of(n_classes, weights);
    let std = statistics.std.to_f64();
    let floored = std <= STD_FLOOR;
    let slope_sum = sum(gradient, |_, slope| slope.to_f64());
    let slope_dot =
        if floored { 0.0 } else { sum(gradient, |at, slope| slope.to_f64() * normalized[at].to_f64()) };
    let (inverse, scale) = (reciprocal(statistics.total_weight.to_f64()), 1.0 / std);
    let change = |slope: &mut T, normalized: T, share: f64| {
        let through = slope_sum + slope_dot * normalized.to_f64();
        *slope = T::from_f64((slope.to_f64() - share * through) * scale);
    };
    let chunks = gradient.par_chunks_mut(CHUNK).zip(normalized.par_chunks(CHUNK));
    chunks.enumerate().for_each(|(chunk, (gradient, normalized))| {
        let logits = gradient.iter_mut().zip(normalized);
        if weights.is_some() {
            for (at, (slope, &normalized)) in (chunk * CHUNK..).zip(logits) {
                change(slope, normalized, weight(at) * inverse);
            }
        } else {
            for (slope, &normalized) in logits {
                change(slope, normalized, inverse);
            }
        }
    });
}

/// Checks the shapes of `values` logits and of what belongs to them.
fn check<T>(
    values: usize,
    n_classes: usize,
    weights: Option<&[T]>,
    what: &'static str,
    output: &[T],
) -> Result<(), LossError> {
    let n = n_rows(values, n_classes)?;
    if let Some(weights) = weights {
        check_samples("weights", weights, n)?;
    }
    check_length(what, output, values)
}

/// `1 / total_weight`, and 0 where the weights are as good as 0, so that they have no part in the statistics.
fn reciprocal(total_weight: f64) -> f64 {
    let inverse = 1.0 / total_weight;
    if inverse.is_finite() { inverse } else { 0.0 }
}

/// The weight of the logit at a position of the batch.
fn weight_of<T: Real>(n_classes: usize, weights: Option<&[T]>) -> impl Fn(usize) -> f64 + Sync + '_ {
    move |at| weights.map_or(1.0, |weights| weights[at / n_classes].to_f64())
}

/// The sum of `term(position, value)`, in several sums side by side, so that additions need not wait for each
/// other.
#[inline(always)]
fn in_lanes<T: Real>(values: &[T], first: usize, term: impl Fn(usize, T) -> f64) -> f64 {
    let (groups, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (group, values) in groups.iter().enumerate() {
        for (lane, (sum, &value)) in sums.iter_mut().zip(values).enumerate() {
            *sum += term(first + group * LANES + lane, value);
        }
    }
    let last = first + groups.len() * LANES;
    for (lane, (sum, &value)) in sums.iter_mut().zip(rest).enumerate() {
        *sum += term(last + lane, value);
    }
    sums.iter().sum()
}

/// The sum of `term(position, value)`, in an order that does not depend on the number of threads.
fn sum<T: Real>(values: &[T], term: impl Fn(usize, T) -> f64 + Sync) -> f64 {
    fn halves<T: Real>(values: &[T], first: usize, term: &(impl Fn(usize, T) -> f64 + Sync)) -> f64 {
        if values.len() <= CHUNK {
            return in_lanes(values, first, term);
        }
        let middle = (values.len() / 2).next_multiple_of(CHUNK);
        let (left, right) = values.split_at(middle);
        let (a, b) = rayon::join(|| halves(left, first, term), || halves(right, first + middle, term));
        a + b
    }
    halves(values, 0, &term)
}

#[cfg(test)]
mod tests {
    use super::{backward, normalize};
    use crate::error::LossError;

    /// A smooth function of the normalised logits and its gradient.
    fn function(normalized: &[f64]) -> (f64, Vec<f64>) {
        let value = normalized.iter().enumerate().map(|(i, x)| (x * (1.0 + i as f64 * 0.1)).sin()).sum();
        let slope = |(i, x): (usize, &f64)| (x * (1.0 + i as f64 * 0.1)).cos() * (1.0 + i as f64 * 0.1);
        (value, normalized.iter().enumerate().map(slope).collect())
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let logits = [0.3, -1.2, 2.0, 0.7, 0.1, -0.4, 1.9, -2.2, 0.6];
        for weights in [None, Some([1.0, 0.0, 2.5].as_slice())] {
            let at = |logits: &[f64]| {
                let mut normalized = vec![0.0; logits.len()];
                let statistics = normalize(logits, 3, weights, &mut normalized).unwrap();
                (statistics, normalized)
            };
            let (statistics, normalized) = at(&logits);
            let mut gradient = function(&normalized).1;
            backward(&normalized, &statistics, 3, weights, &mut gradient).unwrap();
            for i in 0..logits.len() {
                let value = |step: f64| {
                    let mut moved = logits;
                    moved[i] += step;
                    function(&at(&moved).1).0
                };
                let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
                assert!(
                    (gradient[i] - difference).abs() < 1e-8,
                    "{weights:?} {i}: {} {difference}",
                    gradient[i]
                );
            }
        }
    }

    #[test]
    fn lengths_that_do_not_fit_are_errors() {
        let logits = [1.0_f64, 2.0, 3.0, 4.0];
        let (mut out, short) = ([0.0; 4], [1.0]);
        let statistics = normalize(&logits, 2, None, &mut out).unwrap();
        for n_classes in [0, 3] {
            let error = LossError::LogitsShape { values: 4, n_classes };
            assert_eq!(normalize(&logits, n_classes, None, &mut out), Err(error.clone()));
            assert_eq!(backward(&logits, &statistics, n_classes, None, &mut out), Err(error));
        }
        let error = LossError::SamplesLength { what: "weights", found: 1, expected: 2 };
        assert_eq!(normalize(&logits, 2, Some(&short), &mut out), Err(error.clone()));
        assert_eq!(backward(&logits, &statistics, 2, Some(&short), &mut out), Err(error));
        let error = |what| LossError::Length { what, found: 3, expected: 4 };
        assert_eq!(normalize(&logits, 2, None, &mut out[..3]), Err(error("normalized")));
        assert_eq!(backward(&logits, &statistics, 2, None, &mut out[..3]), Err(error("gradient")));
    }

    #[test]
    fn equal_logits_become_zeros() {
        let mut normalized = [1.0; 4];
        normalize(&[7.0_f64; 4], 2, None, &mut normalized).unwrap();
        assert_eq!(normalized, [0.0; 4]);
    }

    #[test]
    fn weights_of_zero_leave_no_nan() {
        let (mut normalized, mut gradient) = ([1.0; 4], [1.0_f64; 4]);
        let weights = Some([0.0, 0.0].as_slice());
        let statistics = normalize(&[1.0, 2.0, 3.0, 4.0], 2, weights, &mut normalized).unwrap();
        backward(&normalized, &statistics, 2, weights, &mut gradient).unwrap();
        assert!(normalized.iter().chain(&gradient).all(|value| value.is_finite()), "{gradient:?}");
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let logits: Vec<f64> = (0..100_000).map(|i| (f64::from(i) * 0.1).sin()).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (mut normalized, mut gradient) = (vec![0.0; logits.len()], logits.clone());
            let statistics = pool.install(|| normalize(&logits, 10, None, &mut normalized)).unwrap();
            pool.install(|| backward(&normalized, &statistics, 10, None, &mut gradient)).unwrap();
            (normalized, gradient)
        };
        assert_eq!(run(1), run(3));
    }
}
