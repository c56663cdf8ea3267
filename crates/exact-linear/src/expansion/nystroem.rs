//! Features of a Gaussian kernel by the method of Nyström (Williams and Seeger 2001).
//!
//! With landmarks `z` among the rows and `k(x, z) = exp(-‖x - z‖² / 2h²)`, a row has the features `φ(x) = L⁻¹
//! k(Z, x)`, where `L Lᵀ = k(Z, Z)`: their inner products are the best approximation of the kernel that the
//! landmarks allow. Landmarks are drawn one after the other, with the probability of the part of a row's
//! kernel that those before do not explain (randomly pivoted Cholesky; Chen, Epperly, Tropp and Webber 2022),
//! which computes `L` on the way. Distances are those of standardised numbers and of indicators that are 0 or
//! 1.
//!
//! Bandwidths and penalties are chosen with few landmarks on each fold; the classifier on all rows has more.
//! On held-out rows of four tables, 2000 instead of 400 gained -0.1, 0.0, 0.9 and 2.9 points of accuracy
//! (docs/results.md, "How settings are chosen").

use exact_core::random::stream;
use exact_data::Features;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, s};
use rand::RngExt;
use rand::seq::index;
use rayon::prelude::*;

use super::triangular::{cholesky, inverse};
use super::{Shape, integers, with_dense};
use crate::LinearError;
use crate::model_file::Tensors;
use crate::shape::LinearMap;

/// Landmarks at most where bandwidths and penalties are compared.
const COMPARED_LANDMARKS: usize = 400;
/// Landmarks at most on all rows.
const LANDMARKS: usize = 2000;
/// Features of the landmarks beyond those at most, 256 MB.
const MAX_VALUES: usize = 1 << 25;
/// Landmarks that are drawn at once at most.
const DRAWN: usize = 64;
/// Features that are computed at once: those of a landmark depend on the landmarks before.
const BLOCK_LANDMARKS: usize = 256;
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

/// Landmarks among so many rows at most, where solutions are compared, or on all rows.
pub(super) fn max_landmarks(n_rows: usize, compared: bool) -> usize {
    let affordable = (MAX_VALUES / n_rows.max(1)).clamp(COMPARED_LANDMARKS, LANDMARKS);
    n_rows.min(if compared { COMPARED_LANDMARKS } else { affordable })
}

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
    /// Features with a bandwidth in units of the median distance of the rows, to be compared with others or
    /// to be kept; `None` if all rows are the same but for sparse columns.
    pub fn fit(features: &Features, bandwidth: f64, seed: u64, compared: bool) -> Option<Self> {
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
                points.select(&[a]).distances(&points.select(&[b]), &mut distance);
                distance[0]
            })
            .filter(|distance| *distance > 0.0)
            .collect();
        pairs.sort_by(f64::total_cmp);
        let median = *pairs.get(pairs.len() / 2)?;
        let rate = 0.5 / (bandwidth * bandwidth * median);
        let most = max_landmarks(n_rows, compared);
        let (pivots, lower) = points.pivoted_cholesky(most, rate, || random.random());
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

    /// Adds what the features add to the logits of rows, `[n_rows, n_classes]`, with these weights of theirs,
    /// `[n_landmarks, n_scores]`: `wᵀ φ = (scale L⁻ᵀ w)ᵀ k - scale wᵀ mean`.
    pub fn add_logits(&self, features: &Features, weights: &[f64], map: &LinearMap, logits: &mut [f64]) {
        let (m, k) = (self.landmarks.n, map.n_scores());
        let inverse = ArrayView2::from_shape((m, m), &self.inverse[..]).expect("a square matrix");
        let weights = ArrayView2::from_shape((m, k), weights).expect("weights of each landmark");
        let mut of_kernel = Array2::zeros((m, k));
        general_mat_mul(self.scale, &inverse.t(), &weights, 0.0, &mut of_kernel);
        let shift = ArrayView1::from(&self.mean[..]).dot(&weights) * -self.scale;
        let block = BLOCK_ROWS * map.n_classes;
        logits.par_chunks_mut(block).enumerate().for_each(|(number, logits)| {
            let first = number * BLOCK_ROWS;
            let rows: Vec<usize> = (first..first + logits.len() / map.n_classes).collect();
            let scores = self.kernel(features, &rows).dot(&of_kernel) + &shift;
            for (logits, scores) in logits.chunks_exact_mut(map.n_classes).zip(scores.rows()) {
                if let [first, second] = logits {
                    *first -= scores[0];
                    *second += scores[0];
                } else {
                    for (logit, score) in logits.iter_mut().zip(scores) {
                        *logit += score;
                    }
                }
            }
        });
    }

    /// The kernel of some rows and the landmarks, `[rows, n_landmarks]`.
    fn kernel(&self, features: &Features, rows: &[usize]) -> Array2<f64> {
        Points::of(features, rows).kernel(&self.landmarks, self.rate)
    }

    /// The features of some rows, `[rows, n_landmarks]`.
    fn features(&self, features: &Features, rows: &[usize]) -> Vec<f64> {
        let m = self.landmarks.n;
        let mut out = vec![0.0; rows.len() * m];
        let inverse = ArrayView2::from_shape((m, m), &self.inverse[..]).expect("a square matrix");
        out.par_chunks_mut(BLOCK_ROWS * m).zip(rows.par_chunks(BLOCK_ROWS)).for_each(|(out, rows)| {
            let kernel = self.kernel(features, rows);
            for out in out.chunks_exact_mut(m) {
                for (out, mean) in out.iter_mut().zip(&self.mean) {
                    *out = -self.scale * mean;
                }
            }
            let mut out = ArrayViewMut2::from_shape((rows.len(), m), out).expect("a feature a landmark");
            for first in (0..m).step_by(BLOCK_LANDMARKS) {
                let end = m.min(first + BLOCK_LANDMARKS);
                let (kernel, inverse) = (kernel.slice(s![.., ..end]), inverse.slice(s![first..end, ..end]));
                let mut out = out.slice_mut(s![.., first..end]);
                general_mat_mul(self.scale, &kernel, &inverse.t(), 1.0, &mut out);
            }
        });
        out
    }
}

impl Points {
    /// Landmarks among the points, and the Cholesky factor of their kernel, `[n_landmarks, n_landmarks]`.
    ///
    /// Several points are drawn at once, and each is kept with the probability of what is unexplained of it
    /// beside those kept before it, as a share of what was unexplained when it was drawn: the landmarks are
    /// distributed as if they were drawn one by one (Epperly, Tropp and Webber, *Embrace rejection*, 2024).
    fn pivoted_cholesky(
        &self,
        most: usize,
        rate: f64,
        mut random: impl FnMut() -> f64,
    ) -> (Vec<usize>, Vec<f64>) {
        let n = self.n;
        // What is unexplained of each point's kernel, and the factor, of whose columns the first are filled.
        let mut rest = vec![1.0; n];
        let mut factor = Array2::zeros((n, most));
        let mut pivots: Vec<usize> = Vec::new();
        while pivots.len() < most {
            let explained = factor.slice(s![.., ..pivots.len()]);
            let total: f64 = rest.iter().sum();
            if total <= UNEXPLAINED * n as f64 {
                break;
            }
            let drawn: Vec<usize> = (0..DRAWN).filter_map(|_| draw(&rest, random() * total)).collect();
            let mut kept = self.kept(&drawn, rate, &rest, &explained, &mut random);
            kept.truncate(most - pivots.len());
            if kept.is_empty() {
                let largest = (0..n).max_by(|&a, &b| rest[a].total_cmp(&rest[b]));
                let Some(pivot) = largest.filter(|&point| rest[point] > MIN_PIVOT) else { break };
                kept.push(pivot);
            }
            let (landmarks, of_kept) = (self.select(&kept), explained.select(Axis(0), &kept));
            let columns = self.unexplained(&landmarks, rate, &explained, &of_kept.view());
            let mut square = columns.select(Axis(0), &kept);
            let square = square.as_slice_mut().expect("a matrix in standard layout");
            cholesky(square, kept.len(), MIN_PIVOT);
            let inverse = inverse(square, kept.len());
            let inverse = ArrayView2::from_shape((kept.len(), kept.len()), &inverse[..]).expect("a square");
            let mut new = factor.slice_mut(s![.., pivots.len()..pivots.len() + kept.len()]);
            general_mat_mul(1.0, &columns, &inverse.t(), 0.0, &mut new);
            for (rest, row) in rest.iter_mut().zip(new.rows()) {
                *rest = (*rest - row.dot(&row)).max(0.0);
            }
            for &pivot in &kept {
                rest[pivot] = 0.0;
            }
            pivots.extend(kept);
        }
        let m = pivots.len();
        let mut lower = vec![0.0; m * m];
        for (i, (&pivot, lower)) in pivots.iter().zip(lower.chunks_exact_mut(m.max(1))).enumerate() {
            for (j, value) in lower[..=i].iter_mut().enumerate() {
                *value = factor[[pivot, j]];
            }
        }
        (pivots, lower)
    }

    /// Those of the drawn points that become landmarks.
    fn kept(
        &self,
        drawn: &[usize],
        rate: f64,
        rest: &[f64],
        explained: &ArrayView2<'_, f64>,
        mut random: impl FnMut() -> f64,
    ) -> Vec<usize> {
        let (points, explained) = (self.select(drawn), explained.select(Axis(0), drawn));
        let mut left = points.unexplained(&points, rate, &explained.view(), &explained.view());
        let mut kept = Vec::new();
        for (at, &point) in drawn.iter().enumerate() {
            let pivot = left[[at, at]];
            if random() * rest[point] >= pivot || pivot <= MIN_PIVOT {
                continue;
            }
            kept.push(point);
            for row in at + 1..drawn.len() {
                let factor = left[[row, at]] / pivot;
                for column in at + 1..drawn.len() {
                    left[[row, column]] -= factor * left[[at, column]];
                }
            }
        }
        kept
    }

    /// The kernel of these points and others, `[n, others.n]`.
    fn kernel(&self, others: &Self, rate: f64) -> Array2<f64> {
        let mut kernel = Array2::zeros((self.n, others.n));
        self.distances(others, kernel.as_slice_mut().expect("a matrix in standard layout"));
        kernel.mapv_inplace(|distance: f64| (-rate * distance).exp());
        kernel
    }

    /// The kernel of these points and others, less the product of their rows of a factor, `[n, others.n]`.
    fn unexplained(
        &self,
        others: &Self,
        rate: f64,
        factor: &ArrayView2<'_, f64>,
        of_others: &ArrayView2<'_, f64>,
    ) -> Array2<f64> {
        let mut kernel = self.kernel(others, rate);
        general_mat_mul(-1.0, factor, &of_others.t(), 1.0, &mut kernel);
        kernel
    }

    /// Some of the points.
    fn select(&self, points: &[usize]) -> Self {
        let dense = points.iter().flat_map(|&point| &self.dense[point * self.n_dense..][..self.n_dense]);
        let codes = points.iter().flat_map(|&point| &self.codes[point * self.n_blocks..][..self.n_blocks]);
        Self::new(points.len(), dense.copied().collect(), codes.copied().collect())
    }
}

/// The point at which the sum of what is unexplained passes a number.
fn draw(rest: &[f64], mut left: f64) -> Option<usize> {
    rest.iter().position(|rest| {
        left -= rest;
        left < 0.0
    })
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

#[cfg(test)]
mod tests {
    use super::Points;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn landmarks(points: &Points, most: usize, rate: f64) -> (Vec<usize>, Vec<f64>) {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        points.pivoted_cholesky(most, rate, || random.random())
    }

    #[test]
    fn the_factor_is_that_of_the_landmarks_kernel() {
        let numbers = (0..900).map(|at| 2.0 * (1.3 * f64::from(at)).sin()).collect();
        let codes = (0..300).map(|row| row % 7).collect();
        let points = Points::new(300, numbers, codes);
        let (pivots, lower) = landmarks(&points, 150, 0.3);
        let m = pivots.len();
        assert!(m > 64, "drawn more than once: {m}");
        let mut distinct = pivots.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), m);
        let landmarks = points.select(&pivots);
        let kernel = landmarks.kernel(&landmarks, 0.3);
        for i in 0..m {
            for j in 0..m {
                let product: f64 = (0..m).map(|k| lower[i * m + k] * lower[j * m + k]).sum();
                assert!((product - kernel[[i, j]]).abs() < 1e-10, "{product} {}", kernel[[i, j]]);
            }
        }
    }

    #[test]
    fn points_that_are_the_same_are_one_landmark() {
        let points = Points::new(200, (0..200).map(|row| f64::from(row % 5)).collect(), Vec::new());
        assert_eq!(landmarks(&points, 100, 1.0).0.len(), 5);
    }
}
