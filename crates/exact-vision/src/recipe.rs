//! What a training run is made of.

use std::str::FromStr;
use std::sync::Arc;

use burn::tensor::Device;
use exact_core::Link;
use exact_core::loss::{
    BetaBernoulli, CrossEntropy, Exact, Focal, Hinge, Logits, Loss, MacroF1, Normalized, OnRandomScores,
    Poly1, Polynomial, Probit, Sigmoid, TopK, WeightedSum,
};
use exact_core::schedule::Schedule;
use serde::{Deserialize, Serialize};

use crate::VisionError;
use crate::augment::{Mixup, Transform};
use crate::loss::Criterion;
use crate::models::Architecture;
use crate::optim::{Optimizer, OptimizerSettings};

/// The settings of a training run. Every field has a default but `model`.
///
/// # Example
/// ```
/// use exact_vision::Recipe;
///
/// let recipe = Recipe::from_toml(
///     r#"
///     model = "wrn-16-4"
///     epochs = 150
///     augmentation = ["flip", { crop = { padding = 4 } }, { cutout = { size = 8 } }]
///
///     [loss]
///     name = "exact"
///     last-sigma = 0.1
///
///     [optimizer]
///     sharpness = { asam = { rho = 2.0 } }
///     "#,
/// )?;
/// assert_eq!((recipe.epochs, recipe.augmentation.len()), (150, 3));
/// assert!(Recipe::from_toml("model = \"m3\"\nepoch = 150").is_err());
/// # Ok::<(), exact_vision::VisionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Recipe {
    /// The network.
    pub model: Architecture,
    /// The loss: cross-entropy by default.
    #[serde(default)]
    pub loss: LossSettings,
    /// Passes over the training images: 10 by default.
    #[serde(default = "default_epochs")]
    pub epochs: usize,
    /// Images per step: 64 by default.
    #[serde(default = "default_batch_size")]
    pub batch_size: usize,
    /// What all random numbers depend on: 0 by default.
    #[serde(default)]
    pub seed: u64,
    /// The share of the training images that choose the best epoch and are not trained on: a fifth by default.
    #[serde(default = "default_validation_fraction")]
    pub validation_fraction: f64,
    /// Training ends after so many epochs without a better validation accuracy; by default it does not.
    #[serde(default)]
    pub patience: Option<usize>,
    /// How gradients become steps.
    #[serde(default)]
    pub optimizer: OptimizerSettings,
    /// The learning rate over all steps.
    #[serde(default)]
    pub learning_rate: LearningRate,
    /// Changes of training images, one after the other; none by default.
    #[serde(default)]
    pub augmentation: Vec<Transform>,
    /// The alpha of [`Mixup`]; by default images are not mixed.
    #[serde(default)]
    pub mixup: Option<f64>,
}

fn default_epochs() -> usize {
    10
}

fn default_batch_size() -> usize {
    64
}

fn default_validation_fraction() -> f64 {
    0.2
}

/// The learning rate over all steps of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct LearningRate {
    /// At the start, after the warm-up.
    pub first: f64,
    /// At the end.
    pub last: f64,
    /// The way from one to the other.
    pub shape: Shape,
    /// Steps in which it rises to `first`.
    pub warm_up: usize,
}

/// The shape of a schedule, see [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Shape {
    /// By the same factor in each step.
    Geometric,
    /// Half a wave.
    Cosine,
    /// A staircase of equal stretches.
    Steps {
        /// How often it drops.
        drops: usize,
    },
}

impl Default for LearningRate {
    /// The paper's: geometric to 1e-4.
    fn default() -> Self {
        Self { first: 0.1, last: 1e-4, shape: Shape::Geometric, warm_up: 0 }
    }
}

impl LearningRate {
    pub(crate) fn schedule(&self) -> Result<Schedule, VisionError> {
        let schedule = match self.shape {
            Shape::Geometric => Schedule::geometric(self.first, self.last),
            Shape::Cosine => Schedule::cosine(self.first, self.last),
            Shape::Steps { drops } => Schedule::steps(self.first, self.last, drops),
        };
        let schedule = schedule.map_err(|error| recipe_error("learning-rate", &error))?;
        Ok(schedule.with_warm_up(self.warm_up))
    }
}

/// A loss of `exact-core` with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum LossSettings {
    /// [`Exact`].
    Exact(RandomScores),
    /// [`Probit`].
    Probit(RandomScores),
    /// [`MacroF1`].
    MacroF1(RandomScores),
    /// [`TopK`].
    TopK {
        /// How many classes are predicted.
        k: usize,
        /// The distribution of the scores.
        #[serde(default)]
        scores: RandomScores,
    },
    /// [`CrossEntropy`].
    CrossEntropy {
        /// The share of the target that all classes get.
        #[serde(default)]
        label_smoothing: f64,
    },
    /// [`Focal`].
    Focal {
        /// The exponent.
        gamma: f64,
    },
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
    /// [`WeightedSum`].
    WeightedSum {
        /// The losses.
        parts: Vec<WeightedLoss>,
    },
}

/// A part of a weighted sum of losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
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

/// The distribution of the scores of a loss on random ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
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

/// Builds a loss on random scores at a sigma.
macro_rules! on_scores {
    ($scores:expr, $sigma:expr, $new:expr) => {{
        let mut loss = $new($sigma)?;
        if let Some(margin) = $scores.margin {
            loss = loss.with_margin(margin)?;
        }
        let loss = Arc::new(if $scores.learned_sigma { loss.with_learned_sigma() } else { loss });
        if $scores.normalize_logits { Arc::new(Normalized::new(loss)) } else { loss }
    }};
}

impl FromStr for LossSettings {
    type Err = VisionError;

    /// The loss of a name with its default settings.
    fn from_str(name: &str) -> Result<Self, VisionError> {
        let settings = toml::Table::from_iter([("name".to_owned(), name.into())]);
        settings.try_into().map_err(|error| recipe_error("loss", &error))
    }
}

impl LossSettings {
    /// The name of the loss, by which [`FromStr`] finds it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::Probit(_) => "probit",
            Self::MacroF1(_) => "macro-f1",
            Self::TopK { .. } => "top-k",
            Self::CrossEntropy { .. } => "cross-entropy",
            Self::Focal { .. } => "focal",
            Self::Hinge { .. } => "hinge",
            Self::Sigmoid { .. } => "sigmoid",
            Self::BetaBernoulli { .. } => "beta-bernoulli",
            Self::Polynomial { .. } => "polynomial",
            Self::Poly1 { .. } => "poly1",
            Self::WeightedSum { .. } => "weighted-sum",
        }
    }

    /// The distribution of the scores, if the loss, or else the first such part of it, has one.
    fn scores(&self) -> Option<&RandomScores> {
        match self {
            Self::Exact(scores)
            | Self::Probit(scores)
            | Self::MacroF1(scores)
            | Self::TopK { scores, .. } => Some(scores),
            Self::WeightedSum { parts } => parts.iter().find_map(|part| part.loss.scores()),
            _ => None,
        }
    }

    /// The losses that are made for accuracy or its usual surrogates, by name.
    pub const FOR_ACCURACY: [&str; 8] =
        ["exact", "probit", "cross-entropy", "hinge", "sigmoid", "beta-bernoulli", "polynomial", "poly1"];

    /// Whether sigma is learned.
    pub(crate) fn learns_sigma(&self) -> bool {
        self.scores().is_some_and(|scores| scores.learned_sigma)
    }

    /// The mean probability of a right prediction under random scores of this sigma, as the loss sees logits, `[n, n_classes]`;
    /// `None` for losses that are not made of that probability.
    pub(crate) fn expected_accuracy(
        &self,
        sigma: Option<f64>,
        logits: &[f64],
        labels: &[u32],
        n_classes: usize,
    ) -> Result<Option<f64>, VisionError> {
        let (Self::Exact(scores) | Self::Probit(scores), Some(sigma)) = (self, sigma) else {
            return Ok(None);
        };
        let loss: Arc<dyn Loss<f64>> = on_scores!(scores, sigma, Exact::new);
        let error =
            loss.evaluate(Logits::new(logits, n_classes)?, labels, None, &mut vec![0.0; logits.len()])?;
        Ok(Some(1.0 - error))
    }

    /// Sigma at a step, if it is scheduled.
    pub(crate) fn sigma(&self, step: usize, steps: usize) -> Result<Option<f64>, VisionError> {
        let Some(scores) = self.scores() else { return Ok(None) };
        let last = if scores.learned_sigma { scores.first_sigma } else { scores.last_sigma };
        let schedule = Schedule::geometric(scores.first_sigma, last);
        Ok(Some(schedule.map_err(|error| recipe_error("loss", &error))?.value(step, steps)))
    }

    /// The loss at a step.
    pub(crate) fn at(&self, step: usize, steps: usize) -> Result<Arc<dyn Loss<f32>>, VisionError> {
        let sigma = self.sigma(step, steps)?.unwrap_or(1.0);
        Ok(match self {
            Self::Exact(scores) => on_scores!(scores, sigma, Exact::new),
            Self::Probit(scores) => on_scores!(scores, sigma, Probit::new),
            Self::MacroF1(scores) => on_scores!(scores, sigma, MacroF1::new),
            Self::TopK { k, scores } => on_scores!(scores, sigma, |sigma| TopK::new(*k, sigma)),
            Self::CrossEntropy { label_smoothing } => {
                Arc::new(CrossEntropy::with_label_smoothing(*label_smoothing)?)
            }
            Self::Focal { gamma } => Arc::new(Focal::new(*gamma)?),
            Self::Hinge { margin } => Arc::new(Hinge::new(*margin)?),
            Self::Sigmoid { temperature } => Arc::new(Sigmoid::new(*temperature)?),
            Self::BetaBernoulli { temperature } => Arc::new(BetaBernoulli::new(*temperature)?),
            Self::Polynomial { temperature } => Arc::new(Polynomial::new(*temperature)?),
            Self::Poly1 { epsilon } => Arc::new(Poly1::new(*epsilon)?),
            Self::WeightedSum { parts } => {
                let part = |part: &WeightedLoss| Ok((part.weight, part.loss.at(step, steps)?));
                Arc::new(WeightedSum::new(parts.iter().map(part).collect::<Result<Vec<_>, VisionError>>()?)?)
            }
        })
    }

    /// How logits become probabilities, before the scale is fitted: as normal scores, where training takes them for such.
    pub(crate) fn link(&self) -> Link {
        match self.scores() {
            Some(_) => Link::Probit { sigma: 1.0 },
            None => Link::default(),
        }
    }

    /// The criterion before the first step.
    pub(crate) fn criterion(&self, steps: usize, device: &Device) -> Result<Criterion, VisionError> {
        Ok(Criterion::new(self.at(0, steps)?, device))
    }
}

impl Recipe {
    /// The default recipe of a network.
    pub fn new(model: Architecture) -> Self {
        Self {
            model,
            loss: LossSettings::default(),
            epochs: default_epochs(),
            batch_size: default_batch_size(),
            seed: 0,
            validation_fraction: default_validation_fraction(),
            patience: None,
            optimizer: OptimizerSettings::default(),
            learning_rate: LearningRate::default(),
            augmentation: Vec::new(),
            mixup: None,
        }
    }

    /// Reads a recipe in TOML, with the names of the fields in kebab case.
    ///
    /// # Errors
    /// [`VisionError::Recipe`] if it is not TOML, a key is unknown or missing, or a value has another type, and what
    /// [`Recipe::check`] finds.
    pub fn from_toml(text: &str) -> Result<Self, VisionError> {
        let recipe: Self = toml::from_str(text)
            .map_err(|error| VisionError::Recipe { problem: error.to_string().trim_end().to_owned() })?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe in TOML, as [`Recipe::from_toml`] reads it.
    ///
    /// # Errors
    /// [`VisionError::Recipe`] if a setting cannot be written, which is none that [`Recipe::check`] accepts.
    pub fn to_toml(&self) -> Result<String, VisionError> {
        toml::to_string(self).map_err(|error| VisionError::Recipe { problem: error.to_string() })
    }

    /// Checks every setting but the size of the network, which depends on the images.
    ///
    /// # Errors
    /// [`VisionError::Setting`], [`VisionError::Loss`] or [`VisionError::Recipe`] for the first that is outside its range.
    pub fn check(&self) -> Result<(), VisionError> {
        let setting = |name, expected, value| Err(VisionError::Setting { name, expected, value });
        if self.epochs == 0 {
            return setting("epochs", "above 0", 0.0);
        }
        if self.batch_size == 0 {
            return setting("the batch size", "above 0", 0.0);
        }
        if self.patience == Some(0) {
            return setting("patience", "above 0", 0.0);
        }
        if !(self.validation_fraction > 0.0 && self.validation_fraction < 1.0) {
            return setting("the validation fraction", "above 0 and below 1", self.validation_fraction);
        }
        self.loss.at(0, 1)?;
        self.loss.at(1, 2)?;
        self.learning_rate.schedule()?;
        Optimizer::new(self.optimizer)?;
        self.mixup.map(Mixup::new).transpose()?;
        self.augmentation.iter().try_for_each(|transform| transform.check())
    }
}

fn recipe_error(part: &str, error: &dyn std::error::Error) -> VisionError {
    VisionError::Recipe { problem: format!("{part}: {error}") }
}

#[cfg(test)]
mod tests {
    use super::{LossSettings, Recipe, Shape};
    use crate::VisionError;
    use crate::optim::{Algorithm, GradientScaling, Sharpness};

    #[test]
    fn a_recipe_is_read_and_written() {
        let text = r#"
            model = "m3"
            epochs = 3
            patience = 2
            mixup = 0.2
            augmentation = ["auto-augment", { rand-augment = { operations = 2, magnitude = 9 } }]
            loss = { name = "top-k", k = 2, scores = { first-sigma = 2.0, margin = 0.5 } }
            learning-rate = { first = 0.5, shape = { steps = { drops = 2 } }, warm-up = 10 }

            [optimizer]
            algorithm = { sgd = { momentum = 0.8, nesterov = true } }
            sharpness = { sam = { rho = 0.05 } }
            gradient-scaling = { clip = { norm = 2.0 } }
        "#;
        let recipe = Recipe::from_toml(text).unwrap();
        assert_eq!(recipe.loss.sigma(0, 100).unwrap(), Some(2.0));
        assert_eq!(recipe.learning_rate.shape, Shape::Steps { drops: 2 });
        assert_eq!(recipe.optimizer.algorithm, Algorithm::Sgd { momentum: 0.8, nesterov: true });
        assert_eq!(recipe.optimizer.sharpness, Some(Sharpness::Sam { rho: 0.05 }));
        assert_eq!(recipe.optimizer.gradient_scaling, GradientScaling::Clip { norm: 2.0 });
        assert_eq!(Recipe::from_toml(&recipe.to_toml().unwrap()).unwrap(), recipe);
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
    }

    #[test]
    fn every_loss_has_a_name() {
        for (loss, name) in [
            ("name = \"exact\"", "exact"),
            ("name = \"probit\"\nlearned-sigma = true", "probit"),
            ("name = \"macro-f1\"", "macro-f1"),
            ("name = \"top-k\"\nk = 3", "top-k"),
            ("name = \"cross-entropy\"\nlabel-smoothing = 0.1", "cross-entropy"),
            ("name = \"focal\"\ngamma = 2.0", "focal"),
            ("name = \"hinge\"", "hinge"),
            ("name = \"sigmoid\"", "sigmoid"),
            ("name = \"beta-bernoulli\"", "beta-bernoulli"),
            ("name = \"polynomial\"", "polynomial"),
            ("name = \"poly1\"", "poly1"),
            (
                "name = \"weighted-sum\"\nparts = [{ weight = 0.5, loss = { name = \"cross-entropy\" } }, \
                 { weight = 0.5, loss = { name = \"exact\" } }]",
                "weighted-sum",
            ),
        ] {
            let settings: LossSettings = toml::from_str(loss).unwrap();
            assert_eq!(settings.at(0, 10).unwrap().name(), name);
            assert_eq!(settings.name(), name);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_an_error() {
        let problem = |text: &str| Recipe::from_toml(&format!("model = \"m3\"\n{text}")).unwrap_err();
        for text in [
            "epoch = 3",
            "epochs = -1",
            "epochs = \"three\"",
            "model = \"m3\"",
            "loss = { name = \"exakt\" }",
            "loss = { name = \"exact\", sigma = 1.0 }",
            "loss = { name = \"exact\", last-sigma = 0.0 }",
            "optimizer = { algorithm = \"rmsprop\" }",
            "augmentation = [\"crop\"]",
            "augmentation = [{ crop = { pad = 4 } }]",
            "learning-rate = { first = 0.0 }",
        ] {
            assert!(matches!(problem(text), VisionError::Recipe { .. }), "{text}: {}", problem(text));
        }
        for text in [
            "epochs = 0",
            "batch-size = 0",
            "patience = 0",
            "validation-fraction = 1.0",
            "mixup = 0.0",
            "optimizer = { weight-decay = -1.0 }",
            "augmentation = [{ crop = { padding = 0 } }]",
        ] {
            assert!(matches!(problem(text), VisionError::Setting { .. }), "{text}: {}", problem(text));
        }
        assert!(matches!(problem("loss = { name = \"hinge\", margin = -1.0 }"), VisionError::Loss(_)));
        assert!(matches!(Recipe::from_toml("epochs = 3"), Err(VisionError::Recipe { .. })));
        assert!(matches!(Recipe::from_toml("model = \"m4\""), Err(VisionError::Recipe { .. })));
    }
}
