//! How far training has come, and the caller's say in whether it goes on.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::LinearError;

/// How far a stage of training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: &'static str,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

impl Progress {
    /// A callback that looks at nothing and never stops.
    pub fn ignore(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The caller's callback. Training calls it after each step and, with the same counts, before each pass over
/// rows, from any of its threads. Once it returns [`ControlFlow::Break`], training ends with
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

    /// Counts a step that is done, and asks whether to go on.
    pub fn advance(&self) -> Result<(), LinearError> {
        self.report(self.done.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn report(&self, done: usize) -> Result<(), LinearError> {
        let Self { callback, stage, total, .. } = *self;
        if self.stopped.load(Ordering::Relaxed) || callback(Progress { stage, done, total }).is_break() {
            self.stopped.store(true, Ordering::Relaxed);
            return Err(LinearError::Interrupted);
        }
        Ok(())
    }
}
