//! How selection trains.

use crate::feature_choice::{FeatureChoice, FeatureKind};
use crate::metric::Metric;
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
}
