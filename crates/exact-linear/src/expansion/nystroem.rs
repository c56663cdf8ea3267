//! Features of a Gaussian kernel by the method of Nyström (Williams and Seeger 2001).
//!
//! With landmarks `z` among the rows and `k(x, z) = exp(-‖x - z‖² / 2h²)`, a row has the features `φ(x) = L⁻¹
//! k(Z, x)`, where `L Lᵀ = k(Z, Z)`: their inner products are the best approximation of the kernel that the
//! landmarks allow. Landmarks are drawn one after the other, with the probability of the part of a row's
//! kernel that those before do not explain (randomly pivoted Cholesky; Chen, Epperly, Tropp and Webber 2022),
//! which computes `L` on the way. Distances are those of standardised numbers and of indicators that are 0 or
//! 1.

use exact_core::random::stream;
use exact_data::Features;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rand::RngExt;
use rand::seq::index;
use rayon::prelude::*;

use super::triangular::inverse;
use super::{Shape, integers, with_dense};
use crate::LinearError;
use crate::model_file::Tensors;

/// Landmarks at most.
pub(super) const LANDMARKS: usize = 400;
/// Rows that landmarks are drawn from.
const CANDIDATES: usize = 4000;
/// Pairs of rows from which the median distance is found.
const PAIRS: usize = 2000;
/// The share of the kernel's trace that landmarks may leave unexplained.
const UNEXPLAINED: f64 = 1e-4;
/// A row of which less is unexplained is no landmark.
const MIN_PIVOT: f64 = 1e-8;
/// Rows whose kernels are computed at once.
const BLOCK_ROWS: usize = 256;
/// The random numbers of landmarks, apart from those of folds.
const PURPOSE: u64 = 0x6c61_6e64;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Nystroem {
    landmarks: Points,
    /// `1 / 2h²`.
    rate: f64,
    /// `L⁻¹`, `[n_landmarks, n_landmarks]`.
    inverse: Vec<f64>,
    /// Of the features over the rows, which are centred.
    mean: Vec<f64>,
    /// What the centred features are multiplied by.
    scale: f64,
}

/// Rows between which there are distances.
#[derive(Debug, Clone, PartialEq)]
struct Points {
    n: usize,
    n_dense: usize,
    dense: Vec<f64>,
    codes: Vec<u32>,
    n_blocks: usize,
    squares: Vec<f64>,
}

impl Points {
    fn new(n: usize, dense: Vec<f64>, codes: Vec<u32>) -> Self {
        let (n_dense, n_blocks) = (dense.len() / n, codes.len() / n);
        let squares = (0..n)
            .map(|row| dense[row * n_dense..][..n_dense].iter().map(|value| value * value).sum())
            .collect();
        Self { n, n_dense, dense, codes, n_blocks, squares }
    }

    fn of(features: &Features, rows: &[usize]) -> Self {
        let (n_dense, n_blocks) = (features.layout().n_dense, features.layout().n_blocks());
        let dense: Vec<f64> =
            rows.iter().flat_map(|row| &features.dense()[row * n_dense..][..n_dense]).copied().collect();
        let codes = rows.iter().flat_map(|row| &features.codes()[row * n_blocks..][..n_blocks]);
        Self::new(rows.len(), dense, codes.copied().collect())
    }

    /// The squared distances from some of these points to others, `[rows, others]`.
    fn distances(&self, others: &Self, out: &mut [f64]) {
        let Self { n_dense, n_blocks, .. } = *self;
        if n_dense > 0 {
            let a = ArrayView2::from_shape((self.n, n_dense), &self.dense[..]);
            let b = ArrayView2::from_shape((others.n, n_dense), &others.dense[..]);
            let (a, b) = (a.expect("points have their numbers"), b.expect("points have their numbers"));
            let mut out =
                ArrayViewMut2::from_shape((self.n, others.n), &mut *out).expect("one for each pair");
            general_mat_mul(-2.0, &a, &b.t(), 0.0, &mut out);
        } else {
            out.fill(0.0);
        }
        for (row, out) in out.chunks_exact_mut(others.n).enumerate() {
            let codes = &self.codes[row * n_blocks..][..n_blocks];
            for (other, out) in out.iter_mut().enumerate() {
                let numbers = (*out + self.squares[row] + others.squares[other]).max(0.0);
                let indicators: u32 = codes
                    .iter()
                    .zip(&others.codes[other * n_blocks..][..n_blocks])
                    .map(|(&a, &b)| match (a == b, a == Features::ABSENT || b == Features::ABSENT) {
                        (true, _) => 0,
                        (false, true) => 1,
                        (false, false) => 2,
                    })
                    .sum();
                *out = numbers + f64::from(indicators);
            }
        }
    }
}

impl Nystroem {
    /// Features with a bandwidth in units of the median distance of the rows; `None` if all rows are the same
    /// but for sparse columns.
    pub fn fit(features: &Features, bandwidth: f64, seed: u64) -> Option<Self> {
        let n_rows = features.n_rows();
        let mut random = stream(seed, PURPOSE);
        let mut rows = index::sample(&mut random, n_rows, CANDIDATES.min(n_rows)).into_vec();
        rows.sort_unstable();
        let points = Points::of(features, &rows);
        let mut pairs: Vec<f64> = (0..PAIRS)
            .map(|_| [random.random_range(0..points.n), random.random_range(0..points.n)])
            .filter(|[a, b]| a != b)
            .map(|[a, b]| {
                let mut distance = [0.0];
                points.at(a).distances(&points.at(b), &mut distance);
                distance[0]
            })
            .filter(|distance| *distance > 0.0)
            .collect();
        pairs.sort_by(f64::total_cmp);
        let median = *pairs.get(pairs.len() / 2)?;
        let rate = 0.5 / (bandwidth * bandwidth * median);
        let (pivots, lower) = points.pivoted_cholesky(rate, || random.random());
        let landmarks: Vec<usize> = pivots.iter().map(|pivot| rows[*pivot]).collect();
        let m = landmarks.len();
        let landmarks = Points::of(features, &landmarks);
        let inverse = inverse(&lower, m);
        let mut fitted = Self { landmarks, rate, inverse, mean: vec![0.0; m], scale: 1.0 };
        // Centred by the candidates, with as much variance as the columns have together.
        let values = fitted.features(features, &rows);
        let share = 1.0 / rows.len() as f64;
        let mut mean = vec![0.0; m];
        for row in values.chunks_exact(m) {
            for (mean, value) in mean.iter_mut().zip(row) {
                *mean += share * value;
            }
        }
        let squares = |row: &[f64]| row.iter().zip(&mean).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let variance = share * values.chunks_exact(m).map(squares).sum::<f64>();
        let columns = points.n_dense + points.n_blocks;
        fitted.scale = (columns as f64 / variance).sqrt();
        fitted.mean = mean;
        Some(fitted)
    }

    /// Columns beside those there were.
    pub fn n_new(&self) -> usize {
        self.landmarks.n
    }

    pub fn names(&self) -> Vec<String> {
        (0..self.landmarks.n).map(|number| format!("kernel {}", number + 1)).collect()
    }

    pub fn apply(&self, features: &Features) -> Result<Features, LinearError> {
        let rows: Vec<usize> = (0..features.n_rows()).collect();
        let kernel = self.features(features, &rows);
        let (n_dense, m) = (features.layout().n_dense, self.landmarks.n);
        let mut dense = Vec::with_capacity(rows.len() * (n_dense + m));
        for row in rows {
            dense.extend_from_slice(&features.dense()[row * n_dense..][..n_dense]);
            dense.extend_from_slice(&kernel[row * m..][..m]);
        }
        with_dense(features, m, dense)
    }

    /// The features of some rows, `[rows, n_landmarks]`.
    fn features(&self, features: &Features, rows: &[usize]) -> Vec<f64> {
        let m = self.landmarks.n;
        let mut out = vec![0.0; rows.len() * m];
        let inverse = ArrayView2::from_shape((m, m), &self.inverse[..]).expect("a square matrix");
        out.par_chunks_mut(BLOCK_ROWS * m).zip(rows.par_chunks(BLOCK_ROWS)).for_each(|(out, rows)| {
            let points = Points::of(features, rows);
            let mut kernel = vec![0.0; out.len()];
            points.distances(&self.landmarks, &mut kernel);
            for value in &mut kernel {
                *value = (-self.rate * *value).exp();
            }
            for out in out.chunks_exact_mut(m) {
                for (out, mean) in out.iter_mut().zip(&self.mean) {
                    *out = -self.scale * mean;
                }
            }
            let kernel = ArrayView2::from_shape((rows.len(), m), &kernel[..]).expect("a value a landmark");
            let mut out = ArrayViewMut2::from_shape((rows.len(), m), out).expect("a feature a landmark");
            general_mat_mul(self.scale, &kernel, &inverse.t(), 1.0, &mut out);
        });
        out
    }
}

impl Points {
    /// Landmarks among the points, and the Cholesky factor of their kernel, `[n_landmarks, n_landmarks]`.
    fn pivoted_cholesky(&self, rate: f64, mut random: impl FnMut() -> f64) -> (Vec<usize>, Vec<f64>) {
        let n = self.n;
        // What is unexplained of each point's kernel, and the factor's columns, one after the other.
        let mut rest = vec![1.0; n];
        let mut factor: Vec<Vec<f64>> = Vec::new();
        let mut pivots: Vec<usize> = Vec::new();
        while pivots.len() < LANDMARKS.min(n) {
            let total: f64 = rest.iter().sum();
            if total <= UNEXPLAINED * n as f64 {
                break;
            }
            let mut left = random() * total;
            let drawn = rest.iter().position(|rest| {
                left -= rest;
                left < 0.0
            });
            let drawn = drawn.filter(|&point| rest[point] > MIN_PIVOT);
            let largest = || (0..n).max_by(|&a, &b| rest[a].total_cmp(&rest[b]));
            let Some(pivot) = drawn.or_else(largest).filter(|&point| rest[point] > MIN_PIVOT) else { break };
            let mut column = vec![0.0; n];
            self.distances(&self.at(pivot), &mut column);
            for value in &mut column {
                *value = (-rate * *value).exp();
            }
            for earlier in &factor {
                let weight = earlier[pivot];
                for (value, earlier) in column.iter_mut().zip(earlier) {
                    *value -= weight * earlier;
                }
            }
            let diagonal = rest[pivot].sqrt();
            for (value, rest) in column.iter_mut().zip(&mut rest) {
                *value /= diagonal;
                *rest = (*rest - *value * *value).max(0.0);
            }
            rest[pivot] = 0.0;
            factor.push(column);
            pivots.push(pivot);
        }
        let m = pivots.len();
        let mut lower = vec![0.0; m * m];
        for (i, &pivot) in pivots.iter().enumerate() {
            for (j, column) in factor[..=i].iter().enumerate() {
                lower[i * m + j] = column[pivot];
            }
        }
        (pivots, lower)
    }

    /// One of the points.
    fn at(&self, point: usize) -> Self {
        let dense = self.dense[point * self.n_dense..][..self.n_dense].to_vec();
        Self::new(1, dense, self.codes[point * self.n_blocks..][..self.n_blocks].to_vec())
    }
}

/// The arrays of a model file.
const NUMBERS: &str = "kernel.landmarks";
const CODES: &str = "kernel.codes";
const INVERSE: &str = "kernel.inverse";
const MEANS: &str = "kernel.means";
const SCALES: &str = "kernel.scales";
/// The code of no category.
const ABSENT: f64 = -1.0;

impl Nystroem {
    pub fn is_in(tensors: &Tensors) -> bool {
        tensors.contains(NUMBERS)
    }

    pub fn write(&self, tensors: &mut Tensors) {
        let Points { n, n_dense, n_blocks, dense, codes, .. } = &self.landmarks;
        let codes = codes.iter().map(|&code| if code == Features::ABSENT { ABSENT } else { f64::from(code) });
        tensors.insert(NUMBERS, &[*n, *n_dense], dense.clone());
        tensors.insert(CODES, &[*n, *n_blocks], codes.collect());
        tensors.insert(INVERSE, &[*n, *n], self.inverse.clone());
        tensors.insert(MEANS, &[*n], self.mean.clone());
        tensors.insert(SCALES, &[2], vec![self.rate, self.scale]);
    }

    /// `None` if the arrays do not fit together.
    pub fn read(tensors: &mut Tensors, shape: &Shape) -> Result<Option<Self>, String> {
        let (numbers, dense) = tensors.take::<2>(NUMBERS)?;
        let (of_codes, codes) = tensors.take::<2>(CODES)?;
        let (square, inverse) = tensors.take::<2>(INVERSE)?;
        let ([means], mean) = tensors.take::<1>(MEANS)?;
        let (_, scales) = tensors.take::<1>(SCALES)?;
        let n = means;
        let fits =
            n > 0 && numbers == [n, shape.n_dense] && of_codes == [n, shape.n_blocks()] && square == [n, n];
        let code = |code: &f64| {
            if *code == ABSENT { Some(Features::ABSENT) } else { Some(integers(&[*code])?[0] as u32) }
        };
        let codes: Option<Vec<u32>> = codes.iter().map(code).collect();
        let (Some(codes), [rate, scale], true) = (codes, &scales[..], fits) else { return Ok(None) };
        let landmarks = Points::new(n, dense, codes);
        Ok(Some(Self { landmarks, rate: *rate, inverse, mean, scale: *scale }))
    }
}
