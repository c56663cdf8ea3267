//! How selection trains.

use exact_core::loss::{LossError, LossSettings};

use crate::LinearError;
use crate::dataset::Dataset;
use crate::feature_choice::{FeatureChoice, FeatureKind};
use crate::metric::Metric;
use crate::scorer::Scorer;
use crate::solver::Solver;

/// How to train.
///
/// # Example
/// ```
/// use exact_linear::{Metric, TrainOptions};
///
/// let options = TrainOptions::default().with_folds(3).with_metric(Metric::Balanced);
/// assert_eq!((options.folds, options.seed), (3, 0));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrainOptions {
    /// The number of folds of the cross-validation, at least 2; 5 by default.
    pub folds: usize,
    /// The seed of the folds and of minibatches; 0 by default.
    pub seed: u64,
    /// The optimiser, by default the one that is meant for the size of the data.
    pub solver: Solver,
    /// What the classifier is to be good at; accuracy by default.
    pub metric: Metric,
    /// What settings are chosen by in the place of the metric's score; `None` by default.
    pub scorer: Option<Scorer>,
    /// What the columns are expanded to; [`FeatureKind::Linear`] by default, the columns as they are.
    pub features: FeatureChoice,
    /// The strengths of the L2 penalty that are tried, and no others, nor L1 and group penalties. By default
    /// (`None`) a path of them, and what lies beyond where the best is at its end.
    pub l2s: Option<Vec<f64>>,
    /// The sigmas that EXACT and probit try, and no others; by default as with the strengths. In stochastic
    /// gradient descent, those that the schedule of EXACT ends with. They have no part in the other losses.
    pub sigmas: Option<Vec<f64>>,
    /// The margins that EXACT and the hinge loss try, and no others; `None` among them is none, and 1 for the
    /// hinge loss. They have no part in the other losses.
    pub margins: Option<Vec<Option<f64>>>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            folds: 5,
            seed: 0,
            solver: Solver::Auto,
            metric: Metric::Accuracy,
            scorer: None,
            features: FeatureChoice::Kind(FeatureKind::Linear),
            l2s: None,
            sigmas: None,
            margins: None,
        }
    }
}

impl TrainOptions {
    /// With another number of [`TrainOptions::folds`].
    #[must_use]
    pub fn with_folds(self, folds: usize) -> Self {
        Self { folds, ..self }
    }

    /// With another [`TrainOptions::seed`].
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// With another [`TrainOptions::solver`].
    #[must_use]
    pub fn with_solver(self, solver: Solver) -> Self {
        Self { solver, ..self }
    }

    /// With other [`TrainOptions::features`].
    #[must_use]
    pub fn with_features(self, features: FeatureChoice) -> Self {
        Self { features, ..self }
    }

    /// With another [`TrainOptions::metric`].
    #[must_use]
    pub fn with_metric(self, metric: Metric) -> Self {
        Self { metric, ..self }
    }

    /// With a [`TrainOptions::scorer`].
    #[must_use]
    pub fn with_scorer(self, scorer: Scorer) -> Self {
        Self { scorer: Some(scorer), ..self }
    }

    /// With [`TrainOptions::l2s`].
    #[must_use]
    pub fn with_l2s(self, l2s: Vec<f64>) -> Self {
        Self { l2s: Some(l2s), ..self }
    }

    /// With [`TrainOptions::sigmas`].
    #[must_use]
    pub fn with_sigmas(self, sigmas: Vec<f64>) -> Self {
        Self { sigmas: Some(sigmas), ..self }
    }

    /// With [`TrainOptions::margins`].
    #[must_use]
    pub fn with_margins(self, margins: Vec<Option<f64>>) -> Self {
        Self { margins: Some(margins), ..self }
    }

    /// The same with the strengths, sigmas and margins that were asked for in order, from the largest, each
    /// once.
    pub(crate) fn ordered(self) -> Result<Self, LinearError> {
        let l2s = self.l2s.map(|l2s| ordered("l2s", "at least 0 and finite", l2s, |l2| l2 >= 0.0));
        let sigmas =
            self.sigmas.map(|sigmas| ordered("sigmas", "positive and finite", sigmas, |sigma| sigma > 0.0));
        // No margin is the largest: no difference of scores is beyond it.
        let margins = self.margins.map(|margins| -> Result<_, LinearError> {
            let margins = margins.into_iter().map(|margin| margin.unwrap_or(f64::MAX)).collect();
            let margins = ordered("margins", "positive and finite, or None", margins, |margin| margin > 0.0)?;
            Ok(margins.into_iter().map(|margin| (margin < f64::MAX).then_some(margin)).collect())
        });
        let [l2s, sigmas] = [l2s.transpose()?, sigmas.transpose()?];
        Ok(Self { l2s, sigmas, margins: margins.transpose()?, ..self })
    }

    /// The sigmas that were asked for, or these.
    pub(crate) fn sigmas_or<'a>(&'a self, sigmas: &'a [f64]) -> &'a [f64] {
        self.sigmas.as_deref().unwrap_or(sigmas)
    }

    /// The margins that were asked for, or these.
    pub(crate) fn margins_or<'a>(&'a self, margins: &'a [Option<f64>]) -> &'a [Option<f64>] {
        self.margins.as_deref().unwrap_or(margins)
    }

    /// The scores on data sets, by which settings are chosen, of a classifier that was trained with a loss.
    /// Where they need probabilities, their scale is the one that fits the first of the data sets best.
    pub(crate) fn scores<const N: usize>(
        &self,
        data: [&Dataset<'_>; N],
        parameters: &[f64],
        loss: &LossSettings,
    ) -> Result<[f64; N], LinearError> {
        match &self.scorer {
            Some(scorer) => scorer.scores(data, parameters, loss),
            None => self.metric.scores(data, parameters, loss),
        }
    }
}

/// Values of a hyper-parameter, checked and from the largest, each once.
fn ordered(
    name: &'static str,
    expected: &'static str,
    mut values: Vec<f64>,
    is_allowed: fn(f64) -> bool,
) -> Result<Vec<f64>, LinearError> {
    if values.is_empty() {
        return Err(LinearError::NothingToTry { name });
    }
    if let Some(&value) = values.iter().find(|value| !(value.is_finite() && is_allowed(**value))) {
        return Err(LossError::Setting { name, expected, value }.into());
    }
    values.sort_by(|a, b| b.total_cmp(a));
    values.dedup();
    Ok(values)
}
