//! The settings of one training run.

use exact_core::loss::{LossError, LossKind, LossSettings, RandomScores};

use crate::LinearError;

/// A loss with its settings, and how it is trained. Linear classifiers are trained with the losses of
/// [`LossKind::FOR_ACCURACY`]. Those on random scores have one sigma and no normalisation of their own
/// ([`RandomScores::constant`]): training normalises the logits for EXACT and the relaxations of the 0-1
/// loss, whose sigma, margin and temperature are therefore in units of the logits' standard deviation.
///
/// # Example
/// ```
/// use exact_linear::{LossSettings, RandomScores, Settings};
///
/// let loss = LossSettings::Exact(RandomScores::constant(0.1).with_margin(Some(0.5)));
/// let settings = Settings::new(loss, 1e-3).with_max_iterations(20);
/// assert_eq!((settings.loss.name(), settings.l2), ("exact", 1e-3));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The loss.
    pub loss: LossSettings,
    /// The strength of the L2 penalty `l2 / 2 ‖weights‖²`, weights on standardised columns, beside the mean
    /// loss; at least 0. Losses on normalised logits take a tenth of it.
    pub l2: f64,
    /// Steps of L-BFGS at most; 200 for cross-entropy and probit and 60 for other losses where it is `None`.
    pub max_iterations: Option<usize>,
}

impl Settings {
    /// A loss and the strength of the L2 penalty.
    pub fn new(loss: LossSettings, l2: f64) -> Self {
        Self { loss, l2, max_iterations: None }
    }

    /// With [`Settings::max_iterations`].
    #[must_use]
    pub fn with_max_iterations(self, iterations: usize) -> Self {
        Self { max_iterations: Some(iterations), ..self }
    }

    /// The cross-entropy from whose solution training with another loss starts; `None` for cross-entropy
    /// itself.
    pub(crate) fn start(&self) -> Option<Self> {
        (self.loss.kind() != LossKind::CrossEntropy).then(|| Self::new(LossSettings::default(), self.l2))
    }

    /// Checks what a user can set and no loss checks.
    pub(crate) fn check(&self) -> Result<(), LinearError> {
        if !(self.l2 >= 0.0 && self.l2.is_finite()) {
            let expected = "at least 0 and finite";
            return Err(LossError::Setting { name: "l2", expected, value: self.l2 }.into());
        }
        let Some(RandomScores { first_sigma, last_sigma, learned_sigma, normalize_logits, .. }) =
            self.loss.scores()
        else {
            return Ok(());
        };
        if *learned_sigma || *normalize_logits || first_sigma.total_cmp(last_sigma).is_ne() {
            return Err(LinearError::Scores);
        }
        if !(*first_sigma > 0.0 && first_sigma.is_finite()) {
            let expected = "positive and finite";
            return Err(LossError::Setting { name: "sigma", expected, value: *first_sigma }.into());
        }
        Ok(())
    }
}
