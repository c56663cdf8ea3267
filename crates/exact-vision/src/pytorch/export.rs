//! Weights for `PyTorch`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use exact_data::write_atomically;
use safetensors::tensor::{Dtype, TensorView};

use super::names::{self, Names, transposed};
use crate::classifier::ImageClassifier;
use crate::{VisionError, file};

impl ImageClassifier {
    /// Writes the weights as a safetensors file with the conventions of `PyTorch`, whole or not at all:
    /// `weight` and `bias` of normalisations, `[outputs, inputs]` for linear layers.
    ///
    /// Those of residual, wide residual and VGG networks have the names that
    /// [`ImageClassifier::from_pytorch`] reads. The networks of torchvision of the same depth load them where
    /// the images are above 64 x 64; for smaller ones, the first convolution of residual networks is 3 x 3
    /// without pooling after it, and VGG networks have no hidden linear layers. Those of other networks have
    /// the names of the fields of their types in [`models`](crate::models). The metadata hold `network`, and
    /// as JSON arrays `class_names` and the `mean` and `std` that each channel, divided by 255, is normalised
    /// by.
    ///
    /// # Errors
    /// [`VisionError::Data`] if the file cannot be written, [`VisionError::File`] if its names of classes are
    /// longer than the format can say, [`VisionError::Device`] if the device fails.
    pub fn export_safetensors(&self, path: &Path) -> Result<(), VisionError> {
        let mut stored = file::tensors_of(&self.network)?;
        let mut tensors = BTreeMap::new();
        for Names { theirs, own } in names::of(&self.network) {
            let tensor = transposed(stored.remove(&own).expect("names are those of the network's tensors"));
            let bytes: Vec<u8> = tensor.floats().iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.insert(theirs, (tensor.shape, bytes));
        }
        let views = tensors.iter().map(|(name, (shape, bytes))| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            (name.as_str(), view.expect("a tensor has as many values as its shape says"))
        });
        let views: BTreeMap<&str, TensorView<'_>> = views.collect();
        let statistics = &self.description.statistics;
        let metadata = HashMap::from(
            [
                ("format", "pt".into()),
                ("network", self.architecture().to_string()),
                ("class_names", file::json(self.class_names())),
                ("mean", file::json(&statistics.mean)),
                ("std", file::json(&statistics.std)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let bytes = safetensors::serialize(&views, Some(metadata));
        let bytes =
            bytes.map_err(|error| VisionError::File { path: path.into(), problem: error.to_string() })?;
        Ok(write_atomically(path, |file| file.write_all(&bytes))?)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use exact_images::ImageSize;
    use safetensors::SafeTensors;

    use crate::{ImageClassifier, ImageShape, file};

    #[test]
    fn what_is_exported_is_imported_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let shape = ImageShape { channels: 3, height: 70, width: 66 };
        for network in ["resnet-18", "resnet-50", "wrn-10-1", "wrn-16-2"] {
            let classifier = ImageClassifier::untrained(network, shape);
            classifier.export_safetensors(&path).unwrap();
            let size = ImageSize { height: 70, width: 66 };
            let names = Some(classifier.class_names().to_vec());
            let (network, device) = (classifier.architecture(), Device::default());
            let again = ImageClassifier::from_pytorch(&path, network, size, None, names, &device).unwrap();
            assert!(
                file::tensors_of(&again.network).unwrap() == file::tensors_of(&classifier.network).unwrap()
            );
        }
    }

    #[test]
    fn other_networks_have_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let shape = ImageShape { channels: 3, height: 32, width: 32 };
        ImageClassifier::untrained("small-cnn", shape).export_safetensors(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = metadata.metadata().clone().unwrap();
        assert_eq!(metadata["network"], "small-cnn");
        assert_eq!(metadata["class_names"], "[\"a\",\"b\",\"c\"]");
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("head.weight").unwrap().shape(), [3, 84]);
    }
}
