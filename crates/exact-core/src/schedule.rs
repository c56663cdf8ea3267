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
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Geometric,
    Cosine,
}

impl Schedule {
    /// The same value at each step.
    ///
    /// # Errors
    /// [`ScheduleError`] if `value` is not positive and finite.
    pub fn constant(value: f64) -> Result<Self, ScheduleError> {
        Self::geometric(value, value)
    }

    /// `start (end / start)^t` with `t` from 0 to 1: the paper's schedule of sigma (10 to 0.01) and of the learning rate.
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

    fn new(shape: Shape, start: f64, end: f64) -> Result<Self, ScheduleError> {
        let usable = |value: f64| value > 0.0 && value.is_finite();
        if usable(start) && usable(end) {
            Ok(Self { shape, start, end })
        } else {
            Err(ScheduleError { start, end })
        }
    }

    /// The value at `step` of `steps`; the last value from the last step on.
    pub fn value(&self, step: usize, steps: usize) -> f64 {
        let last = steps.saturating_sub(1).max(1);
        let t = step.min(last) as f64 / last as f64;
        match self.shape {
            Shape::Geometric => {
                let ratio = self.end / self.start;
                if ratio.is_normal() {
                    self.start * ratio.powf(t)
                } else {
                    // The values are so far apart that their ratio is out of range.
                    self.start.powf(1.0 - t) * self.end.powf(t)
                }
            }
            Shape::Cosine => {
                let share = 0.5 * (1.0 + (std::f64::consts::PI * t).cos());
                self.end + (self.start - self.end) * share
            }
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
