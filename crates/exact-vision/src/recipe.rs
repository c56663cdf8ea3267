//! What a training run is made of.

use exact_core::loss::{LossSettings, RandomScores};
use exact_images::Images;
use serde::{Deserialize, Serialize};

use crate::augment::{AugmentationSetting, Mixup, Preset, Transform};
use crate::fine_tuning::Freeze;
use crate::learning_rate::LearningRate;
use crate::models::Architecture;
use crate::optim::{Optimizer, OptimizerSettings};
use crate::{ImageShape, VisionError};

/// The settings of a training run. Every field has a default but `model`: a practitioner's, with which the
/// number of epochs is enough to choose. The paper's are those of [`Recipe::paper`].
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
/// assert_eq!((recipe.epochs, recipe.batch_size), (150, 64));
/// assert!(Recipe::from_toml("model = \"m3\"\nepoch = 150").is_err());
/// # Ok::<(), exact_vision::VisionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// The network.
    pub model: Architecture,
    /// The loss: expected accuracy by default.
    #[serde(default = "default_loss")]
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
    /// The share of the training images that choose the best epoch and are not trained on. By default a
    /// tenth, of few images up to a fifth, of many at most 5000 images.
    #[serde(default)]
    pub validation_fraction: Option<f64>,
    /// Training ends after so many epochs without a better validation accuracy; by default it does not.
    #[serde(default)]
    pub patience: Option<usize>,
    /// How gradients become steps.
    #[serde(default)]
    pub optimizer: OptimizerSettings,
    /// The learning rate over all steps.
    #[serde(default)]
    pub learning_rate: LearningRate,
    /// Changes of training images; by default those of the [`Preset`] for the network and their shape.
    #[serde(default)]
    pub augmentation: Option<AugmentationSetting>,
    /// The alpha of [`Mixup`]; by default images are not mixed.
    #[serde(default)]
    pub mixup: Option<f64>,
    /// The share of the learning rate that the first layer has, where training starts from another network;
    /// those between it and the last have a share in between. All layers have the whole by default.
    #[serde(default)]
    pub first_layer_rate: Option<f64>,
    /// The layers that stay as they are, where training starts from another network; by default none does.
    #[serde(default)]
    pub freeze: Option<Freeze>,
}

/// Validation images at least, if they are not more than a fifth, and at most.
const VALIDATION_IMAGES: [f64; 2] = [500.0, 5000.0];

fn default_loss() -> LossSettings {
    LossSettings::Exact(RandomScores::default())
}

fn default_epochs() -> usize {
    10
}

fn default_batch_size() -> usize {
    64
}

impl Recipe {
    /// The default recipe of a network.
    pub fn new(model: Architecture) -> Self {
        Self {
            model,
            loss: default_loss(),
            epochs: default_epochs(),
            batch_size: default_batch_size(),
            seed: 0,
            validation_fraction: None,
            patience: None,
            optimizer: OptimizerSettings::default(),
            learning_rate: LearningRate::default(),
            augmentation: None,
            mixup: None,
            first_layer_rate: None,
            freeze: None,
        }
    }

    /// The recipe of the paper: 150 epochs of stochastic gradient descent with the gradient normaliser, a
    /// geometric learning rate, a fifth of the images for validation, and for M3 its augmentation.
    pub fn paper(model: Architecture) -> Self {
        let augmentation = match model {
            Architecture::M3 => {
                vec![Transform::Translate { fraction: 0.2 }, Transform::Rotate { degrees: 20.0 }]
            }
            _ => vec![Transform::AutoAugment],
        };
        Self {
            epochs: 150,
            validation_fraction: Some(0.2),
            optimizer: OptimizerSettings::paper(),
            learning_rate: LearningRate::paper(),
            augmentation: Some(AugmentationSetting::Transforms(augmentation)),
            ..Self::new(model)
        }
    }

    /// The recipe to train a network on that was trained on other images: a tenth of the learning rate, and
    /// in the first layer a tenth of that.
    pub fn fine_tuning(model: Architecture) -> Self {
        let plain = Self::new(model);
        let learning_rate = LearningRate { first: 0.1 * plain.learning_rate.first, ..plain.learning_rate };
        Self { learning_rate, first_layer_rate: Some(0.1), ..plain }
    }

    /// The same with what depends on the images filled in: the share of validation images and the changes of
    /// the others.
    #[must_use]
    pub fn resolved(self, images: &Images) -> Self {
        Self {
            validation_fraction: Some(self.validation_share(images.len())),
            augmentation: Some(AugmentationSetting::Transforms(self.transforms(ImageShape::of(images)))),
            ..self
        }
    }

    /// The share of so many images that choose the epoch.
    pub(crate) fn validation_share(&self, n: usize) -> f64 {
        self.validation_fraction.unwrap_or_else(|| {
            let [least, most] = VALIDATION_IMAGES;
            let n = n.max(1) as f64;
            (0.1 * n).max(least.min(0.2 * n)).min(most) / n
        })
    }

    /// The changes of images of a shape.
    pub(crate) fn transforms(&self, shape: ImageShape) -> Vec<Transform> {
        match &self.augmentation {
            None => Preset::of(self.model, shape).transforms(shape),
            Some(AugmentationSetting::Preset(preset)) => preset.transforms(shape),
            Some(AugmentationSetting::Transforms(transforms)) => transforms.clone(),
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
        if let Some(value) = self.validation_fraction
            && !(value > 0.0 && value < 1.0)
        {
            return setting("the validation fraction", "above 0 and below 1", value);
        }
        if let Some(value) = self.first_layer_rate
            && !(value > 0.0 && value <= 1.0)
        {
            return setting("the rate of the first layer", "above 0 and at most 1", value);
        }
        // The first and the last step of a schedule.
        self.loss.at::<f32>(0, 2)?;
        self.loss.at::<f32>(1, 2)?;
        self.learning_rate.schedule(2)?;
        Optimizer::new(self.optimizer)?;
        self.mixup.map(Mixup::new).transpose()?;
        match &self.augmentation {
            Some(AugmentationSetting::Transforms(list)) => list.iter().try_for_each(|change| change.check()),
            Some(AugmentationSetting::Preset(_)) | None => Ok(()),
        }
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
    fn the_share_of_validation_images_suits_their_number() {
        let recipe = Recipe::new("small-cnn".parse().unwrap());
        let images = |n: usize| (recipe.validation_share(n) * n as f64).round();
        assert_eq!([50, 1000, 4000, 10_000, 1_000_000].map(images), [10.0, 200.0, 500.0, 1000.0, 5000.0]);
        let half = Recipe { validation_fraction: Some(0.5), ..recipe };
        assert_eq!(half.validation_share(60_000), 0.5);
    }

    #[test]
    fn the_recipe_of_the_paper_is_usable_and_another() {
        for model in ["m3", "wrn-16-8", "resnet-50"] {
            let paper = Recipe::paper(model.parse().unwrap());
            paper.check().unwrap();
            assert_eq!((paper.epochs, paper.learning_rate.shape), (150, Shape::Geometric));
            assert_eq!(paper.optimizer.gradient_scaling, GradientScaling::Normalize);
            assert_eq!(Recipe::from_toml(&paper.to_toml().unwrap()).unwrap(), paper);
        }
    }

    #[test]
    fn a_warm_up_is_a_number_of_steps_or_their_share() {
        let rate = |warm_up: &str| {
            let text = format!("model = \"m3\"\nlearning-rate = {{ first = 1.0, warm-up = {warm_up} }}");
            Recipe::from_toml(&text).map(|recipe| recipe.learning_rate.schedule(100).unwrap().value(0, 100))
        };
        assert_eq!([rate("4").unwrap(), rate("0.1").unwrap(), rate("0").unwrap()], [0.25, 0.1, 1.0]);
        assert!(matches!(rate("-1"), Err(VisionError::Setting { .. })));
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
            "freeze = \"some\"",
        ] {
            assert!(matches!(problem(text), VisionError::Recipe { .. }), "{text}: {}", problem(text));
        }
        for text in [
            "epochs = 0",
            "first-layer-rate = 0.0",
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
