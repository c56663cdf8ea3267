//! Products of pairs of columns: of two numbers, or of a number with itself; of two categories, which are
//! crossed; and of a number with the indicators of a category, which gives it a slope in each.
//!
//! Where there are more than the rows can bear, a screen chooses: products are ranked by the score statistic
//! of the linear classifier, the sum of squares of their covariances with its residuals for each degree of
//! freedom, which is about 1 for a product that adds nothing (Rao 1948).

use exact_data::{CsrMatrix, Features, Layout};
use rayon::prelude::*;

use super::crossings::Crossings;
use super::screen::{Pair, Screen};
use super::{Shape, append_dense, integers};
use crate::LinearError;
use crate::model_file::Tensors;

/// Columns that products make at most.
const MAX_COLUMNS: usize = 2000;
/// Values of all rows in these columns at most, 128 MB.
const MAX_VALUES: usize = 1 << 24;
/// Columns, of numbers or categories, whose pairs are looked at: those with the largest score statistic of
/// their own.
const MAX_INPUTS: usize = 300;

/// Columns that products of so many rows make at most.
pub(super) fn max_columns(n_rows: usize) -> usize {
    MAX_COLUMNS.min(MAX_VALUES / n_rows.max(1))
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Interactions {
    products: Vec<Product>,
    crossings: Crossings,
    slopes: Vec<Slopes>,
}

/// The product of two dense columns, standardised.
#[derive(Debug, Clone, PartialEq)]
struct Product {
    columns: [usize; 2],
    mean: f64,
    std: f64,
}

/// A dense column times each indicator of a block, with the means and standard deviations.
#[derive(Debug, Clone, PartialEq)]
struct Slopes {
    column: usize,
    block: usize,
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Interactions {
    /// The products of all pairs, or of those with the largest score statistics where they are too many;
    /// `None` if there are none. `residuals`, `[n_rows, n_classes]`, are those of the linear classifier.
    pub fn fit(
        features: &Features,
        labels: &[u32],
        residuals: &dyn Fn() -> Result<Vec<f64>, LinearError>,
        n_classes: usize,
    ) -> Result<Option<Self>, LinearError> {
        let layout = features.layout();
        let (n_dense, n_rows) = (layout.n_dense, features.n_rows());
        let screen = Screen::new(features, n_classes);
        let mut inputs: Vec<usize> = (0..n_dense + layout.n_blocks()).collect();
        if inputs.len() > MAX_INPUTS {
            let plain = screen.of_shares(labels);
            let scores: Vec<f64> =
                inputs.par_iter().map(|&input| screen.score(&|row| screen.own(input, row), &plain)).collect();
            inputs.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            inputs.truncate(MAX_INPUTS);
            inputs.sort_unstable();
        }
        let two_valued: Vec<bool> = (0..n_dense).map(|column| screen.is_two_valued(column)).collect();
        let mut pairs: Vec<Pair> = Vec::new();
        for (at, &a) in inputs.iter().enumerate() {
            for &b in &inputs[at..] {
                if a != b || (a < n_dense && !two_valued[a]) {
                    pairs.push([a, b]);
                }
            }
        }
        let sizes: Vec<usize> = pairs.par_iter().map(|pair| screen.size(*pair)).collect();
        let budget = max_columns(n_rows);
        if sizes.iter().sum::<usize>() > budget {
            let residuals = residuals()?;
            let residuals = screen.select(&residuals);
            let scores: Vec<f64> = pairs
                .par_iter()
                .map(|&pair| screen.score(&|row| screen.product(pair, row), &residuals))
                .collect();
            let mut order: Vec<usize> = (0..pairs.len()).collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            let mut left = budget;
            let mut kept: Vec<usize> = Vec::new();
            for at in order {
                if sizes[at] <= left {
                    left -= sizes[at];
                    kept.push(at);
                }
            }
            kept.sort_unstable();
            pairs = kept.into_iter().map(|at| pairs[at]).collect();
        }
        let mut fitted = Self { products: Vec::new(), crossings: Crossings::default(), slopes: Vec::new() };
        for [a, b] in pairs {
            match (a < n_dense, b < n_dense) {
                (true, true) => fitted.products.extend(Product::fit(features, [a, b])),
                (true, false) => fitted.slopes.extend(Slopes::fit(features, a, b - n_dense)),
                _ => fitted.crossings.fit(features, [a - n_dense, b - n_dense]),
            }
        }
        let Self { products, crossings, slopes } = &fitted;
        let none = products.is_empty() && crossings.is_empty() && slopes.is_empty();
        Ok((!none).then_some(fitted))
    }

    /// Columns beside those there were.
    pub fn n_new(&self) -> usize {
        let crossed = self.crossings.n_columns();
        self.products.len() + crossed + self.slopes.iter().map(|slopes| slopes.mean.len()).sum::<usize>()
    }

    /// Those of the dense columns, the indicators and the sparse columns.
    pub fn names(&self, dense: &[String], indicators: &[String], offsets: &[usize]) -> [Vec<String>; 3] {
        let products = self.products.iter();
        let products = products.map(|it| format!("{} × {}", dense[it.columns[0]], dense[it.columns[1]]));
        let indicator = |block: usize, code: u32| &indicators[offsets[block] + code as usize];
        let slopes = self.slopes.iter().flat_map(|Slopes { column, block, mean, .. }| {
            (0..mean.len())
                .map(move |code| format!("{} × {}", dense[*column], indicator(*block, code as u32)))
        });
        [products.collect(), self.crossings.names(&indicator), slopes.collect()]
    }

    pub fn apply(&self, features: &Features) -> Result<Features, LinearError> {
        let old = features.layout();
        let (n_rows, n_blocks) = (features.n_rows(), old.n_blocks());
        let mut layout = Layout { n_dense: old.n_dense + self.products.len(), ..old.clone() };
        let dense = append_dense(features, self.products.len(), |x, new| {
            for (value, Product { columns: [a, b], mean, std }) in new.iter_mut().zip(&self.products) {
                *value = (x[*a] * x[*b] - mean) / std;
            }
        });
        self.crossings.extend_layout(&mut layout);
        let mut codes = Vec::with_capacity(n_rows * layout.n_blocks());
        for row in 0..n_rows {
            let of_row = &features.codes()[row * n_blocks..][..n_blocks];
            codes.extend_from_slice(of_row);
            codes.extend(self.crossings.codes(of_row));
        }
        let sparse = self.sparse(features, &mut layout)?;
        Ok(Features::new(n_rows, dense, codes, layout)?.with_sparse(sparse)?)
    }

    /// The sparse columns there are, with the slopes behind them.
    fn sparse(
        &self,
        features: &Features,
        layout: &mut Layout,
    ) -> Result<Option<CsrMatrix<'static>>, LinearError> {
        if self.slopes.is_empty() {
            return Ok(features.sparse().cloned());
        }
        let (n_dense, n_blocks) = (features.layout().n_dense, features.layout().n_blocks());
        for slopes in &self.slopes {
            layout.sparse_mean.extend_from_slice(&slopes.mean);
            layout.sparse_std.extend_from_slice(&slopes.std);
        }
        let n_slopes = self.slopes.iter().map(|slopes| slopes.mean.len()).sum();
        let (mut offsets, mut indices, mut values) = (vec![0_i64], Vec::new(), Vec::new());
        for row in 0..features.n_rows() {
            let mut start = 0;
            for Slopes { column, block, mean, .. } in &self.slopes {
                let code = features.codes()[row * n_blocks + block];
                let value = features.dense()[row * n_dense + column];
                if (code as usize) < mean.len() && value != 0.0 {
                    indices.push(signed(start + code as usize));
                    values.push(value);
                }
                start += mean.len();
            }
            offsets.push(signed(values.len()));
        }
        let slopes = CsrMatrix::new(offsets, indices, values, n_slopes)?;
        let parts: Vec<CsrMatrix<'static>> = features.sparse().cloned().into_iter().chain([slopes]).collect();
        Ok(CsrMatrix::side_by_side(&parts))
    }
}

/// The arrays of a model file beside those of the crossings: products with their moments; slopes with the
/// number of their categories, and these with their moments.
const PRODUCTS: &str = "interactions.products";
const SLOPES: &str = "interactions.slopes";
const MOMENTS: &str = "interactions.moments";

impl Interactions {
    pub fn write(&self, tensors: &mut Tensors) {
        let mut insert = |name, width: usize, values: Vec<f64>| {
            tensors.insert(name, &[values.len() / width, width], values);
        };
        let products = self.products.iter();
        let products = products.flat_map(|it| [it.columns[0] as f64, it.columns[1] as f64, it.mean, it.std]);
        insert(PRODUCTS, 4, products.collect());
        let slopes = self.slopes.iter().flat_map(|it| [it.column, it.block, it.mean.len()]);
        insert(SLOPES, 3, slopes.map(|n| n as f64).collect());
        let moments = self.slopes.iter().flat_map(|it| it.mean.iter().zip(&it.std));
        insert(MOMENTS, 2, moments.flat_map(|(mean, std)| [*mean, *std]).collect());
        self.crossings.write(tensors);
    }

    /// `None` if the arrays do not fit together.
    pub fn read(tensors: &mut Tensors, shape: &Shape) -> Result<Option<Self>, String> {
        let mut rows = |name| tensors.take::<2>(name).map(|(_, values)| values);
        let (products, slopes, moments) = (rows(PRODUCTS)?, rows(SLOPES)?, rows(MOMENTS)?);
        let crossings = Crossings::read(tensors, &shape.block_offsets)?;
        let (n_dense, n_blocks) = (shape.n_dense, shape.n_blocks());
        let of_arrays = || {
            let products = products.as_chunks::<4>().0.iter().map(|[a, b, mean, std]| {
                let columns: Pair = integers(&[*a, *b])?.try_into().ok()?;
                let product = Product { columns, mean: *mean, std: *std };
                Some(product).filter(|_| columns.iter().all(|column| *column < n_dense) && *std > 0.0)
            });
            let mut moments = moments.as_chunks::<2>().0;
            let slopes = slopes.as_chunks::<3>().0.iter().map(|slopes| {
                let &[column, block, n] = &integers(slopes)?[..] else { return None };
                let (mean, std): (Vec<f64>, Vec<f64>) =
                    moments.split_off(..n)?.iter().map(|[m, s]| (*m, *s)).unzip();
                let valid = column < n_dense
                    && block < n_blocks
                    && n == shape.block_offsets[block + 1] - shape.block_offsets[block]
                    && std.iter().all(|std| *std > 0.0);
                Some(Slopes { column, block, mean, std }).filter(|_| valid)
            });
            let slopes = slopes.collect::<Option<Vec<_>>>()?;
            Some(Self { products: products.collect::<Option<_>>()?, crossings: crossings?, slopes })
        };
        Ok(of_arrays())
    }
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).expect("no size in memory reaches 2^63")
}

impl Product {
    /// `None` for a product that is constant.
    fn fit(features: &Features, columns: Pair) -> Option<Self> {
        let n_dense = features.layout().n_dense;
        let products = || {
            let rows = features.dense().chunks_exact(n_dense);
            rows.map(|row| row[columns[0]] * row[columns[1]])
        };
        let share = 1.0 / features.n_rows() as f64;
        let mean = share * products().sum::<f64>();
        let std = (share * products().map(|product| (product - mean).powi(2)).sum::<f64>()).sqrt();
        (std > 1e-9 * mean.abs().max(1e-3)).then_some(Self { columns, mean, std })
    }
}

impl Slopes {
    /// `None` if the column is constant in each category.
    fn fit(features: &Features, column: usize, block: usize) -> Option<Self> {
        let layout = features.layout();
        let (n_dense, n_blocks) = (layout.n_dense, layout.n_blocks());
        let n_codes = layout.block_offsets[block + 1] - layout.block_offsets[block];
        let share = 1.0 / features.n_rows() as f64;
        let (mut mean, mut squares) = (vec![0.0; n_codes], vec![0.0; n_codes]);
        for row in 0..features.n_rows() {
            let code = features.codes()[row * n_blocks + block];
            let value = features.dense()[row * n_dense + column];
            if code != Features::ABSENT {
                mean[code as usize] += share * value;
                squares[code as usize] += share * value * value;
            }
        }
        let variances = squares.iter().zip(&mean).map(|(square, mean)| square - mean * mean);
        let std: Vec<f64> =
            variances.map(|variance| if variance > 1e-12 { variance.sqrt() } else { 1.0 }).collect();
        squares.iter().any(|square| *square > 1e-12).then_some(Self { column, block, mean, std })
    }
}
