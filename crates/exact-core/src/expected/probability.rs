//! A probability with its complement and logarithm, each with relative accuracy.

use super::batch::Outcome;
use crate::Real;

/// The probability that a sample's label has the largest score.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Probability<T> {
    /// P.
    pub p: T,
    /// 1 - P, with relative accuracy where P is near 1.
    pub one_minus_p: T,
    /// log P, finite also where P underflows.
    pub log_p: T,
    /// The derivative with respect to sigma of P (of log P where that is what was asked for), where one sigma
    /// serves all classes of the sample; 0 otherwise.
    pub dsigma: T,
}

impl<T: Real> Probability<T> {
    pub(super) fn of(outcome: &Outcome) -> Self {
        Self {
            p: T::from_f64(outcome.probability()),
            one_minus_p: T::from_f64(outcome.complement()),
            log_p: T::saturating_from_f64(outcome.log_probability()),
            dsigma: T::saturating_from_f64(if outcome.dsigma.is_nan() { 0.0 } else { outcome.dsigma }),
        }
    }
}
