//! The multi-class hinge loss.

use super::{Loss, LossError, LossSum, Samples};
use crate::Real;

/// The hinge loss of Crammer and Singer: how far the label's logit is from exceeding all others by the
/// margin.
///
/// # Formula
/// `max(0, margin + max_{i≠y} logit_i - logit_y)`. Where several alternatives are largest, the subgradient is
/// that of the first; at the kink it is 0.
///
/// # Example
/// ```
/// use exact_core::loss::{Hinge, Logits, Loss};
///
/// let mut grad = [0.0; 3];
/// let logits = Logits::new(&[1.0_f64, 0.5, -2.0], 3).unwrap();
/// let value = Hinge::new(1.0).unwrap().evaluate(logits, &[0], None, &mut grad).unwrap();
/// assert_eq!((value, grad), (0.5, [-1.0, 1.0, 0.0]));
/// ```
///
/// # References
/// Crammer and Singer 2001, *On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines*,
/// JMLR 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hinge {
    margin: f64,
}

impl Hinge {
    /// With the given margin.
    ///
    /// # Errors
    /// [`LossError::Setting`] if `margin` is negative or not finite.
    pub fn new(margin: f64) -> Result<Self, LossError> {
        if margin >= 0.0 && margin.is_finite() {
            return Ok(Self { margin });
        }
        Err(LossError::Setting { name: "margin", expected: "at least 0 and finite", value: margin })
    }
}

impl<T: Real> Loss<T> for Hinge {
    fn name(&self) -> &'static str {
        "hinge"
    }

    fn sum(&self, samples: Samples<'_, T>, _: &[T], grad: &mut [T]) -> LossSum<T> {
        let n_classes = samples.n_classes();
        let margin = T::from_f64(self.margin);
        grad.fill(T::ZERO);
        let mut total = 0.0;
        let rows = samples.logits().chunks_exact(n_classes).zip(grad.chunks_exact_mut(n_classes));
        for (row, (logits, grad)) in rows.enumerate() {
            let (label, weight) = (samples.labels()[row] as usize, samples.weight(row));
            let others = (0..n_classes).filter(|&class| class != label);
            let Some(rival) =
                others.reduce(|best, class| if logits[class] > logits[best] { class } else { best })
            else {
                continue;
            };
            let value = margin + logits[rival] - logits[label];
            if value > T::ZERO {
                total += (value * weight).to_f64();
                grad[rival] = weight;
                grad[label] = -weight;
            }
        }
        LossSum::of(T::from_f64(total))
    }
}

#[cfg(test)]
mod tests {
    use super::Hinge;

    #[test]
    fn margins_that_make_no_sense_are_refused() {
        for margin in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Hinge::new(margin).is_err(), "{margin}");
        }
    }
}
