//! Pairs of categories as categories of their own.

use std::collections::HashMap;

use exact_data::{Features, Layout};

use super::integers;
use super::screen::Pair;
use crate::model_file::Tensors;

/// Rows that a pair of categories needs to have a column of its own.
const MIN_ROWS: usize = 2;

/// Blocks of indicators that are crossed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Crossings(Vec<Crossing>);

/// The pairs of codes of two blocks that are new categories, with their shares of the rows.
#[derive(Debug, Clone, PartialEq)]
struct Crossing {
    blocks: Pair,
    /// Sorted.
    pairs: Vec<[u32; 2]>,
    shares: Vec<f64>,
}

impl Crossings {
    /// Adds the pairs of two blocks that have rows enough, if these are more than one.
    pub fn fit(&mut self, features: &Features, blocks: Pair) {
        let n_blocks = features.layout().n_blocks();
        let mut counts: HashMap<[u32; 2], usize> = HashMap::new();
        for codes in features.codes().chunks_exact(n_blocks) {
            *counts.entry(blocks.map(|block| codes[block])).or_default() += 1;
        }
        let enough = |count: usize| count >= MIN_ROWS && count < features.n_rows();
        let mut pairs: Vec<[u32; 2]> = counts
            .iter()
            .filter(|(pair, count)| !pair.contains(&Features::ABSENT) && enough(**count))
            .map(|(pair, _)| *pair)
            .collect();
        pairs.sort_unstable();
        let shares = pairs.iter().map(|pair| counts[pair] as f64 / features.n_rows() as f64).collect();
        if pairs.len() > 1 {
            self.0.push(Crossing { blocks, pairs, shares });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn n_columns(&self) -> usize {
        self.0.iter().map(|crossing| crossing.pairs.len()).sum()
    }

    /// The names of the columns, given that of the indicator of a block and a code.
    pub fn names<'a>(&self, indicator: &impl Fn(usize, u32) -> &'a String) -> Vec<String> {
        let of_crossing = |Crossing { blocks: [a, b], pairs, .. }: &Crossing| {
            let name = |pair: &[u32; 2]| format!("{} × {}", indicator(*a, pair[0]), indicator(*b, pair[1]));
            pairs.iter().map(name).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_crossing).collect()
    }

    /// Adds a block for each crossing. Its indicators are not divided by their standard deviations, so that
    /// the penalty draws a pair towards its categories the more, the fewer rows it has.
    pub fn extend_layout(&self, layout: &mut Layout) {
        for crossing in &self.0 {
            layout.block_offsets.push(layout.indicator_mean.len() + crossing.pairs.len());
            layout.indicator_mean.extend_from_slice(&crossing.shares);
            layout.indicator_std.extend(crossing.shares.iter().map(|_| 1.0));
        }
    }

    /// The codes of a row in these blocks, given those of all blocks that are crossed.
    pub fn codes(&self, of_row: &[u32]) -> impl Iterator<Item = u32> {
        self.0.iter().map(|crossing| {
            let pair = crossing.blocks.map(|block| of_row[block]);
            crossing.pairs.binary_search(&pair).map_or(Features::ABSENT, |code| code as u32)
        })
    }
}

/// The arrays of a model file: crossings with the number of their pairs, and these with their shares.
const CROSSINGS: &str = "interactions.crossings";
const PAIRS: &str = "interactions.pairs";

impl Crossings {
    pub fn write(&self, tensors: &mut Tensors) {
        let mut insert = |name, values: Vec<f64>| tensors.insert(name, &[values.len() / 3, 3], values);
        let crossings = self.0.iter().flat_map(|it| [it.blocks[0], it.blocks[1], it.pairs.len()]);
        insert(CROSSINGS, crossings.map(|n| n as f64).collect());
        let pairs = self.0.iter().flat_map(|it| it.pairs.iter().zip(&it.shares));
        insert(PAIRS, pairs.flat_map(|([a, b], share)| [f64::from(*a), f64::from(*b), *share]).collect());
    }

    /// `None` if the arrays do not fit together or the blocks that are crossed.
    pub fn read(tensors: &mut Tensors, block_offsets: &[usize]) -> Result<Option<Self>, String> {
        let (_, crossings) = tensors.take::<2>(CROSSINGS)?;
        let (_, pairs) = tensors.take::<2>(PAIRS)?;
        let n_codes = |block: usize| Some(block_offsets.get(block + 1)? - block_offsets[block]);
        let mut pairs = pairs.as_chunks::<3>().0;
        let crossings = crossings.as_chunks::<3>().0.iter().map(|crossing| {
            let &[a, b, n] = &integers(crossing)?[..] else { return None };
            let sizes = [n_codes(a)?, n_codes(b)?];
            let rows = pairs.split_off(..n)?;
            let codes = |[a, b, _]: &[f64; 3]| {
                let codes = integers(&[*a, *b])?;
                (codes[0] < sizes[0] && codes[1] < sizes[1]).then_some([codes[0] as u32, codes[1] as u32])
            };
            let pairs: Vec<[u32; 2]> = rows.iter().map(codes).collect::<Option<_>>()?;
            let shares: Vec<f64> = rows.iter().map(|row| row[2]).collect();
            let valid = pairs.is_sorted() && shares.iter().all(|share| *share > 0.0 && *share < 1.0);
            valid.then_some(Crossing { blocks: [a, b], pairs, shares })
        });
        Ok(crossings.collect::<Option<_>>().map(Self))
    }
}
