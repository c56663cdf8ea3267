//! The columns of a sparse file.

use serde::{Deserialize, Serialize};

use crate::{CsrMatrix, DataError, Table};

/// Means and standard deviations of sparse columns, which are standardised without being filled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SparseColumns {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl SparseColumns {
    pub fn fit(matrix: &CsrMatrix<'_>) -> Self {
        let n_rows = matrix.n_rows() as f64;
        let mut mean = vec![0.0; matrix.n_columns()];
        let mut stored = vec![0_usize; matrix.n_columns()];
        matrix.for_each(|_, column, value| {
            mean[column] += value / n_rows;
            stored[column] += 1;
        });
        let mut squares: Vec<f64> =
            stored.iter().zip(&mean).map(|(&stored, mean)| (n_rows - stored as f64) * mean * mean).collect();
        matrix.for_each(|_, column, value| squares[column] += (value - mean[column]).powi(2));
        let std = squares
            .iter()
            .zip(&mean)
            .map(|(squares, &mean)| {
                let std = (squares / n_rows).sqrt();
                // What is constant keeps its value, and its weight stays 0.
                if crate::is_constant(std, mean) { 1.0 } else { std }
            })
            .collect();
        Self { mean, std }
    }

    pub fn n_columns(&self) -> usize {
        self.mean.len()
    }

    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    pub fn std(&self) -> &[f64] {
        &self.std
    }

    /// Columns are named by their number in the file.
    pub fn column_names(&self) -> impl Iterator<Item = String> {
        (0..self.mean.len()).map(|column| column.to_string())
    }

    pub fn is_valid(&self) -> bool {
        let usable = |(mean, std): (&f64, &f64)| mean.is_finite() && std.is_finite() && *std > 0.0;
        self.mean.len() == self.std.len()
            && !self.mean.is_empty()
            && self.mean.iter().zip(&self.std).all(usable)
    }

    /// The columns that training had.
    pub fn transform(&self, table: &Table) -> Result<CsrMatrix<'static>, DataError> {
        match table.sparse() {
            Some(matrix) => Ok(matrix.first_columns(self.n_columns())),
            None => Err(DataError::NotSparse { file: table.name().into() }),
        }
    }
}
