//! Dense matrices of numbers as users have them.

use crate::{CsrMatrix, DataError, Numbers};

/// A dense row-major matrix `[n_rows, n_columns]` of finite numbers, taken as they are: not copied, not
/// converted, not standardised.
///
/// # Example
/// ```
/// use exact_data::DenseMatrix;
///
/// let values = [1.0_f32, 2.0, 3.0, 4.0];
/// let matrix = DenseMatrix::new(values.as_slice(), 2)?;
/// assert_eq!((matrix.n_rows(), matrix.n_columns()), (2, 2));
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DenseMatrix<'a> {
    values: Numbers<'a>,
    n_columns: usize,
}

impl<'a> DenseMatrix<'a> {
    /// Rows of `n_columns` numbers each, from a slice or a vector of `f32` or `f64`.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if the length is not a multiple of `n_columns`, or a number is not finite.
    pub fn new(values: impl Into<Numbers<'a>>, n_columns: usize) -> Result<Self, DataError> {
        let values = values.into();
        let fail = |problem| Err(DataError::Inconsistent { what: "dense matrix", problem });
        if n_columns == 0 || !values.len().is_multiple_of(n_columns) {
            return fail(format!("has {} values, which are not rows of {n_columns}", values.len()));
        }
        if let Some((at, value)) = values.first_not_finite() {
            let (row, column) = (at / n_columns, at % n_columns);
            return fail(format!("has the value {value} in row {row}, column {column}"));
        }
        Ok(Self { values, n_columns })
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.values.len() / self.n_columns
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// All values, row after row.
    pub fn values(&self) -> &Numbers<'a> {
        &self.values
    }

    /// The rows with the given numbers, in that order, copied in their type.
    ///
    /// # Panics
    /// If a number is not below the number of rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> DenseMatrix<'static> {
        let width = self.n_columns;
        let values = self.values.gather(rows.iter().map(|row| row * width..(row + 1) * width));
        DenseMatrix { values, n_columns: width }
    }

    /// The same rows without their zeros; `None` where more than a quarter of the values are none.
    ///
    /// # Example
    /// ```
    /// use exact_data::DenseMatrix;
    ///
    /// let matrix = DenseMatrix::new(vec![0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 4.0], 4)?;
    /// assert_eq!(matrix.without_zeros().map(|sparse| sparse.row_range(1)), Some(1..2));
    /// assert_eq!(DenseMatrix::new(vec![1.0, 0.0], 2)?.without_zeros(), None);
    /// # Ok::<(), exact_data::DataError>(())
    /// ```
    pub fn without_zeros(&self) -> Option<CsrMatrix<'static>> {
        match &self.values {
            Numbers::F32(values) => without_zeros(values, self.n_columns),
            Numbers::F64(values) => without_zeros(values, self.n_columns),
        }
    }
}

fn without_zeros<T>(values: &[T], n_columns: usize) -> Option<CsrMatrix<'static>>
where
    T: Copy + Default + PartialEq,
    Numbers<'static>: From<Vec<T>>,
{
    let stored = values.iter().filter(|&&value| value != T::default()).count();
    if stored > values.len() / 4 || i32::try_from(n_columns).is_err() {
        return None;
    }
    let (mut offsets, mut indices, mut kept) =
        (vec![0], Vec::with_capacity(stored), Vec::with_capacity(stored));
    for row in values.chunks_exact(n_columns) {
        for (column, &value) in (0_i32..).zip(row) {
            if value != T::default() {
                indices.push(column);
                kept.push(value);
            }
        }
        offsets.push(kept.len());
    }
    Some(CsrMatrix::of_rows(offsets, indices, kept, n_columns))
}
