//! What outcomes are compared in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The metric that hyper-parameters were chosen by and that outcomes are compared in. It is written as its
/// name: `accuracy`, `balanced-accuracy`, `top-2` (or with another number), `macro-f1`, `log-loss` or `cost`.
///
/// # Example
/// ```
/// use exact_eval::record::MetricName;
///
/// let metric: MetricName = "top-3".parse()?;
/// assert_eq!((metric, metric.words()), (MetricName::TopK(3), "top-3 accuracy".to_string()));
/// assert!(metric.is_rate() && !MetricName::LogLoss.is_rate());
/// # Ok::<(), exact_eval::record::UnknownMetric>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum MetricName {
    /// The fraction of correct predictions.
    #[default]
    Accuracy,
    /// The mean recall of the classes.
    BalancedAccuracy,
    /// The fraction of labels among this many largest scores.
    TopK(usize),
    /// The mean F1 of the classes.
    MacroF1,
    /// The mean negative log probability of the label, in nats.
    LogLoss,
    /// The mean cost of predictions under a cost matrix.
    Cost,
}

/// A name that no metric has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no metric '{name}'; the metrics are accuracy, balanced-accuracy, top-2 (or another number), \
     macro-f1, log-loss, cost"
)]
pub struct UnknownMetric {
    /// What was asked for.
    pub name: String,
}

impl MetricName {
    /// Whether it is a fraction in `0..=1` of which more is better. Of the others less is better, and they
    /// have units of their own.
    pub fn is_rate(self) -> bool {
        !matches!(self, Self::LogLoss | Self::Cost)
    }

    /// The metric in the words of reports.
    pub fn words(self) -> String {
        match self {
            Self::Accuracy => "accuracy".into(),
            Self::BalancedAccuracy => "balanced accuracy".into(),
            Self::TopK(k) => format!("top-{k} accuracy"),
            Self::MacroF1 => "macro F1".into(),
            Self::LogLoss => "log loss".into(),
            Self::Cost => "mean cost".into(),
        }
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accuracy => f.write_str("accuracy"),
            Self::BalancedAccuracy => f.write_str("balanced-accuracy"),
            Self::TopK(k) => write!(f, "top-{k}"),
            Self::MacroF1 => f.write_str("macro-f1"),
            Self::LogLoss => f.write_str("log-loss"),
            Self::Cost => f.write_str("cost"),
        }
    }
}

impl FromStr for MetricName {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        let top_k = || name.strip_prefix("top-")?.parse().ok().filter(|k| *k > 0).map(Self::TopK);
        let metrics = [Self::Accuracy, Self::BalancedAccuracy, Self::MacroF1, Self::LogLoss, Self::Cost];
        let found = metrics.into_iter().find(|metric| metric.to_string() == name).or_else(top_k);
        found.ok_or_else(|| UnknownMetric { name: name.into() })
    }
}

impl TryFrom<String> for MetricName {
    type Error = UnknownMetric;

    fn try_from(name: String) -> Result<Self, UnknownMetric> {
        name.parse()
    }
}

impl From<MetricName> for String {
    fn from(metric: MetricName) -> Self {
        metric.to_string()
    }
}
