//! Softmax probabilities of rows of logits, as the losses built on them need them.

use pulp::{Arch, Simd, WithSimd};

use super::Samples;
use crate::Real;
use crate::normal::exp_nonpositive;

/// Logits that are worked on at a time, so that the passes over them find them in the first-level cache.
const CHUNK: usize = 2048;
/// The most rows that are worked on at a time.
const ROWS: usize = 256;
/// Partial sums and maxima of a row, so that the compiler can hold them in vectors.
const LANES: usize = 16;

/// How well a row's label is predicted.
pub(super) struct Prediction<T> {
    /// `-log p_y`.
    pub surprisal: T,
    /// `1 - p_y`.
    pub missed: T,
}

/// Writes to each row of `grad` the gradient of `-log p_y`, times the factor that `visit` returns for the
/// row.
///
/// Nothing cancels: with `e_c = exp(logit_c - max logit)`, the sum over the alternatives is kept apart from
/// `e_y`, so `-log p_y`, `1 - p_y` and the gradient have relative accuracy however confident the prediction.
pub(super) fn softmax_gradient<T: Real>(
    samples: Samples<'_, T>,
    grad: &mut [T],
    visit: impl FnMut(usize, Prediction<T>) -> T,
) {
    Arch::new().dispatch(Rows { samples, grad, visit });
}

struct Rows<'a, 'b, T, V> {
    samples: Samples<'a, T>,
    grad: &'b mut [T],
    visit: V,
}

impl<T: Real, V: FnMut(usize, Prediction<T>) -> T> WithSimd for Rows<'_, '_, T, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if S::IS_SCALAR { self.run::<false>() } else { self.run::<true>() }
    }
}

impl<T: Real, V: FnMut(usize, Prediction<T>) -> T> Rows<'_, '_, T, V> {
    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        let n_classes = self.samples.n_classes();
        let rows = (CHUNK / n_classes).clamp(1, ROWS);
        let chunks = self.samples.logits().chunks(rows * n_classes);
        for (chunk, (logits, grad)) in chunks.zip(self.grad.chunks_mut(rows * n_classes)).enumerate() {
            let mut label_logits = [T::ZERO; ROWS];
            let labels = &self.samples.labels()[chunk * rows..];
            let each = logits.chunks_exact(n_classes).zip(grad.chunks_exact_mut(n_classes));
            for ((label_logit, &label), (logits, grad)) in label_logits.iter_mut().zip(labels).zip(each) {
                let largest = largest(logits);
                for (shifted, &logit) in grad.iter_mut().zip(logits) {
                    *shifted = logit - largest;
                }
                *label_logit = grad[label as usize];
            }
            // Over all rows at once, so that rows of few classes fill the vectors too.
            for e in grad.iter_mut() {
                *e = exp_nonpositive::<T, FUSED>(*e);
            }
            let each = label_logits.iter().zip(labels).zip(grad.chunks_exact_mut(n_classes));
            for (row, ((&label_logit, &label), grad)) in each.enumerate() {
                let won = std::mem::replace(&mut grad[label as usize], T::ZERO);
                let lost = sum(grad);
                let total = won + lost;
                let surprisal = if label_logit == T::ZERO { lost.ln_1p() } else { total.ln() - label_logit };
                let scale = T::ONE / total;
                let factor = (self.visit)(chunk * rows + row, Prediction { surprisal, missed: lost * scale });
                let scale = scale * factor;
                for g in grad.iter_mut() {
                    *g *= scale;
                }
                grad[label as usize] = -lost * scale;
            }
        }
    }
}

#[inline(always)]
fn largest<T: Real>(row: &[T]) -> T {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [row[0]; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = chunk[lane].max(lanes[lane]);
        }
    }
    let largest = if chunks.is_empty() { row[0] } else { lanes.into_iter().fold(row[0], T::max) };
    rest.iter().fold(largest, |largest, &value| value.max(largest))
}

#[inline(always)]
fn sum<T: Real>(row: &[T]) -> T {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let tail = rest.iter().fold(T::ZERO, |sum, &value| sum + value);
    if chunks.is_empty() {
        return tail;
    }
    let mut lanes = [T::ZERO; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] += chunk[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0] + tail
}
