//! Weights of classifiers for `PyTorch`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use exact_data::write_atomically;
use safetensors::tensor::{Dtype, TensorView};

use crate::VisionError;
use crate::classifier::ImageClassifier;
use crate::file::{self, StoredTensor, Values};
use crate::models::{Architecture, ResNet};

impl ImageClassifier {
    /// Writes the weights as a safetensors file with the conventions of `PyTorch`, whole or not at all: `weight` and `bias` of normalisations,
    /// `[outputs, inputs]` for linear layers.
    ///
    /// Those of residual networks have the names of torchvision, whose networks of the same depth load them where the images are
    /// above 64 x 64; for smaller ones the first convolution is 3 x 3 and there is no pooling after it. Those of other networks have
    /// the names of the fields of their types in [`models`](crate::models). The metadata hold `network`, and as JSON arrays
    /// `class_names` and the `mean` and `std` that each channel, divided by 255, is normalised by.
    ///
    /// # Errors
    /// [`VisionError::Data`] if the file cannot be written, [`VisionError::Device`] if the device fails.
    pub fn export_safetensors(&self, path: &Path) -> Result<(), VisionError> {
        let fail = |problem: String| VisionError::File { path: path.into(), problem };
        let mut tensors = BTreeMap::new();
        for (name, StoredTensor { shape, values }) in file::tensors_of(&self.network)? {
            let Values::Floats(values) = values else { continue };
            let (shape, values) = match shape.as_slice() {
                &[inputs, outputs] => (vec![outputs, inputs], transposed(&values, outputs)),
                _ => (shape, values),
            };
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.insert(name_of(&name, self.architecture()), (shape, bytes));
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

/// `[outputs, inputs]` of `[inputs, outputs]`.
fn transposed(weights: &[f32], outputs: usize) -> Vec<f32> {
    (0..outputs).flat_map(|output| weights.iter().skip(output).step_by(outputs).copied()).collect()
}

/// The name of a tensor in `PyTorch`.
fn name_of(name: &str, network: Architecture) -> String {
    // The first part is the type of the network.
    let mut parts: Vec<&str> = name.split('.').skip(1).collect();
    if let Some(field) = parts.last_mut() {
        *field = match *field {
            "gamma" => "weight",
            "beta" => "bias",
            other => other,
        };
    }
    let Architecture::ResNet { depth } = network else { return parts.join(".") };
    match parts.as_slice() {
        ["stem", "convolution", field] => format!("conv1.{field}"),
        ["stem", "norm", field] => format!("bn1.{field}"),
        ["head", field] => format!("fc.{field}"),
        ["blocks", number, rest @ ..] => {
            let block = block_name(number.parse().unwrap_or_default(), depth);
            match rest {
                ["shortcut", "convolution", field] => format!("{block}.downsample.0.{field}"),
                ["shortcut", "norm", field] => format!("{block}.downsample.1.{field}"),
                ["convolutions", layer, kind, field] => {
                    let layer = layer.parse::<usize>().unwrap_or_default() + 1;
                    format!("{block}.{}{layer}.{field}", if *kind == "norm" { "bn" } else { "conv" })
                }
                _ => parts.join("."),
            }
        }
        _ => parts.join("."),
    }
}

/// The group and the number within it of a block, both from their first in torchvision.
fn block_name(mut number: usize, depth: usize) -> String {
    let mut group = 1;
    for count in ResNet::blocks(depth).unwrap_or_default() {
        if number < count {
            break;
        }
        number -= count;
        group += 1;
    }
    format!("layer{group}.{number}")
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use exact_data::ImageSize;
    use safetensors::SafeTensors;

    use super::name_of;
    use crate::{ImageClassifier, ImageShape, file};

    #[test]
    fn what_is_exported_is_imported_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let shape = ImageShape { channels: 3, height: 70, width: 66 };
        for network in ["resnet-18", "resnet-50"] {
            let classifier = ImageClassifier::untrained(network, shape);
            classifier.export_safetensors(&path).unwrap();
            let size = ImageSize { height: 70, width: 66 };
            let names = Some(classifier.class_names().to_vec());
            let again = ImageClassifier::from_torchvision(
                &path,
                classifier.architecture(),
                size,
                names,
                &Device::default(),
            )
            .unwrap();
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
        ImageClassifier::untrained("wrn-10-1", shape).export_safetensors(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = metadata.metadata().clone().unwrap();
        assert_eq!(metadata["network"], "wrn-10-1");
        assert_eq!(metadata["class_names"], "[\"a\",\"b\",\"c\"]");
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("head.weight").unwrap().shape(), [3, 64]);
        assert_eq!(tensors.tensor("blocks.1.norms.0.running_var").unwrap().shape(), [16]);
        assert_eq!(name_of("M3.norm.gamma", "m3".parse().unwrap()), "norm.weight");
    }
}
