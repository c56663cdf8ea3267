//! Batches with so many classes that it pays to integrate over representatives of them.

mod panels;
mod representatives;

use std::cell::RefCell;

use pulp::{Arch, Simd, WithSimd};

use panels::Panels;
use representatives::Representatives;

use super::integrate::{HazardSums, integrate};
use super::rivals::{chernoff_rate, start_from_bound};
use super::{LANES, absent};
use crate::Real;
use crate::expected::batch::{Buffers, Orthant, OrthantBatch, Scaling, Selection};
use crate::normal::exp_nonpositive;
use crate::scratch::with_scratch;

/// Classes whose exponentials are summed side by side.
const PARTS: usize = 16;

thread_local! {
    static PANELS: RefCell<Vec<Panels>> = const { RefCell::new(Vec::new()) };
}

/// Evaluates the batch in single precision, for one sigma for all classes of a sample.
pub(super) fn evaluate<T: Real>(batch: OrthantBatch<'_, T>, arch: Arch) {
    // A weight stands where classes with scales of their own have the scale.
    let len = Buffers::<f32, LANES>::len(true, batch.n_classes);
    PANELS.with_borrow_mut(|panels| {
        panels.resize_with(LANES, Panels::default);
        with_scratch::<f32, _>(len, |memory| arch.dispatch(Represented { batch, panels, memory }));
    });
}

/// A batch with its buffers.
struct Represented<'a, 's, T> {
    batch: OrthantBatch<'a, T>,
    panels: &'s mut [Panels],
    memory: &'s mut [f32],
}

impl<T: Real> WithSimd for Represented<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if S::IS_SCALAR { self.groups::<false>() } else { self.groups::<true>() }
    }
}

impl<T: Real> Represented<'_, '_, T> {
    /// Evaluates the samples, [`LANES`] at a time.
    #[inline(always)]
    fn groups<const FUSED: bool>(self) {
        let Self { mut batch, panels, memory } = self;
        let Buffers { shift, scale: weight, hazards, gradient, row, .. } =
            Buffers::<f32, LANES>::new::<true>(batch.n_classes, memory);
        let selection = Some(Selection::new::<f32>(batch.n_classes));
        let others = batch.n_classes - 1;
        let rate = chernoff_rate(others);
        for first in (0..batch.labels.len()).step_by(LANES) {
            let lanes = LANES.min(batch.labels.len() - first);
            let mut scaling = [Scaling::UNIT; LANES];
            let (mut origin, mut present, mut most) = ([0.0; LANES], [0; LANES], 0);
            for (l, panels) in panels.iter_mut().enumerate() {
                // Lanes past the last sample repeat it.
                let sample = batch.sample(first + l.min(lanes - 1));
                scaling[l] = sample.scaling::<f32, false>(selection);
                sample.place::<f32, false>(&scaling[l], row.shift, row.scale);
                origin[l] = scaling[l].origin;
                let sum = sum_of_exponentials::<FUSED>(-rate as f32, row.shift);
                let [position] = start_from_bound(&[origin[l]], rate, &[sum]);
                present[l] = panels.compress::<LANES, FUSED>(row.shift, position, l, shift, weight);
                most = most.max(present[l]);
            }
            for (l, &present) in present.iter().enumerate() {
                for slot in present..most {
                    shift[slot][l] = absent(origin[l]) as f32;
                    weight[slot][l] = 0.0;
                }
            }
            let mut orthant = if most == 0 {
                Orthant::CERTAIN
            } else {
                let representatives = Representatives { shift: &shift[..most], weight: &weight[..most] };
                let mut sums = HazardSums {
                    hazards: &mut hazards[..most],
                    gradient: &mut gradient[..most],
                    first_moment: &mut [],
                };
                integrate::<f32, _, LANES, FUSED>(&representatives, &origin, others, batch.rule, &mut sums)
            };
            for l in 0..lanes {
                if present[l] == 0 {
                    orthant.settle(l);
                }
                let sample = batch.sample(first + l);
                sample.place::<f32, false>(&scaling[l], row.shift, row.scale);
                panels[l].expand::<LANES, FUSED>(l, gradient, row.slopes);
                batch.store::<f32, LANES, false>(first + l, l, &scaling[l], &orthant, &row);
            }
        }
    }
}

#[inline(always)]
fn sum_of_exponentials<const FUSED: bool>(rate: f32, shifts: &[f32]) -> f32 {
    let mut sums = [0.0; PARTS];
    for shifts in shifts.chunks(PARTS) {
        let mut exponents = [f32::NEG_INFINITY; PARTS];
        for (exponent, shift) in exponents.iter_mut().zip(shifts) {
            *exponent = rate * shift;
        }
        for part in 0..PARTS {
            sums[part] += exp_nonpositive::<f32, FUSED>(exponents[part]);
        }
    }
    sums.iter().sum()
}
