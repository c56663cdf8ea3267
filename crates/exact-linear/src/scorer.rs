//! A score of the caller's own, by which settings are chosen.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use exact_core::loss::LossSettings;

use crate::LinearError;
use crate::dataset::Dataset;

/// Predictions for labelled rows.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Scored<'a> {
    /// The label of each row.
    pub labels: &'a [u32],
    /// Sample weights.
    pub weights: Option<&'a [f64]>,
    /// The number of classes.
    pub n_classes: usize,
    /// Logits `[n, n_classes]`, all finite.
    pub logits: &'a [f64],
    /// Probabilities `[n, n_classes]`, with the scale that fits the rows held out best.
    pub probabilities: &'a [f64],
}

/// Why a scorer has no score.
pub type ScorerError = Box<dyn Error + Send + Sync>;

type Score = dyn Fn(&Scored<'_>) -> Result<f64, ScorerError> + Send + Sync;

/// A score, of which more is better, in the place of [`Metric`](crate::Metric)'s where settings, features and
/// losses are chosen. It is called from several threads, and has to return the same for the same predictions.
///
/// # Example
/// The mean probability of the label:
/// ```
/// use exact_linear::{Scorer, TrainOptions};
///
/// let scorer = Scorer::new(|scored| {
///     let rows = scored.probabilities.chunks(scored.n_classes).zip(scored.labels);
///     Ok(rows.map(|(row, &label)| row[label as usize]).sum::<f64>() / scored.labels.len() as f64)
/// });
/// let options = TrainOptions::default().with_scorer(scorer);
/// # assert!(options.scorer.is_some());
/// ```
#[derive(Clone)]
pub struct Scorer(Arc<Score>);

impl Scorer {
    /// A scorer that calls a function. The error of the function ends training, with
    /// [`LinearError::Scorer`](crate::LinearError::Scorer), as does a score that is not a number.
    pub fn new(score: impl Fn(&Scored<'_>) -> Result<f64, ScorerError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(score))
    }

    /// The scores on data sets of a classifier that was trained with a loss. The scale of the probabilities
    /// is the one that fits the first of them best.
    pub(crate) fn scores<const N: usize>(
        &self,
        data: [&Dataset<'_>; N],
        parameters: &[f64],
        loss: &LossSettings,
    ) -> Result<[f64; N], LinearError> {
        let mut scores = [f64::NEG_INFINITY; N];
        let mut link = None;
        for (score, data) in scores.iter_mut().zip(data) {
            let Dataset { labels, n_classes, .. } = data;
            let weights = data.weights.as_deref();
            let logits = data.logits(parameters);
            if logits.iter().any(|logit| !logit.is_finite()) {
                continue;
            }
            let calibrated = match link {
                Some(link) => link,
                None => loss.link().calibrated(&logits, labels, *n_classes, weights)?,
            };
            link = Some(calibrated);
            let probabilities = calibrated.probabilities(&logits, *n_classes)?;
            let scored = Scored {
                labels,
                weights,
                n_classes: *n_classes,
                logits: &logits,
                probabilities: &probabilities,
            };
            *score = (self.0)(&scored).map_err(LinearError::Scorer)?;
            if score.is_nan() {
                return Err(LinearError::Scorer("it returned a score that is not a number".into()));
            }
        }
        Ok(scores)
    }
}

impl fmt::Debug for Scorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scorer").finish_non_exhaustive()
    }
}

/// The same function, not one that does the same.
impl PartialEq for Scorer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
