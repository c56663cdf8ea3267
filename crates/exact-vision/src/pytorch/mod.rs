//! Networks with weights from `PyTorch`, and weights for it.

mod export;
mod names;
mod state;

use std::path::Path;

use burn::tensor::Device;
use exact_core::Link;
use exact_images::{ChannelStatistics, ImageSize};

use crate::classifier::{Description, ImageClassifier};
use crate::file::{StoredTensor, Tensors, Values};
use crate::models::Architecture;
use crate::{ImageShape, VisionError};

/// What torchvision normalises red, green and blue by: the mean and standard deviation of `ImageNet`.
const IMAGENET: [[f64; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
/// Those of CIFAR-10, in units of 1/255, as wide residual networks were published with.
const CIFAR_10: [[f64; 3]; 2] = [[125.3, 123.0, 113.9], [63.0, 62.1, 66.7]];

impl ImageClassifier {
    /// A network with weights from `PyTorch` for colour images, from a `.safetensors`, `.pt` or `.pth` file of its `state_dict()`,
    /// of which no code is run. They may be below other names, as in a checkpoint with a `state_dict` of a network in
    /// `DataParallel`.
    ///
    /// - Residual networks have the names and shapes of torchvision's `resnet18`, `resnet34` and `resnet50`, and VGG networks those
    ///   of its `vgg11_bn` to `vgg19_bn`; images are larger than 64 x 64.
    /// - Wide residual networks have the names that are usual for those of CIFAR: `conv1`, `block1.layer.0.bn1`, `….conv1`,
    ///   `….bn2`, `….conv2` and `….convShortcut`, to `block3`, `bn1` and `fc`.
    ///
    /// Without statistics, images are normalised as these networks are usually: by those of `ImageNet` as torchvision has them, or
    /// for wide residual networks by those of CIFAR-10. Without names, the classes are called by their numbers.
    ///
    /// # Errors
    /// [`VisionError::Read`] if there is no such file, [`VisionError::File`] if it is damaged, lacks a tensor, has one of another
    /// shape or one more, has other numbers than `F32`, or has not so many classes as there are names,
    /// [`VisionError::Architecture`] if the network is none of these, [`VisionError::Statistics`], and [`VisionError::InputSize`].
    pub fn from_pytorch(
        path: &Path,
        model: Architecture,
        size: ImageSize,
        statistics: Option<ChannelStatistics>,
        class_names: Option<Vec<String>>,
        device: &Device,
    ) -> Result<Self, VisionError> {
        let Some((names, head)) = names::of(model) else {
            return Err(VisionError::Architecture { name: format!("{model} with weights of PyTorch") });
        };
        let ImageSize { height, width } = size;
        let shape = ImageShape { channels: 3, height, width };
        let wide = matches!(model, Architecture::WideResNet { .. });
        if shape.is_small() && !wide {
            return Err(VisionError::InputSize {
                model: "a network of torchvision",
                smallest: 65,
                height,
                width,
            });
        }
        let stored = state::read(path, head)?;
        let fail = |problem: String| VisionError::File { path: path.into(), problem };
        let n_classes = match stored.get(head).map(|weights| weights.shape.as_slice()) {
            Some(&[n_classes, _]) if n_classes > 0 => n_classes,
            found => {
                let shape = found.unwrap_or_default();
                return Err(fail(format!("its tensor '{head}' has shape {shape:?}, expected two lengths")));
            }
        };
        let class_names =
            class_names.unwrap_or_else(|| (0..n_classes).map(|class| class.to_string()).collect());
        if class_names.len() != n_classes {
            return Err(fail(format!("it has {n_classes} classes, there are {} names", class_names.len())));
        }
        let statistics = statistics.unwrap_or_else(|| usual_statistics(wide));
        if !is_usable(&statistics) {
            return Err(VisionError::Statistics);
        }
        let description = Description { model, shape, class_names, statistics };
        let tensors = renamed(stored, names, model).map_err(fail)?;
        let network = description.load(path, tensors, device)?;
        Ok(Self { network, description, link: Link::default() })
    }
}

/// What the images of these networks are usually normalised by.
fn usual_statistics(wide: bool) -> ChannelStatistics {
    let ([mean, std], unit) = if wide { (CIFAR_10, 255.0) } else { (IMAGENET, 1.0) };
    ChannelStatistics { mean: mean.map(|x| x / unit).to_vec(), std: std.map(|x| x / unit).to_vec() }
}

fn is_usable(ChannelStatistics { mean, std }: &ChannelStatistics) -> bool {
    let finite = mean.iter().chain(std).all(|value| value.is_finite());
    [mean.len(), std.len()] == [3, 3] && finite && std.iter().all(|&std| std > 0.0)
}

/// The tensors by their names here, or what is missing or too many.
fn renamed(mut stored: Tensors, names: names::Pairs, model: Architecture) -> Result<Tensors, String> {
    let own = |(theirs, own): (String, String)| match stored.remove(&theirs) {
        Some(tensor) => Ok((own, transposed(tensor))),
        None => Err(format!("it has no tensor '{theirs}'")),
    };
    let tensors = names.into_iter().map(own).collect::<Result<_, _>>()?;
    match stored.keys().min() {
        Some(name) => Err(format!("its tensor '{name}' is not of {model}")),
        None => Ok(tensors),
    }
}

/// A tensor of the one as it is in the other: matrices of linear layers are `[outputs, inputs]` there, and `[inputs, outputs]` here.
fn transposed(tensor: StoredTensor) -> StoredTensor {
    match (tensor.shape.as_slice(), &tensor.values) {
        (&[rows, columns], Values::Floats(values)) => {
            let mut transposed = Vec::with_capacity(values.len());
            for column in 0..columns {
                transposed.extend((0..rows).map(|row| values[row * columns + column]));
            }
            StoredTensor { shape: vec![columns, rows], values: Values::Floats(transposed) }
        }
        _ => tensor,
    }
}

#[cfg(test)]
mod tests;
