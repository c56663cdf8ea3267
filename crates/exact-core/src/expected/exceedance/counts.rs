//! How many of the other classes' scores exceed the label's, given the label's: a Poisson-binomial
//! distribution, at a group of points of the integration variable.
//!
//! Given `z`, class `i` exceeds with probability `q_i = Q(x_i)`, `x_i = a_i z + b_i`, independently. With `N`
//! their number, `W = P(N < k)` has `W' = Σ a_j φ(x_j) L_j`, where `L_j = P(N without j = k - 1)`. All sums
//! have positive terms only. `L_j` comes from prefixes and suffixes of the classes and never from dividing
//! class j out of the distribution of `N`, which loses all digits (measured: relative error 1e9).

use crate::expected::batch::tree_sum;
use crate::normal::{INV_SQRT_2PI, exp_half_square_or_zero, half_erfcx, mul_add};

/// Points in a group.
pub(super) const POINTS: usize = 16;
/// Classes whose prefixes are kept at once; of the others, every so many-th.
const BLOCK: usize = 64;

/// One value per point.
pub(super) type Points = [f64; POINTS];

/// The other classes: `x = scale * z + shift`. Without `SCALED`, all scales are 1 and `scale` is empty.
#[derive(Clone, Copy)]
pub(super) struct RivalRow<'a, const SCALED: bool> {
    pub shift: &'a [f64],
    pub scale: &'a [f64],
}

impl<const SCALED: bool> RivalRow<'_, SCALED> {
    #[inline(always)]
    fn scale(&self, class: usize) -> f64 {
        if SCALED { self.scale[class] } else { 1.0 }
    }

    #[inline(always)]
    fn term<const FUSED: bool>(&self, class: usize, z: &Points) -> Tails {
        let (a, b) = (self.scale(class), self.shift[class]);
        let mut x = [0.0; POINTS];
        for l in 0..POINTS {
            x[l] = mul_add::<f64, FUSED>(a, z[l], b);
        }
        Tails::at::<FUSED>(&x)
    }
}

/// Φ, Q and φ at each point.
#[derive(Clone, Copy)]
pub(super) struct Tails {
    pub below: Points,
    pub above: Points,
    pub density: Points,
}

impl Tails {
    const EMPTY: Self = Self { below: [0.0; POINTS], above: [0.0; POINTS], density: [0.0; POINTS] };

    #[inline(always)]
    pub fn at<const FUSED: bool>(x: &Points) -> Self {
        let mut term = Self::EMPTY;
        for l in 0..POINTS {
            let y = x[l].abs();
            let e = exp_half_square_or_zero::<f64, FUSED>(y);
            let tail = e * half_erfcx::<f64, FUSED>(y);
            let (negative, rest) = (x[l] < 0.0, 1.0 - tail);
            term.below[l] = if negative { tail } else { rest };
            term.above[l] = if negative { rest } else { tail };
            term.density[l] = INV_SQRT_2PI * e;
        }
        term
    }
}

/// `W`, `1 - W` and `W'` at each point.
pub(super) struct Split {
    pub fewer: Points,
    pub rest: Points,
    pub slope: Points,
}

/// Weights of the points in sums over them.
pub(super) struct Weights<'a> {
    pub weight: Points,
    /// `weight` times `z`.
    pub moment: Points,
    /// Receives `Σ weight φ(x_j) L_j` of each class on top of what is there.
    pub gradient: &'a mut [f64],
    /// The same with `moment`; untouched without `SCALED`.
    pub first_moment: &'a mut [f64],
}

/// The recursions for the number of classes that exceed the label, and their buffers.
pub(super) struct Exceedance {
    k: usize,
    /// `counts[c] = P(N = c)` over the classes so far.
    counts: Vec<Points>,
    /// The same with one class marked as the one at the threshold; on the way back, `P(N = k - 1 - c)` over
    /// the classes to come.
    marked: Vec<Points>,
    terms: Vec<Tails>,
    /// `counts` before each block, `[blocks][k]`.
    checkpoints: Vec<Points>,
    /// `counts` before each class of a block, `[BLOCK][k]`.
    prefixes: Vec<Points>,
}

impl Exceedance {
    /// For `k >= 1` and up to `n_classes` classes.
    pub fn new(k: usize, n_classes: usize) -> Self {
        let zero = [0.0; POINTS];
        Self {
            k,
            counts: vec![zero; k],
            marked: vec![zero; k],
            terms: vec![Tails::EMPTY; n_classes],
            checkpoints: vec![zero; n_classes.div_ceil(BLOCK) * k],
            prefixes: vec![zero; BLOCK.min(n_classes) * k],
        }
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.counts.fill([0.0; POINTS]);
        self.marked.fill([0.0; POINTS]);
        self.counts[0] = [1.0; POINTS];
    }

    /// `W'`, in one pass over the classes.
    #[inline(always)]
    pub fn slope<const FUSED: bool, const SCALED: bool>(
        &mut self,
        rivals: RivalRow<'_, SCALED>,
        z: &Points,
    ) -> Points {
        self.reset();
        let (counts, marked) = (&mut self.counts[..self.k], &mut self.marked[..self.k]);
        for class in 0..rivals.shift.len() {
            let term = rivals.term::<FUSED>(class, z);
            let scale = rivals.scale(class);
            let (mut fewer, mut fewer_marked) = ([0.0; POINTS], [0.0; POINTS]);
            for (count, marked) in counts.iter_mut().zip(marked.iter_mut()) {
                let (before, before_marked) = (*count, *marked);
                let (mut after, mut after_marked) = (before, before_marked);
                for l in 0..POINTS {
                    let rate = scale * term.density[l];
                    let crossing = mul_add::<f64, FUSED>(before[l], rate, before_marked[l] * term.below[l]);
                    after_marked[l] = mul_add::<f64, FUSED>(fewer_marked[l], term.above[l], crossing);
                    after[l] = mul_add::<f64, FUSED>(fewer[l], term.above[l], before[l] * term.below[l]);
                }
                (*count, *marked) = (after, after_marked);
                (fewer, fewer_marked) = (before, before_marked);
            }
        }
        marked[self.k - 1]
    }

    /// The distribution and what each class takes part in it with.
    #[inline(always)]
    pub fn parts<const FUSED: bool, const SCALED: bool>(
        &mut self,
        rivals: RivalRow<'_, SCALED>,
        z: &Points,
        weights: &mut Weights<'_>,
    ) -> Split {
        let (fewer, rest) = self.forward::<FUSED, SCALED>(rivals, z);
        let slope = self.backward::<FUSED, SCALED>(rivals, weights);
        Split { fewer, rest, slope }
    }

    /// `W` and `1 - W`; keeps the terms of the classes and the checkpoints.
    #[inline(always)]
    fn forward<const FUSED: bool, const SCALED: bool>(
        &mut self,
        rivals: RivalRow<'_, SCALED>,
        z: &Points,
    ) -> (Points, Points) {
        self.reset();
        let Self { k, counts, terms, checkpoints, .. } = self;
        let mut rest = [0.0; POINTS];
        for class in 0..rivals.shift.len() {
            if class.is_multiple_of(BLOCK) {
                checkpoints[class / BLOCK * *k..][..*k].copy_from_slice(counts);
            }
            let term = rivals.term::<FUSED>(class, z);
            terms[class] = term;
            let last = counts[*k - 1];
            for l in 0..POINTS {
                rest[l] = mul_add::<f64, FUSED>(last[l], term.above[l], rest[l]);
            }
            advance::<FUSED>(counts, &term);
        }
        let mut fewer = [0.0; POINTS];
        for count in counts.iter() {
            for l in 0..POINTS {
                fewer[l] += count[l];
            }
        }
        (fewer, rest)
    }

    /// `W'` and the sums of the classes, last class first.
    #[inline(always)]
    fn backward<const FUSED: bool, const SCALED: bool>(
        &mut self,
        rivals: RivalRow<'_, SCALED>,
        weights: &mut Weights<'_>,
    ) -> Points {
        let Self { k, counts, marked: to_come, terms, checkpoints, prefixes } = self;
        let n_classes = rivals.shift.len();
        to_come.fill([0.0; POINTS]);
        to_come[*k - 1] = [1.0; POINTS];
        let mut slope = [0.0; POINTS];
        for first in (0..n_classes).step_by(BLOCK).rev() {
            let block = first..n_classes.min(first + BLOCK);
            counts.copy_from_slice(&checkpoints[first / BLOCK * *k..][..*k]);
            for (prefix, term) in prefixes.chunks_exact_mut(*k).zip(&terms[block.clone()]) {
                prefix.copy_from_slice(counts);
                advance::<FUSED>(counts, term);
            }
            for class in block.rev() {
                let term = terms[class];
                let prefix = &prefixes[(class - first) * *k..][..*k];
                let others = recede::<FUSED>(to_come, prefix, &term);
                let scale = rivals.scale(class);
                let (mut part, mut moment) = ([0.0; POINTS], [0.0; POINTS]);
                for l in 0..POINTS {
                    let crossing = others[l] * term.density[l];
                    slope[l] = mul_add::<f64, FUSED>(scale, crossing, slope[l]);
                    part[l] = weights.weight[l] * crossing;
                    moment[l] = weights.moment[l] * crossing;
                }
                weights.gradient[class] += tree_sum(part);
                if SCALED {
                    weights.first_moment[class] += tree_sum(moment);
                }
            }
        }
        slope
    }
}

/// Adds a class to a distribution of counts that is cut off at its length.
#[inline(always)]
fn advance<const FUSED: bool>(counts: &mut [Points], term: &Tails) {
    let mut fewer = [0.0; POINTS];
    for count in counts {
        let before = *count;
        let mut after = before;
        for l in 0..POINTS {
            after[l] = mul_add::<f64, FUSED>(fewer[l], term.above[l], before[l] * term.below[l]);
        }
        *count = after;
        fewer = before;
    }
}

/// `Σ prefix[c] to_come[c]`, and adds a class to those to come.
#[inline(always)]
fn recede<const FUSED: bool>(to_come: &mut [Points], prefix: &[Points], term: &Tails) -> Points {
    let mut others = [0.0; POINTS];
    for c in 0..to_come.len() {
        let (before, here) = (prefix[c], to_come[c]);
        let next = if c + 1 < to_come.len() { to_come[c + 1] } else { [0.0; POINTS] };
        let mut after = here;
        for l in 0..POINTS {
            others[l] = mul_add::<f64, FUSED>(before[l], here[l], others[l]);
            after[l] = mul_add::<f64, FUSED>(next[l], term.above[l], here[l] * term.below[l]);
        }
        to_come[c] = after;
    }
    others
}

#[cfg(test)]
mod tests {
    use super::{Exceedance, POINTS, RivalRow, Weights};
    use crate::normal::{cdf, pdf};

    /// By enumeration of all subsets of five classes.
    #[test]
    fn agrees_with_enumeration() {
        let (scale, shift) = ([1.0, 0.5, 2.0, 1.0, 1.5], [0.3, -1.0, 0.1, 2.0, -0.4]);
        let mut z = [0.0; POINTS];
        for (l, z) in z.iter_mut().enumerate() {
            *z = 0.4 * l as f64 - 3.0;
        }
        let point = 9;
        let x: Vec<f64> = scale.iter().zip(&shift).map(|(a, b)| a * z[point] + b).collect();
        // The probability that exactly `count` of the classes but `left_out` exceed.
        let exactly = |count: u32, left_out: usize| -> f64 {
            let subsets = (0..32_u32).filter(|set| set.count_ones() == count && (set >> left_out) & 1 == 0);
            let probability = |set: u32| -> f64 {
                let factor = |i: usize| cdf(if (set >> i) & 1 == 1 { -x[i] } else { x[i] });
                (0..5).filter(|&i| i != left_out).map(factor).product()
            };
            subsets.map(probability).sum()
        };
        let rivals = RivalRow::<true> { shift: &shift, scale: &scale };
        for k in 1..=5_u32 {
            let mut exceedance = Exceedance::new(k as usize, 5);
            let (mut gradient, mut first_moment) = ([0.0; 5], [0.0; 5]);
            let (mut weight, mut moment) = ([0.0; POINTS], [0.0; POINTS]);
            (weight[point], moment[point]) = (1.0, 2.0);
            let (gradient_out, moment_out) = (&mut gradient, &mut first_moment);
            let mut weights = Weights { weight, moment, gradient: gradient_out, first_moment: moment_out };
            let found = exceedance.parts::<false, true>(rivals, &z, &mut weights);
            let fewer: f64 = (0..k).map(|count| exactly(count, 5)).sum();
            assert!((found.fewer[point] - fewer).abs() < 1e-15);
            assert!((found.rest[point] - (1.0 - fewer)).abs() < 1e-15);
            let mut slope = 0.0;
            for j in 0..5 {
                let expected = pdf(x[j]) * exactly(k - 1, j);
                assert!((gradient[j] / expected - 1.0).abs() < 1e-14);
                assert!((first_moment[j] / (2.0 * expected) - 1.0).abs() < 1e-14);
                slope += expected * scale[j];
            }
            assert!((found.slope[point] / slope - 1.0).abs() < 1e-14);
            let in_one_pass = exceedance.slope::<false, true>(rivals, &z)[point];
            assert!((in_one_pass / slope - 1.0).abs() < 1e-14);
        }
    }
}
