//! A trained network with what it takes to apply it.

use std::path::Path;

use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};
use exact_core::{Link, predicted_classes};
use exact_images::{ChannelStatistics, ImageSize, Images};
use serde::{Deserialize, Serialize};

use crate::batches::{Batches, check_statistics};
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
    pub(crate) link: Link,
}

/// What the images are, and the network for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Description {
    pub model: Architecture,
    pub shape: ImageShape,
    pub class_names: Vec<String>,
    pub statistics: ChannelStatistics,
}

/// What a file says about its tensors.
#[derive(Serialize, Deserialize)]
struct Contents {
    #[serde(flatten)]
    description: Description,
    /// Files from before there were links have plain softmax.
    #[serde(default)]
    link: Link,
}

/// What a classifier says of some images.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Predictions {
    /// The class of each image.
    pub classes: Vec<u32>,
    /// The probability of each class, `[n, classes]`.
    pub probabilities: Vec<f64>,
}

impl ImageClassifier {
    /// The network.
    pub fn architecture(&self) -> Architecture {
        self.description.model
    }

    /// The names of the classes.
    pub fn class_names(&self) -> &[String] {
        &self.description.class_names
    }

    /// Height and width of the images that it takes.
    pub fn image_size(&self) -> ImageSize {
        let ImageShape { height, width, .. } = self.description.shape;
        ImageSize { height, width }
    }

    /// The channels of the images that it takes: 1 for grey ones, 3 for red, green and blue.
    pub fn channels(&self) -> usize {
        self.description.shape.channels
    }

    /// The labels of images, if they are of the classes of training, so that they can be compared with
    /// predictions.
    ///
    /// # Errors
    /// [`VisionError::Classes`] if the classes differ or have another order.
    pub fn labels<'a>(&self, images: &'a Images) -> Result<&'a [u32], VisionError> {
        let (found, expected) = (images.class_names(), self.class_names());
        if found == expected {
            return Ok(images.labels());
        }
        let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
        let name = |names: &[String]| names.get(at).cloned();
        Err(VisionError::Classes { at, found: name(found), expected: name(expected) })
    }

    /// How logits become probabilities: as the loss has it, with a scale that was fitted to the validation
    /// images. Imported weights have plain softmax, and so have files of a version without links.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The logits of images, `[n, classes]`, row-major.
    ///
    /// # Errors
    /// [`VisionError::Shape`] if they have another shape than those of training, [`VisionError::Device`] if
    /// the device fails.
    pub fn logits(&self, images: &Images) -> Result<Vec<f64>, VisionError> {
        let mut logits = Vec::new();
        self.each_row(images, Network::forward, |row| logits.extend(row.iter().copied().map(f64::from)))?;
        Ok(logits)
    }

    /// The classes of images, by the largest logit, and their probabilities.
    ///
    /// # Errors
    /// Those of [`ImageClassifier::logits`], and [`VisionError::Loss`] if a logit is not finite.
    pub fn predict(&self, images: &Images) -> Result<Predictions, VisionError> {
        let (logits, n_classes) = (self.logits(images)?, self.class_names().len());
        Ok(Predictions {
            classes: predicted_classes(&logits, n_classes),
            probabilities: self.link.probabilities(&logits, n_classes)?,
        })
    }

    /// The classifier with a link whose scale is fitted to its logits of images that it was not trained on.
    ///
    /// # Errors
    /// [`VisionError::Loss`] if there are no images, or a logit is not finite.
    pub(crate) fn calibrated(self, logits: &[f64], labels: &[u32]) -> Result<Self, VisionError> {
        let n_classes = self.class_names().len();
        let link = self.link.calibrated(logits, labels, n_classes, None)?;
        Ok(Self { link, ..self })
    }

    /// What the last layer classifies: the features of images, `[n, n_features]`, row-major.
    ///
    /// # Errors
    /// Those of [`ImageClassifier::predict`].
    pub fn features(&self, images: &Images) -> Result<Vec<f32>, VisionError> {
        let mut features = Vec::new();
        self.each_row(images, Network::features, |row| features.extend_from_slice(row))?;
        Ok(features)
    }

    /// The number of features that the last layer classifies.
    pub fn n_features(&self) -> usize {
        let [n_features, _] = self.network.head_shape();
        n_features
    }

    /// The classifier with another last layer, `logits = features · weights + biases`, as one that was
    /// trained on [`ImageClassifier::features`], and with its link. `weights` are `[n_features, n_classes]`,
    /// row-major, and `biases` `[n_classes]`.
    ///
    /// # Errors
    /// [`VisionError::Head`] if their numbers are others.
    pub fn with_head(&self, weights: Vec<f32>, biases: Vec<f32>, link: Link) -> Result<Self, VisionError> {
        let [n_features, n_classes] = self.network.head_shape();
        let found = [weights.len(), biases.len()];
        if found != [n_features * n_classes, n_classes] {
            return Err(VisionError::Head { found, n_features, n_classes });
        }
        let device = self.device();
        let weights = Tensor::from_data(TensorData::new(weights, [n_features, n_classes]), &device);
        let biases = Tensor::from_data(TensorData::new(biases, [n_classes]), &device);
        let mut network = self.network.clone();
        network.set_head(weights, biases);
        Ok(Self { network, description: self.description.clone(), link })
    }

    /// A network with the weights of this one, but for those of the last layer, unless it tells the same
    /// classes apart.
    pub(crate) fn body_in(&self, network: Network, class_names: &[String]) -> Result<Network, VisionError> {
        let mut tensors = file::tensors_of(&network)?;
        let head = network.head_names();
        let keeps_head = class_names == self.class_names();
        for (name, tensor) in file::tensors_of(&self.network)? {
            if keeps_head || !head.contains(&name) {
                tensors.insert(name, tensor);
            }
        }
        Ok(file::load_tensors(network, tensors).expect("the networks differ in the last layer alone"))
    }

    fn device(&self) -> Device {
        self.network.devices().into_iter().next().expect("a network has parameters")
    }

    /// Calls a function with what is computed of each image, in order.
    fn each_row(
        &self,
        images: &Images,
        compute: impl Fn(&Network, Tensor<4>) -> Tensor<2>,
        mut each: impl FnMut(&[f32]),
    ) -> Result<(), VisionError> {
        let (found, expected) = (ImageShape::of(images), self.description.shape);
        if found != expected {
            return Err(VisionError::Shape { found, expected });
        }
        let (network, device) = (self.network.valid(), self.device().without_autodiff());
        let statistics = &self.description.statistics;
        Batches::new(images, statistics, BATCH_SIZE)?.test(|_, batch| {
            let rows = compute(&network, batch.images(&device));
            let [_, width] = rows.dims();
            let values: Vec<f32> = rows.try_into_vec_as()?;
            values.chunks_exact(width).for_each(&mut each);
            Ok(())
        })
    }

    /// Writes the classifier whole or not at all.
    ///
    /// # Errors
    /// [`VisionError::Data`] if the file cannot be written, [`VisionError::Device`] if the device fails.
    pub fn save(&self, path: &Path) -> Result<(), VisionError> {
        let contents = Contents { description: self.description.clone(), link: self.link };
        file::write(path, FORMAT, &contents, &file::tensors_of(&self.network)?)
    }

    /// Reads a classifier that [`ImageClassifier::save`] wrote.
    ///
    /// # Errors
    /// [`VisionError::Read`] if there is no such file, [`VisionError::File`] if it is not a classifier, of
    /// another version or damaged.
    pub fn load(path: &Path, device: &Device) -> Result<Self, VisionError> {
        let (Contents { description, link }, tensors) = file::read(path, FORMAT)?;
        let fail = |problem| VisionError::File { path: path.into(), problem };
        if !(link.scale() > 0.0 && link.scale().is_finite()) {
            let scale = link.scale();
            return Err(fail(format!(
                "the scale of its probabilities must be positive and finite, got {scale}"
            )));
        }
        check_statistics(&description.statistics, description.shape.channels)
            .map_err(|error| fail(error.to_string()))?;
        let network = description.load(path, tensors, device)?;
        Ok(Self { network, description, link })
    }
}

impl Description {
    /// The network with the tensors of a file.
    pub fn load(&self, path: &Path, tensors: Tensors, device: &Device) -> Result<Network, VisionError> {
        let network = self.model.zeros(self.shape, self.class_names.len(), device)?;
        file::load_tensors(network, tensors)
            .map_err(|problem| VisionError::File { path: path.into(), problem })
    }
}

#[cfg(test)]
impl ImageClassifier {
    /// Random weights for colour images of three classes, normalised as torchvision does.
    pub(crate) fn untrained(network: &str, shape: ImageShape) -> Self {
        let model: Architecture = network.parse().unwrap();
        let network = model.init(shape, 3, 5, &Device::default()).unwrap();
        let class_names = ["a", "b", "c"].map(String::from).to_vec();
        let statistics =
            ChannelStatistics { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225] };
        let description = Description { model, shape, class_names, statistics };
        Self { network, description, link: Link::default() }
    }
}
