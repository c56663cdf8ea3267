//! The linear map from encoded features to logits, and its transpose.

use exact_data::{Features, Layout};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};
use rayon::prelude::*;

/// Rows in a block of the parallel split at least.
const MIN_BLOCK_ROWS: usize = 512;
/// Blocks of the transpose at most: each has a gradient of its own, and they are added in order, so that the sum does
/// not depend on the number of threads.
const MAX_BLOCKS: usize = 64;

/// Shapes of a linear classifier's parameters: `[n_columns, n_free]` weights, row-major, then `n_free` biases. Class 0
/// has the logit 0, so `n_free = n_classes - 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinearMap {
    pub n_columns: usize,
    pub n_classes: usize,
}

impl LinearMap {
    pub fn n_free(&self) -> usize {
        self.n_classes - 1
    }

    pub fn n_weights(&self) -> usize {
        self.n_columns * self.n_free()
    }

    pub fn n_parameters(&self) -> usize {
        self.n_weights() + self.n_free()
    }

    /// Writes the logits of all rows, `[n_rows, n_classes]`.
    pub fn logits(&self, parameters: &[f64], features: &Features, logits: &mut [f64]) {
        let layout = features.layout();
        let folded = self.fold_standardisation(parameters, layout);
        let block = block_rows(features.n_rows());
        logits.par_chunks_mut(block * self.n_classes).enumerate().for_each(|(i, logits)| {
            self.block_logits(&folded, features, i * block, logits);
        });
    }

    /// Weights and biases for features whose indicators are 0 and 1 instead of standardised.
    fn fold_standardisation(&self, parameters: &[f64], layout: &Layout) -> Vec<f64> {
        let k = self.n_free();
        let mut folded = parameters[..self.n_parameters()].to_vec();
        let (weights, biases) = folded.split_at_mut(self.n_weights());
        let indicators = weights[layout.n_dense * k..].chunks_exact_mut(k);
        for (weights, (mean, std)) in indicators.zip(layout.indicator_mean.iter().zip(&layout.indicator_std))
        {
            for (weight, bias) in weights.iter_mut().zip(biases.iter_mut()) {
                *weight /= std;
                *bias -= *weight * mean;
            }
        }
        folded
    }

    fn block_logits(&self, folded: &[f64], features: &Features, first: usize, logits: &mut [f64]) {
        let (layout, k, n_classes) = (features.layout(), self.n_free(), self.n_classes);
        let rows = logits.len() / n_classes;
        let (weights, biases) = folded.split_at(self.n_weights());
        let (dense_weights, indicator_weights) = weights.split_at(layout.n_dense * k);
        let n_blocks = layout.n_blocks();
        for (row, logits) in logits.chunks_exact_mut(n_classes).enumerate() {
            logits[0] = 0.0;
            let logits = &mut logits[1..];
            logits.copy_from_slice(biases);
            let codes = &features.codes()[(first + row) * n_blocks..][..n_blocks];
            for (&code, &offset) in codes.iter().zip(&layout.block_offsets) {
                if code != Features::ABSENT {
                    let weights = &indicator_weights[(offset + code as usize) * k..][..k];
                    for (logit, weight) in logits.iter_mut().zip(weights) {
                        *logit += weight;
                    }
                }
            }
        }
        if layout.n_dense > 0 {
            let dense = &features.dense()[first * layout.n_dense..][..rows * layout.n_dense];
            if let (Ok(dense), Ok(weights), Ok(mut logits)) = (
                ArrayView2::from_shape((rows, layout.n_dense), dense),
                ArrayView2::from_shape((layout.n_dense, k), dense_weights),
                ArrayViewMut2::from_shape((rows, n_classes), logits),
            ) {
                general_mat_mul(1.0, &dense, &weights, 1.0, &mut logits.slice_mut(s![.., 1..]));
            }
        }
    }

    /// Writes the gradient with respect to the parameters, given the one with respect to the logits.
    pub fn transpose(
        &self,
        logit_gradient: &[f64],
        features: &Features,
        partial: &mut Partial,
        gradient: &mut [f64],
    ) {
        let (layout, k) = (features.layout(), self.n_free());
        let block = partial.block_rows;
        let n_parameters = self.n_parameters();
        partial
            .gradients
            .par_chunks_exact_mut(n_parameters)
            .zip(logit_gradient.par_chunks(block * self.n_classes))
            .enumerate()
            .for_each(|(i, (gradient, logit_gradient))| {
                self.block_transpose(logit_gradient, features, i * block, gradient);
            });
        let mut blocks = partial.gradients.chunks_exact(n_parameters);
        let gradient = &mut gradient[..n_parameters];
        if let Some(first) = blocks.next() {
            gradient.copy_from_slice(first);
        }
        for block in blocks {
            for (sum, term) in gradient.iter_mut().zip(block) {
                *sum += term;
            }
        }
        let (weights, biases) = gradient.split_at_mut(self.n_weights());
        let indicators = weights[layout.n_dense * k..].chunks_exact_mut(k);
        for (weights, (mean, std)) in indicators.zip(layout.indicator_mean.iter().zip(&layout.indicator_std))
        {
            for (weight, bias) in weights.iter_mut().zip(biases.iter()) {
                *weight = (*weight - mean * bias) / std;
            }
        }
    }

    fn block_transpose(
        &self,
        logit_gradient: &[f64],
        features: &Features,
        first: usize,
        gradient: &mut [f64],
    ) {
        let (layout, k, n_classes) = (features.layout(), self.n_free(), self.n_classes);
        let rows = logit_gradient.len() / n_classes;
        gradient.fill(0.0);
        let (weights, biases) = gradient.split_at_mut(self.n_weights());
        let (dense_weights, indicator_weights) = weights.split_at_mut(layout.n_dense * k);
        let n_blocks = layout.n_blocks();
        for (row, slopes) in logit_gradient.chunks_exact(n_classes).enumerate() {
            let slopes = &slopes[1..];
            for (bias, slope) in biases.iter_mut().zip(slopes) {
                *bias += slope;
            }
            let codes = &features.codes()[(first + row) * n_blocks..][..n_blocks];
            for (&code, &offset) in codes.iter().zip(&layout.block_offsets) {
                if code != Features::ABSENT {
                    let weights = &mut indicator_weights[(offset + code as usize) * k..][..k];
                    for (weight, slope) in weights.iter_mut().zip(slopes) {
                        *weight += slope;
                    }
                }
            }
        }
        if layout.n_dense > 0 {
            let dense = &features.dense()[first * layout.n_dense..][..rows * layout.n_dense];
            if let (Ok(dense), Ok(slopes), Ok(mut weights)) = (
                ArrayView2::from_shape((rows, layout.n_dense), dense),
                ArrayView2::from_shape((rows, n_classes), logit_gradient),
                ArrayViewMut2::from_shape((layout.n_dense, k), dense_weights),
            ) {
                general_mat_mul(1.0, &dense.t(), &slopes.slice(s![.., 1..]), 0.0, &mut weights);
            }
        }
    }
}

/// The gradient of each block of rows.
pub(crate) struct Partial {
    block_rows: usize,
    gradients: Vec<f64>,
}

impl Partial {
    pub fn new(map: &LinearMap, n_rows: usize) -> Self {
        let block_rows = block_rows(n_rows);
        let blocks = n_rows.div_ceil(block_rows);
        Self { block_rows, gradients: vec![0.0; blocks * map.n_parameters()] }
    }
}

fn block_rows(n_rows: usize) -> usize {
    n_rows.div_ceil(MAX_BLOCKS).max(MIN_BLOCK_ROWS)
}

#[cfg(test)]
mod tests {
    use super::{LinearMap, Partial};
    use exact_data::{Features, Layout};

    /// Two dense columns, a block of three and an indicator.
    fn features(n_rows: usize) -> Features {
        let layout = Layout {
            n_dense: 2,
            block_offsets: vec![0, 3, 4],
            indicator_mean: vec![0.3, 0.2, 0.4, 0.1],
            indicator_std: vec![0.5, 0.4, 0.6, 0.3],
        };
        let dense = (0..n_rows * 2).map(|i| ((i * 37 % 101) as f64 - 50.0) / 30.0).collect();
        let codes = (0..n_rows)
            .flat_map(|i| [[0, 1, 2, Features::ABSENT][i % 4], if i % 3 == 0 { 0 } else { Features::ABSENT }])
            .collect();
        Features::new(n_rows, dense, codes, layout).unwrap()
    }

    #[test]
    fn logits_are_those_of_the_standardised_rows_and_the_transpose_is_adjoint() {
        let features = features(1500);
        let map = LinearMap { n_columns: 6, n_classes: 3 };
        let parameters: Vec<f64> = (0..map.n_parameters()).map(|i| (i as f64).sin()).collect();
        let mut logits = vec![f64::NAN; 1500 * 3];
        map.logits(&parameters, &features, &mut logits);
        for row in [0, 1, 2, 3, 700, 1499] {
            let x = features.row(row);
            assert_eq!(logits[row * 3], 0.0);
            for class in 1..3 {
                let dot: f64 = (0..6).map(|j| x[j] * parameters[j * 2 + class - 1]).sum();
                let expected = dot + parameters[12 + class - 1];
                assert!((logits[row * 3 + class] - expected).abs() < 1e-12);
            }
        }
        let slopes: Vec<f64> = (0..1500 * 3).map(|i| (f64::from(i) * 0.7).cos()).collect();
        let mut gradient = vec![0.0; map.n_parameters()];
        map.transpose(&slopes, &features, &mut Partial::new(&map, 1500), &mut gradient);
        let left: f64 = logits.iter().zip(&slopes).map(|(a, b)| a * b).sum();
        let right: f64 = parameters.iter().zip(&gradient).map(|(a, b)| a * b).sum();
        assert!((left - right).abs() < 1e-9 * left.abs().max(1.0), "{left} {right}");
    }

    /// Logits against `row(i) · weights + biases`, and the transpose against `logits · slopes = parameters · gradient`.
    fn assert_map(features: &Features, n_classes: usize) {
        let (n_rows, n_columns) = (features.n_rows(), features.n_columns());
        let map = LinearMap { n_columns, n_classes };
        let k = map.n_free();
        let parameters: Vec<f64> = (0..map.n_parameters()).map(|i| (1.3 * i as f64).cos()).collect();
        let mut logits = vec![f64::NAN; n_rows * n_classes];
        map.logits(&parameters, features, &mut logits);
        for (row, logits) in logits.chunks_exact(n_classes).enumerate() {
            let x = features.row(row);
            assert_eq!(logits[0], 0.0);
            for class in 1..n_classes {
                let dot: f64 = (0..n_columns).map(|j| x[j] * parameters[j * k + class - 1]).sum();
                let expected = dot + parameters[n_columns * k + class - 1];
                assert!((logits[class] - expected).abs() < 1e-12, "row {row} class {class}");
            }
        }
        let slopes: Vec<f64> = (0..n_rows * n_classes).map(|i| (0.7 * i as f64).sin()).collect();
        // The second call finds the sums of the first in its blocks.
        let (mut gradient, mut again) =
            (vec![f64::NAN; map.n_parameters()], vec![f64::NAN; map.n_parameters()]);
        let mut partial = Partial::new(&map, n_rows);
        map.transpose(&slopes, features, &mut partial, &mut gradient);
        map.transpose(&slopes, features, &mut partial, &mut again);
        assert_eq!(gradient, again);
        for (i, slope) in gradient.iter().enumerate() {
            let expected: f64 = (0..n_rows)
                .map(|row| {
                    let class = if i < map.n_weights() { i % k } else { i - map.n_weights() } + 1;
                    let x = if i < map.n_weights() { features.row(row)[i / k] } else { 1.0 };
                    x * slopes[row * n_classes + class]
                })
                .sum();
            assert!((slope - expected).abs() < 1e-9, "parameter {i}: {slope} {expected}");
        }
    }

    #[test]
    fn features_without_dense_columns() {
        let layout = Layout { n_dense: 0, ..features(1).layout().clone() };
        let codes = features(40).codes().to_vec();
        assert_map(&Features::new(40, Vec::new(), codes, layout).unwrap(), 4);
    }

    #[test]
    fn features_without_indicators() {
        assert_map(&Features::from_dense(features(40).dense().to_vec(), 2).unwrap(), 4);
    }

    #[test]
    fn rows_all_of_whose_indicators_are_absent() {
        let layout = features(1).layout().clone();
        let dense = features(7).dense().to_vec();
        assert_map(&Features::new(7, dense, vec![Features::ABSENT; 14], layout).unwrap(), 3);
    }

    #[test]
    fn one_row_two_classes_and_many() {
        for n_classes in [2, 3, 12] {
            assert_map(&features(1), n_classes);
        }
    }

    #[test]
    fn numbers_of_rows_around_the_size_of_a_block() {
        for n_rows in [511, 512, 513, 1024, 1025] {
            assert_map(&features(n_rows), 2);
        }
    }

    #[test]
    fn no_rows_have_no_logits() {
        let map = LinearMap { n_columns: 6, n_classes: 3 };
        let mut logits = [];
        map.logits(&vec![1.0; map.n_parameters()], &features(4).select(&[]), &mut logits);
    }

    #[test]
    fn sums_do_not_depend_on_the_number_of_threads() {
        let features = features(5000);
        let map = LinearMap { n_columns: 6, n_classes: 3 };
        let slopes: Vec<f64> = (0..5000 * 3).map(|i| (f64::from(i) * 0.7).cos()).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut gradient = vec![0.0; map.n_parameters()];
            pool.install(|| map.transpose(&slopes, &features, &mut Partial::new(&map, 5000), &mut gradient));
            gradient
        };
        assert_eq!(run(1), run(3));
    }
}
