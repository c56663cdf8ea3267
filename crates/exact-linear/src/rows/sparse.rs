//! The linear map of sparse rows.

use exact_data::{CsrMatrix, Indices, Numbers};

use super::Kernel;
use crate::moments::Moments;

/// Calls `visit(row of the block, column, value)` for each stored value of some rows.
fn for_each(matrix: &CsrMatrix<'_>, rows: std::ops::Range<usize>, mut visit: impl FnMut(usize, usize, f64)) {
    fn visit_all<I: Copy, V: Copy + Into<f64>>(
        matrix: &CsrMatrix<'_>,
        rows: std::ops::Range<usize>,
        (indices, column): (&[I], impl Fn(I) -> usize),
        values: &[V],
        visit: &mut impl FnMut(usize, usize, f64),
    ) {
        let first = rows.start;
        for row in rows {
            let range = matrix.row_range(row);
            for (&index, &value) in indices[range.clone()].iter().zip(&values[range]) {
                visit(row - first, column(index), value.into());
            }
        }
    }
    // The indices have been checked to be columns.
    let narrow = |index: i32| index as usize;
    let wide = |index: i64| index as usize;
    let visit = &mut visit;
    match (matrix.indices(), matrix.values()) {
        (Indices::I32(indices), Numbers::F32(values)) => {
            visit_all(matrix, rows, (indices, narrow), values, visit);
        }
        (Indices::I32(indices), Numbers::F64(values)) => {
            visit_all(matrix, rows, (indices, narrow), values, visit);
        }
        (Indices::I64(indices), Numbers::F32(values)) => {
            visit_all(matrix, rows, (indices, wide), values, visit);
        }
        (Indices::I64(indices), Numbers::F64(values)) => {
            visit_all(matrix, rows, (indices, wide), values, visit);
        }
        _ => {}
    }
}

impl Kernel for CsrMatrix<'_> {
    fn n_rows(&self) -> usize {
        self.n_rows()
    }

    fn n_columns(&self) -> usize {
        self.n_columns()
    }

    fn add_logits(&self, weights: &[f64], n_classes: usize, first: usize, logits: &mut [f64]) {
        let k = n_classes - 1;
        let rows = first..first + logits.len() / n_classes;
        for_each(self, rows, |row, column, value| {
            let logits = &mut logits[row * n_classes + 1..][..k];
            for (logit, weight) in logits.iter_mut().zip(&weights[column * k..][..k]) {
                *logit += value * weight;
            }
        });
    }

    fn add_gradient(&self, slopes: &[f64], n_classes: usize, first: usize, gradient: &mut [f64]) {
        let k = n_classes - 1;
        let rows = first..first + slopes.len() / n_classes;
        for_each(self, rows, |row, column, value| {
            let slopes = &slopes[row * n_classes + 1..][..k];
            for (gradient, slope) in gradient[column * k..][..k].iter_mut().zip(slopes) {
                *gradient += value * slope;
            }
        });
    }
}

pub(super) fn moments(matrix: &CsrMatrix<'_>, weights: Option<&[f64]>) -> Moments {
    let (n_rows, n_columns) = (matrix.n_rows(), matrix.n_columns());
    let mut pilot = vec![0.0; n_columns];
    for_each(matrix, 0..n_rows.min(1), |_, column, value| pilot[column] = value);
    Moments::of(n_rows, pilot, weights, |rows, centre, power, sums| {
        let weight_of = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let raise = |offset: f64| if power == 2 { offset * offset } else { offset };
        let first = rows.start;
        // Rows are counted as well as weighed, so that a column without zeros gets none of them by rounding.
        let mut stored = vec![0_usize; n_columns];
        let mut stored_weight = vec![0.0; n_columns];
        for_each(matrix, rows.clone(), |row, column, value| {
            let weight = weight_of(first + row);
            stored[column] += 1;
            stored_weight[column] += weight;
            sums[column] += weight * raise(value - centre[column]);
        });
        let total: f64 = rows.clone().map(weight_of).sum();
        for column in 0..n_columns {
            if stored[column] < rows.len() {
                sums[column] += (total - stored_weight[column]) * raise(-centre[column]);
            }
        }
    })
}
