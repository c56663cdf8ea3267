//! The settings of one training run.

use exact_core::loss::{LossError, LossKind, LossSettings, RandomScores};

use crate::LinearError;

/// A loss with its settings, and how it is trained. Linear classifiers are trained with the losses of
/// [`LossKind::FOR_ACCURACY`]. Those on random scores have one sigma and no normalisation of their own
/// ([`RandomScores::constant`]): training normalises the logits for EXACT and the relaxations of the 0-1
/// loss, whose sigma, margin and temperature are therefore in units of the logits' standard deviation.
///
/// The penalty is `l1 Σ |w| + l2 / 2 Σ w²` over the weights `w` of all classes on standardised columns (or on
/// those of [`Dataset::without_standardisation`](crate::Dataset::without_standardisation)), biases apart: the
/// elastic net (Zou and Hastie 2005). With an L1 part, columns that tell little of the
/// class end without any weight. In its place there may be a group part, `group_l1 Σ_g √|g| ‖w_g‖` over
/// groups of `|g|` columns with the weights `w_g` of all classes: the group lasso (Yuan and Lin 2006), with
/// which the columns of a group have weights together or not at all. Weights are shifted in the end so that
/// those of a column sum to 0 over the classes: a column without weights stays so; with more than two
/// classes, single weights of 0 need not.
///
/// # Example
/// ```
/// use exact_linear::{LossSettings, RandomScores, Settings};
///
/// let loss = LossSettings::Exact(RandomScores::constant(0.1).with_margin(Some(0.5)));
/// let settings = Settings::new(loss, 1e-3).with_max_iterations(20);
/// assert_eq!((settings.loss.name(), settings.l2), ("exact", 1e-3));
/// ```
///
/// Of two columns, one says nothing of the class:
/// ```
/// use exact_data::DenseMatrix;
/// use exact_linear::{Dataset, FitOptions, LinearClassifier, LossSettings, Settings};
///
/// let x = [0.0, 1.0, 1.0, -1.0, 2.0, -1.0, 3.0, 1.0];
/// let data = Dataset::new(DenseMatrix::new(x.as_slice(), 2)?, vec![0, 0, 1, 1], 2, None)?;
/// let settings = Settings::new(LossSettings::default(), 0.0).with_l1(0.1);
/// let fitted = LinearClassifier::fit(&data, &settings, &FitOptions::default())?;
/// let coefficients = fitted.classifier.coefficients();
/// assert!(coefficients[2] > 0.1 && coefficients[3] == 0.0);
///
/// // Of two classes and with groups of one column, the two penalties differ by a factor of √2.
/// let settings = Settings::new(LossSettings::default(), 0.0).with_group_l1(0.1 * 2.0_f64.sqrt());
/// let grouped = LinearClassifier::fit(&data, &settings, &FitOptions::default())?;
/// let others = grouped.classifier.coefficients();
/// assert!((others[2] - coefficients[2]).abs() < 1e-3 && others[3] == 0.0);
/// # Ok::<(), exact_linear::LinearError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The loss.
    pub loss: LossSettings,
    /// The strength of the L2 penalty `l2 / 2 ‖weights‖²`, weights on standardised columns, beside the mean
    /// loss; at least 0. Losses on normalised logits take a tenth of it.
    pub l2: f64,
    /// The strength of the L1 penalty `l1 ‖weights‖₁` on the same weights; at least 0, and 0 by default.
    /// Losses on normalised logits take the columns that it leaves to the cross-entropy from which they start
    /// (or those with a weight in another start), with the L2 penalty alone: the relaxed lasso (Meinshausen
    /// 2007).
    pub l1: f64,
    /// The strength of the group penalty `group_l1 Σ_g √|g| ‖w_g‖` on the same weights; at least 0, and 0 by
    /// default or where there is an L1 penalty. Groups are the indicators of a column of categories of
    /// [`exact_data::Features`] and, where columns are expanded to [splines](crate::FeatureKind::Splines), a
    /// number with its curve; each other column, and each of a matrix, is a group of its own, with its
    /// weights of all classes. Losses on normalised logits take the groups that it leaves to cross-entropy,
    /// as with `l1`.
    pub group_l1: f64,
    /// Steps of L-BFGS, of OWL-QN where there is an L1 penalty, or of FISTA where there is one of groups, at
    /// most; 200 for cross-entropy and probit
    /// and 60 for other losses where it is `None`.
    pub max_iterations: Option<usize>,
}

impl Settings {
    /// A loss and the strength of the L2 penalty.
    pub fn new(loss: LossSettings, l2: f64) -> Self {
        Self { loss, l2, l1: 0.0, group_l1: 0.0, max_iterations: None }
    }

    /// With an [`Settings::l1`].
    #[must_use]
    pub fn with_l1(self, l1: f64) -> Self {
        Self { l1, ..self }
    }

    /// With a [`Settings::group_l1`].
    #[must_use]
    pub fn with_group_l1(self, group_l1: f64) -> Self {
        Self { group_l1, ..self }
    }

    /// With [`Settings::max_iterations`].
    #[must_use]
    pub fn with_max_iterations(self, iterations: usize) -> Self {
        Self { max_iterations: Some(iterations), ..self }
    }

    /// The cross-entropy from whose solution training with another loss starts; `None` for cross-entropy
    /// itself.
    pub(crate) fn start(&self) -> Option<Self> {
        (self.loss.kind() != LossKind::CrossEntropy).then(|| {
            Self::new(LossSettings::default(), self.l2).with_l1(self.l1).with_group_l1(self.group_l1)
        })
    }

    /// Checks what a user can set and no loss checks.
    pub(crate) fn check(&self) -> Result<(), LinearError> {
        for (name, value) in [("l2", self.l2), ("l1", self.l1), ("group_l1", self.group_l1)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(LossError::Setting { name, expected: "at least 0 and finite", value }.into());
            }
        }
        if self.l1 > 0.0 && self.group_l1 > 0.0 {
            let expected = "0 where l1 is not";
            return Err(LossError::Setting { name: "group_l1", expected, value: self.group_l1 }.into());
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
