//! The buffers of a group: classes by lanes for the integral, and one row of classes on its way in or out.

use crate::Real;

/// Partial sums over the classes of a row.
pub(in crate::expected) const PARTS: usize = 8;

/// Buffers of a group of `L` samples, with room for all classes.
pub(in crate::expected) struct Buffers<'a, U, const L: usize> {
    pub shift: &'a mut [[U; L]],
    /// Empty where one sigma serves all classes, like `first_moment`.
    pub scale: &'a mut [[U; L]],
    pub hazards: &'a mut [[U; L]],
    pub gradient: &'a mut [[U; L]],
    pub first_moment: &'a mut [[U; L]],
    pub row: Row<'a, U>,
}

/// The classes of one sample, label included. A shift is infinite where a class takes no part in the
/// integral.
pub(in crate::expected) struct Row<'a, U> {
    pub shift: &'a mut [U],
    pub scale: &'a mut [U],
    /// The derivative with respect to each shift.
    pub slopes: &'a mut [U],
    /// The derivative with respect to each scale.
    pub moments: &'a mut [U],
}

impl<'a, U: Real, const L: usize> Buffers<'a, U, L> {
    /// The length of the memory behind the buffers.
    pub fn len(scaled: bool, n_classes: usize) -> usize {
        n_classes * if scaled { 5 * L + 4 } else { 3 * L + 2 }
    }

    pub fn new<const SCALED: bool>(n_classes: usize, memory: &'a mut [U]) -> Self {
        let (lanes, rows) = memory.split_at_mut(n_classes * L * if SCALED { 5 } else { 3 });
        let (lanes, _) = lanes.as_chunks_mut::<L>();
        let (shift, lanes) = lanes.split_at_mut(n_classes);
        let (hazards, lanes) = lanes.split_at_mut(n_classes);
        let (gradient, lanes) = lanes.split_at_mut(n_classes);
        let (scale, first_moment) = lanes.split_at_mut(if SCALED { n_classes } else { 0 });
        let (row_shift, rows) = rows.split_at_mut(n_classes);
        let (slopes, rows) = rows.split_at_mut(n_classes);
        let (row_scale, moments) = rows.split_at_mut(if SCALED { n_classes } else { 0 });
        let row = Row { shift: row_shift, scale: row_scale, slopes, moments };
        Self { shift, scale, hazards, gradient, first_moment, row }
    }
}

impl<U: Real> Row<'_, U> {
    /// Moves the classes that take part to a lane, in order. Returns how many they are.
    #[inline(always)]
    pub fn scatter<const L: usize>(&self, lane: usize, shift: &mut [[U; L]], scale: &mut [[U; L]]) -> usize {
        let mut slot = 0;
        for (class, &from) in self.shift.iter().enumerate() {
            // Where the class takes no part, the next one overwrites it.
            shift[slot][lane] = from;
            if let Some(scale) = scale.get_mut(slot) {
                scale[lane] = self.scale[class];
            }
            slot += usize::from(from < U::INFINITY);
        }
        slot
    }

    /// Brings the derivatives of a lane back, 0 for classes that take no part.
    #[inline(always)]
    pub fn gather<const L: usize>(&mut self, lane: usize, gradient: &[[U; L]], first_moment: &[[U; L]]) {
        let mut slot = 0;
        for (class, shift) in self.shift.iter().enumerate() {
            let present = *shift < U::INFINITY;
            let at = slot.min(gradient.len().saturating_sub(1));
            self.slopes[class] =
                gradient.get(at).map_or(U::ZERO, |slope| if present { slope[lane] } else { U::ZERO });
            if let Some(moment) = first_moment.get(at) {
                self.moments[class] = if present { moment[lane] } else { U::ZERO };
            }
            slot += usize::from(present);
        }
    }

    /// `Σ d_i dP/dd_i` with the differences `d_i = shift_i + origin`.
    #[inline(always)]
    pub fn slope_of_scale(&self, origin: f64) -> f64 {
        let mut sums = [0.0; PARTS];
        for (shifts, slopes) in self.shift.chunks(PARTS).zip(self.slopes.chunks(PARTS)) {
            for (sum, (&shift, slope)) in sums.iter_mut().zip(shifts.iter().zip(slopes)) {
                let d = if shift < U::INFINITY { shift.to_f64() + origin } else { 0.0 };
                *sum += d * slope.to_f64();
            }
        }
        tree_sum(sums)
    }
}

/// The sum of a vector's lanes, by halves.
#[inline(always)]
pub(in crate::expected) fn tree_sum<const N: usize>(mut sums: [f64; N]) -> f64 {
    let mut width = N / 2;
    while width > 0 {
        for part in 0..width {
            sums[part] += sums[part + width];
        }
        width /= 2;
    }
    sums[0]
}
