//! Progress bars on standard error, if that is a terminal, which go at the end.

use std::ops::ControlFlow;

use exact_data::DownloadProgress;
use exact_linear::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that is cleared when it is dropped.
struct Bar(ProgressBar);

impl Bar {
    fn new(template: &str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows how far a stage is, and begins anew with each stage.
    fn update(&self, stage: &str, done: u64, total: u64) {
        self.0.set_length(total);
        if self.0.message() != stage {
            self.0.reset();
            self.0.set_message(stage.to_owned());
        }
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Shows how training on tables goes.
pub(crate) struct TrainingBar(Bar);

impl TrainingBar {
    pub fn new() -> Self {
        Self(Bar::new("{msg:16} {wide_bar} {pos}/{len} fits, {eta} left"))
    }

    /// Steps are reported by several threads, so `done` is a number of them rather than the last one.
    pub fn update(&self, progress: Progress) -> ControlFlow<()> {
        self.0.update(progress.stage, progress.done as u64, progress.total as u64);
        ControlFlow::Continue(())
    }
}

/// Shows how a download goes.
pub(crate) struct DownloadBar(Bar);

impl DownloadBar {
    pub fn new() -> Self {
        Self(Bar::new("{msg} {wide_bar} {bytes}/{total_bytes}, {eta} left"))
    }

    pub fn update(&self, progress: DownloadProgress<'_>) {
        self.0.update(progress.file, progress.done, progress.total.unwrap_or(progress.done));
    }
}
