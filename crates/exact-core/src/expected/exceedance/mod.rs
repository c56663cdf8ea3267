//! The probability that fewer than k scores exceed the label's: the kernel of top-k, sample by sample.
//!
//! Given the label's score, the other classes exceed it independently, so their number has a Poisson-binomial
//! distribution, whose recursions are in [`counts`]. [`integrate`] finds the interval that matters and sums
//! over nodes, which are the lanes here: each sample has a course of its own. What leaves the range of `f64`
//! on the way is done again in [`far`], by the same formulas in numbers of a wider range (docs/derivation.md,
//! section 13).

mod counts;
mod far;
mod integrate;

use counts::{Exceedance, RivalRow};
use integrate::Kept;
use pulp::{Arch, Simd, WithSimd};

use super::batch::{Buffers, Orthant, OrthantBatch};
use crate::Real;
use crate::real::Compiled;

/// The probability that fewer than `k` scores exceed the label's, in `f64`.
pub(crate) fn evaluate<T: Real>(batch: OrthantBatch<'_, T>, k: usize) {
    T::run::<Rows>((batch, k));
}

/// The rows of a batch, with the threshold.
struct Rows;

impl Compiled for Rows {
    type Input<'a, T: Real> = (OrthantBatch<'a, T>, usize);

    fn single((batch, k): (OrthantBatch<'_, f32>, usize)) {
        evaluate_on(batch, k, Arch::new());
    }

    fn double((batch, k): (OrthantBatch<'_, f64>, usize)) {
        evaluate_on(batch, k, Arch::new());
    }
}

/// As [`evaluate`], on the given instruction set.
pub(super) fn evaluate_on<T: Real>(batch: OrthantBatch<'_, T>, k: usize, arch: Arch) {
    arch.dispatch(InTurn { batch, k });
}

/// A batch with its threshold.
struct InTurn<'a, T> {
    batch: OrthantBatch<'a, T>,
    k: usize,
}

impl<T: Real> WithSimd for InTurn<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match (S::IS_SCALAR, self.batch.sigma.is_per_class()) {
            (false, false) => self.rows::<true, false>(),
            (false, true) => self.rows::<true, true>(),
            (true, false) => self.rows::<false, false>(),
            (true, true) => self.rows::<false, true>(),
        }
    }
}

impl<T: Real> InTurn<'_, T> {
    #[inline(always)]
    fn rows<const FUSED: bool, const SCALED: bool>(mut self) {
        let batch = &mut self.batch;
        let n_classes = batch.n_classes;
        let k = self.k.min(n_classes);
        let mut memory = vec![0.0; Buffers::<f64, 1>::len(SCALED, n_classes)];
        let Buffers { shift, scale, gradient, first_moment, mut row, .. } =
            Buffers::new::<SCALED>(n_classes, &mut memory);
        let mut exceedance = Exceedance::new(k, n_classes - 1);
        let mut far = far::FarExceedance::new(k);
        let mut kept = Kept::default();
        for index in 0..batch.labels.len() {
            let sample = batch.sample(index);
            let scaling = sample.scaling::<f64, SCALED>(None);
            sample.place::<f64, SCALED>(&scaling, row.shift, row.scale);
            let present = row.scatter::<1>(0, shift, scale);
            let rivals = RivalRow::<SCALED> {
                shift: shift[..present].as_flattened(),
                scale: if SCALED { scale[..present].as_flattened() } else { &[] },
            };
            let gradient = &mut gradient[..present];
            let first_moment = if SCALED { &mut first_moment[..present] } else { &mut [] };
            let orthant = if k > present {
                Orthant::CERTAIN
            } else {
                rivals
                    .integrate::<FUSED>(k, batch.rule, &mut exceedance, &mut kept, gradient, first_moment)
                    .unwrap_or_else(|| far::integrate(rivals, batch.rule, &mut far, gradient, first_moment))
            };
            row.gather(0, gradient, first_moment);
            batch.store::<f64, 1, SCALED>(index, 0, &scaling, &orthant, &row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rule;
    use crate::expected::Sigma;
    use crate::expected::batch::Quantity;

    const CLASSES: usize = 150;
    const SAMPLES: usize = 12;

    /// Each sample's log P and the gradient rows of log P.
    fn evaluate(arch: Arch, per_class: bool, k: usize) -> Vec<f64> {
        let wave = |i: usize, frequency: f64| (i as f64 * frequency).sin();
        let logits: Vec<f64> = (0..SAMPLES * CLASSES).map(|i| 4.0 * wave(i, 0.7)).collect();
        let labels: Vec<u32> = (0..SAMPLES as u32).collect();
        let sigma: Vec<f64> = (0..SAMPLES * CLASSES).map(|i| 1.0 + 0.4 * wave(i, 0.9)).collect();
        let mut grad = vec![0.0; logits.len()];
        let mut found = Vec::new();
        let batch = OrthantBatch {
            logits: &logits,
            n_classes: CLASSES,
            labels: &labels,
            sigma: if per_class { Sigma::PerClass(&sigma) } else { Sigma::Common(1.0) },
            margin: None,
            rule: &Rule::precise::<f64>(),
            quantity: Quantity::LogProbability,
            grad: &mut grad,
            sigma_grad: None,
            visit: &mut |_, outcome| {
                found.push(outcome.log_probability());
                1.0
            },
        };
        evaluate_on(batch, k, arch);
        found.extend(grad);
        found
    }

    /// Measured: 4e-16 of the largest entry.
    const TOLERANCE: f64 = 1e-14;

    #[test]
    fn instruction_sets_agree() {
        for (per_class, k) in [(false, 2), (false, 7), (true, 3)] {
            let scalar = evaluate(Arch::Scalar, per_class, k);
            let found = evaluate(Arch::new(), per_class, k);
            let (probabilities, gradients) = scalar.split_at(SAMPLES);
            let rows = gradients.chunks(CLASSES).zip(found[SAMPLES..].chunks(CLASSES));
            for ((expected, found), (p_expected, p)) in rows.zip(probabilities.iter().zip(&found)) {
                assert!((p / p_expected - 1.0).abs() < TOLERANCE, "{p} {p_expected}");
                let size = expected.iter().fold(0.0, |size: f64, slope| size.max(slope.abs()));
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < TOLERANCE * size, "{found} {expected}");
                }
            }
        }
    }
}
