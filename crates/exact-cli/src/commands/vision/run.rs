//! One run of training, and its network on the test images.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use exact_eval::record::{
    EpochRecord, ImageDataRecord, Mistake, NetworkRun, TestMetrics, TrainingRecord, ValidationMetrics,
};
use exact_images::{ImageDataset, Images};
use exact_report::MistakePicture;
use exact_vision::augment::AugmentationSetting;
use exact_vision::models::Architecture;
use exact_vision::{ImageClassifier, LossSettings, Predictions, Recipe, Trainer, default_device};

use crate::arguments::vision::Training;
use crate::progress::EpochBar;

/// The mistakes that a report shows.
const MISTAKES: usize = 24;

/// The recipe that is no file.
const PAPER: &str = "paper";

/// The settings of a recipe, or the plain ones of a network, and of the options that take the place of what
/// it says.
pub(super) fn recipe(
    path: Option<&Path>,
    model: Option<Architecture>,
    plain: fn(Architecture) -> Recipe,
    loss: Option<&LossSettings>,
    training: &Training,
) -> anyhow::Result<Recipe> {
    let mut recipe = match (path, model) {
        (Some(path), model) if path == Path::new(PAPER) => {
            Recipe::paper(model.with_context(|| format!("--recipe {PAPER} needs --model"))?)
        }
        (Some(path), model) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut recipe = Recipe::from_toml(&text).with_context(|| path.display().to_string())?;
            recipe.model = model.unwrap_or(recipe.model);
            recipe
        }
        (None, Some(model)) => plain(model),
        (None, None) => anyhow::bail!("--model or --recipe is needed"),
    };
    if let Some(loss) = loss {
        recipe.loss = loss.clone();
    }
    recipe.epochs = training.epochs.unwrap_or(recipe.epochs);
    recipe.batch_size = training.batch_size.unwrap_or(recipe.batch_size);
    recipe.seed = training.seed.unwrap_or(recipe.seed);
    if let Some(preset) = training.augmentation {
        recipe.augmentation = Some(AugmentationSetting::Preset(preset));
    }
    // Before the images are read, which may take long.
    recipe.check()?;
    Ok(recipe)
}

/// Whether a run is new.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// It is, and there must be none in the folder.
    New,
    /// It is not.
    Resume,
    /// It is, unless there is one in the folder.
    Either,
}

/// The recipe with so many seeds, each from the one before plus 1.
pub(super) fn of_seeds(recipe: &Recipe, count: u64) -> impl Iterator<Item = Recipe> {
    (0..count).map(|number| {
        let mut recipe = recipe.clone();
        recipe.seed = recipe.seed.wrapping_add(number);
        recipe
    })
}

/// A finished run.
pub(super) struct Trained {
    seed: u64,
    record: TrainingRecord,
    best: EpochRecord,
    model: PathBuf,
}

impl Trained {
    /// Trains in a folder, from random weights or those of another network.
    pub fn of(
        images: &Images,
        recipe: &Recipe,
        from: Option<&ImageClassifier>,
        folder: &Path,
        start: Start,
    ) -> anyhow::Result<Self> {
        let bar = EpochBar::new(recipe.epochs);
        let (recipe, device) = (recipe.clone(), default_device()?);
        let seed = recipe.seed;
        let trainer = match from {
            None => Trainer::new(images, recipe, folder, &device),
            Some(from) => Trainer::fine_tuning(images, recipe, folder, from.clone(), &device),
        };
        let trainer = trainer?.watched_by(bar.steps());
        let each = |epoch: &EpochRecord| {
            bar.update(epoch);
            ControlFlow::Continue(())
        };
        let resumes = match start {
            Start::New => false,
            Start::Resume => true,
            Start::Either => trainer.has_begun(),
        };
        let record = if resumes { trainer.resume(each) } else { trainer.run(each) }?;
        let best = *record.best().context("there was no epoch")?;
        Ok(Self { seed, record, best, model: trainer.model_path() })
    }

    pub fn validation_accuracy(&self) -> f64 {
        self.best.validation_accuracy
    }

    /// The network of the best epoch on the test images.
    pub fn tested(self, test: &Images) -> anyhow::Result<(NetworkRun, Tested)> {
        let classifier = ImageClassifier::load(&self.model, &default_device()?)?;
        let tested = Tested::of(&classifier, test)?;
        let run = NetworkRun {
            seed: self.seed,
            best_epoch: self.best.epoch,
            validation: ValidationMetrics { accuracy: self.validation_accuracy() },
            test: tested.metrics.clone(),
            model: self.model.display().to_string(),
            epochs: self.record.epochs,
        };
        Ok((run, tested))
    }

    pub fn data(&self, name: String, dataset: &ImageDataset) -> ImageDataRecord {
        ImageDataRecord {
            name,
            train_images: self.record.train_images,
            validation_images: self.record.validation_images,
            test_images: dataset.test.len(),
            classes: dataset.train.n_classes(),
            class_names: dataset.train.class_names().to_vec(),
        }
    }
}

/// What a network makes of test images.
pub(super) struct Tested {
    pub metrics: TestMetrics,
    pub predictions: Predictions,
}

impl Tested {
    pub fn of(classifier: &ImageClassifier, images: &Images) -> anyhow::Result<Self> {
        let labels = classifier.labels(images)?;
        let predictions = classifier.predict(images)?;
        let Predictions { classes, probabilities, .. } = &predictions;
        let metrics = TestMetrics::measure(labels, classes, probabilities, images.n_classes())?;
        Ok(Self { metrics, predictions })
    }

    /// Pictures of the most confident mistakes.
    pub fn mistakes(&self, images: &Images) -> anyhow::Result<Vec<MistakePicture>> {
        let Predictions { classes, probabilities, .. } = &self.predictions;
        let mistakes = Mistake::most_confident(images.labels(), classes, probabilities, MISTAKES);
        let picture = |mistake: Mistake| Ok(MistakePicture { png: images.png(mistake.image)?, mistake });
        mistakes.into_iter().map(picture).collect()
    }
}
