//! Training, epoch by epoch, in a folder that it can be taken up from.

use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use exact_core::loss::{Logits, LossError, LossSettings};
use exact_core::predicted_classes;
use exact_core::schedule::Schedule;
use exact_data::{DataError, stratified_split};
use exact_eval::accuracy;
use exact_eval::record::{EpochRecord, TrainingRecord};
use exact_images::{ChannelStatistics, Images};

use crate::augment::Mixup;
use crate::batches::{Augmentation, Batches};
use crate::checkpoint::{self, Checkpoint};
use crate::classifier::Description;
use crate::file::{self, StoredTensor};
use crate::loss::Criterion;
use crate::optim::Optimizer;
use crate::trainee::Trainee;
use crate::{ImageClassifier, ImageShape, Recipe, VisionError, fine_tuning};

/// Whether there is no epoch left to train.
fn is_over(record: &TrainingRecord, recipe: &Recipe) -> bool {
    let best = record.best().map_or(0, |epoch| epoch.epoch);
    let waited = record.epochs.len() - best;
    record.epochs.len() >= recipe.epochs || recipe.patience.is_some_and(|patience| waited >= patience)
}

/// How far an epoch of training is, after one of its steps.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct StepProgress {
    /// The number of the epoch, from 1.
    pub epoch: usize,
    /// The number of the step within it, from 1.
    pub step: usize,
    /// The steps of an epoch.
    pub steps: usize,
    /// The images of a step.
    pub images: usize,
    /// The mean loss over the steps of the epoch so far.
    pub loss: f64,
}

/// What is called after each step.
struct Watch(Box<dyn Fn(StepProgress) + Send + Sync>);

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Watch")
    }
}

/// Training in a folder, which is made if it is not there and holds `model.safetensors`, the network of the
/// best epoch so far, and `checkpoint.safetensors`, what training is taken up from.
#[derive(Debug)]
pub struct Trainer {
    recipe: Recipe,
    folder: PathBuf,
    device: Device,
    train: Images,
    validation: Images,
    description: Description,
    start: Option<ImageClassifier>,
    watch: Option<Watch>,
}

impl Trainer {
    /// Divides the images into those to train on and those to choose the epoch by.
    ///
    /// # Errors
    /// What [`Recipe::check`] and [`Architecture::init`](crate::models::Architecture::init) find, and
    /// [`VisionError::Data`] if there are too few images.
    pub fn new(images: &Images, recipe: Recipe, folder: &Path, device: &Device) -> Result<Self, VisionError> {
        Self::started(images, recipe, folder, device, None)
    }

    /// The same, to train from the weights of another classifier instead of random ones: all but those of the
    /// last layer, and that too if the classes are the same. Images are normalised as it normalises them.
    ///
    /// # Errors
    /// Those of [`Trainer::new`], [`VisionError::Shape`] if its images had another shape, and
    /// [`VisionError::Recipe`] if its network is not that of the recipe, or has fewer layers than are to stay
    /// as they are.
    pub fn fine_tuning(
        images: &Images,
        recipe: Recipe,
        folder: &Path,
        start: ImageClassifier,
        device: &Device,
    ) -> Result<Self, VisionError> {
        let (found, expected) = (ImageShape::of(images), start.description.shape);
        if found != expected {
            return Err(VisionError::Shape { found, expected });
        }
        if start.architecture() != recipe.model {
            let (found, expected) = (start.architecture(), recipe.model);
            let problem = format!("it is for the network {expected}, the one to start from is {found}");
            return Err(VisionError::Recipe { problem });
        }
        Self::started(images, recipe, folder, device, Some(start))
    }

    fn started(
        images: &Images,
        recipe: Recipe,
        folder: &Path,
        device: &Device,
        start: Option<ImageClassifier>,
    ) -> Result<Self, VisionError> {
        recipe.check()?;
        if recipe.freeze.is_some() && start.is_none() {
            let problem =
                "layers can be frozen where training starts from another network, with --from".into();
            return Err(VisionError::Recipe { problem });
        }
        let recipe = recipe.resolved(images);
        let share = recipe.validation_share(images.len());
        let split = stratified_split(images.labels(), images.n_classes(), share, recipe.seed);
        let split = split.map_err(|error| match error {
            DataError::TooFewRows { rows: images, .. } => VisionError::TooFewImages { images, share },
            error => error.into(),
        })?;
        let (train, validation) = (images.select(&split.train)?, images.select(&split.test)?);
        let statistics = match &start {
            Some(start) => start.description.statistics.clone(),
            None => ChannelStatistics::of(&train),
        };
        let description = Description {
            model: recipe.model,
            shape: ImageShape::of(images),
            class_names: images.class_names().to_vec(),
            statistics,
        };
        let (folder, device) = (folder.into(), device.clone().autodiff());
        let trainer = Self { recipe, folder, device, train, validation, description, start, watch: None };
        // Whether there is such a network for such images.
        let network =
            trainer.recipe.model.zeros(trainer.description.shape, images.n_classes(), &trainer.device)?;
        fine_tuning::prepared(network, trainer.recipe.freeze, trainer.recipe.first_layer_rate)?;
        Ok(trainer)
    }

    /// Calls a function after each step.
    #[must_use]
    pub fn watched_by(mut self, watch: impl Fn(StepProgress) + Send + Sync + 'static) -> Self {
        self.watch = Some(Watch(Box::new(watch)));
        self
    }

    /// Where the network of the best epoch is.
    pub fn model_path(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.folder.join("checkpoint.safetensors")
    }

    /// Whether the folder holds a run.
    pub fn has_begun(&self) -> bool {
        self.checkpoint_path().exists()
    }

    /// Trains from random weights to the end of the recipe, and calls a function after each epoch, which may
    /// end it.
    ///
    /// # Errors
    /// [`VisionError::RunExists`] if the folder holds a run; those of [`Trainer::resume`].
    pub fn run(
        &self,
        each: impl FnMut(&EpochRecord) -> ControlFlow<()>,
    ) -> Result<TrainingRecord, VisionError> {
        if self.has_begun() {
            return Err(VisionError::RunExists { folder: self.folder.clone() });
        }
        fs::create_dir_all(&self.folder)
            .map_err(|error| DataError::Write { path: self.folder.clone(), error })?;
        let record = TrainingRecord {
            epochs: Vec::new(),
            train_images: self.train.len(),
            validation_images: self.validation.len(),
        };
        let (trainee, optimizer) = self.trainee()?;
        self.go_on(trainee, optimizer, record, each)
    }

    /// Takes up training after the last epoch that the folder's checkpoint is of. The result is, on one
    /// device and number of threads, the same to the last bit as that of an uninterrupted run.
    ///
    /// # Errors
    /// [`VisionError::Read`] or [`VisionError::File`] if there is no checkpoint or it is damaged, of another
    /// version, network, recipe or other images; [`VisionError::Diverged`] if the loss is no longer finite,
    /// with the last checkpoint left in place; [`VisionError::Data`] if a file cannot be written;
    /// [`VisionError::Device`] if the device fails.
    pub fn resume(
        &self,
        each: impl FnMut(&EpochRecord) -> ControlFlow<()>,
    ) -> Result<TrainingRecord, VisionError> {
        let path = self.checkpoint_path();
        let (trainee, optimizer) = self.trainee()?;
        let checkpoint = checkpoint::read(&path, &self.recipe, &self.description, trainee, optimizer)?;
        self.go_on(checkpoint.trainee, checkpoint.optimizer, checkpoint.record, each)
    }

    fn batches(&self) -> Batches<'_> {
        let batches = Batches::new(&self.train, &self.description.statistics, self.recipe.batch_size);
        batches.expect("the recipe is checked, and the statistics are those of the images")
    }

    fn steps(&self) -> usize {
        self.recipe.epochs * self.batches().steps()
    }

    /// The weights, the criterion and the optimiser before the first step.
    fn trainee(&self) -> Result<(Trainee, Optimizer), VisionError> {
        let Description { model, shape, class_names, .. } = &self.description;
        let mut network = model.init(*shape, class_names.len(), self.recipe.seed, &self.device)?;
        if let Some(start) = &self.start {
            network = start.body_in(network, class_names)?;
        }
        let criterion = Criterion::new(self.recipe.loss.at(0, self.steps())?, &self.device);
        let mut trainee = Trainee::new(network, criterion);
        let (network, rates) =
            fine_tuning::prepared(trainee.network, self.recipe.freeze, self.recipe.first_layer_rate)?;
        trainee.network = network;
        Ok((trainee, Optimizer::new(self.recipe.optimizer)?.with_rates(rates)))
    }

    fn go_on(
        &self,
        mut trainee: Trainee,
        mut optimizer: Optimizer,
        mut record: TrainingRecord,
        mut each: impl FnMut(&EpochRecord) -> ControlFlow<()>,
    ) -> Result<TrainingRecord, VisionError> {
        let rate = self.recipe.learning_rate.schedule(self.steps())?;
        while !is_over(&record, &self.recipe) {
            let number = record.epochs.len();
            let steps = self.epoch(&mut trainee, &mut optimizer, number, &rate)?;
            let classifier = ImageClassifier {
                network: trainee.network.clone(),
                description: self.description.clone(),
                link: self.recipe.loss.link(),
            };
            let logits = classifier.logits(&self.validation)?;
            let finite = logits.iter().all(|logit| logit.is_finite());
            if !(finite && file::tensors_of(&trainee)?.values().all(StoredTensor::is_finite)) {
                // Layers may hide it from the loss: the rectified unit of NaN can be 0.
                return Err(VisionError::Diverged { epoch: number + 1, step: self.batches().steps() });
            }
            let epoch = self.record(number, &steps, &logits)?;
            record.epochs.push(epoch);
            if record.best() == Some(&epoch) {
                classifier.calibrated(&logits, self.validation.labels())?.save(&self.model_path())?;
            }
            let checkpoint = Checkpoint { trainee, optimizer, record };
            checkpoint::write(&self.checkpoint_path(), &self.recipe, &self.description, &checkpoint)?;
            Checkpoint { trainee, optimizer, record } = checkpoint;
            if each(&epoch).is_break() {
                break;
            }
        }
        Ok(record)
    }

    /// The record of an epoch, from 0, after its steps and with the logits of the validation images.
    fn record(&self, number: usize, steps: &Steps, logits: &[f64]) -> Result<EpochRecord, VisionError> {
        let (labels, n_classes) = (self.validation.labels(), self.validation.n_classes());
        let Steps { loss, learning_rate, sigma } = *steps;
        let accuracy = accuracy(labels, &predicted_classes(logits, n_classes), None);
        let expected = expected_accuracy(&self.recipe.loss, sigma, logits, labels, n_classes)?;
        Ok(EpochRecord {
            epoch: number + 1,
            loss,
            validation_accuracy: accuracy.expect("there are validation images, each with a prediction"),
            expected_validation_accuracy: expected,
            learning_rate,
            sigma,
        })
    }

    /// The steps of an epoch, from 0.
    fn epoch(
        &self,
        trainee: &mut Trainee,
        optimizer: &mut Optimizer,
        epoch: usize,
        rate: &Schedule,
    ) -> Result<Steps, VisionError> {
        let Recipe { loss, mixup, seed, .. } = &self.recipe;
        let transforms = self.recipe.transforms(self.description.shape);
        let (batches, steps) = (self.batches(), self.steps());
        let mixup = mixup.map(Mixup::new).transpose()?;
        let augmentation = Augmentation { transforms: &transforms, mixup, seed: *seed };
        let (mut sum, first) = (0.0, epoch * batches.steps());
        batches.train(epoch, augmentation, |step, batch| {
            let at = first + step;
            // For layers that drop features.
            self.device.seed(seed.wrapping_add((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            let images = batch.n_images();
            let mut moved = trainee.clone();
            moved.criterion = moved.criterion.with_loss(loss.at(at, steps)?);
            let evaluate = |trainee: &Trainee| trainee.evaluate(&batch, &self.device);
            let diverged = || VisionError::Diverged { epoch: epoch + 1, step: step + 1 };
            let (moved, loss) = match optimizer.step(moved, rate.value(at, steps), evaluate) {
                Err(VisionError::Loss(LossError::Logit { .. })) => return Err(diverged()),
                outcome => outcome?,
            };
            if !loss.is_finite() {
                return Err(diverged());
            }
            sum += f64::from(loss);
            *trainee = moved;
            if let Some(Watch(watch)) = &self.watch {
                let (step, steps) = (step + 1, batches.steps());
                watch(StepProgress { epoch: epoch + 1, step, steps, images, loss: sum / step as f64 });
            }
            Ok(())
        })?;
        let last = first + batches.steps() - 1;
        let learns_sigma = loss.scores().is_some_and(|scores| scores.learned_sigma);
        let sigma = match trainee.criterion.parameters() {
            Some(parameters) if learns_sigma => {
                let parameters: Vec<f32> = parameters.try_into_vec_as()?;
                Some(f64::from(parameters[0].exp()))
            }
            _ => loss.sigma(last, steps)?,
        };
        let loss = sum / batches.steps() as f64;
        Ok(Steps { loss, learning_rate: rate.value(last, steps), sigma })
    }
}

/// What the steps of an epoch were like.
struct Steps {
    /// The mean loss.
    loss: f64,
    /// The learning rate of the last.
    learning_rate: f64,
    /// Sigma of the last, scheduled or learned.
    sigma: Option<f64>,
}

/// The mean probability of a right prediction under random scores of this sigma, as the loss sees logits,
/// `[n, n_classes]`; `None` for losses that are not made of that probability.
fn expected_accuracy(
    loss: &LossSettings,
    sigma: Option<f64>,
    logits: &[f64],
    labels: &[u32],
    n_classes: usize,
) -> Result<Option<f64>, LossError> {
    let (LossSettings::Exact(scores) | LossSettings::Probit(scores), Some(sigma)) = (loss, sigma) else {
        return Ok(None);
    };
    let expected_error = LossSettings::Exact(scores.clone().at_sigma(sigma)).build::<f64>()?;
    let mut gradient = vec![0.0; logits.len()];
    let error = expected_error.evaluate(Logits::new(logits, n_classes)?, labels, None, &mut gradient)?;
    Ok(Some(1.0 - error))
}

#[cfg(test)]
mod tests;
