//! One fit with given settings.

use crate::classifier::LinearClassifier;
use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::metric::Metric;
use crate::progress::{Callback, Progress, Watch};
use crate::rows::Inputs;
use crate::settings::Settings;
use crate::{LinearError, refine};

/// What a fit aims at, where it starts, and who watches it.
#[derive(Clone)]
#[non_exhaustive]
pub struct FitOptions<'a> {
    /// What the EXACT loss expects; it has no part in the other losses. Accuracy by default. A cost of no
    /// prediction is refused: it takes probabilities that selection has calibrated.
    pub metric: Metric,
    /// Where training starts. By default from zero for cross-entropy and from its solution, which is not
    /// counted in the steps, for other losses.
    pub start: Option<&'a LinearClassifier>,
    /// Called as training goes on; by default nobody is.
    pub callback: Callback<'a>,
}

impl Default for FitOptions<'_> {
    fn default() -> Self {
        Self { metric: Metric::default(), start: None, callback: &Progress::ignore }
    }
}

impl<'a> FitOptions<'a> {
    /// With another [`FitOptions::metric`].
    #[must_use]
    pub fn with_metric(self, metric: Metric) -> Self {
        Self { metric, ..self }
    }

    /// With a [`FitOptions::start`].
    #[must_use]
    pub fn with_start(self, start: &'a LinearClassifier) -> Self {
        Self { start: Some(start), ..self }
    }

    /// With a [`FitOptions::callback`].
    #[must_use]
    pub fn with_callback(self, callback: Callback<'a>) -> Self {
        Self { callback, ..self }
    }
}

/// A classifier that was trained with given settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The classifier. Its link is as the loss has it, not calibrated: probit with the settings' sigma for
    /// EXACT and probit, else softmax.
    pub classifier: LinearClassifier,
    /// The mean loss on the training rows, without penalty.
    pub loss: f64,
    /// Steps of the optimiser.
    pub iterations: usize,
    /// Whether training ended by itself rather than by the limit of steps.
    pub converged: bool,
}

impl LinearClassifier {
    /// Trains on all rows with L-BFGS, with OWL-QN (Andrew and Gao 2007) where there is an L1 penalty, or
    /// with FISTA (Beck and Teboulle 2009) where there is one of groups.
    ///
    /// # Errors
    /// [`LinearError`] if a setting is outside its range, the start has another shape, training diverges, or
    /// the callback stops it.
    ///
    /// # Example
    /// ```
    /// use exact_data::DenseMatrix;
    /// use exact_linear::{Dataset, FitOptions, LinearClassifier, LossSettings, RandomScores, Settings};
    ///
    /// let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 10.0).collect();
    /// let labels = (0..40).map(|i| u32::from(i > 22 || i % 10 == 3)).collect();
    /// let data = Dataset::new(DenseMatrix::new(x.as_slice(), 1)?, labels, 2, None)?;
    /// let exact = LossSettings::Exact(RandomScores::constant(0.1));
    /// let fitted = LinearClassifier::fit(&data, &Settings::new(exact, 1e-4), &FitOptions::default())?;
    /// assert!(fitted.converged && fitted.loss < 0.1);
    /// # Ok::<(), exact_linear::LinearError>(())
    /// ```
    pub fn fit(
        data: &Dataset<'_>,
        settings: &Settings,
        options: &FitOptions<'_>,
    ) -> Result<Fitted, LinearError> {
        let FitOptions { metric, start, callback } = options;
        settings.check()?;
        metric.check(data.n_classes, false)?;
        let goal = Goal::new(settings, metric)?;
        let first = if start.is_none() { settings.start() } else { None };
        let first = first.as_ref().map(|cross_entropy| Goal::new(cross_entropy, metric)).transpose()?;
        let passes = first.iter().chain([&goal]).map(|goal| goal.limits().iterations).sum();
        let watch = Watch::new(callback, goal.kind().name(), passes);
        let start = match (start, &first) {
            (Some(classifier), _) => classifier.parameters_on(data)?,
            (None, None) => data.zero(),
            (None, Some(cross_entropy)) => refine::fit(data, cross_entropy, &data.zero(), &watch)?.parameters,
        };
        let fit = refine::fit(data, &goal, &start, &watch)?;
        if !fit.is_finite() {
            return Err(LinearError::Diverged { loss: goal.kind().name() });
        }
        let classifier = Self::of(data, &fit.parameters, settings.loss.link());
        Ok(Fitted { classifier, loss: fit.loss, iterations: fit.iterations, converged: fit.converged })
    }

    /// The parameters on a data set's standardised columns.
    fn parameters_on(&self, data: &Dataset<'_>) -> Result<Vec<f64>, LinearError> {
        let map = data.map();
        if self.expansion.is_some() || self.map.n_columns != map.n_columns {
            let (found, expected) = (map.n_columns, self.map.n_columns);
            return Err(LinearError::Columns { found, expected });
        }
        if self.map.n_classes != map.n_classes {
            let (found, expected) = (self.map.n_classes, map.n_classes);
            return Err(LinearError::StartClasses { found, expected });
        }
        let mut parameters = match &data.inputs {
            Inputs::Encoded(_) => self.parameters.clone(),
            _ => data.standardisation.unfold(&map, &self.parameters),
        };
        data.clear_biases(&mut parameters);
        Ok(parameters)
    }
}
