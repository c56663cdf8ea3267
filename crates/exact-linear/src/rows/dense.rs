//! The linear map of dense rows.

use std::borrow::Cow;

use exact_data::{DataError, DenseMatrix, Features, Numbers};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Kernel, standardised};
use crate::moments::Moments;
use crate::standardisation::Standardisation;

/// Values that are converted to double precision at once: they stay in the cache.
const CONVERTED: usize = 1 << 15;
/// Partial sums of a dot product, so that additions need not wait for each other.
const LANES: usize = 8;

/// A number of a matrix.
pub(super) trait Number: Copy + Sync + Into<f64> {
    /// The numbers in double precision, copied only where they are not.
    fn double(values: &[Self]) -> Cow<'_, [f64]>;

    /// Rows of a block of `len` values to multiply at once.
    fn rows_at_once(len: usize, width: usize) -> usize;
}

impl Number for f64 {
    fn double(values: &[Self]) -> Cow<'_, [f64]> {
        values.into()
    }

    fn rows_at_once(len: usize, width: usize) -> usize {
        (len / width).max(1)
    }
}

impl Number for f32 {
    fn double(values: &[Self]) -> Cow<'_, [f64]> {
        values.iter().map(|&value| f64::from(value)).collect()
    }

    fn rows_at_once(_: usize, width: usize) -> usize {
        (CONVERTED / width).max(1)
    }
}

impl Kernel for DenseMatrix<'_> {
    fn n_rows(&self) -> usize {
        self.n_rows()
    }

    fn n_columns(&self) -> usize {
        self.n_columns()
    }

    fn encoded(&self, standardisation: &Standardisation) -> Result<Cow<'_, Features>, DataError> {
        let values = match self.values() {
            Numbers::F32(values) => f32::double(values).into_owned(),
            Numbers::F64(values) => values.to_vec(),
        };
        standardised(values, self.n_columns(), standardisation)
    }

    fn add_scores(&self, weights: &[f64], n_scores: usize, first: usize, scores: &mut [f64]) {
        let width = self.n_columns();
        let range = first * width..(first + scores.len() / n_scores) * width;
        match self.values() {
            Numbers::F32(values) => add_scores(&values[range], width, weights, n_scores, scores),
            Numbers::F64(values) => add_scores(&values[range], width, weights, n_scores, scores),
        }
    }

    fn add_gradient(&self, slopes: &[f64], n_scores: usize, first: usize, gradient: &mut [f64]) {
        let width = self.n_columns();
        let range = first * width..(first + slopes.len() / n_scores) * width;
        match self.values() {
            Numbers::F32(values) => add_gradient(&values[range], width, slopes, n_scores, gradient),
            Numbers::F64(values) => add_gradient(&values[range], width, slopes, n_scores, gradient),
        }
    }
}

/// Adds `values · weights` to the scores of the rows of `values`.
pub(super) fn add_scores<T: Number>(
    values: &[T],
    width: usize,
    weights: &[f64],
    n_scores: usize,
    scores: &mut [f64],
) {
    if n_scores == 1 {
        for (row, score) in values.chunks_exact(width).zip(scores) {
            *score += dot(row, weights);
        }
        return;
    }
    let rows = T::rows_at_once(values.len(), width);
    for (values, scores) in values.chunks(rows * width).zip(scores.chunks_mut(rows * n_scores)) {
        multiply(&T::double(values), width, weights, n_scores, scores);
    }
}

/// Adds `valuesᵀ · slopes` to the gradient of the weights.
pub(super) fn add_gradient<T: Number>(
    values: &[T],
    width: usize,
    slopes: &[f64],
    n_scores: usize,
    gradient: &mut [f64],
) {
    if n_scores == 1 {
        for (row, slope) in values.chunks_exact(width).zip(slopes) {
            for (gradient, &value) in gradient.iter_mut().zip(row) {
                *gradient += slope * value.into();
            }
        }
        return;
    }
    let rows = T::rows_at_once(values.len(), width);
    for (values, slopes) in values.chunks(rows * width).zip(slopes.chunks(rows * n_scores)) {
        multiply_transposed(&T::double(values), width, slopes, n_scores, gradient);
    }
}

/// Adds `values · weights` to the scores, by matrix multiplication.
fn multiply(values: &[f64], width: usize, weights: &[f64], n_scores: usize, scores: &mut [f64]) {
    let rows = scores.len() / n_scores;
    let values = ArrayView2::from_shape((rows, width), values).expect("each row of scores has its values");
    let weights =
        ArrayView2::from_shape((width, n_scores), weights).expect("each column has a weight for each score");
    let mut scores = ArrayViewMut2::from_shape((rows, n_scores), scores).expect("the scores are whole rows");
    general_mat_mul(1.0, &values, &weights, 1.0, &mut scores);
}

/// Adds `valuesᵀ · slopes` to the gradient of the weights, by matrix multiplication.
fn multiply_transposed(values: &[f64], width: usize, slopes: &[f64], n_scores: usize, gradient: &mut [f64]) {
    let rows = slopes.len() / n_scores;
    let values = ArrayView2::from_shape((rows, width), values).expect("each row of slopes has its values");
    let slopes = ArrayView2::from_shape((rows, n_scores), slopes).expect("the slopes are whole rows");
    let mut gradient = ArrayViewMut2::from_shape((width, n_scores), gradient)
        .expect("each column has a slope for each score");
    general_mat_mul(1.0, &values.t(), &slopes, 1.0, &mut gradient);
}

fn dot<T: Number>(row: &[T], weights: &[f64]) -> f64 {
    let (row, row_rest) = row.as_chunks::<LANES>();
    let (weights, weights_rest) = weights.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (row, weights) in row.iter().zip(weights) {
        for ((sum, &value), weight) in sums.iter_mut().zip(row).zip(weights) {
            *sum += value.into() * weight;
        }
    }
    let rest: f64 = row_rest.iter().zip(weights_rest).map(|(&value, weight)| value.into() * weight).sum();
    sums.iter().sum::<f64>() + rest
}

pub(super) fn moments(matrix: &DenseMatrix<'_>, weights: Option<&[f64]>) -> Moments {
    match matrix.values() {
        Numbers::F32(values) => moments_of(values, matrix, weights),
        Numbers::F64(values) => moments_of(values, matrix, weights),
    }
}

fn moments_of<T: Number>(values: &[T], matrix: &DenseMatrix<'_>, weights: Option<&[f64]>) -> Moments {
    let (n_rows, width) = (matrix.n_rows(), matrix.n_columns());
    let pilot: Vec<f64> = values.iter().take(width).map(|&value| value.into()).collect();
    Moments::of(n_rows, pilot, weights, |rows, centre, power, sums| {
        for row in rows {
            let weight = weights.map_or(1.0, |weights| weights[row]);
            for ((sum, &value), centre) in sums.iter_mut().zip(&values[row * width..][..width]).zip(centre) {
                let offset: f64 = value.into() - centre;
                *sum += weight * if power == 2 { offset * offset } else { offset };
            }
        }
    })
}
