//! How far training has come, and the caller's say in whether it goes on.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::LinearError;

/// How far a stage of training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: &'static str,
    /// Passes over rows that are done.
    pub done: usize,
    /// Passes in all, if each fit needs as many as it may; those that it does without are done when it ends,
    /// and those of fits that turn out to be worth trying are not counted.
    pub total: usize,
}

impl Progress {
    /// A callback that looks at nothing and never stops.
    pub fn ignore(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The caller's callback. Training calls it before each pass over rows and after each fit, from any of its
/// threads. Once it returns [`ControlFlow::Break`], training ends with
/// [`LinearError::Interrupted`].
pub type Callback<'a> = &'a (dyn Fn(Progress) -> ControlFlow<()> + Sync);

/// A stage of training under the caller's eyes.
pub(crate) struct Watch<'a> {
    callback: Callback<'a>,
    stage: &'static str,
    done: AtomicUsize,
    total: usize,
    /// Set by the first `Break`, so that the other threads stop as well.
    stopped: AtomicBool,
}

impl<'a> Watch<'a> {
    pub fn new(callback: Callback<'a>, stage: &'static str, total: usize) -> Self {
        Self { callback, stage, done: AtomicUsize::new(0), total, stopped: AtomicBool::new(false) }
    }

    /// Asks whether to go on.
    pub fn poll(&self) -> Result<(), LinearError> {
        self.report(self.done.load(Ordering::Relaxed))
    }

    /// Watches a fit of so many passes at most.
    pub fn passes(&self, most: usize) -> Passes<'_> {
        Passes { watch: self, left: Cell::new(most) }
    }

    /// Counts passes, and asks whether to go on.
    fn advance(&self, passes: usize) -> Result<(), LinearError> {
        self.report(self.done.fetch_add(passes, Ordering::Relaxed) + passes)
    }

    fn report(&self, done: usize) -> Result<(), LinearError> {
        let Self { callback, stage, total, .. } = *self;
        let done = done.min(total);
        if self.stopped.load(Ordering::Relaxed) || callback(Progress { stage, done, total }).is_break() {
            self.stopped.store(true, Ordering::Relaxed);
            return Err(LinearError::Interrupted);
        }
        Ok(())
    }
}

/// The passes of one fit.
pub(crate) struct Passes<'a> {
    watch: &'a Watch<'a>,
    /// What is not counted yet.
    left: Cell<usize>,
}

impl Passes<'_> {
    /// Counts a pass, and asks whether to go on.
    pub fn next(&self) -> Result<(), LinearError> {
        // A search along a line may take passes beyond those that were reckoned with.
        let counted = self.left.get().min(1);
        self.left.set(self.left.get() - counted);
        self.watch.advance(counted)
    }

    /// Counts what the fit did without.
    pub fn finish(self) -> Result<(), LinearError> {
        self.watch.advance(self.left.get())
    }
}
