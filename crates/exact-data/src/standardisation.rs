//! The standardisation of a column, and when it counts as constant instead.

use arrow_array::{Array as _, Float64Array};

/// A standard deviation of at most this part of the magnitude of the values is rounding.
const RESOLUTION: f64 = 1e-12;

/// Whether a column counts as constant, which is not standardised: what its standard deviation shows beside
/// the magnitude of its values is rounding.
///
/// # Formula
/// `std <= 1e-12 |magnitude|`
///
/// # Example
/// ```
/// assert!(exact_data::is_constant(1e-5, 1e8));
/// assert!(!exact_data::is_constant(1e-5, 1.0));
/// assert!(exact_data::is_constant(0.0, 0.0));
/// ```
pub fn is_constant(std: f64, magnitude: f64) -> bool {
    std <= RESOLUTION * magnitude.abs()
}

/// The mean of a column and the population standard deviation with missing values replaced by the mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standardisation {
    pub mean: f64,
    pub std: f64,
}

impl Standardisation {
    /// `None` if the column is constant or empty.
    pub fn of(values: &Float64Array) -> Option<Self> {
        let present = || values.iter().flatten();
        let n_present = (values.len() - values.null_count()) as f64;
        let largest = present().map(f64::abs).fold(0.0, f64::max);
        if largest == 0.0 {
            return None;
        }
        // Dividing by the largest magnitude keeps sums finite; the second pass takes back the rounding of the
        // first.
        let rough = present().map(|value| value / largest).sum::<f64>() / n_present;
        let mean = rough + present().map(|value| value / largest - rough).sum::<f64>() / n_present;
        let squares = present().map(|value| (value / largest - mean).powi(2)).sum::<f64>();
        let std = (squares / values.len() as f64).sqrt();
        let scaled = Self { mean: mean * largest, std: std * largest };
        (!is_constant(std, 1.0) && scaled.std.is_normal()).then_some(scaled)
    }
}
