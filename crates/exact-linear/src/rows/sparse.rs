//! The linear map of sparse rows.

use std::borrow::Cow;

use exact_data::{CsrMatrix, DataError, Features, Indices, Numbers};

use super::{Kernel, standardised};
use crate::moments::Moments;
use crate::standardisation::Standardisation;

/// Partial sums of a product, so that additions need not wait for each other.
const LANES: usize = 4;

/// A column of a matrix as it is stored; it has been checked.
trait Index: Copy {
    fn column(self) -> usize;
}

impl Index for i32 {
    fn column(self) -> usize {
        self as usize
    }
}

impl Index for i64 {
    fn column(self) -> usize {
        self as usize
    }
}

/// What is done with each row of a block.
trait Visit {
    fn row<I: Index, V: Copy + Into<f64>>(&mut self, row: usize, indices: &[I], values: &[V]);
}

/// Shows a visitor some rows, which it counts from 0.
fn visit_rows(matrix: &CsrMatrix<'_>, rows: std::ops::Range<usize>, visit: &mut impl Visit) {
    fn visit_all<I: Index, V: Copy + Into<f64>>(
        matrix: &CsrMatrix<'_>,
        rows: std::ops::Range<usize>,
        indices: &[I],
        values: &[V],
        visit: &mut impl Visit,
    ) {
        for (place, row) in rows.enumerate() {
            let range = matrix.row_range(row);
            visit.row(place, &indices[range.clone()], &values[range]);
        }
    }
    match (matrix.indices(), matrix.values()) {
        (Indices::I32(indices), Numbers::F32(values)) => visit_all(matrix, rows, indices, values, visit),
        (Indices::I32(indices), Numbers::F64(values)) => visit_all(matrix, rows, indices, values, visit),
        (Indices::I64(indices), Numbers::F32(values)) => visit_all(matrix, rows, indices, values, visit),
        (Indices::I64(indices), Numbers::F64(values)) => visit_all(matrix, rows, indices, values, visit),
    }
}

/// Visits each stored value, with its row and column.
struct Each<F>(F);

impl<F: FnMut(usize, usize, f64)> Visit for Each<F> {
    fn row<I: Index, V: Copy + Into<f64>>(&mut self, row: usize, indices: &[I], values: &[V]) {
        for (&index, &value) in indices.iter().zip(values) {
            (self.0)(row, index.column(), value.into());
        }
    }
}

/// One score a row: adds its product with the weights.
struct AddProducts<'a> {
    weights: &'a [f64],
    scores: &'a mut [f64],
}

impl Visit for AddProducts<'_> {
    fn row<I: Index, V: Copy + Into<f64>>(&mut self, row: usize, indices: &[I], values: &[V]) {
        let term = |(&index, &value): (&I, &V)| value.into() * self.weights[index.column()];
        let (index_groups, index_rest) = indices.as_chunks::<LANES>();
        let (value_groups, value_rest) = values.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for (indices, values) in index_groups.iter().zip(value_groups) {
            for (sum, entry) in sums.iter_mut().zip(indices.iter().zip(values)) {
                *sum += term(entry);
            }
        }
        let rest: f64 = index_rest.iter().zip(value_rest).map(term).sum();
        self.scores[row] += sums.iter().sum::<f64>() + rest;
    }
}

/// One score a row: adds the rows to the gradient, each times its slope.
struct AddRows<'a> {
    slopes: &'a [f64],
    gradient: &'a mut [f64],
}

impl Visit for AddRows<'_> {
    fn row<I: Index, V: Copy + Into<f64>>(&mut self, row: usize, indices: &[I], values: &[V]) {
        let slope = self.slopes[row];
        for (&index, &value) in indices.iter().zip(values) {
            self.gradient[index.column()] += value.into() * slope;
        }
    }
}

impl Kernel for CsrMatrix<'_> {
    fn n_rows(&self) -> usize {
        self.n_rows()
    }

    fn n_columns(&self) -> usize {
        self.n_columns()
    }

    fn encoded(&self, standardisation: &Standardisation) -> Result<Cow<'_, Features>, DataError> {
        let width = self.n_columns();
        let mut values = vec![0.0; self.n_rows() * width];
        let set = |row: usize, column: usize, value| values[row * width + column] = value;
        visit_rows(self, 0..self.n_rows(), &mut Each(set));
        standardised(values, width, standardisation)
    }

    fn add_scores(&self, weights: &[f64], n_scores: usize, first: usize, scores: &mut [f64]) {
        let rows = first..first + scores.len() / n_scores;
        if n_scores == 1 {
            return visit_rows(self, rows, &mut AddProducts { weights, scores });
        }
        let add = |row: usize, column: usize, value: f64| {
            let scores = &mut scores[row * n_scores..][..n_scores];
            for (score, weight) in scores.iter_mut().zip(&weights[column * n_scores..][..n_scores]) {
                *score += value * weight;
            }
        };
        visit_rows(self, rows, &mut Each(add));
    }

    fn add_gradient(&self, slopes: &[f64], n_scores: usize, first: usize, gradient: &mut [f64]) {
        let rows = first..first + slopes.len() / n_scores;
        if n_scores == 1 {
            return visit_rows(self, rows, &mut AddRows { slopes, gradient });
        }
        let add = |row: usize, column: usize, value: f64| {
            let slopes = &slopes[row * n_scores..][..n_scores];
            for (gradient, slope) in gradient[column * n_scores..][..n_scores].iter_mut().zip(slopes) {
                *gradient += value * slope;
            }
        };
        visit_rows(self, rows, &mut Each(add));
    }
}

pub(super) fn moments(matrix: &CsrMatrix<'_>, weights: Option<&[f64]>) -> Moments {
    let (n_rows, n_columns) = (matrix.n_rows(), matrix.n_columns());
    let mut pilot = vec![0.0; n_columns];
    visit_rows(matrix, 0..n_rows.min(1), &mut Each(|_, column: usize, value| pilot[column] = value));
    Moments::of(n_rows, pilot, weights, |rows, centre, power, sums| {
        let weight_of = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let raise = |offset: f64| if power == 2 { offset * offset } else { offset };
        let first = rows.start;
        // Rows are counted as well as weighed, so that a column without zeros gets none of them by rounding.
        let mut stored = vec![0_usize; n_columns];
        let mut stored_weight = vec![0.0; n_columns];
        let add = |row: usize, column: usize, value: f64| {
            let weight = weight_of(first + row);
            stored[column] += 1;
            stored_weight[column] += weight;
            sums[column] += weight * raise(value - centre[column]);
        };
        visit_rows(matrix, rows.clone(), &mut Each(add));
        let total: f64 = rows.clone().map(weight_of).sum();
        for column in 0..n_columns {
            if stored[column] < rows.len() {
                sums[column] += (total - stored_weight[column]) * raise(-centre[column]);
            }
        }
    })
}
