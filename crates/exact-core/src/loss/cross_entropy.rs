//! Cross-entropy.

use pulp::{Arch, Simd, WithSimd};

use super::{Loss, LossError, LossSum, Samples};
use crate::Real;
use crate::normal::exp_nonpositive;

/// Cross-entropy of softmax probabilities, with optional label smoothing.
///
/// # Formula
/// `-Σ_c t_c log p_c`, `p = softmax(logits)`, `t_y = 1 - s + s/C` and `t_c = s/C` otherwise, with smoothing `s`.
///
/// # Example
/// ```
/// use exact_core::loss::{CrossEntropy, Logits, Loss};
///
/// let mut grad = [0.0; 2];
/// let logits = [0.0_f64, 3.0_f64.ln()];
/// let logits = Logits::new(&logits, 2).unwrap();
/// let value = CrossEntropy::new().evaluate(logits, &[0], None, &mut grad).unwrap();
/// assert!((value - 4.0_f64.ln()).abs() < 1e-14);
/// assert!((grad[0] + 0.75).abs() < 1e-14 && (grad[1] - 0.75).abs() < 1e-14);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CrossEntropy {
    label_smoothing: f64,
}

impl CrossEntropy {
    /// Without label smoothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With label smoothing.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `label_smoothing` is not in `0..1`.
    pub fn with_label_smoothing(label_smoothing: f64) -> Result<Self, LossError> {
        if (0.0..1.0).contains(&label_smoothing) {
            return Ok(Self { label_smoothing });
        }
        let (name, expected) = ("label smoothing", "at least 0 and below 1");
        Err(LossError::Setting { name, expected, value: label_smoothing })
    }
}

impl<T: Real> Loss<T> for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        softmax(samples, grad);
        let n_classes = samples.n_classes();
        let share = T::from_f64(self.label_smoothing / n_classes as f64);
        let kept = T::from_f64(1.0 - self.label_smoothing);
        let mut total = 0.0;
        for (row, grad) in grad.chunks_exact_mut(n_classes).enumerate() {
            let (label, weight) = (samples.labels()[row] as usize, samples.weight(row));
            let logits = &samples.logits()[row * n_classes..][..n_classes];
            let log_normalizer = log_normalizer(logits, grad);
            let mut value = kept * (log_normalizer - logits[label]);
            if self.label_smoothing > 0.0 {
                value += share * logits.iter().map(|&logit| log_normalizer - logit).sum::<T>();
            }
            for g in grad.iter_mut() {
                *g = (*g - share) * weight;
            }
            grad[label] -= kept * weight;
            total += (value * weight).to_f64();
        }
        LossSum::of(T::from_f64(total))
    }
}

/// `log Σ exp(logit)`, from the class with the largest probability, which is at least `1/C`.
pub(super) fn log_normalizer<T: Real>(logits: &[T], probabilities: &[T]) -> T {
    let likelier =
        |best: usize, class: usize| if probabilities[class] > probabilities[best] { class } else { best };
    let best = (1..logits.len()).fold(0, likelier);
    logits[best] - probabilities[best].ln()
}

/// Writes the softmax of each row to `probabilities`.
pub(super) fn softmax<T: Real>(samples: Samples<'_, T>, probabilities: &mut [T]) {
    Arch::new().dispatch(Softmax { samples, probabilities });
}

struct Softmax<'a, 'b, T> {
    samples: Samples<'a, T>,
    probabilities: &'b mut [T],
}

impl<T: Real> WithSimd for Softmax<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if S::IS_SCALAR { self.rows::<false>() } else { self.rows::<true>() }
    }
}

impl<T: Real> Softmax<'_, '_, T> {
    #[inline(always)]
    fn rows<const FUSED: bool>(self) {
        let n_classes = self.samples.n_classes();
        let logits = self.samples.logits().chunks_exact(n_classes);
        for (logits, probabilities) in logits.zip(self.probabilities.chunks_exact_mut(n_classes)) {
            let mut max = logits[0];
            for &logit in logits {
                max = max.max(logit);
            }
            let mut sum = T::ZERO;
            for (p, &logit) in probabilities.iter_mut().zip(logits) {
                *p = exp_nonpositive::<T, FUSED>(logit - max);
            }
            for &p in probabilities.iter() {
                sum += p;
            }
            let inverse = T::ONE / sum;
            for p in probabilities.iter_mut() {
                *p *= inverse;
            }
        }
    }
}
