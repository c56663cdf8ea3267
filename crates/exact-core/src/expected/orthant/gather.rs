//! A group of samples with one sigma each: rows of logits in, rows of the gradient out, and between them one
//! column of lanes per class, so that every loop but the transposes is over lanes.

use super::absent;
use super::integrate::HazardSums;
use crate::Real;
use crate::expected::batch::{OrthantBatch, Scaling, Selection, reciprocal};
use crate::expected::classes::Classes;

/// What makes differences in units of sigma of the logits of each lane; see [`Scaling`].
pub(super) struct Scalings<const L: usize> {
    pub label: [u32; L],
    floor: [f64; L],
    pub inverse_sigma: [f64; L],
    pub origin: [f64; L],
    nearest: [f64; L],
    limit: [f64; L],
}

/// `[classes][lanes]`.
pub(super) struct Group<'a, T, U, const L: usize> {
    /// Logits; later the gradient with respect to them.
    columns: &'a mut [[T; L]],
    /// Differences from the origin, infinite for the label and for classes that cannot matter; later those of
    /// all classes but the label, the last in its place.
    differences: &'a mut [[U; L]],
    /// Those of the classes that matter, side by side.
    shift: &'a mut [[U; L]],
    hazards: &'a mut [[U; L]],
    /// With respect to the differences.
    gradient: &'a mut [[U; L]],
}

impl<const L: usize> Scalings<L> {
    /// Of the logits in `columns`, which are those of `rows`.
    #[inline(always)]
    fn of<T: Real, U: Real>(
        batch: &OrthantBatch<'_, T>,
        rows: &[usize; L],
        columns: &[[T; L]],
        selection: Selection,
    ) -> Self {
        let label = rows.map(|row| batch.labels[row]);
        let mut nearest = [-T::INFINITY; L];
        for (class, column) in (0..).zip(columns) {
            for l in 0..L {
                let other = if class == label[l] { -T::INFINITY } else { column[l] };
                nearest[l] = nearest[l].max(other);
            }
        }
        let mut scalings = Self {
            label,
            floor: [0.0; L],
            inverse_sigma: rows.map(|row| batch.sigma.row(row, batch.n_classes)[0].to_f64()),
            origin: [0.0; L],
            nearest: nearest.map(T::to_f64),
            limit: [0.0; L],
        };
        let own: [f64; L] = std::array::from_fn(|l| columns[label[l] as usize][l].to_f64());
        let margin = batch.margin.map_or(f64::INFINITY, T::to_f64);
        for l in 0..L {
            let floor = own[l] - margin;
            let nearest = scalings.nearest[l].max(floor);
            let inverse_sigma = reciprocal(scalings.inverse_sigma[l]);
            let scaling = Scaling::from_nearest::<U>(own[l], nearest, inverse_sigma, selection);
            scalings.floor[l] = floor;
            scalings.inverse_sigma[l] = inverse_sigma;
            scalings.nearest[l] = nearest;
            scalings.origin[l] = scaling.origin;
            scalings.limit[l] = scaling.limit;
        }
        scalings
    }
}

impl<'a, T: Real, U: Real, const L: usize> Group<'a, T, U, L> {
    /// The length of the memory behind the buffers, beside that of the columns.
    pub fn len(n_classes: usize) -> usize {
        4 * L * n_classes
    }

    pub fn new(n_classes: usize, columns: &'a mut [T], memory: &'a mut [U]) -> Self {
        let (columns, _) = columns.as_chunks_mut::<L>();
        let (lanes, _) = memory.as_chunks_mut::<L>();
        let (differences, lanes) = lanes.split_at_mut(n_classes);
        let (shift, lanes) = lanes.split_at_mut(n_classes);
        let (hazards, gradient) = lanes.split_at_mut(n_classes);
        Self { columns, differences, shift, hazards, gradient }
    }

    /// How many classes there are besides the label.
    #[inline(always)]
    fn others(&self) -> usize {
        self.columns.len() - 1
    }

    /// Loads the logits of `rows`, one in each lane, and writes the differences.
    #[inline(always)]
    pub fn load(
        &mut self,
        batch: &OrthantBatch<'_, T>,
        rows: &[usize; L],
        selection: Selection,
    ) -> Scalings<L> {
        let n_classes = batch.n_classes;
        for (l, &row) in rows.iter().enumerate() {
            let logits = &batch.logits[row * n_classes..][..n_classes];
            for (column, &logit) in self.columns.iter_mut().zip(logits) {
                column[l] = logit;
            }
        }
        let scalings = Scalings::of::<T, U>(batch, rows, self.columns, selection);
        self.place(&scalings);
        scalings
    }

    /// Writes the gradient, which `columns` holds, to its rows.
    #[inline(always)]
    pub fn unload(&self, rows: &[usize], grad: &mut [T]) {
        let n_classes = self.columns.len();
        for (l, &row) in rows.iter().enumerate() {
            let grad = &mut grad[row * n_classes..][..n_classes];
            for (grad, column) in grad.iter_mut().zip(&*self.columns) {
                *grad = column[l];
            }
        }
    }

    #[inline(always)]
    fn place(&mut self, scalings: &Scalings<L>) {
        let Scalings { label, floor, inverse_sigma, nearest, limit, .. } = scalings;
        for (class, (column, difference)) in (0..).zip(self.columns.iter().zip(&mut *self.differences)) {
            for l in 0..L {
                let d = (nearest[l] - column[l].to_f64().max(floor[l])) * inverse_sigma[l];
                let matters = d <= limit[l] && class != label[l];
                let d = if matters { d.max(U::SHIFT_MIN) } else { f64::INFINITY };
                difference[l] = U::from_f64(d);
            }
        }
    }

    /// Puts the last class into the label's place, and the differences of each lane's classes that matter
    /// side by side into `shift`. Returns how many they are.
    #[inline(always)]
    pub fn compress(&mut self, label: &[u32; L]) -> [usize; L] {
        let others = self.others();
        for (l, &label) in label.iter().enumerate() {
            self.differences[label as usize][l] = self.differences[others][l];
        }
        let mut present = [0; L];
        for (shift, difference) in self.shift.iter_mut().zip(&self.differences[..others]) {
            *shift = *difference;
            for l in 0..L {
                present[l] += u32::from(difference[l] < U::INFINITY);
            }
        }
        let present = present.map(|present| present as usize);
        if present != [others; L] {
            let mut slot = [0; L];
            for difference in &self.differences[..others] {
                for l in 0..L {
                    // Where the class does not matter, the next one overwrites it.
                    self.shift[slot[l]][l] = difference[l];
                    slot[l] += usize::from(difference[l] < U::INFINITY);
                }
            }
        }
        present
    }

    /// Brings the gradient back to the classes' places, 0 for those that do not matter and for the label.
    #[inline(always)]
    pub fn expand(&mut self, label: &[u32; L], present: &[usize; L]) {
        let others = self.others();
        if *present != [others; L] {
            let mut slot = *present;
            for class in (0..others).rev() {
                for l in 0..L {
                    let matters = self.differences[class][l] < U::INFINITY;
                    slot[l] -= usize::from(matters);
                    let kept = self.gradient[slot[l]][l];
                    self.gradient[class][l] = if matters { kept } else { U::ZERO };
                }
            }
        }
        for (l, &label) in label.iter().enumerate() {
            self.gradient[others][l] = self.gradient[label as usize][l];
            self.gradient[label as usize][l] = U::ZERO;
        }
    }

    /// The classes of `shift` that matter, for as many places as the lane with the most of them has, and the
    /// buffers of the sums over nodes.
    #[inline(always)]
    pub fn rivals(
        &mut self,
        origin: &[f64; L],
        present: &[usize; L],
    ) -> (Classes<'_, U, L, false>, HazardSums<'_, U, L>) {
        let most = present.iter().fold(0, |most, &present| most.max(present));
        for (l, &present) in present.iter().enumerate() {
            for shift in &mut self.shift[present..most.max(present)] {
                shift[l] = U::from_f64(absent(origin[l]));
            }
        }
        let classes = Classes { shift: &self.shift[..most], scale: &[] };
        let sums = HazardSums {
            hazards: &mut self.hazards[..most],
            gradient: &mut self.gradient[..most],
            first_moment: &mut [],
        };
        (classes, sums)
    }

    /// Writes the gradient with respect to the logits to `columns`: `factor` times that in `gradient` with
    /// respect to the differences.
    #[inline(always)]
    pub fn differentiate(&mut self, scalings: &Scalings<L>, factor: &[f64; L]) {
        let mut scale = *factor;
        for l in 0..L {
            scale[l] *= scalings.inverse_sigma[l];
        }
        let mut sum = [0.0; L];
        for (column, slope) in self.columns.iter_mut().zip(&*self.gradient) {
            for l in 0..L {
                // A difference beyond the margin is a constant.
                let free = column[l].to_f64() >= scalings.floor[l];
                let slope = if free { slope[l].to_f64() * scale[l] } else { 0.0 };
                column[l] = T::saturating_from_f64(-slope);
                sum[l] += slope;
            }
        }
        for (l, &label) in scalings.label.iter().enumerate() {
            self.columns[label as usize][l] = T::saturating_from_f64(sum[l]);
        }
    }
}
