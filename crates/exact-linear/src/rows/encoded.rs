//! The linear map of encoded columns: dense numbers, one-hot codes and sparse columns.

use std::borrow::Cow;

use exact_data::{DataError, Features};

use super::{Kernel, dense};
use crate::standardisation::Standardisation;

impl Kernel for Features {
    fn n_rows(&self) -> usize {
        self.n_rows()
    }

    fn n_columns(&self) -> usize {
        self.n_columns()
    }

    fn add_scores(&self, weights: &[f64], n_scores: usize, first: usize, scores: &mut [f64]) {
        let layout = self.layout();
        let (dense_weights, weights) = weights.split_at(layout.n_dense * n_scores);
        let (indicator_weights, sparse_weights) = weights.split_at(layout.indicator_mean.len() * n_scores);
        let n_blocks = layout.n_blocks();
        if n_blocks > 0 && n_scores == 1 {
            let codes = self.codes()[first * n_blocks..].chunks_exact(n_blocks);
            for (codes, score) in codes.zip(&mut *scores) {
                let weight = |(&code, &offset): (&u32, &usize)| {
                    if code == Self::ABSENT { 0.0 } else { indicator_weights[offset + code as usize] }
                };
                *score += codes.iter().zip(&layout.block_offsets).map(weight).sum::<f64>();
            }
        } else if n_blocks > 0 {
            let codes = self.codes()[first * n_blocks..].chunks_exact(n_blocks);
            for (codes, scores) in codes.zip(scores.chunks_exact_mut(n_scores)) {
                for (&code, &offset) in codes.iter().zip(&layout.block_offsets) {
                    if code != Self::ABSENT {
                        let weights = &indicator_weights[(offset + code as usize) * n_scores..][..n_scores];
                        for (score, weight) in scores.iter_mut().zip(weights) {
                            *score += weight;
                        }
                    }
                }
            }
        }
        if layout.n_dense > 0 {
            let rows = scores.len() / n_scores;
            let values = &self.dense()[first * layout.n_dense..][..rows * layout.n_dense];
            dense::add_scores(values, layout.n_dense, dense_weights, n_scores, scores);
        }
        if let Some(sparse) = self.sparse() {
            sparse.add_scores(sparse_weights, n_scores, first, scores);
        }
    }

    fn add_gradient(&self, slopes: &[f64], n_scores: usize, first: usize, gradient: &mut [f64]) {
        let layout = self.layout();
        let (dense_gradient, gradient) = gradient.split_at_mut(layout.n_dense * n_scores);
        let (indicator_gradient, sparse_gradient) =
            gradient.split_at_mut(layout.indicator_mean.len() * n_scores);
        let n_blocks = layout.n_blocks();
        if n_blocks > 0 {
            let codes = self.codes()[first * n_blocks..].chunks_exact(n_blocks);
            for (codes, slopes) in codes.zip(slopes.chunks_exact(n_scores)) {
                for (&code, &offset) in codes.iter().zip(&layout.block_offsets) {
                    if code != Self::ABSENT {
                        let gradient = &mut indicator_gradient[(offset + code as usize) * n_scores..];
                        for (gradient, slope) in gradient.iter_mut().zip(slopes) {
                            *gradient += slope;
                        }
                    }
                }
            }
        }
        if layout.n_dense > 0 {
            let rows = slopes.len() / n_scores;
            let values = &self.dense()[first * layout.n_dense..][..rows * layout.n_dense];
            dense::add_gradient(values, layout.n_dense, slopes, n_scores, dense_gradient);
        }
        if let Some(sparse) = self.sparse() {
            sparse.add_gradient(slopes, n_scores, first, sparse_gradient);
        }
    }

    fn encoded(&self, _: &Standardisation) -> Result<Cow<'_, Features>, DataError> {
        Ok(Cow::Borrowed(self))
    }

    fn own_standardisation(&self) -> Standardisation {
        Standardisation::of_layout(self.layout())
    }
}
