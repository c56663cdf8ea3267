//! The strengths of the penalty that selection chooses from.

use std::ops::Range;

use exact_core::loss::LossSettings;

use crate::settings::Settings;

/// Coefficients of the L2 penalty, from the strongest.
const L2: [f64; 11] = [1e2, 1e1, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8];
/// Those that are always tried; the others where the best is at an end of them.
const L2_TRIED: Range<usize> = 3..8;
/// Steps between coefficients of the L1 or the group penalty in a factor of ten.
const L1_STEPS: f64 = 4.0;
/// Coefficients of either at most.
const L1_LEN: usize = 12;
/// Those that are tried where the penalty is; the weaker ones, which take longest, where the best is at
/// the end of them.
const L1_TRIED: Range<usize> = 0..6;
/// The coefficient of the L2 penalty beside either, by which columns that say the same share a weight.
const L2_BESIDE_L1: f64 = 1e-3;

/// The place of a strength on the path of the L2, the L1 or the group penalty, each from the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    L2(usize),
    L1(usize),
    Group(usize),
}

/// The coefficients of a penalty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Penalty {
    pub l1: f64,
    pub group_l1: f64,
    pub l2: f64,
}

impl Penalty {
    /// A loss with this penalty.
    pub fn settings(self, loss: LossSettings) -> Settings {
        Settings::new(loss, self.l2).with_l1(self.l1).with_group_l1(self.group_l1)
    }
}

/// The smallest coefficients of the L1 and of the group penalty with which no column has a weight.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Largest {
    pub l1: f64,
    pub group_l1: f64,
}

/// The strengths that there are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Strengths {
    /// Coefficients of the L2 penalty, from the strongest.
    l2: Vec<f64>,
    /// Those that are always tried.
    l2_tried: Range<usize>,
}

impl Strengths {
    /// Those with these coefficients of the L2 penalty, from the strongest, all of which are tried, or with
    /// those of the search.
    pub fn new(l2s: Option<&[f64]>) -> Self {
        match l2s {
            Some(l2s) => Self { l2: l2s.into(), l2_tried: 0..l2s.len() },
            None => Self { l2: L2.into(), l2_tried: L2_TRIED },
        }
    }

    /// All there are.
    pub fn all(&self) -> impl Iterator<Item = Strength> {
        let sparse = (0..L1_LEN).map(Strength::L1).chain((0..L1_LEN).map(Strength::Group));
        (0..self.l2.len()).map(Strength::L2).chain(sparse)
    }

    /// The path of the L2 penalty that is always tried.
    pub fn l2_path(&self) -> Vec<Strength> {
        self.l2_tried.clone().map(Strength::L2).collect()
    }

    /// In the middle of this path: that of the linear classifier whose residuals products are to explain.
    pub fn moderate(&self) -> Strength {
        Strength::L2(usize::midpoint(self.l2_tried.start, self.l2_tried.end - 1))
    }

    /// The path of the L1 penalty that is tried where it may help.
    pub fn l1_path() -> Vec<Strength> {
        L1_TRIED.map(Strength::L1).collect()
    }

    /// The path of the group penalty that is tried where that may help.
    pub fn group_path() -> Vec<Strength> {
        L1_TRIED.map(Strength::Group).collect()
    }

    /// The strengths that cross-entropy is solved with at one go, each from the solution before, to have it
    /// for this one.
    pub fn path_of(&self, strength: Strength) -> Vec<Strength> {
        match strength {
            Strength::L2(at) if self.l2_tried.contains(&at) => self.l2_path(),
            Strength::L1(at) if L1_TRIED.contains(&at) => Self::l1_path(),
            Strength::Group(at) if L1_TRIED.contains(&at) => Self::group_path(),
            beyond => vec![beyond],
        }
    }

    /// The strength from whose solution this one's path starts; `None` for no weights.
    pub fn start_of(&self, strength: Strength) -> Option<Strength> {
        match strength {
            Strength::L2(at) if at < self.l2_tried.start => Some(Strength::L2(at + 1)),
            Strength::L2(at) if at >= self.l2_tried.end => Some(Strength::L2(at - 1)),
            Strength::L1(at) if at >= L1_TRIED.end => Some(Strength::L1(at - 1)),
            Strength::Group(at) if at >= L1_TRIED.end => Some(Strength::Group(at - 1)),
            Strength::L2(_) | Strength::L1(_) | Strength::Group(_) => None,
        }
    }

    /// The next stronger and the next weaker one.
    pub fn neighbours_of(&self, strength: Strength) -> impl Iterator<Item = Strength> {
        let (of, at, len): (fn(usize) -> Strength, _, _) = match strength {
            Strength::L2(at) => (Strength::L2, at, self.l2.len()),
            Strength::L1(at) => (Strength::L1, at, L1_LEN),
            Strength::Group(at) => (Strength::Group, at, L1_LEN),
        };
        [at.checked_sub(1), Some(at + 1).filter(|&next| next < len)].into_iter().flatten().map(of)
    }

    /// The coefficients, given the largest ones, on which those of the L2 penalty do not depend.
    pub fn penalty(&self, strength: Strength, largest: Largest) -> Penalty {
        let plain = Penalty { l1: 0.0, group_l1: 0.0, l2: L2_BESIDE_L1 };
        match strength {
            Strength::L2(at) => Penalty { l2: self.l2[at], ..plain },
            Strength::L1(at) => Penalty { l1: share(largest.l1, at), ..plain },
            Strength::Group(at) => Penalty { group_l1: share(largest.group_l1, at), ..plain },
        }
    }
}

/// The coefficient at a place of a path.
fn share(largest: f64, at: usize) -> f64 {
    rounded(largest * 10.0_f64.powf(-((at + 1) as f64) / L1_STEPS))
}

/// Three digits of a number: those that people read, and that do not depend on the order of sums.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}
