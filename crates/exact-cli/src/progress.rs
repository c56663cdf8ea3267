//! A progress bar on a terminal.

use std::ops::ControlFlow;

use exact_linear::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Shows how training goes, on standard error if that is a terminal, and clears it at the end.
pub(crate) struct TrainingBar(ProgressBar);

impl TrainingBar {
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg:16} {wide_bar} {pos}/{len} fits, {eta} left") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Steps are reported by several threads, so `done` is a number of them rather than the last one.
    pub fn update(&self, progress: Progress) -> ControlFlow<()> {
        self.0.set_length(progress.total as u64);
        if self.0.message() != progress.stage {
            self.0.reset();
            self.0.set_message(progress.stage);
        }
        self.0.set_position(progress.done as u64);
        ControlFlow::Continue(())
    }
}

impl Drop for TrainingBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
