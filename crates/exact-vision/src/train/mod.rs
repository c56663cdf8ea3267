//! Training, epoch by epoch, in a folder that it can be taken up from.

use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use exact_core::loss::LossError;
use exact_core::predicted_classes;
use exact_core::schedule::Schedule;
use exact_data::{DataError, stratified_split};
use exact_images::{ChannelStatistics, Images};
use exact_eval::record::{EpochRecord, TrainingRecord};

use crate::augment::Mixup;
use crate::batches::{Augmentation, Batch, Batches};
use crate::checkpoint::{self, Checkpoint};
use crate::classifier::Description;
use crate::file::{self, StoredTensor};
use crate::loss::Criterion;
use crate::models::Network;
use crate::optim::Optimizer;
use crate::{ImageClassifier, ImageShape, Recipe, VisionError};

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

/// What the optimiser moves.
#[derive(Module, Debug)]
pub(crate) struct Trainee {
    pub network: Network,
    pub criterion: Criterion,
}

/// Training in a folder, which is made if it is not there and holds `model.safetensors`, the network of the best epoch so far, and `checkpoint.safetensors`, what
/// training is taken up from.
#[derive(Debug)]
pub struct Trainer {
    recipe: Recipe,
    folder: PathBuf,
    device: Device,
    train: Images,
    validation: Images,
    description: Description,
    watch: Option<Watch>,
}

impl Trainer {
    /// Divides the images into those to train on and those to choose the epoch by.
    ///
    /// # Errors
    /// What [`Recipe::check`] and [`Architecture::init`](crate::models::Architecture::init) find, and [`VisionError::Data`] if there are too
    /// few images.
    pub fn new(images: &Images, recipe: Recipe, folder: &Path, device: &Device) -> Result<Self, VisionError> {
        recipe.check()?;
        let split =
            stratified_split(images.labels(), images.n_classes(), recipe.validation_fraction, recipe.seed)?;
        let (train, validation) = (images.select(&split.train)?, images.select(&split.test)?);
        let description = Description {
            model: recipe.model,
            shape: ImageShape::of(images),
            class_names: images.class_names().to_vec(),
            statistics: ChannelStatistics::of(&train),
        };
        let device = device.clone().autodiff();
        // Whether there is such a network for such images.
        recipe.model.zeros(description.shape, images.n_classes(), &device)?;
        Ok(Self { recipe, folder: folder.into(), device, train, validation, description, watch: None })
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

    /// Trains from random weights to the end of the recipe, and calls a function after each epoch, which may end it.
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
        self.go_on(self.trainee()?, Optimizer::new(self.recipe.optimizer)?, record, each)
    }

    /// Takes up training after the last epoch that the folder's checkpoint is of. The result is, on one device and number of threads,
    /// the same to the last bit as that of an uninterrupted run.
    ///
    /// # Errors
    /// [`VisionError::Read`] or [`VisionError::File`] if there is no checkpoint or it is damaged, of another version, network, recipe
    /// or other images; [`VisionError::Diverged`] if the loss is no longer finite, with the last checkpoint left in place;
    /// [`VisionError::Data`] if a file cannot be written; [`VisionError::Device`] if the device fails.
    pub fn resume(
        &self,
        each: impl FnMut(&EpochRecord) -> ControlFlow<()>,
    ) -> Result<TrainingRecord, VisionError> {
        let path = self.checkpoint_path();
        let (trainee, optimizer) = (self.trainee()?, Optimizer::new(self.recipe.optimizer)?);
        let checkpoint = checkpoint::read(&path, &self.recipe, &self.description, trainee, optimizer)?;
        self.go_on(checkpoint.trainee, checkpoint.optimizer, checkpoint.record, each)
    }

    fn batches(&self) -> Batches<'_> {
        let statistics = &self.description.statistics;
        Batches { images: &self.train, statistics, batch_size: self.recipe.batch_size }
    }

    fn steps(&self) -> usize {
        self.recipe.epochs * self.batches().steps()
    }

    /// Random weights. Parameters are numbered in order, so that the state of the optimiser, which goes by their numbers, can be
    /// taken up.
    fn trainee(&self) -> Result<Trainee, VisionError> {
        let Description { model, shape, class_names, .. } = &self.description;
        let network = model.init(*shape, class_names.len(), self.recipe.seed, &self.device)?;
        let criterion = self.recipe.loss.criterion(self.steps(), &self.device)?;
        Ok(Trainee { network, criterion }.map(&mut Numbering { next: 1 }))
    }

    fn go_on(
        &self,
        mut trainee: Trainee,
        mut optimizer: Optimizer,
        mut record: TrainingRecord,
        mut each: impl FnMut(&EpochRecord) -> ControlFlow<()>,
    ) -> Result<TrainingRecord, VisionError> {
        let rate = self.recipe.learning_rate.schedule()?;
        while !is_over(&record, &self.recipe) {
            let mut epoch = self.epoch(&mut trainee, &mut optimizer, record.epochs.len(), &rate)?;
            let classifier = ImageClassifier {
                network: trainee.network.clone(),
                description: self.description.clone(),
                link: self.recipe.loss.link(),
            };
            let (logits, labels) = (classifier.logits(&self.validation)?, self.validation.labels());
            let finite = logits.iter().all(|logit| logit.is_finite());
            if !(finite && file::tensors_of(&trainee)?.values().all(StoredTensor::is_finite)) {
                // Layers may hide it from the loss: the rectified unit of NaN can be 0.
                return Err(VisionError::Diverged { epoch: epoch.epoch, step: self.batches().steps() });
            }
            epoch.validation_accuracy =
                accuracy(labels, &predicted_classes(&logits, self.validation.n_classes()));
            epoch.expected_validation_accuracy = self.recipe.loss.expected_accuracy(
                epoch.sigma,
                &logits,
                labels,
                self.validation.n_classes(),
            )?;
            record.epochs.push(epoch);
            if record.best() == record.epochs.last() {
                classifier.calibrated(&logits, labels)?.save(&self.model_path())?;
            }
            let checkpoint = Checkpoint { trainee, optimizer, record };
            checkpoint::write(&self.checkpoint_path(), &self.recipe, &self.description, &checkpoint)?;
            Checkpoint { trainee, optimizer, record } = checkpoint;
            if record.epochs.last().is_some_and(|epoch| each(epoch).is_break()) {
                break;
            }
        }
        Ok(record)
    }

    fn epoch(
        &self,
        trainee: &mut Trainee,
        optimizer: &mut Optimizer,
        epoch: usize,
        rate: &Schedule,
    ) -> Result<EpochRecord, VisionError> {
        let Recipe { loss, augmentation, mixup, seed, .. } = &self.recipe;
        let (batches, steps) = (self.batches(), self.steps());
        let mixup = mixup.map(Mixup::new).transpose()?;
        let augmentation = Augmentation { transforms: augmentation, mixup, seed: *seed };
        let (mut sum, first) = (0.0, epoch * batches.steps());
        batches.train(epoch, augmentation, |step, batch| {
            let at = first + step;
            // For layers that drop features.
            self.device.seed(seed.wrapping_add((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
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
                let (step, steps, images) = (step + 1, batches.steps(), self.recipe.batch_size);
                watch(StepProgress { epoch: epoch + 1, step, steps, images, loss: sum / step as f64 });
            }
            Ok(())
        })?;
        let last = first + batches.steps() - 1;
        let learned = match trainee.criterion.parameters() {
            Some(parameters) if loss.learns_sigma() => {
                parameters.try_into_vec_as::<f32>()?.first().map(|log| f64::from(log.exp()))
            }
            _ => None,
        };
        Ok(EpochRecord {
            epoch: epoch + 1,
            loss: sum / batches.steps() as f64,
            validation_accuracy: 0.0,
            expected_validation_accuracy: None,
            learning_rate: rate.value(last, steps),
            sigma: loss.sigma(last, steps)?.map(|scheduled| learned.unwrap_or(scheduled)),
        })
    }
}

impl Trainee {
    /// The loss of a batch and the gradient.
    fn evaluate(&self, batch: &Batch, device: &Device) -> Result<(f32, GradientsParams), VisionError> {
        let logits = self.network.forward(batch.images(device));
        let targets = batch.targets(device);
        let loss = match batch.mixed_targets(device) {
            None => self.criterion.forward(logits, targets)?,
            Some((others, share)) => {
                let own = self.criterion.forward(logits.clone(), targets)?;
                own * share + self.criterion.forward(logits, others)? * (1.0 - share)
            }
        };
        let gradients = GradientsParams::from_grads(loss.backward(), self);
        Ok((loss.try_into_scalar()?, gradients))
    }
}

fn accuracy(labels: &[u32], classes: &[u32]) -> f64 {
    let right = labels.iter().zip(classes).filter(|(label, class)| label == class).count();
    right as f64 / labels.len() as f64
}

/// Numbers parameters in the order of the module.
struct Numbering {
    next: u64,
}

impl ModuleMapper for Numbering {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = ParamId::from(self.next);
        self.next += 1;
        Param::initialized(id, param.val())
    }
}

#[cfg(test)]
mod tests;
