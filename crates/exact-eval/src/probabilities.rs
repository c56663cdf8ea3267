//! A row-major `[n, n_classes]` matrix of scores or probabilities, checked once.

use crate::EvalError;
use crate::samples::{Samples, check_length};

/// How far a row's probabilities may be from a sum of 1: single precision over thousands of classes stays
/// within.
const SUM_TOLERANCE: f64 = 1e-3;
/// How far a probability may leave `0..=1` by rounding.
const RANGE_TOLERANCE: f64 = 1e-6;

/// A checked `[n, n_classes]` matrix that belongs to some [`Samples`].
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    values: &'a [f64],
    n_classes: usize,
}

impl<'a> Rows<'a> {
    /// Any finite scores.
    pub(crate) fn scores(
        samples: Samples<'_>,
        values: &'a [f64],
        n_classes: usize,
    ) -> Result<Self, EvalError> {
        samples.check_labels(n_classes)?;
        check_length("the matrix of probabilities", samples.len().saturating_mul(n_classes), values.len())?;
        if let Some((at, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(EvalError::Score { row: at / n_classes, class: at % n_classes, value });
        }
        Ok(Self { values, n_classes })
    }

    /// Scores in `0..=1` whose rows sum to 1.
    pub(crate) fn probabilities(
        samples: Samples<'_>,
        values: &'a [f64],
        n_classes: usize,
    ) -> Result<Self, EvalError> {
        let rows = Self::scores(samples, values, n_classes)?;
        let usable = -RANGE_TOLERANCE..=1.0 + RANGE_TOLERANCE;
        if let Some((at, &value)) = values.iter().enumerate().find(|(_, value)| !usable.contains(value)) {
            return Err(EvalError::Probability { row: at / n_classes, class: at % n_classes, value });
        }
        for (row, probabilities) in values.chunks_exact(n_classes).enumerate() {
            let sum: f64 = probabilities.iter().sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(EvalError::ProbabilitySum { row, sum });
            }
        }
        Ok(rows)
    }

    pub(crate) fn row(&self, row: usize) -> &'a [f64] {
        &self.values[row * self.n_classes..(row + 1) * self.n_classes]
    }

    /// The class with the largest value and that value; the lowest class wins a tie.
    pub(crate) fn largest(&self, row: usize) -> (usize, f64) {
        self.row(row).iter().copied().enumerate().fold((0, f64::NEG_INFINITY), |best, (class, value)| {
            if value > best.1 { (class, value) } else { best }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_cell_that_is_wrong() {
        let samples = Samples::new(&[0, 1], None).unwrap();
        let error = |values: &[f64]| Rows::probabilities(samples, values, 2).err().unwrap();
        assert_eq!(error(&[0.5, 0.5, 1.2, -0.2]), EvalError::Probability { row: 1, class: 0, value: 1.2 });
        assert_eq!(error(&[0.5, 0.25, 0.5, 0.5]), EvalError::ProbabilitySum { row: 0, sum: 0.75 });
        assert!(matches!(error(&[0.5, 0.5, f64::NAN, 0.5]), EvalError::Score { row: 1, class: 0, .. }));
        assert!(matches!(error(&[0.5, 0.5, 1.0]), EvalError::Length { expected: 4, found: 3, .. }));
    }
}
