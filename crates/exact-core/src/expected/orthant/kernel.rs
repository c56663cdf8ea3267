//! Samples in lanes, a group at a time: each is gathered, integrated, reported and scattered.

use pulp::{Arch, Simd, WithSimd};

use super::absent;
use super::gather::Group;
use super::integrate::{HazardSums, integrate};
use crate::Real;
use crate::expected::batch::{Buffers, Orthant, OrthantBatch, Scaling, Selection};
use crate::expected::classes::Classes;
use crate::quadrature::Rule;
use crate::scratch::with_scratch;

/// Evaluates the batch in the working precision `U`, `L` samples at a time.
pub(super) fn evaluate<T: Real, U: Real, const L: usize>(batch: OrthantBatch<'_, T>, arch: Arch) {
    let n_classes = batch.n_classes;
    let (columns, len) = if batch.sigma.is_per_class() {
        (0, Buffers::<U, L>::len(true, n_classes))
    } else {
        (L * n_classes, Group::<T, U, L>::len(n_classes))
    };
    with_scratch::<T, _>(columns, |columns| {
        with_scratch::<U, _>(len, |memory| arch.dispatch(InLanes::<T, U, L> { batch, columns, memory }));
    });
}

/// A batch with the buffers for its groups.
struct InLanes<'a, 's, T, U, const L: usize> {
    batch: OrthantBatch<'a, T>,
    columns: &'s mut [T],
    memory: &'s mut [U],
}

impl<T: Real, U: Real, const L: usize> WithSimd for InLanes<'_, '_, T, U, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match (S::IS_SCALAR, self.batch.sigma.is_per_class()) {
            (false, false) => self.groups::<true>(),
            (false, true) => self.scaled_groups::<true>(),
            (true, false) => self.groups::<false>(),
            (true, true) => self.scaled_groups::<false>(),
        }
    }
}

impl<T: Real, U: Real, const L: usize> InLanes<'_, '_, T, U, L> {
    /// Samples with one sigma each.
    #[inline(always)]
    fn groups<const FUSED: bool>(self) {
        let Self { mut batch, columns, memory } = self;
        let n_classes = batch.n_classes;
        let mut group = Group::<T, U, L>::new(n_classes, columns, memory);
        let selection = Selection::new::<U>(n_classes);
        for first in (0..batch.labels.len()).step_by(L) {
            let lanes = L.min(batch.labels.len() - first);
            // Lanes past the last sample repeat it.
            let rows: [usize; L] = std::array::from_fn(|l| first + l.min(lanes - 1));
            let scalings = group.load(&batch, &rows, selection);
            let present = group.compress(&scalings.label);
            let (classes, mut sums) = group.rivals(&scalings.origin, &present);
            let orthant = orthant::<U, L, false, FUSED>(
                &classes,
                &scalings.origin,
                &present,
                n_classes,
                batch.rule,
                &mut sums,
            );
            let slope_of_scale = slope_of_scale(&classes, &scalings.origin, sums.gradient);
            let unit = orthant.unit::<FUSED>();
            let mut factor = [0.0; L];
            for l in 0..lanes {
                let slope_of_sigma = -slope_of_scale[l] * scalings.inverse_sigma[l];
                factor[l] = batch.report(first + l, l, &orthant, unit[l], slope_of_sigma);
            }
            group.expand(&scalings.label, &present);
            group.differentiate(&scalings, &factor);
            group.unload(&rows[..lanes], batch.grad);
        }
    }

    /// Samples with a sigma per class.
    #[inline(always)]
    fn scaled_groups<const FUSED: bool>(self) {
        let Self { mut batch, memory, .. } = self;
        let Buffers { shift, scale, hazards, gradient, first_moment, mut row } =
            Buffers::new::<true>(batch.n_classes, memory);
        for first in (0..batch.labels.len()).step_by(L) {
            let lanes = L.min(batch.labels.len() - first);
            let mut scaling = [Scaling::UNIT; L];
            let (mut present, mut most) = ([0; L], 0);
            for l in 0..L {
                // Lanes past the last sample repeat it.
                let sample = batch.sample(first + l.min(lanes - 1));
                scaling[l] = sample.scaling::<U, true>(None);
                sample.place::<U, true>(&scaling[l], row.shift, row.scale);
                present[l] = row.scatter::<L>(l, shift, scale);
                most = most.max(present[l]);
            }
            for (l, &present) in present.iter().enumerate() {
                for slot in present..most {
                    shift[slot][l] = U::from_f64(absent(0.0));
                    scale[slot][l] = U::ONE;
                }
            }
            let classes = Classes::<'_, U, L, true> { shift: &shift[..most], scale: &scale[..most] };
            let mut sums = HazardSums {
                hazards: &mut hazards[..most],
                gradient: &mut gradient[..most],
                first_moment: &mut first_moment[..most],
            };
            let orthant = orthant::<U, L, true, FUSED>(
                &classes,
                &[0.0; L],
                &present,
                batch.n_classes,
                batch.rule,
                &mut sums,
            );
            for (l, scaling) in scaling.iter().enumerate().take(lanes) {
                batch.sample(first + l).place::<U, true>(scaling, row.shift, row.scale);
                row.gather(l, sums.gradient, sums.first_moment);
                batch.store::<U, L, true>(first + l, l, scaling, &orthant, &row);
            }
        }
    }
}

/// The orthant probabilities among `n_classes`, of which `present` take part in each lane.
#[inline(always)]
fn orthant<U: Real, const L: usize, const SCALED: bool, const FUSED: bool>(
    classes: &Classes<'_, U, L, SCALED>,
    origin: &[f64; L],
    present: &[usize; L],
    n_classes: usize,
    rule: &Rule,
    sums: &mut HazardSums<'_, U, L>,
) -> Orthant<L> {
    let mut orthant = if classes.shift.is_empty() {
        Orthant::CERTAIN
    } else {
        integrate::<U, _, L, FUSED>(classes, origin, n_classes - 1, rule, sums)
    };
    for (l, &present) in present.iter().enumerate() {
        if present == 0 {
            orthant.settle(l);
        }
    }
    orthant
}

/// `Σ d_i dP/dd_i` with the differences `d_i = shift_i + origin`, per lane.
#[inline(always)]
fn slope_of_scale<U: Real, const L: usize>(
    classes: &Classes<'_, U, L, false>,
    origin: &[f64; L],
    gradient: &[[U; L]],
) -> [f64; L] {
    let mut sum = [0.0; L];
    for (shift, slope) in classes.shift.iter().zip(gradient) {
        for l in 0..L {
            sum[l] += (shift[l].to_f64() + origin[l]) * slope[l].to_f64();
        }
    }
    sum
}
