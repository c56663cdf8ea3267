//! The innermost loops of convolutions: tiles of a few rows and some vectors of columns, which stay in
//! registers while products are added to them.
//!
//! Rows are found by their offsets, so that patches of an image are never copied together.

use std::array;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// The most vectors that a tile is wide.
const WIDEST: usize = 3;
/// The most products that are added up in one go, so that what they are multiplied by stays in the
/// first-level cache.
const DEPTH: usize = 192;
/// As `DEPTH`, where what they are multiplied by is read from its place.
const SPREAD: usize = 128;

/// The fewest rows of a matrix that are worth a thread.
const ROWS: usize = 64;

/// How many numbers are in a vector.
pub(super) fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    Arch::new().dispatch(Lanes)
}

/// Neighbouring columns of a matrix, as many vectors of them as a tile is wide.
#[derive(Debug, Clone, Copy)]
struct Stripe {
    first: usize,
    vectors: usize,
}

/// All columns: stripes of 3 vectors, but 2 and 2 rather than 3 and 1.
fn stripes(columns: usize, lanes: usize) -> impl Iterator<Item = Stripe> {
    let (mut first, mut left) = (0, columns.div_ceil(lanes));
    std::iter::from_fn(move || {
        let stripe = Stripe { first, vectors: if left == 4 { 2 } else { left.min(WIDEST) } };
        first += stripe.vectors * lanes;
        left -= stripe.vectors;
        (stripe.vectors > 0).then_some(stripe)
    })
}

/// A matrix, stripe after stripe, each by rows, with zeros up to whole vectors.
#[derive(Debug)]
pub(super) struct Packed {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Packed {
    /// The matrix with the element `row(i)(j)` in each place.
    pub fn new<R: Fn(usize) -> f32>(rows: usize, columns: usize, row: impl Fn(usize) -> R + Sync) -> Self {
        let lanes = lanes();
        let mut values = vec![0.0; rows * columns.next_multiple_of(lanes)];
        let mut rest = &mut values[..];
        for Stripe { first, vectors } in stripes(columns, lanes) {
            let width = vectors * lanes;
            let (stripe, others) = rest.split_at_mut(rows * width);
            stripe.par_chunks_exact_mut(width).with_min_len(ROWS).enumerate().for_each(|(i, elements)| {
                let element = row(i);
                for (column, value) in (first..columns).zip(elements) {
                    *value = element(column);
                }
            });
            rest = others;
        }
        Self { values, rows, columns }
    }

    /// The rows of a stripe of `V` vectors.
    #[inline(always)]
    fn stripe<S: Simd, const V: usize>(&self, stripe: Stripe) -> &[[S::f32s; V]] {
        let start = self.rows * stripe.first;
        let values = &self.values[start..start + self.rows * V * S::F32_LANES];
        S::as_simd_f32s(values).0.as_chunks::<V>().0
    }
}

/// Part of a sum of products: where it starts, beyond the offset of each row, and how many products it has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub source: usize,
    pub target: usize,
    /// The first row of the matrix.
    pub row: usize,
    pub length: usize,
}

impl Term {
    /// The same in pieces of equal length of at most `DEPTH`.
    fn pieces(self) -> impl Iterator<Item = Self> {
        let length = self.length.div_ceil(self.length.div_ceil(DEPTH).max(1));
        (0..self.length).step_by(length.max(1)).map(move |at| Self {
            source: self.source + at,
            row: self.row + at,
            length: length.min(self.length - at),
            ..self
        })
    }
}

/// `target[t_i + c] += Σ_k source[s_i + k] matrix[k, c]` for all terms, rows `i` and columns `c`.
#[derive(Debug)]
pub(super) struct MultiplyAdd<'a> {
    pub source: &'a [f32],
    /// The offset of each row in the source.
    pub source_rows: &'a [usize],
    pub matrix: &'a Packed,
    pub terms: &'a [Term],
    pub target: &'a mut [f32],
    /// The offset of each row in the target.
    pub target_rows: &'a [usize],
}

impl MultiplyAdd<'_> {
    pub fn run(self) {
        Arch::new().dispatch(self);
    }

    #[inline(always)]
    fn stripe<S: Simd, const M: usize, const V: usize>(&mut self, simd: S, stripe: Stripe) {
        let rows = self.matrix.stripe::<S, V>(stripe);
        let columns = stripe.first..self.matrix.columns.min(stripe.first + V * S::F32_LANES);
        for term in self.terms.iter().flat_map(|term| term.pieces()) {
            let rows = &rows[term.row..term.row + term.length];
            let mut done = 0;
            while let Some(tile) = Tile::<M>::at(self.source_rows, self.target_rows, done) {
                let sums = tile.products::<S, V>(simd, self.source, term.source, rows);
                tile.add(simd, self.target, term.target + columns.start, columns.len(), sums);
                done += M;
            }
            while let Some(tile) = Tile::<4>::at(self.source_rows, self.target_rows, done) {
                let sums = tile.products::<S, V>(simd, self.source, term.source, rows);
                tile.add(simd, self.target, term.target + columns.start, columns.len(), sums);
                done += 4;
            }
            while let Some(tile) = Tile::<1>::at(self.source_rows, self.target_rows, done) {
                let sums = tile.products::<S, V>(simd, self.source, term.source, rows);
                tile.add(simd, self.target, term.target + columns.start, columns.len(), sums);
                done += 1;
            }
        }
    }
}

impl WithSimd for MultiplyAdd<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for stripe in stripes(self.matrix.columns, S::F32_LANES) {
            match (stripe.vectors, S::REGISTER_COUNT) {
                (3, 32..) => self.stripe::<S, 8, 3>(simd, stripe),
                (2, 32..) => self.stripe::<S, 12, 2>(simd, stripe),
                (1, _) => self.stripe::<S, 8, 1>(simd, stripe),
                (2, _) => self.stripe::<S, 5, 2>(simd, stripe),
                _ => self.stripe::<S, 4, 3>(simd, stripe),
            }
        }
    }
}

/// Offsets of as many rows as a tile is high.
struct Tile<const M: usize> {
    source: [usize; M],
    target: [usize; M],
}

impl<const M: usize> Tile<M> {
    #[inline(always)]
    fn at(source: &[usize], target: &[usize], first: usize) -> Option<Self> {
        let source = source.get(first..first + M)?.try_into().ok()?;
        let target = target.get(first..first + M)?.try_into().ok()?;
        Some(Self { source, target })
    }

    #[inline(always)]
    fn products<S: Simd, const V: usize>(
        &self,
        simd: S,
        source: &[f32],
        shift: usize,
        rows: &[[S::f32s; V]],
    ) -> [[S::f32s; V]; M] {
        let mut elements = [&source[..0]; M];
        for (elements, offset) in elements.iter_mut().zip(self.source) {
            *elements = &source[offset + shift..][..rows.len()];
        }
        let mut sums = [[simd.splat_f32s(0.0); V]; M];
        for (k, row) in rows.iter().enumerate() {
            for (sums, elements) in sums.iter_mut().zip(elements) {
                let element = simd.splat_f32s(elements[k]);
                for (sum, factor) in sums.iter_mut().zip(row) {
                    *sum = simd.mul_add_e_f32s(element, *factor, *sum);
                }
            }
        }
        sums
    }

    #[inline(always)]
    fn add<S: Simd, const V: usize>(
        &self,
        simd: S,
        target: &mut [f32],
        shift: usize,
        columns: usize,
        sums: [[S::f32s; V]; M],
    ) {
        for (offset, sums) in self.target.iter().zip(sums) {
            let row = &mut target[offset + shift..offset + shift + columns];
            add_row(simd, row, sums);
        }
    }
}

/// Adds vectors to a row, of which the last may be shorter.
#[inline(always)]
fn add_row<S: Simd, const V: usize>(simd: S, row: &mut [f32], sums: [S::f32s; V]) {
    let (whole, rest) = S::as_mut_simd_f32s(row);
    for (value, sum) in whole.iter_mut().zip(sums) {
        *value = simd.add_f32s(*value, sum);
    }
    if let Some(sum) = sums.get(whole.len()) {
        let sum = simd.add_f32s(simd.partial_load_f32s(rest), *sum);
        simd.partial_store_f32s(rest, sum);
    }
}

/// `target[i width + c] += Σ_p source[s_p + i] factors[p, c]` for all rows `i` below the length of the term,
/// to whose start each position is relative, and columns `c`.
#[derive(Debug)]
pub(super) struct OuterProducts<'a> {
    pub source: &'a [f32],
    /// The offset of each position in the source.
    pub positions: &'a [usize],
    pub term: Term,
    pub factors: &'a [f32],
    /// The length of rows of factors.
    pub columns: usize,
    pub target: &'a mut [f32],
    /// The length of rows of the target, that of factors up to a multiple of [`lanes`].
    pub width: usize,
}

impl OuterProducts<'_> {
    pub fn run(self) {
        Arch::new().dispatch(self);
    }

    #[inline(always)]
    fn stripe<S: Simd, const M: usize, const V: usize>(&mut self, simd: S, stripe: Stripe, first: usize) {
        let positions = &self.positions[first..self.positions.len().min(first + SPREAD)];
        // Rows that are a power of two apart would push each other out of the first-level cache.
        let mut together = [[simd.splat_f32s(0.0); V]; SPREAD];
        let rows = self.factors[first * self.columns..].chunks_exact(self.columns);
        for (vectors, row) in together.iter_mut().zip(rows) {
            let (whole, rest) = S::as_simd_f32s(&row[stripe.first..]);
            for (at, vector) in vectors.iter_mut().enumerate() {
                *vector = whole.get(at).copied().unwrap_or_else(|| simd.partial_load_f32s(rest));
            }
        }
        let factors = &together[..positions.len()];
        let mut done = 0;
        while done + M <= self.term.length {
            self.tile::<S, M, V>(simd, stripe, positions, factors, done);
            done += M;
        }
        while done + 4 <= self.term.length {
            self.tile::<S, 4, V>(simd, stripe, positions, factors, done);
            done += 4;
        }
        while done < self.term.length {
            self.tile::<S, 1, V>(simd, stripe, positions, factors, done);
            done += 1;
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const M: usize, const V: usize>(
        &mut self,
        simd: S,
        stripe: Stripe,
        positions: &[usize],
        factors: &[[S::f32s; V]],
        done: usize,
    ) {
        let mut sums = [[simd.splat_f32s(0.0); V]; M];
        for (position, factors) in positions.iter().zip(factors) {
            let elements = self.source[position + self.term.source + done..].first_chunk::<M>();
            let elements = elements.expect("a term has M rows from here on");
            for (sums, element) in sums.iter_mut().zip(elements) {
                let element = simd.splat_f32s(*element);
                for (sum, factor) in sums.iter_mut().zip(factors) {
                    *sum = simd.mul_add_e_f32s(element, *factor, *sum);
                }
            }
        }
        let start = done * self.width + stripe.first;
        let target: [_; M] = array::from_fn(|m| start + m * self.width);
        for (offset, sums) in target.into_iter().zip(sums) {
            add_row(simd, &mut self.target[offset..offset + V * S::F32_LANES], sums);
        }
    }
}

impl WithSimd for OuterProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for first in (0..self.positions.len()).step_by(SPREAD) {
            for stripe in stripes(self.width, S::F32_LANES) {
                match (stripe.vectors, S::REGISTER_COUNT) {
                    (3, 32..) => self.stripe::<S, 8, 3>(simd, stripe, first),
                    (2, 32..) => self.stripe::<S, 12, 2>(simd, stripe, first),
                    (1, _) => self.stripe::<S, 8, 1>(simd, stripe, first),
                    (2, _) => self.stripe::<S, 5, 2>(simd, stripe, first),
                    _ => self.stripe::<S, 4, 3>(simd, stripe, first),
                }
            }
        }
    }
}
