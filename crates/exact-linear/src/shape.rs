//! The shape of a linear classifier.

/// Shapes of a linear classifier's parameters: `[n_columns, n_scores]` weights, row-major, then `n_scores`
/// biases. A score is the logit of a class; of two classes the second alone has one, since their logits are
/// its negative and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinearMap {
    pub n_columns: usize,
    pub n_classes: usize,
}

impl LinearMap {
    pub fn n_scores(&self) -> usize {
        if self.n_classes == 2 { 1 } else { self.n_classes }
    }

    pub fn n_weights(&self) -> usize {
        self.n_columns * self.n_scores()
    }

    pub fn n_parameters(&self) -> usize {
        self.n_weights() + self.n_scores()
    }

    /// The logits that a score makes, each with its weights in the penalties.
    pub fn logits_per_score(&self) -> f64 {
        if self.n_classes == 2 { 2.0 } else { 1.0 }
    }

    /// The columns all of whose weights are 0.
    pub fn columns_without_weights(&self, parameters: &[f64]) -> Vec<usize> {
        let columns = parameters[..self.n_weights()].chunks_exact(self.n_scores()).enumerate();
        columns.filter(|(_, weights)| weights.iter().all(|&weight| weight == 0.0)).map(|(at, _)| at).collect()
    }

    /// Shifts each column's weights, and the biases, so that they sum to 0 over the classes. Probabilities
    /// and predictions are the same; of all parameters with the same ones, these have the smallest norm.
    pub fn centre(&self, parameters: &mut [f64]) {
        if self.n_classes == 2 {
            return;
        }
        for scores in parameters.chunks_exact_mut(self.n_classes) {
            let mean = scores.iter().sum::<f64>() / self.n_classes as f64;
            for score in scores {
                *score -= mean;
            }
        }
    }
}
