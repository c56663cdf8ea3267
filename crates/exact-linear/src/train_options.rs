//! How selection trains.

use exact_core::loss::LossSettings;

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
