//! Batches with so many classes that it pays to integrate over representatives of them.

use std::cell::RefCell;

use pulp::{Arch, Simd, WithSimd};

use super::batch::{ABSENT, OrthantBatch};
use super::classes::{chernoff_rate, start_from_bound};
use super::lanes::Buffers;
use super::orthant::{Orthant, Workspace, integrate};
use super::panels::Panels;
use super::representatives::Representatives;
use super::sample::{Scaling, Selection};
use crate::Real;
use crate::normal::exp_nonpositive;
use crate::real::approximation::Approximation;

/// Samples that are evaluated together.
const LANES: usize = 16;
/// From so many classes on, representatives are faster.
const MANY: usize = 400;
/// Classes whose exponentials are summed side by side.
const PARTS: usize = 16;

thread_local! {
    static PANELS: RefCell<Vec<Panels>> = const { RefCell::new(Vec::new()) };
}

/// A batch with its buffers.
struct Run<'a, 's, T> {
    batch: OrthantBatch<'a, T>,
    panels: &'s mut [Panels],
    memory: &'s mut [f32],
}

impl<T: Real> WithSimd for Run<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { batch, panels, memory } = self;
        if S::IS_SCALAR { batch.many::<false>(panels, memory) } else { batch.many::<true>(panels, memory) }
    }
}

impl<T: Real> OrthantBatch<'_, T> {
    /// Whether [`OrthantBatch::run_many`] serves, and is faster.
    pub fn has_many_classes(&self) -> bool {
        self.n_classes >= MANY && !self.sigma.is_per_class()
    }

    /// As [`OrthantBatch::run`] in single precision, for one sigma for all classes of a sample.
    pub fn run_many(self) {
        self.run_many_on(Arch::new());
    }

    pub(super) fn run_many_on(self, arch: Arch) {
        // A weight stands where classes with scales of their own have the scale.
        let len = Buffers::<f32, LANES>::len(true, self.n_classes);
        PANELS.with_borrow_mut(|panels| {
            panels.resize_with(LANES, Panels::default);
            f32::with_scratch(len, |memory| arch.dispatch(Run { batch: self, panels, memory }));
        });
    }

    #[inline(always)]
    fn many<const FUSED: bool>(mut self, panels: &mut [Panels], memory: &mut [f32]) {
        let Buffers { shift, scale: weight, hazards, gradient, row, .. } =
            Buffers::<f32, LANES>::new::<true>(self.n_classes, memory);
        let selection = Some(Selection::new::<f32>(self.n_classes));
        let others = self.n_classes - 1;
        let rate = chernoff_rate(others);
        for first in (0..self.labels.len()).step_by(LANES) {
            let lanes = LANES.min(self.labels.len() - first);
            let mut scaling = [Scaling::UNIT; LANES];
            let (mut origin, mut present, mut most) = ([0.0; LANES], [0; LANES], 0);
            for (l, panels) in panels.iter_mut().enumerate() {
                // Lanes past the last sample repeat it.
                let sample = self.sample(first + l.min(lanes - 1));
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
                    shift[slot][l] = ABSENT as f32;
                    weight[slot][l] = 0.0;
                }
            }
            let mut orthant = if most == 0 {
                Orthant::CERTAIN
            } else {
                let representatives = Representatives { shift: &shift[..most], weight: &weight[..most] };
                let mut workspace = Workspace {
                    hazards: &mut hazards[..most],
                    gradient: &mut gradient[..most],
                    first_moment: &mut [],
                };
                integrate::<f32, _, LANES, FUSED>(
                    &representatives,
                    &origin,
                    others,
                    self.rule,
                    &mut workspace,
                )
            };
            for l in 0..lanes {
                if present[l] == 0 {
                    orthant.settle(l);
                }
                let sample = self.sample(first + l);
                sample.place::<f32, false>(&scaling[l], row.shift, row.scale);
                panels[l].expand::<LANES, FUSED>(l, gradient, row.slopes);
                self.store::<f32, LANES, false>(first + l, l, &scaling[l], &orthant, &row);
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
