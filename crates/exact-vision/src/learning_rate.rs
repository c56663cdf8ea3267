//! The learning rate over a run.

use exact_core::schedule::Schedule;
use serde::{Deserialize, Serialize};

use crate::VisionError;

/// The learning rate over all steps of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LearningRate {
    /// At the start, after the warm-up.
    pub first: f64,
    /// At the end.
    pub last: f64,
    /// The way from one to the other.
    pub shape: Shape,
    /// Steps in which it rises to `first`; below 1, their share of all steps.
    pub warm_up: f64,
}

/// The shape of a schedule, see [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Shape {
    /// By the same factor in each step.
    Geometric,
    /// Half a wave.
    Cosine,
    /// A staircase of equal stretches.
    Steps {
        /// How often it drops.
        drops: usize,
    },
}

impl Default for LearningRate {
    /// A cosine from 0.1 to 1e-4, after a rise over a twentieth of the steps.
    fn default() -> Self {
        Self { first: 0.1, last: 1e-4, shape: Shape::Cosine, warm_up: 0.05 }
    }
}

impl LearningRate {
    /// That of the paper: geometric from 0.1 to 1e-4.
    pub fn paper() -> Self {
        Self { shape: Shape::Geometric, warm_up: 0.0, ..Self::default() }
    }

    /// The schedule over so many steps.
    pub(crate) fn schedule(&self, steps: usize) -> Result<Schedule, VisionError> {
        if !(self.warm_up >= 0.0 && self.warm_up.is_finite()) {
            let (name, expected) = ("the warm-up", "at least 0 and finite");
            return Err(VisionError::Setting { name, expected, value: self.warm_up });
        }
        let warm_up = if self.warm_up < 1.0 { (self.warm_up * steps as f64).ceil() } else { self.warm_up };
        let schedule = match self.shape {
            Shape::Geometric => Schedule::geometric(self.first, self.last),
            Shape::Cosine => Schedule::cosine(self.first, self.last),
            Shape::Steps { drops } => Schedule::steps(self.first, self.last, drops),
        };
        let schedule =
            schedule.map_err(|error| VisionError::Recipe { problem: format!("learning-rate: {error}") })?;
        Ok(schedule.with_warm_up(warm_up as usize))
    }
}
