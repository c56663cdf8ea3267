//! The recursions of [`counts`](super::super::counts) in numbers of a wider range, at one point of the
//! integration variable.

use std::ops::Add;

use super::extended::Extended;
use crate::normal::{INV_SQRT_2PI, half_erfcx};

/// One class at a given `z`.
#[derive(Clone, Copy)]
struct FarTails {
    /// `Φ(x)`: the class stays below the label.
    below: Extended,
    /// `Q(x)`: it exceeds the label.
    above: Extended,
    /// `φ(x)`.
    density: Extended,
    /// `a φ(x)`: what the class takes part in `W'` with.
    rate: Extended,
}

/// `Φ(x)`, `Q(x)` and `φ(x)`.
pub(super) fn normal(x: f64) -> (Extended, Extended, Extended) {
    let kernel = Extended::exp(-0.5 * x * x);
    let tail = kernel * Extended::new(half_erfcx::<f64, false>(x.abs()));
    let rest = Extended::new(1.0 - tail.to_f64());
    let density = kernel * Extended::new(INV_SQRT_2PI);
    if x < 0.0 { (tail, rest, density) } else { (rest, tail, density) }
}

impl FarTails {
    fn at(scale: f64, x: f64) -> Self {
        let (below, above, density) = normal(x);
        Self { below, above, density, rate: density * Extended::new(scale) }
    }
}

/// `P(N < k)` and `P(N ≥ k)`.
pub(super) struct FarSplit {
    pub fewer: Extended,
    pub rest: Extended,
}

/// The distribution of the number of classes that exceed the label, and its buffers.
pub(in super::super) struct FarExceedance {
    k: usize,
    terms: Vec<FarTails>,
    /// `counts[c] = P(N = c)` over the classes so far.
    counts: Vec<Extended>,
    /// The same with one class marked as the one at the threshold.
    marked: Vec<Extended>,
    /// `counts` before each class, `[classes][k]`.
    prefixes: Vec<Extended>,
}

impl FarExceedance {
    /// For `k >= 1` and any number of classes.
    pub fn new(k: usize) -> Self {
        let counts = vec![Extended::ZERO; k];
        Self { k, terms: Vec::new(), marked: counts.clone(), counts, prefixes: Vec::new() }
    }

    /// Moves to another `z`; `classes` yields each class's `(a, b)`.
    pub(super) fn move_to(&mut self, z: f64, classes: impl Iterator<Item = (f64, f64)>) {
        self.terms.clear();
        self.terms.extend(classes.map(|(scale, shift)| FarTails::at(scale, scale * z + shift)));
    }

    fn reset(&mut self) {
        self.counts.fill(Extended::ZERO);
        self.counts[0] = Extended::ONE;
        self.marked.fill(Extended::ZERO);
    }

    /// `P(N < k)` and `P(N ≥ k)`.
    pub(super) fn split(&mut self) -> FarSplit {
        self.reset();
        let mut rest = Extended::ZERO;
        for term in &self.terms {
            rest = rest + self.counts[self.k - 1] * term.above;
            advance(&mut self.counts, term);
        }
        let fewer = self.counts.iter().fold(Extended::ZERO, |sum, count| sum + *count);
        FarSplit { fewer, rest }
    }

    /// `W'`, in one pass over the classes.
    pub(super) fn slope(&mut self) -> Extended {
        self.reset();
        for term in &self.terms {
            advance(&mut self.marked, term);
            for (marked, count) in self.marked.iter_mut().zip(&self.counts) {
                *marked = *marked + *count * term.rate;
            }
            advance(&mut self.counts, term);
        }
        self.marked[self.k - 1]
    }

    /// Calls `visit(j, φ(x_j) L_j)` for every class, last first, and returns `W'`.
    pub(super) fn slopes(&mut self, mut visit: impl FnMut(usize, Extended)) -> Extended {
        self.reset();
        self.prefixes.clear();
        for term in &self.terms {
            self.prefixes.extend_from_slice(&self.counts);
            advance(&mut self.counts, term);
        }
        // From here on, `counts[c]` is the probability that k - 1 - c of the classes after j exceed.
        self.counts.fill(Extended::ZERO);
        self.counts[self.k - 1] = Extended::ONE;
        let mut slope = Extended::ZERO;
        for (j, (term, prefix)) in self.terms.iter().zip(self.prefixes.chunks_exact(self.k)).enumerate().rev()
        {
            let products = prefix.iter().zip(&self.counts).map(|(before, after)| *before * *after);
            let others = products.fold(Extended::ZERO, Add::add);
            visit(j, others * term.density);
            slope = slope + others * term.rate;
            for c in 0..self.k {
                let next = if c + 1 < self.k { self.counts[c + 1] } else { Extended::ZERO };
                self.counts[c] = self.counts[c] * term.below + next * term.above;
            }
        }
        slope
    }
}

/// Adds a class to a distribution of counts that is cut off at its length.
fn advance(counts: &mut [Extended], term: &FarTails) {
    let mut fewer = Extended::ZERO;
    for count in counts {
        let next = *count * term.below + fewer * term.above;
        fewer = *count;
        *count = next;
    }
}

#[cfg(test)]
mod tests {
    use super::FarExceedance;

    /// By enumeration of all subsets of five classes.
    #[test]
    fn agrees_with_enumeration() {
        let classes = [(1.0, 0.3), (0.5, -1.0), (2.0, 0.1), (1.0, 2.0), (1.5, -0.4)];
        let z = 0.37;
        let x: Vec<f64> = classes.iter().map(|(a, b)| a * z + b).collect();
        // The probability that exactly `count` of the classes but `left_out` exceed.
        let exactly = |count: u32, left_out: usize| -> f64 {
            let subsets = (0..32_u32).filter(|set| set.count_ones() == count && (set >> left_out) & 1 == 0);
            let probability = |set: u32| -> f64 {
                let factor = |i: usize| crate::normal::cdf(if (set >> i) & 1 == 1 { -x[i] } else { x[i] });
                (0..5).filter(|&i| i != left_out).map(factor).product()
            };
            subsets.map(probability).sum()
        };
        for k in 1..=5_u32 {
            let mut exceedance = FarExceedance::new(k as usize);
            exceedance.move_to(z, classes.iter().copied());
            let fewer: f64 = (0..k).map(|count| exactly(count, 5)).sum();
            let split = exceedance.split();
            assert!((split.fewer.to_f64() - fewer).abs() < 1e-15);
            assert!((split.rest.to_f64() - (1.0 - fewer)).abs() < 1e-15);
            let mut slope = 0.0;
            let total = exceedance.slopes(|j, part| {
                let expected = crate::normal::pdf(x[j]) * exactly(k - 1, j);
                assert!((part.to_f64() / expected - 1.0).abs() < 1e-14);
                slope += expected * classes[j].0;
            });
            assert!((total.to_f64() / slope - 1.0).abs() < 1e-14);
            assert!((exceedance.slope().to_f64() / slope - 1.0).abs() < 1e-14);
        }
    }
}
