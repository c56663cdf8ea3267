//! The shape of a linear classifier.

/// Shapes of a linear classifier's parameters: `[n_columns, n_free]` weights, row-major, then `n_free`
/// biases. Class 0 has the logit 0, so `n_free = n_classes - 1`.
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
}
