//! A trained network with what it takes to apply it.

use std::path::Path;

use burn::module::Module as _;
use burn::tensor::Device;
use exact_data::{ChannelStatistics, ImageSize, Images};
use serde::{Deserialize, Serialize};

use crate::batches::Batches;
use crate::file::{self, Tensors};
use crate::models::{Architecture, Network};
use crate::{ImageShape, VisionError};

const FORMAT: &str = "exact-learn image classifier";

/// Images that are classified at once.
const BATCH_SIZE: usize = 128;

/// A network that classifies images of one shape.
#[derive(Debug, Clone)]
pub struct ImageClassifier {
    pub(crate) network: Network,
    pub(crate) description: Description,
}

/// Everything about a classifier but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Description {
    pub model: Architecture,
    pub shape: ImageShape,
    pub class_names: Vec<String>,
    pub statistics: ChannelStatistics,
}

/// What a classifier says of some images.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Predictions {
    /// The class of each image.
    pub classes: Vec<u32>,
    /// The softmax of the logits, `[n, classes]`.
    pub probabilities: Vec<f64>,
}

impl ImageClassifier {
    /// The names of the classes.
    pub fn class_names(&self) -> &[String] {
        &self.description.class_names
    }

    /// Height and width of the images that it takes.
    pub fn image_size(&self) -> ImageSize {
        let ImageShape { height, width, .. } = self.description.shape;
        ImageSize { height, width }
    }

    /// The classes of images, by the largest logit.
    ///
    /// # Errors
    /// [`VisionError::Shape`] if they have another shape than those of training, [`VisionError::Device`] if the device fails.
    pub fn predict(&self, images: &Images) -> Result<Predictions, VisionError> {
        let (found, expected) = (ImageShape::of(images), self.description.shape);
        if found != expected {
            return Err(VisionError::Shape { found, expected });
        }
        let network = self.network.valid();
        let device = network.devices().into_iter().next().unwrap_or_default().without_autodiff();
        let statistics = &self.description.statistics;
        let mut predictions = Predictions { classes: Vec::new(), probabilities: Vec::new() };
        Batches { images, statistics, batch_size: BATCH_SIZE }.test(|_, batch| {
            let logits: Vec<f32> = network.forward(batch.images(&device)).try_into_vec_as()?;
            for logits in logits.chunks_exact(self.class_names().len()) {
                let best = logits.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
                let (class, largest) = best.map_or((0, 0.0), |(class, &logit)| (class, f64::from(logit)));
                let powers = logits.iter().map(|&logit| (f64::from(logit) - largest).exp());
                let sum: f64 = powers.clone().sum();
                predictions.classes.push(class as u32);
                predictions.probabilities.extend(powers.map(|power| power / sum));
            }
            Ok(())
        })?;
        Ok(predictions)
    }

    /// Writes the classifier whole or not at all.
    ///
    /// # Errors
    /// [`VisionError::Data`] if the file cannot be written, [`VisionError::Device`] if the device fails.
    pub fn save(&self, path: &Path) -> Result<(), VisionError> {
        file::write(path, FORMAT, &self.description, &file::tensors_of(&self.network)?)
    }

    /// Reads a classifier that [`ImageClassifier::save`] wrote.
    ///
    /// # Errors
    /// [`VisionError::Read`] if there is no such file, [`VisionError::File`] if it is not a classifier, of another version or
    /// damaged.
    pub fn load(path: &Path, device: &Device) -> Result<Self, VisionError> {
        let (description, tensors) = file::read::<Description>(path, FORMAT)?;
        let fail = |problem| VisionError::File { path: path.into(), problem };
        let network = description.load(tensors, device).map_err(fail)?;
        Ok(Self { network, description })
    }
}

impl Description {
    fn load(&self, tensors: Tensors, device: &Device) -> Result<Network, String> {
        let n_classes = self.class_names.len();
        let network = self.model.zeros(self.shape, n_classes, device).map_err(|error| error.to_string())?;
        file::load_tensors(network, tensors)
    }
}
