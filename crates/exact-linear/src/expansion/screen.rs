//! Score statistics of products of columns, by which the most promising are found.

use exact_data::Features;

/// Rows from which the statistic is computed.
const SCREENED_ROWS: usize = 5000;
/// Sweeps of backfitting.
const SWEEPS: usize = 3;

/// A pair of columns whose product is considered; blocks are counted behind the dense columns.
pub(super) type Pair = [usize; 2];

/// The rows from which score statistics are computed.
pub(super) struct Screen<'a> {
    features: &'a Features,
    rows: Vec<usize>,
    n_classes: usize,
}

impl<'a> Screen<'a> {
    pub fn new(features: &'a Features, n_classes: usize) -> Self {
        let n_rows = features.n_rows();
        let step = n_rows.div_ceil(SCREENED_ROWS);
        Self { features, rows: (0..n_rows).step_by(step).collect(), n_classes }
    }

    fn n_dense(&self) -> usize {
        self.features.layout().n_dense
    }

    fn number(&self, column: usize, row: usize) -> f64 {
        self.features.dense()[row * self.n_dense() + column]
    }

    /// The code in a block, 0 for an absent one and else from 1.
    fn code(&self, block: usize, row: usize) -> usize {
        let code = self.features.codes()[row * self.features.layout().n_blocks() + block];
        if code == Features::ABSENT { 0 } else { code as usize + 1 }
    }

    fn n_codes(&self, block: usize) -> usize {
        let offsets = &self.features.layout().block_offsets;
        offsets[block + 1] - offsets[block] + 1
    }

    /// The columns that a pair makes, at most.
    pub fn size(&self, [a, b]: Pair) -> usize {
        let n_dense = self.n_dense();
        match (a < n_dense, b < n_dense) {
            (true, true) => 1,
            (true, false) => self.n_codes(b - n_dense) - 1,
            _ => (self.n_codes(a - n_dense) - 1) * (self.n_codes(b - n_dense) - 1),
        }
    }

    /// The column of a product in which a row has a value, and the value.
    pub fn product(&self, [a, b]: Pair, row: usize) -> (usize, f64) {
        let n_dense = self.n_dense();
        match (a < n_dense, b < n_dense) {
            (true, true) => (0, self.number(a, row) * self.number(b, row)),
            (true, false) => (self.code(b - n_dense, row), self.number(a, row)),
            _ => {
                let (a, b) = (a - n_dense, b - n_dense);
                (self.code(a, row) * self.n_codes(b) + self.code(b, row), 1.0)
            }
        }
    }

    /// The same of a column by itself.
    pub fn own(&self, input: usize, row: usize) -> (usize, f64) {
        match input.checked_sub(self.n_dense()) {
            None => (0, self.number(input, row)),
            Some(block) => (self.code(block, row), 1.0),
        }
    }

    pub fn is_two_valued(&self, column: usize) -> bool {
        let mut seen: Vec<f64> = Vec::new();
        for &row in &self.rows {
            let value = self.number(column, row);
            if !seen.contains(&value) {
                seen.push(value);
            }
            if seen.len() > 2 {
                return false;
            }
        }
        true
    }

    /// The residuals of the rows, `[rows, n_classes]`.
    pub fn select(&self, residuals: &[f64]) -> Vec<f64> {
        let rows = self.rows.iter();
        rows.flat_map(|row| &residuals[row * self.n_classes..][..self.n_classes]).copied().collect()
    }

    /// What the labels lack of the shares of the classes.
    pub fn of_shares(&self, labels: &[u32]) -> Vec<f64> {
        let mut shares = vec![0.0; self.n_classes];
        for &row in &self.rows {
            shares[labels[row] as usize] += 1.0 / self.rows.len() as f64;
        }
        let residual = |row: usize, class: usize| f64::from(u8::from(labels[row] as usize == class));
        let rows = self.rows.iter();
        rows.flat_map(|&row| (0..self.n_classes).map(move |class| (row, class)))
            .map(|(row, class)| residual(row, class) - shares[class])
            .collect()
    }

    /// What sums of functions of single blocks leave of residuals, by backfitting (Hastie and Tibshirani
    /// 1986).
    pub fn additive_residuals(&self, blocks: &[usize], mut residuals: Vec<f64>) -> Vec<f64> {
        let c = self.n_classes;
        for &block in (0..SWEEPS).flat_map(|_| blocks) {
            let n_codes = self.n_codes(block - self.n_dense());
            let (mut means, mut counts) = (vec![0.0; n_codes * c], vec![0.0; n_codes]);
            let codes: Vec<usize> = self.rows.iter().map(|&row| self.own(block, row).0).collect();
            for (&code, residuals) in codes.iter().zip(residuals.chunks_exact(c)) {
                counts[code] += 1.0;
                for (mean, residual) in means[code * c..][..c].iter_mut().zip(residuals) {
                    *mean += (residual - *mean) / counts[code];
                }
            }
            for (&code, residuals) in codes.iter().zip(residuals.chunks_exact_mut(c)) {
                for (residual, mean) in residuals.iter_mut().zip(&means[code * c..][..c]) {
                    *residual -= mean;
                }
            }
        }
        residuals
    }

    /// The score statistic of columns for each degree of freedom, given the column and the value of a row.
    pub fn score(&self, of_row: &dyn Fn(usize) -> (usize, f64), residuals: &[f64]) -> f64 {
        let c = self.n_classes;
        let mut sums: Vec<f64> = Vec::new();
        let mut squares: Vec<f64> = Vec::new();
        let mut mean = 0.0;
        for (&row, residuals) in self.rows.iter().zip(residuals.chunks_exact(c)) {
            let (column, value) = of_row(row);
            if column >= squares.len() {
                squares.resize(column + 1, 0.0);
                sums.resize((column + 1) * c, 0.0);
            }
            squares[column] += value * value;
            mean += value / self.rows.len() as f64;
            for (sum, residual) in sums[column * c..][..c].iter_mut().zip(residuals) {
                *sum += value * residual;
            }
        }
        if let [square] = &mut squares[..] {
            // A single column is centred by the bias.
            *square -= self.rows.len() as f64 * mean * mean;
        }
        let variances: Vec<f64> = (0..c)
            .map(|class| residuals.iter().skip(class).step_by(c).map(|r| r * r).sum::<f64>())
            .map(|sum| sum / self.rows.len() as f64)
            .collect();
        let (mut statistic, mut columns) = (0.0, 0);
        for (square, sums) in squares.iter().zip(sums.chunks_exact(c)) {
            if *square > 1e-9 {
                columns += 1;
                let terms = sums.iter().zip(&variances).filter(|(_, variance)| **variance > 0.0);
                statistic += terms.map(|(sum, variance)| sum * sum / (square * variance)).sum::<f64>();
            }
        }
        if columns == 0 { 0.0 } else { statistic / (columns * (c - 1)) as f64 }
    }
}
