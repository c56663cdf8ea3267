//! Residual networks with the weights of torchvision.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use exact_core::Link;
use exact_data::{ChannelStatistics, ImageSize};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::classifier::{Description, ImageClassifier};
use crate::file::{self, StoredTensor, Tensors, Values};
use crate::models::{Architecture, ResNet};
use crate::{ImageShape, VisionError};

/// What torchvision normalises red, green and blue by: the mean and standard deviation of `ImageNet`.
const MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const STD: [f64; 3] = [0.229, 0.224, 0.225];

/// The classifying layer's weights.
const HEAD: &str = "fc.weight";

impl ImageClassifier {
    /// A residual network with the weights of torchvision's network of the same depth, for colour images of a size above 64 x 64,
    /// which are normalised as torchvision does. In Python, `safetensors.torch.save_file(network.state_dict(), path)` writes them.
    ///
    /// Without names, the classes are called by their numbers.
    ///
    /// # Errors
    /// [`VisionError::Read`] if there is no such file, [`VisionError::File`] if it is no safetensors file, lacks a tensor, has one
    /// of another shape or one more, has other numbers than `F32`, or has not so many classes as there are names,
    /// [`VisionError::Architecture`] if the network is no residual one, and [`VisionError::InputSize`].
    pub fn from_torchvision(
        path: &Path,
        model: Architecture,
        size: ImageSize,
        class_names: Option<Vec<String>>,
        device: &Device,
    ) -> Result<Self, VisionError> {
        let Architecture::ResNet { depth } = model else {
            return Err(VisionError::Architecture { name: format!("{model} of torchvision") });
        };
        let ImageSize { height, width } = size;
        let shape = ImageShape { channels: 3, height, width };
        if shape.is_small() {
            return Err(VisionError::InputSize {
                model: "resnet of torchvision",
                smallest: 65,
                height,
                width,
            });
        }
        let fail = |problem: String| VisionError::File { path: path.into(), problem };
        let bytes = fs::read(path).map_err(|error| VisionError::Read { path: path.into(), error })?;
        let stored = SafeTensors::deserialize(&bytes)
            .map_err(|error| fail(format!("it is not a whole safetensors file ({error})")))?;
        let n_classes = match stored.tensor(HEAD).map(|weights| weights.shape().to_vec()).as_deref() {
            Ok([n_classes, _]) if *n_classes > 0 => *n_classes,
            Ok(shape) => {
                return Err(fail(format!("its tensor '{HEAD}' has shape {shape:?}, expected two lengths")));
            }
            Err(_) => return Err(fail(format!("it has no tensor '{HEAD}'"))),
        };
        let class_names =
            class_names.unwrap_or_else(|| (0..n_classes).map(|class| class.to_string()).collect());
        if class_names.len() != n_classes {
            return Err(fail(format!("it has {n_classes} classes, there are {} names", class_names.len())));
        }
        let network = model.zeros(shape, n_classes, device)?;
        let mut tensors = Tensors::new();
        for (name, tensor) in
            stored.tensors().iter().filter(|(name, _)| !name.ends_with("num_batches_tracked"))
        {
            let own =
                name_of(name, depth).ok_or_else(|| fail(format!("its tensor '{name}' is not of {model}")))?;
            tensors.insert(format!("ResNet.{own}"), read(name, tensor).map_err(fail)?);
        }
        let network = file::load_tensors(network, tensors).map_err(fail)?;
        let statistics = ChannelStatistics { mean: MEAN.to_vec(), std: STD.to_vec() };
        let description = Description { model, shape, class_names, statistics };
        Ok(Self { network, description, link: Link::default() })
    }
}

/// The name of a parameter of torchvision in [`ResNet`](crate::models::ResNet).
fn name_of(name: &str, depth: usize) -> Option<String> {
    let norm = |field: &str| {
        Some(match field {
            "weight" => "gamma",
            "bias" => "beta",
            "running_mean" => "running_mean",
            "running_var" => "running_var",
            _ => return None,
        })
    };
    let parts: Vec<&str> = name.split('.').collect();
    Some(match parts.as_slice() {
        ["conv1", "weight"] => "stem.convolution.weight".into(),
        ["bn1", field] => format!("stem.norm.{}", norm(field)?),
        ["fc", field] => format!("head.{field}"),
        [group, block, rest @ ..] => {
            let group: usize = group.strip_prefix("layer")?.parse().ok()?;
            let before = ResNet::blocks(depth)?.get(..group.checked_sub(1)?)?.iter().sum::<usize>();
            let block = format!("blocks.{}", before + block.parse::<usize>().ok()?);
            match rest {
                ["downsample", "0", "weight"] => format!("{block}.shortcut.convolution.weight"),
                ["downsample", "1", field] => format!("{block}.shortcut.norm.{}", norm(field)?),
                [layer, field] => {
                    let at = |number: &str| number.parse::<usize>().ok()?.checked_sub(1);
                    match (layer.strip_prefix("conv"), layer.strip_prefix("bn")) {
                        (Some(number), _) => {
                            format!("{block}.convolutions.{}.convolution.{field}", at(number)?)
                        }
                        (_, Some(number)) => {
                            format!("{block}.convolutions.{}.norm.{}", at(number)?, norm(field)?)
                        }
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// The values of a tensor; those of the classifying layer are `[classes, features]` there, and `[features, classes]` here.
fn read(name: &str, tensor: &TensorView<'_>) -> Result<StoredTensor, String> {
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("its tensor '{name}' is {:?}, expected F32", tensor.dtype()));
    }
    let values: Vec<f32> =
        tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let stored = |shape, values| StoredTensor { shape, values: Values::Floats(values) };
    Ok(match *tensor.shape() {
        [rows, columns] => {
            let transposed = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
            stored(vec![columns, rows], transposed.map(|at| values[at]).collect())
        }
        ref shape => stored(shape.to_vec(), values),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use burn::module::Module as _;
    use burn::tensor::Tensor;

    use super::*;

    /// Numbers in [0, 1) that depend on a name, as `NumPy` makes them from 32-bit integers.
    fn uniform(name: &str, count: usize) -> Vec<f64> {
        let hash = name.bytes().zip(1..).fold(0_u32, |sum, (byte, at)| sum + u32::from(byte) * at);
        let mix = |at: u32| {
            let mut x = at.wrapping_add(hash.wrapping_mul(0x0100_0193)).wrapping_mul(0x9e37_79b1);
            x ^= x >> 15;
            x = x.wrapping_mul(0x85eb_ca77);
            f64::from(x ^ (x >> 13)) / 2_f64.powi(32)
        };
        (0..count as u32).map(mix).collect()
    }

    /// The parameters of torchvision's network with five classes, by name and shape.
    fn parameters(counts: [usize; 4], bottleneck: bool) -> BTreeMap<String, Vec<usize>> {
        let mut all = BTreeMap::new();
        let mut layer = |convolution: String, norm: String, shape: [usize; 4]| {
            all.insert(format!("{convolution}.weight"), shape.to_vec());
            for field in ["weight", "bias", "running_mean", "running_var"] {
                all.insert(format!("{norm}.{field}"), vec![shape[0]]);
            }
        };
        layer("conv1".into(), "bn1".into(), [64, 3, 7, 7]);
        let mut inputs = 64;
        for (group, count) in counts.into_iter().enumerate() {
            let width = 64 << group;
            let outputs = if bottleneck { 4 * width } else { width };
            for block in 0..count {
                let name = format!("layer{}.{block}", group + 1);
                let shapes = if bottleneck {
                    vec![[width, inputs, 1, 1], [width, width, 3, 3], [outputs, width, 1, 1]]
                } else {
                    vec![[width, inputs, 3, 3], [width, width, 3, 3]]
                };
                for (shape, at) in shapes.into_iter().zip(1..) {
                    layer(format!("{name}.conv{at}"), format!("{name}.bn{at}"), shape);
                }
                if block == 0 && (group > 0 || bottleneck) {
                    let shape = [outputs, inputs, 1, 1];
                    layer(format!("{name}.downsample.0"), format!("{name}.downsample.1"), shape);
                }
                inputs = outputs;
            }
        }
        all.insert("fc.weight".into(), vec![5, inputs]);
        all.insert("fc.bias".into(), vec![5]);
        all
    }

    fn values(name: &str, shape: &[usize]) -> Vec<f32> {
        let scale = match *shape {
            [_, channels, height, width] => (6.0 / (channels * height * width) as f64).sqrt(),
            [_, features] => 1.0 / (features as f64).sqrt(),
            _ => 0.1,
        };
        let positive = shape.len() == 1 && (name.ends_with("running_var") || name.ends_with("weight"));
        let value = |u: f64| if positive { 0.5 + u } else { (2.0 * u - 1.0) * scale };
        uniform(name, shape.iter().product()).into_iter().map(|u| value(u) as f32).collect()
    }

    /// A file of these parameters, and of one that `PyTorch` adds.
    fn write(path: &Path, parameters: &BTreeMap<String, Vec<usize>>) {
        let bytes: HashMap<&String, Vec<u8>> = parameters
            .iter()
            .map(|(name, shape)| (name, values(name, shape).iter().flat_map(|x| x.to_le_bytes()).collect()))
            .collect();
        let mut views: BTreeMap<&str, TensorView<'_>> = parameters
            .iter()
            .map(|(name, shape)| {
                (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), &bytes[name]).unwrap())
            })
            .collect();
        views.insert("bn1.num_batches_tracked", TensorView::new(Dtype::I64, Vec::new(), &[0; 8]).unwrap());
        fs::write(path, safetensors::serialize(&views, None).unwrap()).unwrap();
    }

    fn import(path: &Path, model: &str, names: Option<Vec<String>>) -> Result<ImageClassifier, VisionError> {
        let size = ImageSize { height: 70, width: 66 };
        ImageClassifier::from_torchvision(path, model.parse().unwrap(), size, names, &Device::default())
    }

    /// The expected logits are those of torchvision's networks with these parameters, in double precision.
    #[test]
    fn logits_are_those_of_pytorch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        for (model, counts, bottleneck, expected) in [
            (
                "resnet-18",
                [2, 2, 2, 2],
                false,
                [0.4828, -14.6326, 5.8743, -12.3025, -8.5095, -0.0538, -15.1341, 6.7372, -13.9474, -7.9540],
            ),
            (
                "resnet-50",
                [3, 4, 6, 3],
                true,
                [
                    -1699.6869, 452.3174, 745.0127, -1014.0429, 1128.2501, -1716.8537, 401.2389, 733.5096,
                    -947.7384, 1136.0381,
                ],
            ),
        ] {
            write(&path, &parameters(counts, bottleneck));
            let classifier = import(&path, model, None).unwrap();
            assert_eq!(classifier.class_names(), ["0", "1", "2", "3", "4"]);
            let images: Vec<f32> =
                uniform("input", 2 * 3 * 70 * 66).iter().map(|u| (2.0 * u - 1.0) as f32).collect();
            let images =
                Tensor::from_data(burn::tensor::TensorData::new(images, [2, 3, 70, 66]), &Device::default());
            let logits: Vec<f32> =
                classifier.network.valid().forward(images).into_data().try_to_vec().unwrap();
            let largest = expected.iter().fold(0.0, |largest: f64, logit: &f64| largest.max(logit.abs()));
            for (logit, expected) in logits.iter().zip(expected) {
                assert!((f64::from(*logit) - expected).abs() < 1e-5 * largest, "{model}: {logits:?}");
            }
        }
    }

    #[test]
    fn other_weights_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let problem =
            |model: &str, names: Option<Vec<String>>| import(&path, model, names).unwrap_err().to_string();
        assert!(matches!(import(&path, "resnet-18", None), Err(VisionError::Read { .. })));
        fs::write(&path, "pickle").unwrap();
        assert!(problem("resnet-18", None).contains("not a whole safetensors file"));
        let whole = parameters([2, 2, 2, 2], false);
        write(&path, &whole);
        assert!(
            problem("resnet-18", Some(vec!["cat".into()])).ends_with("it has 5 classes, there are 1 names")
        );
        assert!(problem("resnet-34", None).contains("it has no tensor"));
        assert!(problem("vgg-16", None).contains("vgg-16 of torchvision"));
        let mut more = whole.clone();
        more.insert("layer1.0.se.weight".into(), vec![1]);
        write(&path, &more);
        assert!(problem("resnet-18", None).contains("'layer1.0.se.weight' is not of resnet-18"));
        let mut other = whole;
        other.insert("conv1.weight".into(), vec![64, 3, 3, 3]);
        write(&path, &other);
        assert!(problem("resnet-18", None).contains("shape [64, 3, 3, 3], expected [64, 3, 7, 7]"));
        let size = ImageSize { height: 32, width: 32 };
        let small = ImageClassifier::from_torchvision(
            &path,
            Architecture::ResNet { depth: 18 },
            size,
            None,
            &Device::default(),
        );
        assert!(matches!(small, Err(VisionError::InputSize { smallest: 65, .. })));
    }
}
