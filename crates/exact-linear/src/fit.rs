//! One fit with given settings.

use exact_core::Link;

use crate::classifier::LinearClassifier;
use crate::dataset::Dataset;
use crate::goal::Goal;
use crate::metric::Metric;
use crate::progress::{Callback, Watch};
use crate::rows::Inputs;
use crate::settings::{LossKind, Settings};
use crate::{LinearError, refine};

/// A classifier that was trained with given settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The classifier. Its link is as the loss has it, not calibrated: probit with the settings' sigma for EXACT and
    /// probit, else softmax.
    pub classifier: LinearClassifier,
    /// The mean loss on the training rows, without penalty.
    pub loss: f64,
    /// Steps of L-BFGS.
    pub iterations: usize,
    /// Whether training ended by itself rather than by the limit of steps.
    pub converged: bool,
}

/// How a loss has it that logits become probabilities.
pub(crate) fn link(kind: LossKind, settings: &Settings) -> Link {
    match kind {
        LossKind::Exact | LossKind::Probit => Link::Probit { sigma: settings.sigma.unwrap_or(1.0) },
        _ => Link::Softmax { temperature: 1.0 },
    }
}

impl LinearClassifier {
    /// Trains on all rows with L-BFGS: from `start` if there is one, else from zero for cross-entropy and from its
    /// solution for other losses, which is not counted in the steps. `metric` says what the EXACT loss expects; it has no
    /// part in the other losses.
    ///
    /// # Errors
    /// [`LinearError`] if a setting is outside its range, `start` has another shape, training diverges, or the callback
    /// stops it.
    ///
    /// # Example
    /// ```
    /// use exact_data::DenseMatrix;
    /// use exact_linear::{Dataset, LinearClassifier, LossKind, Metric, Progress, Settings};
    ///
    /// let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 10.0).collect();
    /// let labels = (0..40).map(|i| u32::from(i > 22 || i % 10 == 3)).collect();
    /// let data = Dataset::new(DenseMatrix::new(x.as_slice(), 1)?, labels, 2, None)?;
    /// let settings = Settings::new(1e-4).with_sigma(0.1);
    /// let (exact, accuracy) = (LossKind::Exact, Metric::Accuracy);
    /// let fitted = LinearClassifier::fit(&data, exact, &accuracy, &settings, None, &Progress::ignore)?;
    /// assert!(fitted.converged && fitted.loss < 0.1);
    /// # Ok::<(), exact_linear::LinearError>(())
    /// ```
    pub fn fit(
        data: &Dataset<'_>,
        kind: LossKind,
        metric: &Metric,
        settings: &Settings,
        start: Option<&Self>,
        callback: Callback<'_>,
    ) -> Result<Fitted, LinearError> {
        settings.check()?;
        metric.check(data.n_classes)?;
        let watch = Watch::new(callback, kind.name(), 1);
        let start = match start {
            Some(classifier) => classifier.parameters_on(data)?,
            None if kind == LossKind::CrossEntropy => vec![0.0; data.map().n_parameters()],
            None => {
                let goal = Goal { kind: LossKind::CrossEntropy, metric };
                let zero = vec![0.0; data.map().n_parameters()];
                refine::fit(data, goal, &Settings::new(settings.l2), &zero, &watch)?.parameters
            }
        };
        let fit = refine::fit(data, Goal { kind, metric }, settings, &start, &watch)?;
        if !(fit.loss.is_finite() && fit.parameters.iter().all(|parameter| parameter.is_finite())) {
            return Err(LinearError::Diverged { loss: kind.name() });
        }
        let classifier = Self::of(data, &fit.parameters, link(kind, settings));
        watch.advance()?;
        Ok(Fitted { classifier, loss: fit.loss, iterations: fit.iterations, converged: fit.converged })
    }

    /// The parameters on a data set's standardised columns.
    fn parameters_on(&self, data: &Dataset<'_>) -> Result<Vec<f64>, LinearError> {
        let map = data.map();
        if self.map.n_columns != map.n_columns {
            let (found, expected) = (map.n_columns, self.map.n_columns);
            return Err(LinearError::Columns { found, expected });
        }
        if self.map.n_classes != map.n_classes {
            let (found, expected) = (self.map.n_classes, map.n_classes);
            return Err(LinearError::StartClasses { found, expected });
        }
        Ok(match &data.inputs {
            Inputs::Encoded(_) => self.parameters.clone(),
            _ => data.standardisation.unfold(&map, &self.parameters),
        })
    }
}
