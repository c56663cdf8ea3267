//! What a training run is made of.

use exact_core::loss::LossSettings;
use serde::{Deserialize, Serialize};

use crate::VisionError;
use crate::augment::{Mixup, Transform};
use crate::learning_rate::LearningRate;
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
    /// The share of the training images that choose the best epoch and are not trained on: a fifth by
    /// default.
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
    /// [`VisionError::Recipe`] if it is not TOML, a key is unknown or missing, or a value has another type,
    /// and what [`Recipe::check`] finds.
    pub fn from_toml(text: &str) -> Result<Self, VisionError> {
        let recipe: Self = toml::from_str(text)
            .map_err(|error| VisionError::Recipe { problem: error.to_string().trim_end().to_owned() })?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe in TOML, as [`Recipe::from_toml`] reads it.
    ///
    /// # Errors
    /// [`VisionError::Recipe`] if a number is above 2^63 - 1, the largest that TOML has.
    pub fn to_toml(&self) -> Result<String, VisionError> {
        toml::to_string(self).map_err(|error| VisionError::Recipe { problem: error.to_string() })
    }

    /// Checks every setting but the size of the network, which depends on the images.
    ///
    /// # Errors
    /// [`VisionError::Setting`], [`VisionError::Loss`] or [`VisionError::Recipe`] for the first that is
    /// outside its range.
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
        // The first and the last step of a schedule.
        self.loss.at::<f32>(0, 2)?;
        self.loss.at::<f32>(1, 2)?;
        self.learning_rate.schedule()?;
        Optimizer::new(self.optimizer)?;
        self.mixup.map(Mixup::new).transpose()?;
        self.augmentation.iter().try_for_each(|transform| transform.check())
    }
}

#[cfg(test)]
mod tests {
    use exact_core::loss::LossSettings;

    use super::Recipe;
    use crate::VisionError;
    use crate::learning_rate::Shape;
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
            ("name = \"expected-cost\"\ncosts = [[0.0, 1.0], [5.0, 0.0]]", "expected-cost"),
            (
                "name = \"weighted-sum\"\nparts = [{ weight = 0.5, loss = { name = \"cross-entropy\" } }, \
                 { weight = 0.5, loss = { name = \"exact\" } }]",
                "weighted-sum",
            ),
        ] {
            let settings: LossSettings = toml::from_str(loss).unwrap();
            assert_eq!(settings.at::<f32>(0, 10).unwrap().name(), name);
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
        for loss in [
            "{ name = \"hinge\", margin = -1.0 }",
            "{ name = \"exact\", first-sigma = 0.0 }",
            "{ name = \"exact\", last-sigma = 0.0 }",
            "{ name = \"exact\", learned-sigma = true, first-sigma = inf }",
            "{ name = \"expected-cost\", costs = [[0.0, 1.0], [0.0]] }",
        ] {
            let problem = problem(&format!("loss = {loss}"));
            assert!(matches!(problem, VisionError::Loss(_)), "{loss}: {problem}");
        }
        assert!(matches!(Recipe::from_toml("epochs = 3"), Err(VisionError::Recipe { .. })));
        assert!(matches!(Recipe::from_toml("model = \"m4\""), Err(VisionError::Recipe { .. })));
    }
}
