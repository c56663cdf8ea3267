//! Cells of pairs of columns: numbers are cut at quantiles into bins, and the bins, like categories, are
//! crossed, so that scores are steps of one column or of two (the GA2M of Lou, Caruana, Gehrke and Hooker
//! 2013, as a linear map).
//!
//! As those of cells, the indicators of bins are not divided by their standard deviations. Where pairs are
//! more than can be held, those are crossed that explain most of what sums of single columns do not.

use exact_data::{Features, Layout};
use rayon::prelude::*;

use super::crossings::Crossings;
use super::screen::{Pair, Screen};
use super::{Shape, integers};
use crate::LinearError;
use crate::model_file::Tensors;

/// Bins of a number at most.
const MAX_BINS: usize = 16;
/// Rows of a cell of two numbers in the mean, below which their bins are fewer.
const ROWS_OF_CELL: usize = 10;
/// Distinct values of a number that bins are worth.
const MIN_DISTINCT: usize = 3;
/// Columns whose pairs are looked at: those with the largest score statistic of their own.
const MAX_INPUTS: usize = 100;
/// Pairs that are crossed at most.
const MAX_CROSSINGS: usize = 100;
/// Codes of all rows in the cells at most, 128 MB.
const MAX_CODES: usize = 1 << 25;
/// Weights of all cells at most.
const MAX_WEIGHTS: usize = 1 << 20;

/// Columns of numbers that take as much memory as the codes of bins and cells.
pub(super) fn max_columns(n_dense: usize, n_rows: usize) -> usize {
    (n_dense + max_crossings(n_rows)).div_ceil(2)
}

fn max_crossings(n_rows: usize) -> usize {
    MAX_CROSSINGS.min(MAX_CODES / n_rows.max(1))
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells {
    bins: Vec<Bins>,
    /// Of the blocks there are, with those of the bins behind them.
    crossings: Crossings,
}

/// The bins of a dense column.
#[derive(Debug, Clone, PartialEq)]
struct Bins {
    column: usize,
    /// Between the bins, ascending.
    cuts: Vec<f64>,
    /// Of the rows, one more than cuts.
    shares: Vec<f64>,
}

impl Bins {
    /// Bins of about as many rows each, or one for each value; `None` for fewer than three values.
    fn fit(column: usize, features: &Features) -> Option<Self> {
        let mut values: Vec<f64> =
            features.dense().iter().skip(column).step_by(features.layout().n_dense).copied().collect();
        values.sort_by(f64::total_cmp);
        let n_rows = values.len();
        let n_bins = (n_rows / ROWS_OF_CELL).isqrt().clamp(2, MAX_BINS);
        let mut distinct = values.clone();
        distinct.dedup();
        if distinct.len() < MIN_DISTINCT {
            return None;
        }
        let mut cuts: Vec<f64> = if distinct.len() <= n_bins {
            distinct.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect()
        } else {
            let of_quantile = |number: usize| {
                let above = values[number * n_rows / n_bins];
                let below = values.partition_point(|value| *value < above).checked_sub(1)?;
                Some(f64::midpoint(values[below], above))
            };
            (1..n_bins).filter_map(of_quantile).collect()
        };
        cuts.dedup();
        let ends: Vec<usize> = cuts.iter().map(|cut| values.partition_point(|value| value < cut)).collect();
        let starts = [0].iter().chain(&ends);
        let shares = starts.zip(ends.iter().chain([&n_rows]));
        let shares = shares.map(|(start, end)| (end - start) as f64 / n_rows as f64).collect();
        Some(Self { column, cuts, shares })
    }

    fn code(&self, value: f64) -> u32 {
        self.cuts.partition_point(|cut| *cut <= value) as u32
    }
}

impl Cells {
    /// Bins of all numbers, and the pairs of them and of the categories; `None` if no number has more than
    /// two values.
    pub fn fit(features: &Features, labels: &[u32], n_classes: usize) -> Result<Option<Self>, LinearError> {
        let (n_dense, n_rows) = (features.layout().n_dense, features.n_rows());
        let bins: Vec<Bins> =
            (0..n_dense).into_par_iter().filter_map(|column| Bins::fit(column, features)).collect();
        if bins.is_empty() {
            return Ok(None);
        }
        let mut fitted = Self { bins, crossings: Crossings::default() };
        let binned = fitted.apply(features)?;
        let screen = Screen::new(&binned, n_classes);
        let mut inputs: Vec<usize> = (n_dense..n_dense + binned.layout().n_blocks()).collect();
        let plain = screen.of_shares(labels);
        let own = |input: usize, row: usize| screen.own(input, row);
        if inputs.len() > MAX_INPUTS {
            let scores: Vec<f64> =
                inputs.par_iter().map(|&input| screen.score(&|row| own(input, row), &plain)).collect();
            inputs.sort_by(|&a, &b| scores[b - n_dense].total_cmp(&scores[a - n_dense]));
            inputs.truncate(MAX_INPUTS);
            inputs.sort_unstable();
        }
        let pairs: Vec<Pair> = inputs
            .iter()
            .enumerate()
            .flat_map(|(at, &a)| inputs[at + 1..].iter().map(move |&b| [a, b]))
            .collect();
        let residuals = screen.additive_residuals(&inputs, plain);
        let scores: Vec<f64> = pairs
            .par_iter()
            .map(|&pair| screen.score(&|row| screen.product(pair, row), &residuals))
            .collect();
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let (mut left, mut kept) = (MAX_WEIGHTS / n_classes, Vec::new());
        for pair in order.into_iter().map(|at| pairs[at]) {
            let size = screen.size(pair);
            if size <= left && kept.len() < max_crossings(n_rows) {
                left -= size;
                kept.push(pair);
            }
        }
        kept.sort_unstable();
        for [a, b] in kept {
            fitted.crossings.fit(&binned, [a - n_dense, b - n_dense]);
        }
        Ok(Some(fitted))
    }

    fn n_bins(&self) -> usize {
        self.bins.iter().map(|bins| bins.shares.len()).sum()
    }

    /// Columns beside those there were.
    pub fn n_new(&self) -> usize {
        self.n_bins() + self.crossings.n_columns()
    }

    /// Those of the new indicators, given those of the dense columns and of the indicators.
    pub fn names(&self, dense: &[String], indicators: &[String], offsets: &[usize]) -> Vec<String> {
        let of_bins = self.bins.iter().flat_map(|bins| {
            let name = |bin: usize| format!("bin {} of {}", bin + 1, dense[bins.column]);
            (0..bins.shares.len()).map(name)
        });
        let mut names = [indicators, &of_bins.collect::<Vec<_>>()].concat();
        let offsets = self.offsets(offsets);
        let of_cells = self.crossings.names(&|block, code| &names[offsets[block] + code as usize]);
        names.extend(of_cells);
        names.split_off(indicators.len())
    }

    /// The offsets of the blocks there are and of those of the bins.
    fn offsets(&self, offsets: &[usize]) -> Vec<usize> {
        let mut offsets = offsets.to_vec();
        for bins in &self.bins {
            offsets.push(offsets[offsets.len() - 1] + bins.shares.len());
        }
        offsets
    }

    pub fn apply(&self, features: &Features) -> Result<Features, LinearError> {
        let old = features.layout();
        let (n_dense, n_blocks) = (old.n_dense, old.n_blocks());
        let mut layout = Layout { block_offsets: self.offsets(&old.block_offsets), ..old.clone() };
        for bins in &self.bins {
            layout.indicator_mean.extend_from_slice(&bins.shares);
            layout.indicator_std.extend(bins.shares.iter().map(|_| 1.0));
        }
        self.crossings.extend_layout(&mut layout);
        let width = layout.n_blocks();
        let mut codes = vec![0; features.n_rows() * width];
        codes.par_chunks_mut(width).enumerate().for_each(|(row, codes)| {
            let numbers = &features.dense()[row * n_dense..][..n_dense];
            let (of_blocks, of_cells) = codes.split_at_mut(n_blocks + self.bins.len());
            of_blocks[..n_blocks].copy_from_slice(&features.codes()[row * n_blocks..][..n_blocks]);
            for (code, bins) in of_blocks[n_blocks..].iter_mut().zip(&self.bins) {
                *code = bins.code(numbers[bins.column]);
            }
            for (code, crossed) in of_cells.iter_mut().zip(self.crossings.codes(of_blocks)) {
                *code = crossed;
            }
        });
        let binned = Features::new(features.n_rows(), features.dense().to_vec(), codes, layout)?;
        Ok(binned.with_sparse(features.sparse().cloned())?)
    }
}

/// The arrays of a model file beside those of the crossings: bins with the number of their cuts; the cuts;
/// the shares, one more of each column than cuts.
const BINNED: &str = "cells.bins";
const CUTS: &str = "cells.cuts";
const SHARES: &str = "cells.shares";

impl Cells {
    pub fn write(&self, tensors: &mut Tensors) {
        let binned: Vec<f64> =
            self.bins.iter().flat_map(|bins| [bins.column as f64, bins.cuts.len() as f64]).collect();
        let cuts: Vec<f64> = self.bins.iter().flat_map(|bins| bins.cuts.iter().copied()).collect();
        let shares: Vec<f64> = self.bins.iter().flat_map(|bins| bins.shares.iter().copied()).collect();
        tensors.insert(BINNED, &[self.bins.len(), 2], binned);
        tensors.insert(CUTS, &[cuts.len()], cuts);
        tensors.insert(SHARES, &[shares.len()], shares);
        self.crossings.write(tensors);
    }

    /// Whether these arrays are those of cells.
    pub fn is_in(tensors: &Tensors) -> bool {
        tensors.contains(BINNED)
    }

    /// `None` if the arrays do not fit together.
    pub fn read(tensors: &mut Tensors, shape: &Shape) -> Result<Option<Self>, String> {
        let (_, binned) = tensors.take::<2>(BINNED)?;
        let (_, cuts) = tensors.take::<1>(CUTS)?;
        let (_, shares) = tensors.take::<1>(SHARES)?;
        let (mut cuts, mut shares) = (&cuts[..], &shares[..]);
        let bins = binned.as_chunks::<2>().0.iter().map(|bins| {
            let &[column, n] = &integers(bins)?[..] else { return None };
            let (cuts, shares) = (cuts.split_off(..n)?.to_vec(), shares.split_off(..=n)?.to_vec());
            let valid = column < shape.n_dense && cuts.is_sorted() && shares.iter().all(|share| *share > 0.0);
            valid.then_some(Bins { column, cuts, shares })
        });
        let bins: Option<Vec<Bins>> = bins.collect();
        let Some(bins) = bins else { return Ok(None) };
        let mut fitted = Self { bins, crossings: Crossings::default() };
        let offsets = fitted.offsets(&shape.block_offsets);
        let crossings = Crossings::read(tensors, &offsets)?;
        Ok(crossings.map(|crossings| {
            fitted.crossings = crossings;
            fitted
        }))
    }
}
