//! Rows in the forms that users have them in, and how a linear map is applied to each.

mod dense;
mod encoded;
mod sparse;

use std::borrow::Cow;

use exact_data::{CsrMatrix, DataError, DenseMatrix, Features};

use crate::moments::Moments;
use crate::standardisation::Standardisation;

/// What the linear map needs of rows. `first` is the first row of a block, whose number of rows follows from
/// the scores or slopes, `[rows, n_scores]`. Weights are `[n_columns, n_scores]`.
pub trait Kernel: Sync {
    fn n_rows(&self) -> usize;

    fn n_columns(&self) -> usize;

    /// Adds `x · weights` to the scores of a block.
    fn add_scores(&self, weights: &[f64], n_scores: usize, first: usize, scores: &mut [f64]);

    /// Adds `xᵀ · slopes` of a block to the gradient of the weights.
    fn add_gradient(&self, slopes: &[f64], n_scores: usize, first: usize, gradient: &mut [f64]);

    /// The rows as encoded features, matrices with dense columns that are standardised so.
    fn encoded(&self, standardisation: &Standardisation) -> Result<Cow<'_, Features>, DataError>;

    /// What the rows' values stand for where they say so themselves.
    fn own_standardisation(&self) -> Standardisation {
        Standardisation::none(self.n_columns())
    }
}

/// Rows that a classifier can be applied to: [`Features`], [`DenseMatrix`], [`CsrMatrix`] and [`Inputs`].
pub trait Rows: Kernel {}

impl<T: Kernel> Rows for T {}

/// Rows to train on. The columns of matrices are standardised implicitly, with the means and standard
/// deviations of the rows trained on; [`Features`] have been standardised by their encoder.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Inputs<'a> {
    /// Encoded columns of a table.
    Encoded(Features),
    /// A dense matrix.
    Dense(DenseMatrix<'a>),
    /// A sparse matrix.
    Sparse(CsrMatrix<'a>),
}

impl From<Features> for Inputs<'_> {
    fn from(features: Features) -> Self {
        Self::Encoded(features)
    }
}

impl<'a> From<DenseMatrix<'a>> for Inputs<'a> {
    fn from(matrix: DenseMatrix<'a>) -> Self {
        Self::Dense(matrix)
    }
}

impl<'a> From<CsrMatrix<'a>> for Inputs<'a> {
    fn from(matrix: CsrMatrix<'a>) -> Self {
        Self::Sparse(matrix)
    }
}

impl Inputs<'_> {
    /// The rows with the given numbers, copied in their form and type.
    pub(crate) fn select(&self, rows: &[usize]) -> Inputs<'static> {
        match self {
            Self::Encoded(features) => features.select(rows).into(),
            Self::Dense(matrix) => matrix.select(rows).into(),
            Self::Sparse(matrix) => matrix.select(rows).into(),
        }
    }

    /// The same rows, those of a dense matrix of which most is zero, as of categories encoded as indicators,
    /// without the zeros.
    pub(crate) fn without_zeros(self) -> Self {
        match self {
            Self::Dense(matrix) => matrix.without_zeros().map_or_else(|| matrix.into(), Into::into),
            other => other,
        }
    }

    /// Means and standard deviations of the columns; `None` for rows that need none.
    pub(crate) fn moments(&self, weights: Option<&[f64]>) -> Option<Moments> {
        match self {
            Self::Encoded(_) => None,
            Self::Dense(matrix) => Some(dense::moments(matrix, weights)),
            Self::Sparse(matrix) => Some(sparse::moments(matrix, weights)),
        }
    }

    /// Values of a row that a pass over the rows takes, at most: a block of indicators has one.
    pub(crate) fn n_values_of_row(&self) -> usize {
        match self {
            Self::Encoded(features) => {
                let layout = features.layout();
                layout.n_dense + layout.n_blocks() + layout.n_sparse()
            }
            matrix => matrix.n_columns(),
        }
    }

    fn kernel(&self) -> &dyn Kernel {
        match self {
            Self::Encoded(features) => features,
            Self::Dense(matrix) => matrix,
            Self::Sparse(matrix) => matrix,
        }
    }
}

impl Kernel for Inputs<'_> {
    fn n_rows(&self) -> usize {
        self.kernel().n_rows()
    }

    fn n_columns(&self) -> usize {
        self.kernel().n_columns()
    }

    fn add_scores(&self, weights: &[f64], n_scores: usize, first: usize, scores: &mut [f64]) {
        self.kernel().add_scores(weights, n_scores, first, scores);
    }

    fn add_gradient(&self, slopes: &[f64], n_scores: usize, first: usize, gradient: &mut [f64]) {
        self.kernel().add_gradient(slopes, n_scores, first, gradient);
    }

    fn encoded(&self, standardisation: &Standardisation) -> Result<Cow<'_, Features>, DataError> {
        self.kernel().encoded(standardisation)
    }

    fn own_standardisation(&self) -> Standardisation {
        self.kernel().own_standardisation()
    }
}

/// The values of a matrix as features.
fn standardised(
    mut values: Vec<f64>,
    n_columns: usize,
    standardisation: &Standardisation,
) -> Result<Cow<'static, Features>, DataError> {
    standardisation.apply(&mut values, n_columns);
    Features::from_dense(values, n_columns).map(Cow::Owned)
}
