//! Mean and spread of the same figure over folds or seeds.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation of some values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation (sum of squares over `n - 1`); 0 for one value.
    pub std: f64,
}

impl Spread {
    /// The spread of some values; `None` if there are none or one is not finite.
    ///
    /// # Example
    /// ```
    /// let spread = exact_eval::record::Spread::of(&[0.5, 0.75, 1.0]).unwrap();
    /// assert_eq!((spread.mean, spread.std), (0.75, 0.25));
    /// ```
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self { mean, std: (squares / (values.len() - 1).max(1) as f64).sqrt() })
    }
}
