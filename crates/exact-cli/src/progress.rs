//! Progress bars on standard error, if that is a terminal, which go at the end.

use std::fmt::Display;
#[cfg(feature = "vision")]
use std::io::{self, Write as _};
use std::ops::ControlFlow;

#[cfg(feature = "vision")]
use exact_images::DownloadProgress;
use exact_linear::Progress;
#[cfg(feature = "vision")]
use indicatif::ProgressDrawTarget;
use indicatif::{ProgressBar, ProgressStyle};

#[cfg(feature = "vision")]
use crate::failure::warn;

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
        Self(Bar::new("{msg:16} {wide_bar} {percent} %, {eta} left"))
    }

    /// Passes are reported by several threads, so `done` is a number of them rather than the last one.
    pub fn update(&self, progress: Progress) -> ControlFlow<()> {
        self.0.update(progress.stage, progress.done as u64, progress.total as u64);
        ControlFlow::Continue(())
    }
}

/// Shows how training on many data sets goes.
pub(crate) struct BenchmarkBar(Bar);

impl BenchmarkBar {
    pub fn new(models: usize) -> Self {
        let bar = Bar::new("{msg} {wide_bar} {pos}/{len} models, {eta} left");
        bar.0.set_length(models as u64);
        Self(bar)
    }

    /// Says what is trained now.
    pub fn begin(&self, model: impl Display) {
        self.0.0.set_message(model.to_string());
    }

    /// Counts a model that is trained.
    pub fn advance(&self) {
        self.0.0.inc(1);
    }
}

/// Shows how a download goes.
#[cfg(feature = "vision")]
pub(crate) struct DownloadBar(Bar);

#[cfg(feature = "vision")]
impl DownloadBar {
    pub fn new() -> Self {
        Self(Bar::new("{msg} {wide_bar} {bytes}/{total_bytes}, {eta} left"))
    }

    pub fn update(&self, progress: DownloadProgress<'_>) {
        self.0.update(progress.file, progress.done, progress.total.unwrap_or(progress.done));
    }
}

/// Shows how many images are predicted.
#[cfg(feature = "vision")]
pub(crate) struct PredictionBar(Bar);

#[cfg(feature = "vision")]
impl PredictionBar {
    /// A bar for so many images; it is not shown where predictions themselves are printed.
    pub fn new(images: usize, is_shown: bool) -> Self {
        let bar = Bar::new("{wide_bar} {pos}/{len} images, {eta} left");
        if !is_shown {
            bar.0.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.0.set_length(images as u64);
        Self(bar)
    }

    pub fn advance(&self, images: usize) {
        self.0.0.inc(images as u64);
    }

    /// Prints a warning above the bar.
    pub fn warn(&self, message: impl Display) {
        self.0.0.suspend(|| warn(message));
    }
}

/// Shows how training of a network goes, with a line for each epoch, which stays and which files of a run in
/// the background keep.
#[cfg(feature = "vision")]
pub(crate) struct EpochBar {
    bar: Bar,
    epochs: usize,
}

#[cfg(feature = "vision")]
impl EpochBar {
    pub fn new(epochs: usize) -> Self {
        Self { bar: Bar::new("{msg} {wide_bar} {pos}/{len} steps, {eta} left"), epochs }
    }

    /// What is to be called after each step.
    pub fn steps(&self) -> impl Fn(exact_vision::StepProgress) + use<> {
        let (bar, epochs) = (self.bar.0.clone(), self.epochs);
        move |progress| {
            let (epoch, steps) = (progress.epoch, progress.steps);
            let (done, total) = (((epoch - 1) * steps + progress.step) as u64, (epochs * steps) as u64);
            if bar.length() != Some(total) {
                // What an earlier run did says nothing about the time that is left.
                bar.set_length(total);
                bar.set_position(done);
                bar.reset_eta();
            }
            bar.set_position(done);
            let (loss, rate) = (progress.loss, bar.per_sec() * progress.images as f64);
            bar.set_message(format!("epoch {epoch}/{epochs}: loss {loss:.4}, {rate:.0} images/s"));
        }
    }

    pub fn update(&self, record: &exact_eval::record::EpochRecord) {
        let (epoch, epochs) = (record.epoch, self.epochs);
        let (loss, accuracy) = (record.loss, 100.0 * record.validation_accuracy);
        let line = format!("epoch {epoch}/{epochs}: loss {loss:.4}, validation accuracy {accuracy:.2} %");
        // Training goes on if standard error is closed.
        self.bar.0.suspend(|| drop(writeln!(io::stderr().lock(), "{line}")));
    }
}
