//! Batch normalisation, with rectified units behind it or not, of rows of channels.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::in_chunks::in_chunks;

/// How many numbers are worked on at a time: few enough for the second-level cache. The sums of each such
/// block are added up in `f64`, in order, so that they depend neither on the number of threads nor much on
/// that of rows.
const BLOCK: usize = 1 << 14;

/// Mean and biased variance of each channel.
#[derive(Debug, Clone)]
pub(super) struct Statistics {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

impl Statistics {
    /// Those of rows of as many channels.
    ///
    /// # References
    /// The moments of blocks are put together as in Chan, Golub and `LeVeque`, *Algorithms for computing the
    /// sample variance*, The American Statistician 37, 1983.
    pub fn of(values: &[f32], channels: usize) -> Self {
        let blocks = values.par_chunks(block_length(channels));
        let blocks: Vec<_> =
            blocks.map(|values| Arch::new().dispatch(Moments { values, channels })).collect();
        let (mut count, mut mean, mut squares) = (0.0, vec![0.0; channels], vec![0.0; channels]);
        for BlockMoments { rows, means, squares: sums } in blocks {
            let whole = count + rows;
            for (channel, (block_mean, sum)) in means.into_iter().zip(sums).enumerate() {
                let difference = f64::from(block_mean) - mean[channel];
                mean[channel] += difference * rows / whole;
                squares[channel] += f64::from(sum) + difference * difference * count * rows / whole;
            }
            count = whole;
        }
        Self {
            mean: mean.into_iter().map(|mean| mean as f32).collect(),
            variance: squares.into_iter().map(|sum| (sum / count) as f32).collect(),
        }
    }
}

fn block_length(channels: usize) -> usize {
    (BLOCK / channels).max(1) * channels
}

/// `(x - mean) scale + bias` of each channel, with what is below 0 made 0 if it is rectified.
#[derive(Debug, Clone)]
pub(super) struct Normalization {
    mean: Vec<f32>,
    /// One over the standard deviation.
    inverse: Vec<f32>,
    scale: Vec<f32>,
    bias: Vec<f32>,
    rectified: bool,
}

impl Normalization {
    /// That to standard deviation `gamma` and mean `beta`.
    pub fn new(statistics: &Statistics, gamma: &[f32], beta: &[f32], epsilon: f64, rectified: bool) -> Self {
        let inverse = |variance: &f32| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32;
        let inverse: Vec<f32> = statistics.variance.iter().map(inverse).collect();
        let scale = gamma.iter().zip(&inverse).map(|(gamma, inverse)| gamma * inverse).collect();
        Self { mean: statistics.mean.clone(), inverse, scale, bias: beta.to_vec(), rectified }
    }

    /// The normalised values.
    pub fn forward(&self, values: &[f32]) -> Vec<f32> {
        let length = block_length(self.mean.len());
        in_chunks(
            values.len(),
            length,
            || (),
            |(), block, results| {
                let values = &values[block * length..][..results.len()];
                Arch::new().dispatch(Forward { normalization: self, values, results });
            },
        )
    }

    /// Turns the gradient of the results into that of the values, of which these are the statistics, and
    /// returns the gradients of gamma and beta.
    pub fn backward(&self, values: &[f32], gradient: &mut [f32]) -> [Vec<f32>; 2] {
        let (channels, length) = (self.mean.len(), block_length(self.mean.len()));
        let blocks = gradient.par_chunks_mut(length).zip(values.par_chunks(length));
        let sums = |(gradient, values)| Arch::new().dispatch(Sums { normalization: self, values, gradient });
        let blocks: Vec<[Vec<f32>; 2]> = blocks.map(sums).collect();
        let total = |which: usize, channel: usize| -> f64 {
            blocks.iter().map(|block| f64::from(block[which][channel])).sum()
        };
        let [gamma, beta] = [0, 1].map(|which| (0..channels).map(|c| total(which, c)).collect::<Vec<_>>());

        let rows = (values.len() / channels) as f64;
        let slope =
            gamma.iter().zip(&self.inverse).map(|(sum, inverse)| (sum / rows * f64::from(*inverse)) as f32);
        let (slope, level): (Vec<_>, Vec<_>) = slope.zip(beta.iter().map(|sum| (sum / rows) as f32)).unzip();
        gradient.par_chunks_mut(length).zip(values.par_chunks(length)).for_each(|(gradient, values)| {
            let (slope, level) = (&slope[..], &level[..]);
            Arch::new().dispatch(Backward { normalization: self, values, gradient, slope, level });
        });
        [gamma, beta].map(|sums| sums.into_iter().map(|sum| sum as f32).collect())
    }
}

struct Moments<'a> {
    values: &'a [f32],
    channels: usize,
}

struct BlockMoments {
    rows: f64,
    means: Vec<f32>,
    /// Sums of squared differences from the mean.
    squares: Vec<f32>,
}

impl WithSimd for Moments<'_> {
    type Output = BlockMoments;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> BlockMoments {
        let rows = self.values.len() / self.channels;
        let (mut means, mut squares) = (vec![0.0; self.channels], vec![0.0; self.channels]);
        for columns in Columns::all::<S>(self.channels) {
            let mut sum = simd.splat_f32s(0.0);
            for row in 0..rows {
                sum = simd.add_f32s(sum, columns.load(simd, self.values, row));
            }
            let mean = simd.mul_f32s(sum, simd.splat_f32s(1.0 / rows as f32));
            let mut sum = simd.splat_f32s(0.0);
            for row in 0..rows {
                let difference = simd.sub_f32s(columns.load(simd, self.values, row), mean);
                sum = simd.mul_add_e_f32s(difference, difference, sum);
            }
            columns.store(simd, &mut means, 0, mean);
            columns.store(simd, &mut squares, 0, sum);
        }
        BlockMoments { rows: rows as f64, means, squares }
    }
}

struct Forward<'a> {
    normalization: &'a Normalization,
    values: &'a [f32],
    results: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Normalization { mean, scale, bias, rectified, .. } = self.normalization;
        let zero = simd.splat_f32s(0.0);
        for columns in Columns::all::<S>(mean.len()) {
            let [mean, scale, bias] = [mean, scale, bias].map(|all| columns.load(simd, all, 0));
            for row in 0..self.values.len() / columns.of {
                let centred = simd.sub_f32s(columns.load(simd, self.values, row), mean);
                let mut result = simd.mul_add_e_f32s(centred, scale, bias);
                if *rectified {
                    // What is not a number stays so.
                    result = simd.select_f32s(simd.less_than_or_equal_f32s(result, zero), zero, result);
                }
                columns.store(simd, self.results, row, result);
            }
        }
    }
}

/// Takes the gradient back through rectified units; returns its sums, times normalised values and alone.
struct Sums<'a> {
    normalization: &'a Normalization,
    values: &'a [f32],
    gradient: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = [Vec<f32>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [Vec<f32>; 2] {
        let Normalization { mean, inverse, scale, bias, rectified } = self.normalization;
        let zero = simd.splat_f32s(0.0);
        let [mut gamma, mut beta] = [vec![0.0; mean.len()], vec![0.0; mean.len()]];
        for columns in Columns::all::<S>(mean.len()) {
            let settings = [mean, inverse, scale, bias].map(|all| columns.load(simd, all, 0));
            let [mean, inverse, scale, bias] = settings;
            let [mut along, mut level] = [zero; 2];
            for row in 0..self.values.len() / columns.of {
                let centred = simd.sub_f32s(columns.load(simd, self.values, row), mean);
                let mut slope = columns.load(simd, self.gradient, row);
                if *rectified {
                    let result = simd.mul_add_e_f32s(centred, scale, bias);
                    slope = simd.select_f32s(simd.less_than_or_equal_f32s(result, zero), zero, slope);
                    columns.store(simd, self.gradient, row, slope);
                }
                along = simd.mul_add_e_f32s(slope, centred, along);
                level = simd.add_f32s(level, slope);
            }
            columns.store(simd, &mut gamma, 0, simd.mul_f32s(along, inverse));
            columns.store(simd, &mut beta, 0, level);
        }
        [gamma, beta]
    }
}

/// `gradient ← (gradient - level - slope (x - mean)) scale`
struct Backward<'a> {
    normalization: &'a Normalization,
    values: &'a [f32],
    gradient: &'a mut [f32],
    slope: &'a [f32],
    level: &'a [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Normalization { mean, scale, .. } = self.normalization;
        for columns in Columns::all::<S>(mean.len()) {
            let [mean, scale] = [mean, scale].map(|all| columns.load(simd, all, 0));
            let [slope, level] = [self.slope, self.level].map(|all| columns.load(simd, all, 0));
            for row in 0..self.values.len() / columns.of {
                let centred = simd.sub_f32s(columns.load(simd, self.values, row), mean);
                let rest = simd.sub_f32s(columns.load(simd, self.gradient, row), level);
                let rest = simd.sub_f32s(rest, simd.mul_f32s(centred, slope));
                columns.store(simd, self.gradient, row, simd.mul_f32s(rest, scale));
            }
        }
    }
}

/// Neighbouring columns of rows of numbers, a vector of them or less.
#[derive(Clone, Copy)]
struct Columns {
    first: usize,
    count: usize,
    /// The length of a row.
    of: usize,
}

impl Columns {
    fn all<S: Simd>(of: usize) -> impl Iterator<Item = Self> {
        let first = (0..of).step_by(S::F32_LANES);
        first.map(move |first| Self { first, count: S::F32_LANES.min(of - first), of })
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, values: &[f32], row: usize) -> S::f32s {
        let values = &values[row * self.of + self.first..][..self.count];
        match S::as_simd_f32s(values).0 {
            [whole] => *whole,
            _ => simd.partial_load_f32s(values),
        }
    }

    #[inline(always)]
    fn store<S: Simd>(self, simd: S, values: &mut [f32], row: usize, vector: S::f32s) {
        let values = &mut values[row * self.of + self.first..][..self.count];
        match S::as_mut_simd_f32s(values).0 {
            [whole] => *whole = vector,
            _ => simd.partial_store_f32s(values, vector),
        }
    }
}
