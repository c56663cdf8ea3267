//! The linear map of dense rows.

use std::borrow::Cow;

use exact_data::{DenseMatrix, Numbers};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};

use super::Kernel;
use crate::moments::Moments;

/// Values that are converted to double precision at once: they stay in the cache.
const CONVERTED: usize = 1 << 15;
/// Partial sums of a dot product, so that additions need not wait for each other.
const LANES: usize = 8;

/// A number of a matrix.
trait Number: Copy + Sync + Into<f64> {
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

    fn add_logits(&self, weights: &[f64], n_classes: usize, first: usize, logits: &mut [f64]) {
        let width = self.n_columns();
        let range = first * width..(first + logits.len() / n_classes) * width;
        match self.values() {
            Numbers::F32(values) => add_logits(&values[range], width, weights, n_classes, logits),
            Numbers::F64(values) => add_logits(&values[range], width, weights, n_classes, logits),
        }
    }

    fn add_gradient(&self, slopes: &[f64], n_classes: usize, first: usize, gradient: &mut [f64]) {
        let width = self.n_columns();
        let range = first * width..(first + slopes.len() / n_classes) * width;
        match self.values() {
            Numbers::F32(values) => add_gradient(&values[range], width, slopes, n_classes, gradient),
            Numbers::F64(values) => add_gradient(&values[range], width, slopes, n_classes, gradient),
        }
    }
}

/// Adds `values · weights` to the logits of the rows of `values`; one dot product for each row of two classes.
fn add_logits<T: Number>(values: &[T], width: usize, weights: &[f64], n_classes: usize, logits: &mut [f64]) {
    if n_classes == 2 {
        for (row, logits) in values.chunks_exact(width).zip(logits.chunks_exact_mut(2)) {
            logits[1] += dot(row, weights);
        }
        return;
    }
    let rows = T::rows_at_once(values.len(), width);
    for (values, logits) in values.chunks(rows * width).zip(logits.chunks_mut(rows * n_classes)) {
        multiply(&T::double(values), width, weights, n_classes, logits);
    }
}

/// Adds `valuesᵀ · slopes` to the gradient of the weights.
fn add_gradient<T: Number>(
    values: &[T],
    width: usize,
    slopes: &[f64],
    n_classes: usize,
    gradient: &mut [f64],
) {
    if n_classes == 2 {
        for (row, slopes) in values.chunks_exact(width).zip(slopes.chunks_exact(2)) {
            for (gradient, &value) in gradient.iter_mut().zip(row) {
                *gradient += slopes[1] * value.into();
            }
        }
        return;
    }
    let rows = T::rows_at_once(values.len(), width);
    for (values, slopes) in values.chunks(rows * width).zip(slopes.chunks(rows * n_classes)) {
        multiply_transposed(&T::double(values), width, slopes, n_classes, gradient);
    }
}

/// Adds `values · weights` to the logits, by matrix multiplication.
pub(super) fn multiply(values: &[f64], width: usize, weights: &[f64], n_classes: usize, logits: &mut [f64]) {
    let rows = logits.len() / n_classes;
    if let (Ok(values), Ok(weights), Ok(mut logits)) = (
        ArrayView2::from_shape((rows, width), values),
        ArrayView2::from_shape((width, n_classes - 1), weights),
        ArrayViewMut2::from_shape((rows, n_classes), logits),
    ) {
        general_mat_mul(1.0, &values, &weights, 1.0, &mut logits.slice_mut(s![.., 1..]));
    }
}

/// Adds `valuesᵀ · slopes` to the gradient of the weights, by matrix multiplication.
pub(super) fn multiply_transposed(
    values: &[f64],
    width: usize,
    slopes: &[f64],
    n_classes: usize,
    gradient: &mut [f64],
) {
    let rows = slopes.len() / n_classes;
    if let (Ok(values), Ok(slopes), Ok(mut gradient)) = (
        ArrayView2::from_shape((rows, width), values),
        ArrayView2::from_shape((rows, n_classes), slopes),
        ArrayViewMut2::from_shape((width, n_classes - 1), gradient),
    ) {
        general_mat_mul(1.0, &values.t(), &slopes.slice(s![.., 1..]), 1.0, &mut gradient);
    }
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
