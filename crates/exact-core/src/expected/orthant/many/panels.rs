//! Many classes of one sample as few: a class's part in the integral is a smooth function of its difference
//! to the label, so the classes within a panel of a sigma are as well represented by a few weighted nodes.
//!
//! For a smooth `f` and classes with differences `s_i` in a panel with center `s̄`, polynomial interpolation
//! at the nodes `t_m` of `f(s) e^(α (s - s̄))`, where α is how fast f decays there, gives
//!
//! ```text
//! Σ_i f(s_i) ≈ Σ_m c_m f(t_m),   c_m = Σ_i l_m(s_i) e^(-α (s_i - t_m))
//! G(s_i)     ≈ Σ_m l_m(s_i) e^(-α (s_i - t_m)) G(t_m)
//! ```
//!
//! with the Lagrange polynomials `l_m`: the first for `log F` and H as sums over the classes, the second for
//! the gradient. Both are evaluated in Chebyshev polynomials, which loses no digits. `log Φ` is analytic up
//! to the zeros of Φ, the nearest of which are 2.8 away from the real line, so eight nodes on a panel of a
//! sigma have an error below the rounding of `f32`.

use crate::Real;
use crate::normal::{exp_within_range, inverse_mills_ratio, mul_add};

/// Nodes of a panel.
const NODES: usize = 8;
/// Classes that are worked on side by side.
const WIDTH: usize = 16;
/// Panels with at most this many classes keep them: nodes would be hardly fewer, and their weights cost as
/// much as the classes.
const FEW: usize = 12;

/// The classes of one sample, sorted into panels.
#[derive(Default)]
pub(super) struct Panels {
    /// The classes, panel after panel.
    order: Vec<u32>,
    /// Their shifts.
    sorted: Vec<f32>,
    stretches: Vec<Panel>,
    /// Where the next class of each panel goes.
    ends: Vec<u32>,
    /// Derivatives of the sorted classes.
    slopes: Vec<f32>,
}

/// A stretch of the sorted classes.
#[derive(Clone, Copy)]
struct Panel {
    first: usize,
    len: usize,
    center: f32,
    decay: f32,
}

impl Panel {
    fn nodes(&self) -> usize {
        if self.len > FEW { NODES } else { self.len }
    }

    /// `2/8 e^(α (t_m - s̄))`, with the factor of the transform between values and Chebyshev coefficients.
    #[inline(always)]
    fn growth<const FUSED: bool>(&self) -> [f32; NODES] {
        let mut growth = OFFSETS;
        for growth in &mut growth {
            *growth = 2.0 / NODES as f32 * exp_within_range::<f32, FUSED>(self.decay * *growth);
        }
        growth
    }
}

/// The Chebyshev nodes `cos(π (m + 1/2) / 8)`.
const POSITIONS: [f64; NODES] = [
    0.980_785_280_403_230_4,
    0.831_469_612_302_545_2,
    0.555_570_233_019_602_2,
    0.195_090_322_016_128_27,
    -0.195_090_322_016_128_27,
    -0.555_570_233_019_602_2,
    -0.831_469_612_302_545_2,
    -0.980_785_280_403_230_4,
];

/// The nodes' distances from a panel's center.
const OFFSETS: [f32; NODES] = {
    let mut offsets = [0.0; NODES];
    let mut node = 0;
    while node < NODES {
        offsets[node] = (0.5 * POSITIONS[node]) as f32;
        node += 1;
    }
    offsets
};

/// The Chebyshev polynomials at the nodes, `[degree][node]`.
const AT_NODES: [[f32; NODES]; NODES] = {
    let mut values = [[1.0; NODES]; NODES];
    let mut node = 0;
    while node < NODES {
        let v = POSITIONS[node];
        let (mut before, mut current) = (1.0, v);
        let mut degree = 1;
        while degree < NODES {
            values[degree][node] = current as f32;
            (before, current) = (current, 2.0 * v * current - before);
            degree += 1;
        }
        node += 1;
    }
    values
};

/// A group of classes of one panel: their positions on `[-1, 1]`, and what f decays by from the panel's
/// center to them.
struct Positions {
    v: [f32; WIDTH],
    decay: [f32; WIDTH],
}

impl Positions {
    #[inline(always)]
    fn new<const FUSED: bool>(panel: &Panel, shifts: &[f32]) -> Self {
        let mut offset = [0.0; WIDTH];
        for (offset, shift) in offset.iter_mut().zip(shifts) {
            *offset = shift - panel.center;
        }
        let (mut v, mut decay) = (offset, offset);
        for i in 0..WIDTH {
            v[i] *= 2.0;
            decay[i] = exp_within_range::<f32, FUSED>(-panel.decay * offset[i]);
        }
        Self { v, decay }
    }
}

impl Panels {
    /// Sorts the classes of `shift`, of which infinite ones take no part.
    fn sort(&mut self, shift: &[f32], position: f32) {
        let Self { order, sorted, stretches, ends, slopes } = self;
        ends.clear();
        for &shift in shift {
            let panel = index(shift);
            if panel < MAX_PANELS {
                if panel >= ends.len() {
                    ends.resize(panel + 1, 0);
                }
                ends[panel] += 1;
            }
        }
        stretches.clear();
        let mut first = 0;
        for (panel, end) in ends.iter_mut().enumerate() {
            let len = *end as usize;
            *end = first as u32;
            if len > 0 {
                let center = panel as f32 + 0.5;
                let x = position + center;
                stretches.push(Panel { first, len, center, decay: x + inverse_mills_ratio(x) });
            }
            first += len;
        }
        order.resize(first, 0);
        sorted.resize(first, 0.0);
        slopes.resize(first, 0.0);
        for (class, &shift) in shift.iter().enumerate() {
            let panel = index(shift);
            if panel < MAX_PANELS {
                let at = ends[panel] as usize;
                ends[panel] += 1;
                order[at] = class as u32;
                sorted[at] = shift;
            }
        }
    }

    /// Writes the representatives of classes with the given shifts, of which infinite ones take no part, to a
    /// lane, with their weights. `position` is about where the nearest class is at γ's mode. Returns how many
    /// representatives there are.
    #[inline(always)]
    pub fn compress<const L: usize, const FUSED: bool>(
        &mut self,
        classes: &[f32],
        position: f32,
        lane: usize,
        shift: &mut [[f32; L]],
        weight: &mut [[f32; L]],
    ) -> usize {
        self.sort(classes, position);
        let mut slot = 0;
        for panel in &self.stretches {
            let shifts = &self.sorted[panel.first..][..panel.len];
            if panel.len <= FEW {
                for &from in shifts {
                    shift[slot][lane] = from;
                    weight[slot][lane] = 1.0;
                    slot += 1;
                }
                continue;
            }
            let moments = moments::<FUSED>(panel, shifts);
            let growth = panel.growth::<FUSED>();
            for m in 0..NODES {
                let mut sum = 0.5 * moments[0];
                for degree in 1..NODES {
                    sum += AT_NODES[degree][m] * moments[degree];
                }
                shift[slot][lane] = panel.center + OFFSETS[m];
                weight[slot][lane] = sum * growth[m];
                slot += 1;
            }
        }
        slot
    }

    /// Brings the derivatives of a lane's representatives back to the classes.
    #[inline(always)]
    pub fn expand<const L: usize, const FUSED: bool>(
        &mut self,
        lane: usize,
        gradient: &[[f32; L]],
        slopes_by_class: &mut [f32],
    ) {
        let Self { order, sorted, stretches, slopes, .. } = self;
        let mut slot = 0;
        for panel in stretches.iter() {
            let shifts = &sorted[panel.first..][..panel.len];
            let slopes = &mut slopes[panel.first..][..panel.len];
            if panel.len <= FEW {
                for (slope, from) in slopes.iter_mut().zip(&gradient[slot..]) {
                    *slope = from[lane];
                }
            } else {
                let mut coefficients = [0.0; NODES];
                let growth = panel.growth::<FUSED>();
                for m in 0..NODES {
                    let value = gradient[slot + m][lane] * growth[m];
                    coefficients[0] += 0.5 * value;
                    for degree in 1..NODES {
                        coefficients[degree] += AT_NODES[degree][m] * value;
                    }
                }
                interpolate::<FUSED>(panel, shifts, &coefficients, slopes);
            }
            slot += panel.nodes();
        }
        slopes_by_class.fill(0.0);
        for (&class, &slope) in order.iter().zip(slopes.iter()) {
            slopes_by_class[class as usize] = slope;
        }
    }
}

/// More panels than differences in `f32` can span: a class that matters is at most `SHIFT_MAX - SHIFT_MIN`,
/// 82, from the nearest.
const MAX_PANELS: usize = 128;

/// The panel of a difference from the nearest class; beyond the last for an infinite one.
#[inline(always)]
fn index(shift: f32) -> usize {
    // Saturates.
    shift as usize
}

/// `Σ_i T_q(v_i) e^(-α (s_i - s̄))` for each Chebyshev polynomial.
#[inline(always)]
fn moments<const FUSED: bool>(panel: &Panel, shifts: &[f32]) -> [f32; NODES] {
    let mut sums = [[0.0; WIDTH]; NODES];
    for shifts in shifts.chunks(WIDTH) {
        let Positions { v, mut decay } = Positions::new::<FUSED>(panel, shifts);
        for decay in &mut decay[shifts.len()..] {
            *decay = 0.0;
        }
        // The recurrence T_q = 2 v T_(q-1) - T_(q-2), with the decay as a factor.
        let (mut before, mut current) = (decay, decay);
        for i in 0..WIDTH {
            current[i] *= v[i];
        }
        for (degree, sum) in sums.iter_mut().enumerate() {
            let term = before;
            for i in 0..WIDTH {
                sum[i] += term[i];
            }
            if degree + 1 < NODES {
                let mut next = before;
                for i in 0..WIDTH {
                    next[i] = mul_add::<f32, FUSED>(2.0 * v[i], current[i], -before[i]);
                }
                (before, current) = (current, next);
            }
        }
    }
    sums.map(|parts| parts.iter().sum())
}

/// The interpolating polynomial, times `e^(-α (s_i - s̄))`, at each class, by Clenshaw's recurrence.
#[inline(always)]
fn interpolate<const FUSED: bool>(
    panel: &Panel,
    shifts: &[f32],
    coefficients: &[f32; NODES],
    slopes: &mut [f32],
) {
    for (shifts, slopes) in shifts.chunks(WIDTH).zip(slopes.chunks_mut(WIDTH)) {
        let Positions { v, decay } = Positions::new::<FUSED>(panel, shifts);
        let (mut sum, mut before) = ([0.0; WIDTH], [0.0; WIDTH]);
        for coefficient in coefficients[1..].iter().rev() {
            let mut next = before;
            for i in 0..WIDTH {
                next[i] = mul_add::<f32, FUSED>(2.0 * v[i], sum[i], coefficient - before[i]);
            }
            (before, sum) = (sum, next);
        }
        for i in 0..WIDTH {
            let value = decay[i] * mul_add::<f32, FUSED>(v[i], sum[i], coefficients[0] - before[i]);
            // The derivatives are positive; where they are tiny, the polynomial may undershoot.
            sum[i] = Real::max(value, 0.0);
        }
        slopes.copy_from_slice(&sum[..slopes.len()]);
    }
}
