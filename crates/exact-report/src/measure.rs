//! The metric that a report compares outcomes in, as text.

use exact_eval::record::{LossRecord, MetricName};

use crate::format::{fixed, percent};

/// A metric whose values are shown: rates in percent, others with four decimals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure(pub MetricName);

impl Measure {
    /// That by which the losses of a run, which is the same for all, were selected.
    pub fn of(rows: &[LossRecord]) -> Self {
        Self(rows.first().map_or(MetricName::Accuracy, |row| row.metric))
    }

    pub fn is_accuracy(self) -> bool {
        self.0 == MetricName::Accuracy
    }

    pub fn words(self) -> String {
        self.0.words()
    }

    /// The words at the beginning of a sentence.
    pub fn title(self) -> String {
        let words = self.words();
        let (first, rest) = words.split_at(1);
        first.to_uppercase() + rest
    }

    /// The words with the unit, for headers and axes.
    pub fn with_unit(self) -> String {
        let words = self.words();
        if self.0.is_rate() { words + ", %" } else { words }
    }

    /// What values are multiplied by.
    pub fn scale(self) -> f64 {
        if self.0.is_rate() { 100.0 } else { 1.0 }
    }

    /// A value without its unit.
    pub fn number(self, value: f64) -> String {
        if self.0.is_rate() { percent(value) } else { fixed(value, 4) }
    }

    /// A value with its unit.
    pub fn value(self, value: f64) -> String {
        self.number(value) + if self.0.is_rate() { " %" } else { "" }
    }

    /// The size of a difference with its unit, `None` if it is too small for the decimals.
    pub fn size(self, difference: f64) -> Option<String> {
        let number = self.number(difference.abs());
        let is_zero = number.chars().all(|digit| matches!(digit, '0' | '.'));
        (!is_zero).then(|| if self.0.is_rate() { number + " points" } else { number })
    }

    /// A difference with its sign and unit.
    pub fn difference(self, difference: f64) -> String {
        let sign = if difference < 0.0 { "−" } else { "+" };
        let unit = if self.0.is_rate() { " points" } else { "" };
        format!("{sign}{}{unit}", self.number(difference.abs()))
    }

    /// How much better one value is than another.
    pub fn gain(self, value: f64, other: f64) -> f64 {
        if self.0.is_rate() { value - other } else { other - value }
    }

    /// The best of values.
    pub fn best(self, values: impl Iterator<Item = f64>) -> Option<f64> {
        if self.0.is_rate() { values.max_by(f64::total_cmp) } else { values.min_by(f64::total_cmp) }
    }

    /// What the best value is.
    pub fn superlative(self) -> &'static str {
        if self.0.is_rate() { "Highest" } else { "Lowest" }
    }
}

/// The metric on the test rows.
pub(crate) fn tested(row: &LossRecord) -> Option<f64> {
    let accuracy = || row.test.as_ref().filter(|_| row.metric == MetricName::Accuracy);
    row.test_value.or_else(|| accuracy().map(|test| test.accuracy))
}
