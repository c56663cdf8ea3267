//! The linear map from rows to logits, and its transpose.

use rayon::prelude::*;

use crate::blocks::block_rows;
use crate::rows::Kernel;
use crate::shape::LinearMap;
use crate::standardisation::Standardisation;

impl LinearMap {
    /// Writes the logits of all rows, `[n_rows, n_classes]`.
    pub fn logits(
        &self,
        parameters: &[f64],
        rows: &impl Kernel,
        standardisation: &Standardisation,
        logits: &mut [f64],
    ) {
        let folded = standardisation.fold(self, parameters);
        let (weights, biases) = folded.split_at(self.n_weights());
        let block = block_rows(rows.n_rows(), 1);
        let score = |first: usize, scores: &mut [f64]| {
            for scores in scores.chunks_exact_mut(biases.len()) {
                scores.copy_from_slice(biases);
            }
            rows.add_scores(weights, biases.len(), first, scores);
        };
        logits.par_chunks_mut(block * self.n_classes).enumerate().for_each(|(i, logits)| {
            if self.n_classes > 2 {
                return score(i * block, logits);
            }
            let mut scores = vec![0.0; logits.len() / 2];
            score(i * block, &mut scores);
            for (logits, score) in logits.as_chunks_mut().0.iter_mut().zip(scores) {
                *logits = [-score, score];
            }
        });
    }

    /// Writes the gradient with respect to the parameters, given the one with respect to the logits.
    pub fn transpose(
        &self,
        logit_gradient: &[f64],
        rows: &impl Kernel,
        standardisation: &Standardisation,
        partial: &mut Partial,
        gradient: &mut [f64],
    ) {
        let block = partial.block_rows;
        let n_parameters = self.n_parameters();
        partial
            .gradients
            .par_chunks_exact_mut(n_parameters)
            .zip(logit_gradient.par_chunks(block * self.n_classes))
            .enumerate()
            .for_each(|(i, (gradient, logit_gradient))| {
                gradient.fill(0.0);
                let (weights, biases) = gradient.split_at_mut(self.n_weights());
                if self.n_classes > 2 {
                    for slopes in logit_gradient.chunks_exact(self.n_classes) {
                        for (bias, slope) in biases.iter_mut().zip(slopes) {
                            *bias += slope;
                        }
                    }
                    rows.add_gradient(logit_gradient, self.n_classes, i * block, weights);
                } else {
                    let pairs = logit_gradient.as_chunks().0;
                    let slopes: Vec<f64> = pairs.iter().map(|[first, second]| second - first).collect();
                    biases[0] = sum(&slopes);
                    rows.add_gradient(&slopes, 1, i * block, weights);
                }
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
        standardisation.backward(self, gradient);
    }
}

/// A sum in several sums side by side, so that additions need not wait for each other.
fn sum(values: &[f64]) -> f64 {
    let (groups, rest) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for group in groups {
        for (sum, value) in sums.iter_mut().zip(group) {
            *sum += value;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// The gradient of each block of rows.
pub(crate) struct Partial {
    block_rows: usize,
    gradients: Vec<f64>,
}

impl Partial {
    pub fn new(map: &LinearMap, n_rows: usize) -> Self {
        let block_rows = block_rows(n_rows, map.n_parameters());
        let blocks = n_rows.div_ceil(block_rows);
        Self { block_rows, gradients: vec![0.0; blocks * map.n_parameters()] }
    }
}

#[cfg(test)]
mod tests {
    use super::{LinearMap, Partial};
    use crate::rows::Kernel;
    use exact_data::{Features, Layout};

    /// Two dense columns, a block of three and an indicator.
    fn features(n_rows: usize) -> Features {
        let layout = Layout {
            n_dense: 2,
            block_offsets: vec![0, 3, 4],
            indicator_mean: vec![0.3, 0.2, 0.4, 0.1],
            indicator_std: vec![0.5, 0.4, 0.6, 0.3],
            ..Layout::dense(2)
        };
        let dense = (0..n_rows * 2).map(|i| ((i * 37 % 101) as f64 - 50.0) / 30.0).collect();
        let codes = (0..n_rows)
            .flat_map(|i| [[0, 1, 2, Features::ABSENT][i % 4], if i % 3 == 0 { 0 } else { Features::ABSENT }])
            .collect();
        Features::new(n_rows, dense, codes, layout).unwrap()
    }

    /// Logits against `row(i) · weights + biases`, and the transpose against the same sums.
    fn assert_map(features: &Features, n_classes: usize) {
        let (n_rows, n_columns) = (features.n_rows(), features.n_columns());
        let map = LinearMap { n_columns, n_classes };
        let k = map.n_scores();
        let parameters: Vec<f64> = (0..map.n_parameters()).map(|i| (1.3 * i as f64).cos()).collect();
        let mut logits = vec![f64::NAN; n_rows * n_classes];
        map.logits(&parameters, features, &features.own_standardisation(), &mut logits);
        for (row, logits) in logits.chunks_exact(n_classes).enumerate() {
            let x = features.row(row);
            for (class, logit) in logits.iter().enumerate() {
                // Of two classes, the first has the negative of the second's score.
                let (score, sign) = if n_classes == 2 { (0, [-1.0, 1.0][class]) } else { (class, 1.0) };
                let dot: f64 = (0..n_columns).map(|j| x[j] * parameters[j * k + score]).sum();
                let expected = sign * (dot + parameters[n_columns * k + score]);
                assert!((logit - expected).abs() < 1e-12, "row {row} class {class}");
            }
        }
        let slopes: Vec<f64> = (0..n_rows * n_classes).map(|i| (0.7 * i as f64).sin()).collect();
        // The second call finds the sums of the first in its blocks.
        let (mut gradient, mut again) =
            (vec![f64::NAN; map.n_parameters()], vec![f64::NAN; map.n_parameters()]);
        let mut partial = Partial::new(&map, n_rows);
        map.transpose(&slopes, features, &features.own_standardisation(), &mut partial, &mut gradient);
        map.transpose(&slopes, features, &features.own_standardisation(), &mut partial, &mut again);
        assert_eq!(gradient, again);
        for (i, slope) in gradient.iter().enumerate() {
            let expected: f64 = (0..n_rows)
                .map(|row| {
                    let x = if i < map.n_weights() { features.row(row)[i / k] } else { 1.0 };
                    let slopes = &slopes[row * n_classes..][..n_classes];
                    x * if n_classes == 2 { slopes[1] - slopes[0] } else { slopes[i % k] }
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
        let none = features(4).select(&[]);
        map.logits(&vec![1.0; map.n_parameters()], &none, &none.own_standardisation(), &mut logits);
    }

    #[test]
    fn sums_do_not_depend_on_the_number_of_threads() {
        let features = features(5000);
        let map = LinearMap { n_columns: 6, n_classes: 3 };
        let slopes: Vec<f64> = (0..5000 * 3).map(|i| (f64::from(i) * 0.7).cos()).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut gradient = vec![0.0; map.n_parameters()];
            pool.install(|| {
                map.transpose(
                    &slopes,
                    &features,
                    &features.own_standardisation(),
                    &mut Partial::new(&map, 5000),
                    &mut gradient,
                );
            });
            gradient
        };
        assert_eq!(run(1), run(3));
    }
}
