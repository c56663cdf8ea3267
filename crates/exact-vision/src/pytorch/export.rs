//! Weights for `PyTorch`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use exact_data::write_atomically;
use safetensors::tensor::{Dtype, TensorView};

use super::{names, transposed};
use crate::VisionError;
use crate::classifier::ImageClassifier;
use crate::file::{self, StoredTensor, Values};

impl ImageClassifier {
    /// Writes the weights as a safetensors file with the conventions of `PyTorch`, whole or not at all: `weight` and `bias` of normalisations,
    /// `[outputs, inputs]` for linear layers.
    ///
    /// Those of residual, wide residual and VGG networks have the names that [`ImageClassifier::from_pytorch`] reads. The networks of
    /// torchvision of the same depth load them where the images are above 64 x 64; for smaller ones, the first convolution of
    /// residual networks is 3 x 3 without pooling after it, and VGG networks have no hidden linear layers. Those of other networks
    /// have the names of the fields of their types in [`models`](crate::models). The metadata hold `network`, and as JSON arrays
    /// `class_names` and the `mean` and `std` that each channel, divided by 255, is normalised by.
    ///
    /// # Errors
    /// [`VisionError::Data`] if the file cannot be written, [`VisionError::Device`] if the device fails.
    pub fn export_safetensors(&self, path: &Path) -> Result<(), VisionError> {
        let fail = |problem: String| VisionError::File { path: path.into(), problem };
        let (pairs, _) = names::of(self.architecture()).unwrap_or_default();
        let names: HashMap<String, String> = pairs.into_iter().map(|(theirs, own)| (own, theirs)).collect();
        let mut tensors = BTreeMap::new();
        for (own, tensor) in file::tensors_of(&self.network)? {
            let StoredTensor { shape, values: Values::Floats(values) } = transposed(tensor) else { continue };
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let name = names.get(&own).cloned().unwrap_or_else(|| name_of_fields(&own));
            tensors.insert(name, (shape, bytes));
        }
        let views = tensors.iter().map(|(name, (shape, bytes))| {
            Ok((
                name.as_str(),
                TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|e| fail(e.to_string()))?,
            ))
        });
        let views: BTreeMap<&str, TensorView<'_>> = views.collect::<Result<_, VisionError>>()?;
        let statistics = &self.description.statistics;
        let json = |error: serde_json::Error| fail(error.to_string());
        let metadata = HashMap::from(
            [
                ("format", "pt".into()),
                ("network", self.architecture().to_string()),
                ("class_names", serde_json::to_string(self.class_names()).map_err(json)?),
                ("mean", serde_json::to_string(&statistics.mean).map_err(json)?),
                ("std", serde_json::to_string(&statistics.std).map_err(json)?),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let bytes =
            safetensors::serialize(&views, Some(metadata)).map_err(|error| fail(error.to_string()))?;
        Ok(write_atomically(path, |file| file.write_all(&bytes))?)
    }
}

/// The name of a tensor of a network without usual names: its fields, without the type of the network, which is the first.
fn name_of_fields(name: &str) -> String {
    let mut parts: Vec<&str> = name.split('.').skip(1).collect();
    if let Some(field) = parts.last_mut() {
        *field = match *field {
            "gamma" => "weight",
            "beta" => "bias",
            other => other,
        };
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use exact_images::ImageSize;
    use safetensors::SafeTensors;

    use super::name_of_fields;
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
        assert_eq!(name_of_fields("M3.norm.gamma"), "norm.weight");
    }
}
