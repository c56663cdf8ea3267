//! Schedules of sigma, the learning rate and other positive settings over training.

/// A setting outside its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a schedule's values must be positive and finite, got {start} and {end}")]
pub struct ScheduleError {
    start: f64,
    end: f64,
}

/// A value that changes over `steps` steps, from the first (0) to the last (`steps - 1`).
///
/// # Example
/// ```
/// use exact_core::schedule::Schedule;
///
/// let sigma = Schedule::geometric(10.0, 0.1).unwrap();
/// assert!((sigma.value(1, 3) - 1.0).abs() < 1e-15);
/// assert!((sigma.value(2, 3) - 0.1).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    shape: Shape,
    start: f64,
    end: f64,
    warm_up: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Geometric,
    Cosine,
    Steps { drops: usize },
}

impl Schedule {
    /// The same value at each step.
    ///
    /// # Errors
    /// [`ScheduleError`] if `value` is not positive and finite.
    pub fn constant(value: f64) -> Result<Self, ScheduleError> {
        Self::geometric(value, value)
    }

    /// `start (end / start)^t` with `t` from 0 to 1: the paper's schedule of sigma (10 to 0.01) and of the
    /// learning rate.
    ///
    /// # Errors
    /// [`ScheduleError`] if a value is not positive and finite.
    pub fn geometric(start: f64, end: f64) -> Result<Self, ScheduleError> {
        Self::new(Shape::Geometric, start, end)
    }

    /// `end + (start - end) (1 + cos(π t)) / 2` with `t` from 0 to 1.
    ///
    /// # Errors
    /// [`ScheduleError`] if a value is not positive and finite.
    pub fn cosine(start: f64, end: f64) -> Result<Self, ScheduleError> {
        Self::new(Shape::Cosine, start, end)
    }

    /// A staircase: `start (end / start)^(⌊(drops + 1) step / steps⌋ / drops)`, so the value is divided by
    /// the same factor `drops` times, evenly spaced. Without drops it stays at `start`.
    ///
    /// # Errors
    /// [`ScheduleError`] if a value is not positive and finite.
    ///
    /// # Example
    /// ```
    /// use exact_core::schedule::Schedule;
    ///
    /// let rate = Schedule::steps(0.1, 0.001, 2)?;
    /// assert!((rate.value(30, 90) - 0.01).abs() < 1e-15 && (rate.value(60, 90) - 0.001).abs() < 1e-15);
    /// # Ok::<(), exact_core::schedule::ScheduleError>(())
    /// ```
    pub fn steps(start: f64, end: f64, drops: usize) -> Result<Self, ScheduleError> {
        Self::new(Shape::Steps { drops }, start, end)
    }

    /// Before the schedule, `steps` steps that rise in proportion to `start`: the first has `start / steps`,
    /// the last `start`.
    ///
    /// # Example
    /// ```
    /// use exact_core::schedule::Schedule;
    ///
    /// let rate = Schedule::geometric(1.0, 0.01)?.with_warm_up(4);
    /// assert_eq!([rate.value(0, 7), rate.value(3, 7), rate.value(4, 7)], [0.25, 1.0, 1.0]);
    /// assert!((rate.value(6, 7) - 0.01).abs() < 1e-15);
    /// # Ok::<(), exact_core::schedule::ScheduleError>(())
    /// ```
    #[must_use]
    pub fn with_warm_up(mut self, steps: usize) -> Self {
        self.warm_up = steps;
        self
    }

    fn new(shape: Shape, start: f64, end: f64) -> Result<Self, ScheduleError> {
        let usable = |value: f64| value > 0.0 && value.is_finite();
        if usable(start) && usable(end) {
            Ok(Self { shape, start, end, warm_up: 0 })
        } else {
            Err(ScheduleError { start, end })
        }
    }

    /// The value at `step` of `steps`; the last value from the last step on.
    pub fn value(&self, step: usize, steps: usize) -> f64 {
        if step < self.warm_up {
            return self.start * ((step + 1) as f64 / self.warm_up as f64);
        }
        let (step, steps) = (step - self.warm_up, steps.saturating_sub(self.warm_up));
        let last = steps.saturating_sub(1).max(1);
        let t = step.min(last) as f64 / last as f64;
        match self.shape {
            Shape::Geometric => self.between(t),
            Shape::Steps { drops: 0 } => self.start,
            Shape::Steps { drops } => {
                let (stairs, drops) = (drops as f64 + 1.0, drops as f64);
                // In whole steps, so that no drop is a step late by rounding.
                let done = (stairs * step.min(last) as f64 / (last + 1) as f64).floor();
                self.between(done.min(drops) / drops)
            }
            Shape::Cosine => {
                let share = 0.5 * (1.0 + (std::f64::consts::PI * t).cos());
                self.end + (self.start - self.end) * share
            }
        }
    }

    /// The geometric mean of start and end with weight `t` on the end.
    fn between(&self, t: f64) -> f64 {
        let ratio = self.end / self.start;
        if ratio.is_normal() {
            self.start * ratio.powf(t)
        } else {
            // The values are so far apart that their ratio is out of range.
            self.start.powf(1.0 - t) * self.end.powf(t)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn schedules_start_and_end_where_they_should() {
        for schedule in [Schedule::geometric(10.0, 0.01), Schedule::cosine(10.0, 0.01)] {
            let schedule = schedule.unwrap();
            assert!((schedule.value(0, 100) - 10.0).abs() < 1e-12);
            assert!((schedule.value(99, 100) - 0.01).abs() < 1e-12);
            assert_eq!(schedule.value(500, 100), schedule.value(99, 100));
            assert!(schedule.value(40, 100) > schedule.value(41, 100));
        }
        assert_eq!(Schedule::constant(0.5).unwrap().value(3, 10), 0.5);
        assert_eq!(Schedule::geometric(2.0, 1.0).unwrap().value(0, 1), 2.0);
    }

    #[test]
    fn a_staircase_drops_after_equal_stretches() {
        let rate = Schedule::steps(0.8, 0.1, 3).unwrap();
        let values: Vec<f64> = (0..=8).map(|step| rate.value(step, 8)).collect();
        let expected = [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1, 0.1, 0.1];
        assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{values:?}");
        assert_eq!(Schedule::steps(0.8, 0.1, 0).unwrap().value(7, 8), 0.8);
        assert_eq!(rate.value(0, 1), 0.8);
    }

    #[test]
    fn a_schedule_follows_its_warm_up() {
        let plain = Schedule::cosine(1.0, 0.1).unwrap();
        let warm = plain.with_warm_up(5);
        assert_eq!(warm.value(2, 20), 0.6);
        for step in 0..15 {
            assert_eq!(warm.value(5 + step, 20), plain.value(step, 15));
        }
        assert_eq!(warm.value(3, 2), 0.8);
    }

    #[test]
    fn values_far_apart_have_a_geometric_mean() {
        for (start, end) in [(1e300, 1e-300), (1e-300, 1e300)] {
            let schedule = Schedule::geometric(start, end).unwrap();
            assert!((schedule.value(1, 3) - 1.0).abs() < 1e-12);
            assert_eq!([schedule.value(0, 3), schedule.value(2, 3)], [start, end]);
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        assert!(Schedule::constant(0.0).is_err());
        assert!(Schedule::geometric(1.0, f64::NAN).is_err());
    }
}
