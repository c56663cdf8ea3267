//! Means and standard deviations of columns.

use std::ops::Range;

use rayon::prelude::*;

use crate::blocks::block_rows;

/// Weighted means and population standard deviations of columns, `[n_columns]` each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moments {
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

impl Moments {
    /// `add(rows, centre, power, sums)` adds `Σ_rows weight (value - centre)^power` of each column to the
    /// sums; the power is 1 or 2. Values are taken relative to `pilot`, one of each column, so that a column
    /// of equal values has exactly the standard deviation 0.
    pub fn of(
        n_rows: usize,
        pilot: Vec<f64>,
        weights: Option<&[f64]>,
        add: impl Fn(Range<usize>, &[f64], u8, &mut [f64]) + Sync,
    ) -> Self {
        let n_columns = pilot.len();
        let total = weights.map_or(n_rows as f64, |weights| weights.iter().sum());
        let block = block_rows(n_rows, n_columns);
        let mean_of = |centre: &[f64], power| {
            let blocks: Vec<Vec<f64>> = (0..n_rows.div_ceil(block))
                .into_par_iter()
                .map(|i| {
                    let mut sums = vec![0.0; n_columns];
                    add(i * block..((i + 1) * block).min(n_rows), centre, power, &mut sums);
                    sums
                })
                .collect();
            // In the order of the rows, whatever the threads did.
            let mut sums = vec![0.0; n_columns];
            for block in blocks {
                for (sum, term) in sums.iter_mut().zip(block) {
                    *sum += term / total;
                }
            }
            sums
        };
        let offset = mean_of(&pilot, 1);
        let mut mean = pilot;
        for (mean, offset) in mean.iter_mut().zip(offset) {
            *mean += offset;
        }
        let mut std = mean_of(&mean, 2);
        for variance in &mut std {
            *variance = variance.sqrt();
        }
        Self { mean, std }
    }
}
