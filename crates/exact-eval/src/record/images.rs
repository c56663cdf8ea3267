//! How networks for images were trained, and what they make of the test images.

use serde::{Deserialize, Serialize};

use super::{Spread, TestMetrics};

/// The images that a network was trained and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageDataRecord {
    /// The name of the set or folder.
    pub name: String,
    /// Images that were trained on.
    pub train_images: usize,
    /// Images that chose the epoch.
    pub validation_images: usize,
    /// Images that were tested on.
    pub test_images: usize,
    /// The number of classes.
    pub classes: usize,
    /// The names of the classes, in the order of their indices.
    pub class_names: Vec<String>,
}

/// How an epoch went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The number of the epoch, from 1.
    pub epoch: usize,
    /// The mean loss over the steps of training.
    pub loss: f64,
    /// The accuracy on the validation images after it.
    pub validation_accuracy: f64,
    /// What the loss expects this accuracy to be at `sigma`; `None` for losses that expect none.
    #[serde(default)]
    pub expected_validation_accuracy: Option<f64>,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// Sigma of its last step, scheduled or learned.
    pub sigma: Option<f64>,
}

/// How training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// All epochs.
    pub epochs: Vec<EpochRecord>,
    /// Images that were trained on.
    pub train_images: usize,
    /// Images that chose the epoch.
    pub validation_images: usize,
}

impl TrainingRecord {
    /// The first epoch with the largest validation accuracy, whose network is kept.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.epochs.iter().reduce(|best, epoch| {
            if epoch.validation_accuracy > best.validation_accuracy { epoch } else { best }
        })
    }
}

/// Metrics on the validation images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValidationMetrics {
    /// The fraction of correct predictions.
    pub accuracy: f64,
}

/// The training of one network, and what it makes of the test images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkRun {
    /// The seed of all randomness.
    pub seed: u64,
    /// All epochs.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose network was kept.
    pub best_epoch: usize,
    /// Metrics of that network on the validation images.
    pub validation: ValidationMetrics,
    /// Metrics of that network on the test images, which chose nothing.
    pub test: TestMetrics,
    /// The path of the model file.
    pub model: String,
}

/// What `exact vision train` prints and reports, beside the recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageTrainRecord {
    /// The images.
    pub data: ImageDataRecord,
    /// The name of the network.
    pub network: String,
    /// The name of the loss.
    pub loss: String,
    /// One run for each seed.
    pub runs: Vec<NetworkRun>,
    /// Wall-clock time, in seconds.
    pub seconds: f64,
}

/// What `exact vision evaluate` reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageEvaluateRecord {
    /// The images; none were trained on.
    pub data: ImageDataRecord,
    /// The name of the network.
    pub network: String,
    /// The path of the model file.
    pub model: String,
    /// Metrics on the test images.
    pub test: TestMetrics,
}

/// The validation accuracy of runs that differ in their seeds alone; `None` without runs.
pub fn validation_spread(runs: &[NetworkRun]) -> Option<Spread> {
    Spread::of(&runs.iter().map(|run| run.validation.accuracy).collect::<Vec<_>>())
}

/// The test accuracy of runs that differ in their seeds alone; `None` without runs.
pub fn test_spread(runs: &[NetworkRun]) -> Option<Spread> {
    Spread::of(&runs.iter().map(|run| run.test.accuracy).collect::<Vec<_>>())
}

/// An image that a network was wrong about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The number of the image, from 0.
    pub image: usize,
    /// Its class.
    pub label: u32,
    /// The class that was predicted.
    pub prediction: u32,
    /// The probability of that class.
    pub probability: f64,
}

impl Mistake {
    /// The wrong predictions of the largest probability, at most `count` of them, the most probable first.
    /// `labels` and `predictions` are `[n]`, `probabilities` `[n, n_classes]`, row-major.
    ///
    /// # Example
    /// ```
    /// use exact_eval::record::Mistake;
    ///
    /// let mistakes = Mistake::most_confident(&[0, 1, 0], &[1, 1, 1], &[0.4, 0.6, 0.1, 0.9, 0.3, 0.7], 5);
    /// assert_eq!(mistakes.iter().map(|mistake| mistake.image).collect::<Vec<_>>(), [2, 0]);
    /// assert_eq!(mistakes[0].probability, 0.7);
    /// ```
    pub fn most_confident(
        labels: &[u32],
        predictions: &[u32],
        probabilities: &[f64],
        count: usize,
    ) -> Vec<Self> {
        let n_classes = probabilities.len() / labels.len().max(1);
        let rows = labels.iter().zip(predictions).zip(probabilities.chunks_exact(n_classes.max(1)));
        let mut mistakes: Vec<Self> = rows
            .enumerate()
            .filter(|(_, ((label, prediction), _))| label != prediction)
            .filter_map(|(image, ((&label, &prediction), row))| {
                let probability = *row.get(prediction as usize)?;
                Some(Self { image, label, prediction, probability })
            })
            .collect();
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        mistakes.truncate(count);
        mistakes
    }
}
