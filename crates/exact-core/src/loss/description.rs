//! The one description of each loss: its name, its settings, how it is built from them, and how its logits
//! become probabilities. Everything that lets a user choose a loss – models, networks, the command line,
//! Python, the files of recipes – goes through it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    BetaBernoulli, CrossEntropy, Exact, ExpectedCost, Focal, Hinge, Loss, LossError, MacroF1, Normalized,
    OnRandomScores, Poly1, Polynomial, Probit, Sigmoid, TopK, WeightedSum,
};
use crate::schedule::Schedule;
use crate::{Link, Real};

/// Which loss, without its settings.
///
/// # Example
/// ```
/// use exact_core::loss::LossKind;
///
/// let kind: LossKind = "beta-bernoulli".parse()?;
/// assert_eq!((kind, kind.name()), (LossKind::BetaBernoulli, "beta-bernoulli"));
/// # Ok::<(), exact_core::loss::UnknownLoss>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LossKind {
    /// [`CrossEntropy`].
    CrossEntropy,
    /// [`Exact`]: expected error.
    Exact,
    /// [`Probit`]: minus the logarithm of expected accuracy.
    Probit,
    /// [`Hinge`].
    Hinge,
    /// [`Sigmoid`] relaxation of the 0-1 loss.
    Sigmoid,
    /// [`BetaBernoulli`] relaxation of the 0-1 loss.
    BetaBernoulli,
    /// [`Polynomial`] relaxation of the 0-1 loss.
    Polynomial,
    /// [`Poly1`]: cross-entropy with a linear term in the label's probability.
    Poly1,
    /// [`Focal`].
    Focal,
    /// [`TopK`]: expected top-k error.
    TopK,
    /// [`MacroF1`]: one minus macro-F1 from expected counts.
    MacroF1,
    /// [`ExpectedCost`] under a cost matrix.
    ExpectedCost,
    /// [`WeightedSum`] of other losses.
    WeightedSum,
}

impl LossKind {
    /// The losses that are made for accuracy or are its usual surrogates, in the order of comparisons. Each
    /// can be built from its name alone.
    pub const FOR_ACCURACY: [Self; 8] = [
        Self::CrossEntropy,
        Self::Exact,
        Self::Probit,
        Self::Hinge,
        Self::Sigmoid,
        Self::BetaBernoulli,
        Self::Polynomial,
        Self::Poly1,
    ];

    /// All losses.
    pub const ALL: [Self; 13] = [
        Self::CrossEntropy,
        Self::Exact,
        Self::Probit,
        Self::Hinge,
        Self::Sigmoid,
        Self::BetaBernoulli,
        Self::Polynomial,
        Self::Poly1,
        Self::Focal,
        Self::TopK,
        Self::MacroF1,
        Self::ExpectedCost,
        Self::WeightedSum,
    ];

    /// The name on the command line, in records, recipes and model files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::Exact => "exact",
            Self::Probit => "probit",
            Self::Hinge => "hinge",
            Self::Sigmoid => "sigmoid",
            Self::BetaBernoulli => "beta-bernoulli",
            Self::Polynomial => "polynomial",
            Self::Poly1 => "poly1",
            Self::Focal => "focal",
            Self::TopK => "top-k",
            Self::MacroF1 => "macro-f1",
            Self::ExpectedCost => "expected-cost",
            Self::WeightedSum => "weighted-sum",
        }
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no loss has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no loss '{name}'; the losses are {}", LossKind::ALL.map(LossKind::name).join(", "))]
pub struct UnknownLoss {
    /// What was asked for.
    pub name: String,
}

impl FromStr for LossKind {
    type Err = UnknownLoss;

    fn from_str(name: &str) -> Result<Self, UnknownLoss> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownLoss { name: name.to_owned() })
    }
}

/// A loss with its settings.
///
/// # Example
/// ```
/// use exact_core::Link;
/// use exact_core::loss::{LossSettings, RandomScores};
///
/// let settings = LossSettings::Exact(RandomScores::constant(0.5).with_margin(Some(2.0)));
/// assert_eq!((settings.name(), settings.link()), ("exact", Link::Probit { sigma: 0.5 }));
/// let loss = settings.build::<f64>()?;
/// assert_eq!(loss.name(), "exact");
/// # Ok::<(), exact_core::loss::LossError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum LossSettings {
    /// [`CrossEntropy`].
    CrossEntropy {
        /// The share of the target that all classes get.
        #[serde(default)]
        label_smoothing: f64,
    },
    /// [`Exact`].
    Exact(RandomScores),
    /// [`Probit`].
    Probit(RandomScores),
    /// [`Hinge`].
    Hinge {
        /// The margin.
        #[serde(default = "one")]
        margin: f64,
    },
    /// [`Sigmoid`].
    Sigmoid {
        /// What differences are divided by.
        #[serde(default = "one")]
        temperature: f64,
    },
    /// [`BetaBernoulli`].
    BetaBernoulli {
        /// What differences are divided by.
        #[serde(default = "one")]
        temperature: f64,
    },
    /// [`Polynomial`].
    Polynomial {
        /// What differences are divided by.
        #[serde(default = "one")]
        temperature: f64,
    },
    /// [`Poly1`].
    Poly1 {
        /// The weight of the additional term.
        #[serde(default = "one")]
        epsilon: f64,
    },
    /// [`Focal`].
    Focal {
        /// The exponent.
        gamma: f64,
    },
    /// [`TopK`].
    TopK {
        /// How many classes are predicted.
        k: usize,
        /// The distribution of the scores.
        #[serde(default)]
        scores: RandomScores,
    },
    /// [`MacroF1`].
    MacroF1(RandomScores),
    /// [`ExpectedCost`].
    ExpectedCost {
        /// The cost of each label (row) and prediction (column).
        costs: Vec<Vec<f64>>,
        /// The distribution of the scores.
        #[serde(default)]
        scores: RandomScores,
    },
    /// [`WeightedSum`].
    WeightedSum {
        /// The losses.
        parts: Vec<WeightedLoss>,
    },
}

/// A part of a weighted sum of losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedLoss {
    /// The weight, above 0.
    pub weight: f64,
    /// The loss.
    pub loss: LossSettings,
}

fn one() -> f64 {
    1.0
}

impl Default for LossSettings {
    fn default() -> Self {
        Self::CrossEntropy { label_smoothing: 0.0 }
    }
}

/// The distribution of the scores of a loss on random ones over a training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RandomScores {
    /// Sigma at the first step: 10 as in the paper.
    pub first_sigma: f64,
    /// Sigma at the last step, which a geometric schedule leads to: 1 by default.
    pub last_sigma: f64,
    /// What differences of logits are clipped at; nothing by default.
    pub margin: Option<f64>,
    /// Whether sigma is learned from `first_sigma` on rather than scheduled.
    pub learned_sigma: bool,
    /// Whether the logits of a batch are [normalised](Normalized): by default they are.
    pub normalize_logits: bool,
}

impl Default for RandomScores {
    fn default() -> Self {
        Self {
            first_sigma: 10.0,
            last_sigma: 1.0,
            margin: None,
            learned_sigma: false,
            normalize_logits: true,
        }
    }
}

impl RandomScores {
    /// One sigma at all steps, on the logits as they are.
    pub fn constant(sigma: f64) -> Self {
        Self { normalize_logits: false, ..Self::default() }.at_sigma(sigma)
    }

    /// The same with one sigma at all steps.
    #[must_use]
    pub fn at_sigma(self, sigma: f64) -> Self {
        Self { first_sigma: sigma, last_sigma: sigma, ..self }
    }

    /// With another margin, or with none.
    #[must_use]
    pub fn with_margin(self, margin: Option<f64>) -> Self {
        Self { margin, ..self }
    }

    /// Sigma at a step: on the geometric schedule, or where learning it begins.
    fn sigma(&self, step: usize, steps: usize) -> Result<f64, LossError> {
        let last = if self.learned_sigma { self.first_sigma } else { self.last_sigma };
        for (name, value) in [("first-sigma", self.first_sigma), ("last-sigma", last)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(LossError::Setting { name, expected: "positive and finite", value });
            }
        }
        let schedule = Schedule::geometric(self.first_sigma, last)
            .expect("both ends of the schedule are positive and finite");
        Ok(schedule.value(step, steps))
    }

    /// The loss that `new` makes of sigma, on these scores at a step.
    fn apply<T: Real, L: Loss<T> + OnRandomScores + 'static>(
        &self,
        step: usize,
        steps: usize,
        new: impl FnOnce(f64) -> Result<L, LossError>,
    ) -> Result<Arc<dyn Loss<T>>, LossError> {
        let mut loss = new(self.sigma(step, steps)?)?;
        if let Some(margin) = self.margin {
            loss = loss.with_margin(margin)?;
        }
        let loss = Arc::new(if self.learned_sigma { loss.with_learned_sigma() } else { loss });
        Ok(if self.normalize_logits { Arc::new(Normalized::new(loss)) } else { loss })
    }
}

impl LossSettings {
    /// The loss with its default settings; random scores have the default schedule of [`RandomScores`].
    ///
    /// # Errors
    /// [`LossError::MissingSetting`] if the loss needs a setting that has no default.
    ///
    /// # Example
    /// ```
    /// use exact_core::loss::{LossError, LossKind, LossSettings, RandomScores};
    ///
    /// assert_eq!(LossSettings::named(LossKind::Exact)?, LossSettings::Exact(RandomScores::default()));
    /// let missing = LossError::MissingSetting { loss: "focal", setting: "gamma" };
    /// assert_eq!(LossSettings::named(LossKind::Focal), Err(missing));
    /// # Ok::<(), exact_core::loss::LossError>(())
    /// ```
    pub fn named(kind: LossKind) -> Result<Self, LossError> {
        Hyperparameters::default().on_scores(kind, RandomScores::default())
    }

    /// Which loss it is.
    pub fn kind(&self) -> LossKind {
        match self {
            Self::CrossEntropy { .. } => LossKind::CrossEntropy,
            Self::Exact(_) => LossKind::Exact,
            Self::Probit(_) => LossKind::Probit,
            Self::Hinge { .. } => LossKind::Hinge,
            Self::Sigmoid { .. } => LossKind::Sigmoid,
            Self::BetaBernoulli { .. } => LossKind::BetaBernoulli,
            Self::Polynomial { .. } => LossKind::Polynomial,
            Self::Poly1 { .. } => LossKind::Poly1,
            Self::Focal { .. } => LossKind::Focal,
            Self::TopK { .. } => LossKind::TopK,
            Self::MacroF1(_) => LossKind::MacroF1,
            Self::ExpectedCost { .. } => LossKind::ExpectedCost,
            Self::WeightedSum { .. } => LossKind::WeightedSum,
        }
    }

    /// The name of its kind.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// The distribution of the scores, if the loss, or else the first such part of it, has one.
    pub fn scores(&self) -> Option<&RandomScores> {
        match self {
            Self::Exact(scores)
            | Self::Probit(scores)
            | Self::MacroF1(scores)
            | Self::TopK { scores, .. }
            | Self::ExpectedCost { scores, .. } => Some(scores),
            Self::WeightedSum { parts } => parts.iter().find_map(|part| part.loss.scores()),
            Self::CrossEntropy { .. }
            | Self::Hinge { .. }
            | Self::Sigmoid { .. }
            | Self::BetaBernoulli { .. }
            | Self::Polynomial { .. }
            | Self::Poly1 { .. }
            | Self::Focal { .. } => None,
        }
    }

    /// Sigma at a step, from 0 to `steps - 1`, if the scores are random: where it is learned, the value it
    /// starts from.
    ///
    /// # Errors
    /// [`LossError::Setting`] if a sigma is not positive and finite.
    pub fn sigma(&self, step: usize, steps: usize) -> Result<Option<f64>, LossError> {
        self.scores().map(|scores| scores.sigma(step, steps)).transpose()
    }

    /// The loss at a step, from 0 to `steps - 1`, of its schedule of sigma.
    ///
    /// # Errors
    /// [`LossError`] if a setting is outside its range.
    pub fn at<T: Real>(&self, step: usize, steps: usize) -> Result<Arc<dyn Loss<T>>, LossError> {
        Ok(match self {
            Self::CrossEntropy { label_smoothing } => {
                Arc::new(CrossEntropy::with_label_smoothing(*label_smoothing)?)
            }
            Self::Exact(scores) => scores.apply(step, steps, Exact::new)?,
            Self::Probit(scores) => scores.apply(step, steps, Probit::new)?,
            Self::Hinge { margin } => Arc::new(Hinge::new(*margin)?),
            Self::Sigmoid { temperature } => Arc::new(Sigmoid::new(*temperature)?),
            Self::BetaBernoulli { temperature } => Arc::new(BetaBernoulli::new(*temperature)?),
            Self::Polynomial { temperature } => Arc::new(Polynomial::new(*temperature)?),
            Self::Poly1 { epsilon } => Arc::new(Poly1::new(*epsilon)?),
            Self::Focal { gamma } => Arc::new(Focal::new(*gamma)?),
            Self::TopK { k, scores } => scores.apply(step, steps, |sigma| TopK::new(*k, sigma))?,
            Self::MacroF1(scores) => scores.apply(step, steps, MacroF1::new)?,
            Self::ExpectedCost { costs, scores } => {
                let n_predictions = costs.first().map_or(0, Vec::len);
                if let Some(row) = costs.iter().find(|row| row.len() != n_predictions) {
                    let (what, found) = ("row of the cost matrix", row.len());
                    return Err(LossError::Length { what, found, expected: n_predictions });
                }
                scores.apply(step, steps, |sigma| ExpectedCost::new(&costs.concat(), n_predictions, sigma))?
            }
            Self::WeightedSum { parts } => {
                let part = |part: &WeightedLoss| Ok((part.weight, part.loss.at(step, steps)?));
                Arc::new(WeightedSum::new(parts.iter().map(part).collect::<Result<Vec<_>, LossError>>()?)?)
            }
        })
    }

    /// The loss at the last step of its schedule of sigma, which is all there is where sigma is constant.
    ///
    /// # Errors
    /// [`LossError`] if a setting is outside its range.
    pub fn build<T: Real>(&self) -> Result<Arc<dyn Loss<T>>, LossError> {
        self.at(1, 2)
    }

    /// How logits become probabilities, before the scale is [fitted](Link::calibrated): as normal scores,
    /// where the loss takes them for such, with its last sigma, or with 1 where the loss normalises logits.
    pub fn link(&self) -> Link {
        match self.scores() {
            Some(RandomScores { normalize_logits: false, last_sigma, .. }) => {
                Link::Probit { sigma: *last_sigma }
            }
            Some(_) => Link::Probit { sigma: 1.0 },
            None => Link::default(),
        }
    }
}

/// The numbers that losses are set by, as one flat list: what Python and records have. A loss takes those
/// that it has, and does not look at the others.
///
/// # Example
/// ```
/// use exact_core::loss::{Hyperparameters, LossKind, LossSettings};
///
/// let numbers = Hyperparameters { margin: Some(2.0), ..Hyperparameters::default() };
/// let hinge = numbers.settings(LossKind::Hinge)?;
/// assert_eq!(hinge, LossSettings::Hinge { margin: 2.0 });
/// assert_eq!(Hyperparameters::of(&hinge), numbers);
/// # Ok::<(), exact_core::loss::LossError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Hyperparameters {
    /// The standard deviation of random scores; 1 where it is `None`.
    pub sigma: Option<f64>,
    /// Where hinge, 1 where it is `None`, and losses on random scores, nowhere where it is `None`, clip
    /// differences of logits. Probit takes none: it would not be convex.
    pub margin: Option<f64>,
    /// What differences of logits are divided by in the relaxations of the 0-1 loss; 1 where it is `None`.
    pub temperature: Option<f64>,
    /// The weight of the linear term of Poly-1; 1 where it is `None`.
    pub epsilon: Option<f64>,
    /// The exponent of the focal loss.
    pub gamma: Option<f64>,
    /// The share of cross-entropy's target that all classes get; 0 where it is `None`.
    pub label_smoothing: Option<f64>,
    /// How many classes top-k predicts.
    pub k: Option<usize>,
}

impl Hyperparameters {
    /// Those that a loss has.
    pub fn of(loss: &LossSettings) -> Self {
        let mut numbers = Self::default();
        match loss {
            LossSettings::CrossEntropy { label_smoothing } if *label_smoothing == 0.0 => {}
            LossSettings::CrossEntropy { label_smoothing } => {
                numbers.label_smoothing = Some(*label_smoothing);
            }
            LossSettings::Hinge { margin } => numbers.margin = Some(*margin),
            LossSettings::Sigmoid { temperature }
            | LossSettings::BetaBernoulli { temperature }
            | LossSettings::Polynomial { temperature } => numbers.temperature = Some(*temperature),
            LossSettings::Poly1 { epsilon } => numbers.epsilon = Some(*epsilon),
            LossSettings::Focal { gamma } => numbers.gamma = Some(*gamma),
            LossSettings::TopK { k, .. } => numbers.k = Some(*k),
            LossSettings::Exact(_)
            | LossSettings::Probit(_)
            | LossSettings::MacroF1(_)
            | LossSettings::ExpectedCost { .. }
            | LossSettings::WeightedSum { .. } => {}
        }
        if let Some(scores) = loss.scores() {
            (numbers.sigma, numbers.margin) = (Some(scores.last_sigma), scores.margin);
        }
        numbers
    }

    /// The loss with these settings; scores have one sigma, on the logits as they are.
    ///
    /// # Errors
    /// [`LossError::MissingSetting`] if the loss needs a setting that is not a number, or one that is `None`
    /// and has no default.
    pub fn settings(&self, kind: LossKind) -> Result<LossSettings, LossError> {
        let scores = RandomScores::constant(self.sigma.unwrap_or(1.0)).with_margin(self.margin);
        self.on_scores(kind, scores)
    }

    /// The loss with these settings, on these scores if it is one on random scores.
    fn on_scores(&self, kind: LossKind, scores: RandomScores) -> Result<LossSettings, LossError> {
        let missing = |setting| LossError::MissingSetting { loss: kind.name(), setting };
        let temperature = self.temperature.unwrap_or(1.0);
        Ok(match kind {
            LossKind::CrossEntropy => {
                LossSettings::CrossEntropy { label_smoothing: self.label_smoothing.unwrap_or(0.0) }
            }
            LossKind::Exact => LossSettings::Exact(scores),
            LossKind::Probit => LossSettings::Probit(scores.with_margin(None)),
            LossKind::Hinge => LossSettings::Hinge { margin: self.margin.unwrap_or(1.0) },
            LossKind::Sigmoid => LossSettings::Sigmoid { temperature },
            LossKind::BetaBernoulli => LossSettings::BetaBernoulli { temperature },
            LossKind::Polynomial => LossSettings::Polynomial { temperature },
            LossKind::Poly1 => LossSettings::Poly1 { epsilon: self.epsilon.unwrap_or(1.0) },
            LossKind::Focal => LossSettings::Focal { gamma: self.gamma.ok_or(missing("gamma"))? },
            LossKind::TopK => LossSettings::TopK { k: self.k.ok_or(missing("k"))?, scores },
            LossKind::MacroF1 => LossSettings::MacroF1(scores),
            LossKind::ExpectedCost => return Err(missing("costs")),
            LossKind::WeightedSum => return Err(missing("parts")),
        })
    }
}
