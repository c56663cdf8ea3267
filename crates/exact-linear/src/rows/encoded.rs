//! The linear map of encoded columns: dense numbers, one-hot codes and sparse columns.

use exact_data::Features;

use super::{Kernel, dense};
use crate::standardisation::Standardisation;

impl Kernel for Features {
    fn n_rows(&self) -> usize {
        self.n_rows()
    }

    fn n_columns(&self) -> usize {
        self.n_columns()
    }

    fn add_logits(&self, weights: &[f64], n_classes: usize, first: usize, logits: &mut [f64]) {
        let (layout, k) = (self.layout(), n_classes - 1);
        let (dense_weights, weights) = weights.split_at(layout.n_dense * k);
        let (indicator_weights, sparse_weights) = weights.split_at(layout.indicator_mean.len() * k);
        let n_blocks = layout.n_blocks();
        if n_blocks > 0 && k == 1 {
            let codes = self.codes()[first * n_blocks..].chunks_exact(n_blocks);
            for (codes, logits) in codes.zip(logits.chunks_exact_mut(2)) {
                let weight = |(&code, &offset): (&u32, &usize)| {
                    if code == Self::ABSENT { 0.0 } else { indicator_weights[offset + code as usize] }
                };
                logits[1] += codes.iter().zip(&layout.block_offsets).map(weight).sum::<f64>();
            }
        } else if n_blocks > 0 {
            let codes = self.codes()[first * n_blocks..].chunks_exact(n_blocks);
            for (codes, logits) in codes.zip(logits.chunks_exact_mut(n_classes)) {
                for (&code, &offset) in codes.iter().zip(&layout.block_offsets) {
                    if code != Self::ABSENT {
                        let weights = &indicator_weights[(offset + code as usize) * k..][..k];
                        for (logit, weight) in logits[1..].iter_mut().zip(weights) {
                            *logit += weight;
                        }
                    }
                }
            }
        }
        // Matrix multiplication even for two classes: sums in another order would change what trained models
        // are.
        if layout.n_dense > 0 {
            let rows = logits.len() / n_classes;
            let values = &self.dense()[first * layout.n_dense..][..rows * layout.n_dense];
            dense::multiply(values, layout.n_dense, dense_weights, n_classes, logits);
        }
        if let Some(sparse) = self.sparse() {
            sparse.add_logits(sparse_weights, n_classes, first, logits);
        }
    }

    fn add_gradient(&self, slopes: &[f64], n_classes: usize, first: usize, gradient: &mut [f64]) {
        let (layout, k) = (self.layout(), n_classes - 1);
        let (dense_gradient, gradient) = gradient.split_at_mut(layout.n_dense * k);
        let (indicator_gradient, sparse_gradient) = gradient.split_at_mut(layout.indicator_mean.len() * k);
        let n_blocks = layout.n_blocks();
        if n_blocks > 0 && k == 1 {
            let codes = self.codes()[first * n_blocks..].chunks_exact(n_blocks);
            for (codes, slopes) in codes.zip(slopes.chunks_exact(2)) {
                for (&code, &offset) in codes.iter().zip(&layout.block_offsets) {
                    if code != Self::ABSENT {
                        indicator_gradient[offset + code as usize] += slopes[1];
                    }
                }
            }
        } else if n_blocks > 0 {
            let codes = self.codes()[first * n_blocks..].chunks_exact(n_blocks);
            for (codes, slopes) in codes.zip(slopes.chunks_exact(n_classes)) {
                for (&code, &offset) in codes.iter().zip(&layout.block_offsets) {
                    if code != Self::ABSENT {
                        let gradient = &mut indicator_gradient[(offset + code as usize) * k..][..k];
                        for (gradient, slope) in gradient.iter_mut().zip(&slopes[1..]) {
                            *gradient += slope;
                        }
                    }
                }
            }
        }
        if layout.n_dense > 0 {
            let rows = slopes.len() / n_classes;
            let values = &self.dense()[first * layout.n_dense..][..rows * layout.n_dense];
            dense::multiply_transposed(values, layout.n_dense, slopes, n_classes, dense_gradient);
        }
        if let Some(sparse) = self.sparse() {
            sparse.add_gradient(slopes, n_classes, first, sparse_gradient);
        }
    }

    fn own_standardisation(&self) -> Standardisation {
        Standardisation::of_layout(self.layout())
    }
}
