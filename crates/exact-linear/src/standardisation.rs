//! Standardisation that is folded into weights and biases, so that the values themselves stay as they are.

use exact_data::{Layout, is_constant};

use crate::LinearError;
use crate::moments::Moments;
use crate::shape::LinearMap;

/// How a classifier is trained on the columns of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Whether penalties are on the weights of standardised columns.
    pub standardised: bool,
    /// Whether logits have biases.
    pub intercept: bool,
}

impl Default for Columns {
    fn default() -> Self {
        Self { standardised: true, intercept: true }
    }
}

/// `value = (x - mean) / std` for the columns from `first` on; those before are as they should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardisation {
    first: usize,
    mean: Vec<f64>,
    /// Infinite for a constant column: its standardised value is 0, and so are its weights in other units.
    std: Vec<f64>,
}

impl Standardisation {
    /// Columns that are taken as they are.
    pub(crate) fn none(n_columns: usize) -> Self {
        Self { first: n_columns, mean: Vec::new(), std: Vec::new() }
    }

    /// The indicators and the sparse columns of encoded tables.
    pub(crate) fn of_layout(layout: &Layout) -> Self {
        let mean = [&layout.indicator_mean[..], &layout.sparse_mean].concat();
        let std = [&layout.indicator_std[..], &layout.sparse_std].concat();
        Self { first: layout.n_dense, mean, std }
    }

    /// That of columns with these means and standard deviations.
    pub(crate) fn of(moments: Moments) -> Result<Self, LinearError> {
        let Moments { mean, mut std } = moments;
        for (column, (mean, std)) in mean.iter().zip(&mut std).enumerate() {
            if !std.is_finite() || !mean.is_finite() {
                return Err(LinearError::ColumnRange { column });
            }
            if is_constant(*std, *mean) {
                *std = f64::INFINITY;
            }
        }
        Ok(Self { first: 0, mean, std })
    }

    /// The same for a classifier without an intercept: nothing is centred, and a constant column, whose unit
    /// is 1, is one as any other.
    pub(crate) fn without_centre(&self) -> Self {
        let unit = |&std: &f64| if std.is_finite() { std } else { 1.0 };
        Self { first: self.first, mean: vec![0.0; self.mean.len()], std: self.std.iter().map(unit).collect() }
    }

    /// What the columns from the first standardised one on are divided by; infinite for a constant one.
    pub(crate) fn units(&self) -> &[f64] {
        &self.std
    }

    /// The arrays of a file: the means, and what values are multiplied by, which is 0 for constant columns.
    pub(crate) fn arrays(&self) -> (Vec<f64>, Vec<f64>) {
        (self.mean.clone(), self.std.iter().map(|std| 1.0 / std).collect())
    }

    /// That of the arrays of a file, for the last of so many columns; `None` if they do not fit.
    pub(crate) fn of_arrays(n_columns: usize, mean: Vec<f64>, factors: &[f64]) -> Option<Self> {
        let first = n_columns.checked_sub(mean.len()).filter(|_| mean.len() == factors.len())?;
        let std = factors.iter().map(|factor| 1.0 / factor).collect::<Vec<f64>>();
        std.iter().all(|std| *std > 0.0).then_some(Self { first, mean, std })
    }

    /// Standardises rows of values in place.
    pub(crate) fn apply(&self, values: &mut [f64], n_columns: usize) {
        for row in values.chunks_exact_mut(n_columns) {
            for (value, (mean, std)) in row[self.first..].iter_mut().zip(self.mean.iter().zip(&self.std)) {
                *value = (*value - mean) / std;
            }
        }
    }

    /// The value of a column, from its standardised one.
    pub(crate) fn original(&self, column: usize, value: f64) -> f64 {
        let at = column.checked_sub(self.first);
        at.map_or(value, |at| self.mean[at] + self.std[at] * value)
    }

    /// Parameters for the values as they are, from those for standardised values.
    pub(crate) fn fold(&self, map: &LinearMap, parameters: &[f64]) -> Vec<f64> {
        let mut folded = parameters[..map.n_parameters()].to_vec();
        self.for_each(map, &mut folded, |weight, bias, mean, std| {
            *weight /= std;
            *bias -= *weight * mean;
        });
        folded
    }

    /// Parameters for standardised values, from those for the values as they are.
    pub(crate) fn unfold(&self, map: &LinearMap, parameters: &[f64]) -> Vec<f64> {
        let mut unfolded = parameters[..map.n_parameters()].to_vec();
        self.for_each(map, &mut unfolded, |weight, bias, mean, std| {
            *bias += *weight * mean;
            *weight = if std.is_finite() { *weight * std } else { 0.0 };
        });
        unfolded
    }

    /// Turns the gradient with respect to folded parameters into the one with respect to those for
    /// standardised values.
    pub(crate) fn backward(&self, map: &LinearMap, gradient: &mut [f64]) {
        self.for_each(map, gradient, |weight, bias, mean, std| *weight = (*weight - mean * *bias) / std);
    }

    fn for_each(
        &self,
        map: &LinearMap,
        parameters: &mut [f64],
        mut change: impl FnMut(&mut f64, &mut f64, f64, f64),
    ) {
        let (weights, biases) = parameters.split_at_mut(map.n_weights());
        let columns = weights[self.first * map.n_scores()..].chunks_exact_mut(map.n_scores());
        for (weights, (&mean, &std)) in columns.zip(self.mean.iter().zip(&self.std)) {
            for (weight, bias) in weights.iter_mut().zip(biases.iter_mut()) {
                change(weight, bias, mean, std);
            }
        }
    }
}
