//! The means of the class scores of a batch: its logits, clipped from below where there is a margin.

use crate::Real;
use crate::samples::Samples;

/// Rows of means. With a margin `r`, a mean further than `r` below the label's is lifted to `mu_y - r`, which
/// clips the difference `mu_y - mu_i` at `r`.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a, T> {
    logits: &'a [T],
    n_classes: usize,
    clip: Option<Clip<'a, T>>,
}

#[derive(Clone, Copy)]
struct Clip<'a, T> {
    labels: &'a [u32],
    margin: T,
}

impl<'a, T: Real> Means<'a, T> {
    /// The logits, as they are.
    pub fn of(logits: &'a [T], n_classes: usize) -> Self {
        Self { logits, n_classes, clip: None }
    }

    /// The logits of the samples, clipped at the margin if there is one.
    pub fn clipped(samples: Samples<'a, T>, margin: Option<f64>) -> Self {
        let labels = samples.labels();
        let clip = margin.map(|margin| Clip { labels, margin: T::from_f64(margin) });
        Self { clip, ..Self::of(samples.logits(), samples.n_classes()) }
    }

    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    pub fn n_rows(&self) -> usize {
        self.logits.len() / self.n_classes
    }

    /// A row's logits, and the lowest that its means may be.
    #[inline(always)]
    pub fn row(&self, row: usize) -> (&'a [T], f64) {
        let logits = &self.logits[row * self.n_classes..][..self.n_classes];
        let floor = self.clip.map_or(f64::NEG_INFINITY, |clip| {
            logits[clip.labels[row] as usize].to_f64() - clip.margin.to_f64()
        });
        (logits, floor)
    }

    /// Turns the gradient with respect to a row's means into that with respect to its logits: a mean that was
    /// lifted moves with the label's logit instead of its own.
    #[inline(always)]
    pub fn pull_back(&self, row: usize, grad: &mut [T]) {
        let Some(clip) = self.clip else { return };
        let (logits, floor) = self.row(row);
        let mut moved = 0.0;
        for (logit, grad) in logits.iter().zip(grad.iter_mut()) {
            if logit.to_f64() < floor {
                moved += grad.to_f64();
                *grad = T::ZERO;
            }
        }
        grad[clip.labels[row] as usize] += T::from_f64(moved);
    }

    /// The rows before `row` and those from it on.
    pub fn split_at(&self, row: usize) -> (Self, Self) {
        let (left, right) = self.logits.split_at(row * self.n_classes);
        let labels = self.clip.map(|clip| clip.labels.split_at(row));
        let clip = |labels| self.clip.map(|clip| Clip { labels, ..clip });
        let (before, after) = labels.map_or((None, None), |(before, after)| (clip(before), clip(after)));
        (Self { logits: left, clip: before, ..*self }, Self { logits: right, clip: after, ..*self })
    }
}
