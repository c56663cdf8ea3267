//! Encoded samples.

use std::sync::Arc;

use crate::{CsrMatrix, DataError};

/// What the columns of [`Features`] are: dense columns first, then indicator columns in blocks, then sparse
/// ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The number of dense columns.
    pub n_dense: usize,
    /// The first column of each block, counted from 0 = the first indicator column, and the number of
    /// indicator columns at the end: length `n_blocks + 1`.
    pub block_offsets: Vec<usize>,
    /// The mean of each indicator in the training data.
    pub indicator_mean: Vec<f64>,
    /// The population standard deviation of each indicator in the training data; positive.
    pub indicator_std: Vec<f64>,
    /// What each sparse column is centred by.
    pub sparse_mean: Vec<f64>,
    /// What each sparse column is divided by; positive.
    pub sparse_std: Vec<f64>,
}

impl Layout {
    /// A layout of dense columns alone.
    pub fn dense(n_dense: usize) -> Self {
        Self {
            n_dense,
            block_offsets: vec![0],
            indicator_mean: Vec::new(),
            indicator_std: Vec::new(),
            sparse_mean: Vec::new(),
            sparse_std: Vec::new(),
        }
    }

    /// The number of sparse columns.
    pub fn n_sparse(&self) -> usize {
        self.sparse_mean.len()
    }

    /// The number of blocks.
    pub fn n_blocks(&self) -> usize {
        self.block_offsets.len().saturating_sub(1)
    }

    /// The number of columns: dense, indicators and sparse.
    pub fn n_columns(&self) -> usize {
        self.n_dense + self.indicator_mean.len() + self.n_sparse()
    }

    fn check(&self) -> Result<(), DataError> {
        let fail = |problem: &str| Err(DataError::Inconsistent { what: "layout", problem: problem.into() });
        let indicators = self.indicator_mean.len();
        let offsets = &self.block_offsets;
        if offsets.first() != Some(&0) || offsets.last() != Some(&indicators) {
            return fail("has block offsets that do not run from 0 to the number of indicators");
        }
        if offsets.windows(2).any(|pair| pair[0] >= pair[1]) {
            return fail("has a block without columns");
        }
        if self.indicator_std.len() != indicators || self.sparse_std.len() != self.n_sparse() {
            return fail("has means and standard deviations of different lengths");
        }
        if !self.indicator_mean.iter().chain(&self.sparse_mean).all(|mean| mean.is_finite()) {
            return fail("has a mean that is not finite");
        }
        if !self.indicator_std.iter().chain(&self.sparse_std).all(|std| std.is_finite() && *std > 0.0) {
            return fail("has a standard deviation that is not a positive number");
        }
        Ok(())
    }
}

/// Encoded samples.
///
/// The first `n_dense` columns are dense: standardised numbers, row-major. The indicator columns follow, in
/// blocks. A block is a one-hot group (the categories of a column, the missing one included) or the single
/// missing-indicator of a numeric column. A row holds one code per block: the column inside the block that is
/// 1, or [`Features::ABSENT`] if all are 0 (a category never seen in training, an indicator that is off). The
/// sparse columns come last: words, or those of a sparse file.
///
/// # Formula
/// Indicator and sparse columns are standardised implicitly, nothing is densified:
/// `value = (indicator - layout.indicator_mean[j]) / layout.indicator_std[j]`, and alike for sparse ones.
///
/// # Example
/// ```
/// use exact_data::{Features, Layout};
/// // One dense column, one categorical column with 2 categories, half of the training rows in each.
/// let layout = Layout {
///     n_dense: 1,
///     block_offsets: vec![0, 2],
///     indicator_mean: vec![0.5, 0.5],
///     indicator_std: vec![0.5, 0.5],
///     ..Layout::dense(1)
/// };
/// let features = Features::new(2, vec![-1.0, 1.0], vec![0, Features::ABSENT], layout)?;
/// assert_eq!(features.row(0), [-1.0, 1.0, -1.0]);
/// assert_eq!(features.row(1), [1.0, -1.0, -1.0]);
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    n_rows: usize,
    dense: Vec<f64>,
    codes: Vec<u32>,
    sparse: Option<CsrMatrix<'static>>,
    layout: Arc<Layout>,
}

impl Features {
    /// The code of a block all of whose indicators are 0.
    pub const ABSENT: u32 = u32::MAX;

    /// Samples from their parts: `dense` is `[n_rows, n_dense]`, `codes` is `[n_rows, n_blocks]`, both
    /// row-major.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if lengths do not fit the layout, a code is outside its block, or a number
    /// is not finite.
    pub fn new(n_rows: usize, dense: Vec<f64>, codes: Vec<u32>, layout: Layout) -> Result<Self, DataError> {
        layout.check()?;
        let fail = |problem: String| Err(DataError::Inconsistent { what: "features", problem });
        if Some(dense.len()) != n_rows.checked_mul(layout.n_dense) {
            return fail(format!(
                "have {} dense values, expected {n_rows} rows of {}",
                dense.len(),
                layout.n_dense
            ));
        }
        if Some(codes.len()) != n_rows.checked_mul(layout.n_blocks()) {
            let (found, n_blocks) = (codes.len(), layout.n_blocks());
            return fail(format!("have {found} codes, expected {n_rows} rows of {n_blocks}"));
        }
        if let Some(at) = dense.iter().position(|value| !value.is_finite()) {
            let (row, column) = (at / layout.n_dense, at % layout.n_dense);
            return fail(format!("have the value {} in row {row}, column {column}", dense[at]));
        }
        let sizes: Vec<usize> = layout.block_offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let outside =
            |(at, &code): (usize, &u32)| code != Self::ABSENT && code as usize >= sizes[at % sizes.len()];
        if let Some(at) = codes.iter().enumerate().position(outside) {
            let (row, block, code) = (at / sizes.len(), at % sizes.len(), codes[at]);
            return fail(format!("have the code {code} in row {row}, block {block}, outside the block"));
        }
        Ok(Self { n_rows, dense, codes, sparse: None, layout: Arc::new(layout) })
    }

    /// With the values of the sparse columns of the layout, `[n_rows, n_sparse]`; `None` if it has none.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if there are more or fewer.
    pub fn with_sparse(self, sparse: Option<CsrMatrix<'static>>) -> Result<Self, DataError> {
        let (rows, columns) =
            sparse.as_ref().map_or((self.n_rows, 0), |sparse| (sparse.n_rows(), sparse.n_columns()));
        if (rows, columns) != (self.n_rows, self.layout.n_sparse()) {
            let problem = format!(
                "have {rows} rows of {columns} sparse columns, expected {} of {}",
                self.n_rows,
                self.layout.n_sparse()
            );
            return Err(DataError::Inconsistent { what: "features", problem });
        }
        Ok(Self { sparse, ..self })
    }

    /// A row-major matrix `[n, n_columns]` of numbers, taken as they are: no blocks, no standardisation.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if the length is not a multiple of `n_columns`, or a number is not finite.
    ///
    /// # Example
    /// ```
    /// let features = exact_data::Features::from_dense(vec![1.0, 2.0, 3.0, 4.0], 2)?;
    /// assert_eq!(features.n_rows(), 2);
    /// # Ok::<(), exact_data::DataError>(())
    /// ```
    pub fn from_dense(values: Vec<f64>, n_columns: usize) -> Result<Self, DataError> {
        if n_columns == 0 || !values.len().is_multiple_of(n_columns) {
            let problem = format!("have {} values, which are not rows of {n_columns}", values.len());
            return Err(DataError::Inconsistent { what: "features", problem });
        }
        Self::new(values.len() / n_columns, values, Vec::new(), Layout::dense(n_columns))
    }

    /// The number of samples.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The number of columns: dense columns and indicators.
    pub fn n_columns(&self) -> usize {
        self.layout.n_columns()
    }

    /// What the columns are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The dense columns, row-major `[n_rows, n_dense]`.
    pub fn dense(&self) -> &[f64] {
        &self.dense
    }

    /// The codes of the blocks, row-major `[n_rows, n_blocks]`.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The sparse columns as they are, not standardised; `None` if there are none.
    pub fn sparse(&self) -> Option<&CsrMatrix<'static>> {
        self.sparse.as_ref()
    }

    /// The values of all columns of a row, indicators and sparse columns standardised.
    ///
    /// # Panics
    /// If `row` is not below the number of rows.
    pub fn row(&self, row: usize) -> Vec<f64> {
        let layout = self.layout();
        let (n_dense, n_blocks) = (layout.n_dense, layout.n_blocks());
        let mut values = self.dense[row * n_dense..][..n_dense].to_vec();
        let scales = layout.indicator_mean.iter().zip(&layout.indicator_std);
        values.extend(scales.clone().map(|(mean, std)| -mean / std));
        for (&code, &offset) in self.codes[row * n_blocks..][..n_blocks].iter().zip(&layout.block_offsets) {
            if code != Self::ABSENT {
                let column = offset + code as usize;
                let (mean, std) = (layout.indicator_mean[column], layout.indicator_std[column]);
                values[n_dense + column] = (1.0 - mean) / std;
            }
        }
        let first = values.len();
        values.extend(layout.sparse_mean.iter().zip(&layout.sparse_std).map(|(mean, std)| -mean / std));
        if let Some(sparse) = &self.sparse {
            for at in sparse.row_range(row) {
                let column = sparse.indices().at(at) as usize;
                values[first + column] += sparse.values().at(at) / layout.sparse_std[column];
            }
        }
        values
    }

    /// The samples with the given numbers, in that order; a number may occur more than once.
    ///
    /// # Panics
    /// If a number is not below the number of rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let (n_dense, n_blocks) = (self.layout.n_dense, self.layout.n_blocks());
        Self {
            n_rows: rows.len(),
            dense: select_rows(&self.dense, n_dense, rows),
            codes: select_rows(&self.codes, n_blocks, rows),
            sparse: self.sparse.as_ref().map(|sparse| sparse.select(rows)),
            layout: Arc::clone(&self.layout),
        }
    }
}

fn select_rows<T: Copy>(values: &[T], width: usize, rows: &[usize]) -> Vec<T> {
    let mut selected = Vec::with_capacity(rows.len() * width);
    for row in rows {
        selected.extend_from_slice(&values[row * width..][..width]);
    }
    selected
}
