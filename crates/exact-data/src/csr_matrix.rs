//! Sparse matrices of numbers as users have them.

use crate::{DataError, Indices, Numbers};

/// A sparse matrix `[n_rows, n_columns]` of finite numbers, row after row (CSR): the stored values of row `i`
/// and their columns stand at `indptr[i]..indptr[i + 1]`; all other values are 0. It is taken as it is and
/// never densified.
///
/// # Example
/// ```
/// use exact_data::CsrMatrix;
///
/// // [[0, 2, 0], [1, 0, 3]]
/// let (indptr, indices, values) = ([0_i32, 1, 3], [1_i32, 0, 2], [2.0, 1.0, 3.0]);
/// let matrix = CsrMatrix::new(indptr.as_slice(), indices.as_slice(), values.as_slice(), 3)?;
/// assert_eq!((matrix.n_rows(), matrix.row_range(1)), (2, 1..3));
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CsrMatrix<'a> {
    offsets: Vec<usize>,
    indices: Indices<'a>,
    values: Numbers<'a>,
    n_columns: usize,
}

impl<'a> CsrMatrix<'a> {
    /// A matrix from its three arrays; indices have 32 or 64 bits, values are `f32` or `f64`.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if `indptr` does not rise from 0 to the number of stored values, the
    /// columns of a row do not rise strictly (sort them, and sum duplicates), a column is not below
    /// `n_columns`, or a value is not finite.
    pub fn new(
        indptr: impl Into<Indices<'a>>,
        indices: impl Into<Indices<'a>>,
        values: impl Into<Numbers<'a>>,
        n_columns: usize,
    ) -> Result<Self, DataError> {
        let (indptr, indices, values) = (indptr.into(), indices.into(), values.into());
        let fail = |problem| Err(DataError::Inconsistent { what: "sparse matrix", problem });
        if indices.len() != values.len() {
            return fail(format!("has {} column indices for {} values", indices.len(), values.len()));
        }
        let mut offsets = Vec::with_capacity(indptr.len());
        for offset in (0..indptr.len()).map(|at| indptr.at(at)) {
            let last = offsets.last().copied().unwrap_or(0);
            match usize::try_from(offset) {
                Ok(offset) if offset >= last && offset <= values.len() => offsets.push(offset),
                _ => {
                    let (at, most) = (offsets.len(), values.len());
                    return fail(format!("has the offset {offset} at {at}, expected {last} to {most}"));
                }
            }
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&values.len()) {
            return fail(format!("has offsets that do not run from 0 to {}", values.len()));
        }
        for (row, range) in offsets.windows(2).enumerate() {
            let mut last = -1;
            for at in range[0]..range[1] {
                let column = indices.at(at);
                if column <= last {
                    let problem = "unsorted, repeated or negative columns";
                    return fail(format!("has {problem} in row {row}, at column {column}"));
                }
                last = column;
            }
            if usize::try_from(last).is_ok_and(|last| last >= n_columns) {
                return fail(format!("has column {last} in row {row}, expected below {n_columns}"));
            }
        }
        if let Some((at, value)) = values.first_not_finite() {
            let row = offsets.partition_point(|&offset| offset <= at) - 1;
            return fail(format!("has the value {value} in row {row}"));
        }
        Ok(Self { offsets, indices, values, n_columns })
    }

    /// A matrix whose parts are known to go together.
    pub(crate) fn of_rows(
        offsets: Vec<usize>,
        indices: impl Into<Indices<'a>>,
        values: impl Into<Numbers<'a>>,
        n_columns: usize,
    ) -> Self {
        Self { offsets, indices: indices.into(), values: values.into(), n_columns }
    }

    /// Shows each stored value, with its row and column.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(usize, usize, f64)) {
        for row in 0..self.n_rows() {
            for at in self.row_range(row) {
                visit(row, self.indices.at(at) as usize, self.values.at(at));
            }
        }
    }

    /// The first columns, as many as asked for; those that are not there are zero.
    pub(crate) fn first_columns(&self, n_columns: usize) -> CsrMatrix<'static> {
        let (mut indices, mut values, mut offsets) = (Vec::new(), Vec::new(), vec![0; self.n_rows() + 1]);
        self.for_each(|row, column, value| {
            if column < n_columns {
                indices.push(signed(column));
                values.push(value);
                offsets[row + 1] += 1;
            }
        });
        for row in 0..self.n_rows() {
            offsets[row + 1] += offsets[row];
        }
        CsrMatrix::of_rows(offsets, indices, values, n_columns)
    }

    /// The columns of all parts, which have the same rows; `None` if there are no parts.
    pub fn side_by_side(parts: &[CsrMatrix<'static>]) -> Option<CsrMatrix<'static>> {
        let [first, rest @ ..] = parts else { return None };
        if rest.is_empty() {
            return Some(first.clone());
        }
        let (mut indices, mut values, mut offsets) = (Vec::new(), Vec::new(), vec![0]);
        for row in 0..first.n_rows() {
            let mut start = 0;
            for part in parts {
                for at in part.row_range(row) {
                    indices.push(start + part.indices.at(at));
                    values.push(part.values.at(at));
                }
                start += signed(part.n_columns);
            }
            offsets.push(values.len());
        }
        Some(CsrMatrix::of_rows(offsets, indices, values, parts.iter().map(|part| part.n_columns).sum()))
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Where the stored values of a row stand.
    ///
    /// # Panics
    /// If `row` is not below the number of rows.
    pub fn row_range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    /// The column of each stored value; rising within a row, all below [`CsrMatrix::n_columns`].
    pub fn indices(&self) -> &Indices<'a> {
        &self.indices
    }

    /// The stored values.
    pub fn values(&self) -> &Numbers<'a> {
        &self.values
    }

    /// The rows with the given numbers, in that order, copied in their types.
    ///
    /// # Panics
    /// If a number is not below the number of rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> CsrMatrix<'static> {
        let ranges = || rows.iter().map(|&row| self.row_range(row));
        let mut offsets = vec![0];
        let mut end = 0;
        offsets.extend(ranges().map(|range| {
            end += range.len();
            end
        }));
        let (indices, values) = (self.indices.gather(ranges()), self.values.gather(ranges()));
        CsrMatrix { offsets, indices, values, n_columns: self.n_columns }
    }

    /// These rows, and below them those of another matrix, with as many columns as the wider one has.
    pub(crate) fn above(self, other: &CsrMatrix<'_>) -> CsrMatrix<'a> {
        let end = self.values.len();
        let mut offsets = self.offsets;
        offsets.extend(other.offsets[1..].iter().map(|offset| end + offset));
        CsrMatrix {
            offsets,
            indices: self.indices.chain(&other.indices),
            values: self.values.chain(&other.values),
            n_columns: self.n_columns.max(other.n_columns),
        }
    }
}

/// A number of columns, as other libraries have them.
pub(crate) fn signed(column: usize) -> i64 {
    i64::try_from(column).expect("there are fewer columns than a vector has places")
}
