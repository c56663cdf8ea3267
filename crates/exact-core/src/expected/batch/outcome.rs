//! What an integral gives: P and 1 - P of each lane, and of each sample.

use crate::normal::approximation::Approximation;
use crate::normal::exp_within_range;

/// What the gradient is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// P.
    Probability,
    /// log P.
    LogProbability,
}

/// The smaller of P and 1 - P per lane, as `size exp(exponent)`, where the size also scales the gradient.
pub(in crate::expected) struct Orthant<const L: usize> {
    /// P relative to γ's size; meaningful if not much larger than `complement`.
    pub probability: [f64; L],
    /// 1 - P relative to γ's size; meaningful if not much larger than `probability`.
    pub complement: [f64; L],
    /// γ's size is `factor exp(exponent)`.
    pub factor: [f64; L],
    pub exponent: [f64; L],
}

impl<const L: usize> Orthant<L> {
    /// Without rivals the label always wins.
    pub const CERTAIN: Self =
        Self { probability: [1.0; L], complement: [0.0; L], factor: [1.0; L], exponent: [0.0; L] };

    /// γ's size.
    #[inline(always)]
    pub fn unit<const FUSED: bool>(&self) -> [f64; L] {
        let mut unit = self.factor;
        for l in 0..L {
            unit[l] *= exp_within_range::<f64, FUSED>(self.exponent[l]);
        }
        for l in 0..L {
            // Where the fast exponential ends.
            if self.exponent[l] < f64::EXP_FLOOR {
                unit[l] = self.factor[l] * self.exponent[l].exp();
            }
        }
        unit
    }

    /// Makes the label of a lane win.
    pub fn settle(&mut self, lane: usize) {
        self.probability[lane] = 1.0;
        self.complement[lane] = 0.0;
        self.factor[lane] = 1.0;
        self.exponent[lane] = 0.0;
    }
}

/// The orthant probability of one sample.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The smaller of P and 1 - P is `size exp(exponent)`.
    pub(in crate::expected) size: f64,
    pub(in crate::expected) exponent: f64,
    /// Whether that is P.
    pub(in crate::expected) is_probability: bool,
    pub(in crate::expected) smaller: f64,
    /// Derivative of the quantity with respect to sigma, where one sigma serves all classes; else NaN.
    pub dsigma: f64,
}

impl Outcome {
    /// For `probability` and `complement` relative to `unit = factor exp(exponent)`.
    pub(super) fn new(probability: f64, complement: f64, factor: f64, exponent: f64, unit: f64) -> Self {
        let is_probability = probability <= complement;
        let relative = if is_probability { probability } else { complement };
        let size = factor * relative;
        // Rounding may lift the smaller of two halves just above one half.
        let smaller = (unit * relative).min(1.0);
        Self { size, exponent, is_probability, smaller, dsigma: f64::NAN }
    }

    /// P.
    pub fn probability(&self) -> f64 {
        if self.is_probability { self.smaller } else { 1.0 - self.smaller }
    }

    /// 1 - P, with relative accuracy.
    pub fn complement(&self) -> f64 {
        if self.is_probability { 1.0 - self.smaller } else { self.smaller }
    }

    /// log P, also where P underflows.
    pub fn log_probability(&self) -> f64 {
        if self.is_probability { (self.size.ln() + self.exponent).min(0.0) } else { (-self.smaller).ln_1p() }
    }
}
