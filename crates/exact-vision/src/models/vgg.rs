//! VGG networks.

use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor};

use super::forward::{ForwardPass, LayerName, Parts};
use super::layers::{Convolution, NormalizedConvolution, halving_pool, linear, linear_of, sides};
use crate::{ImageShape, VisionError};

/// A VGG network with batch normalisation: five groups of 3 x 3 convolutions of 64, 128, 256, 512 and 512
/// channels, each followed by maximum pooling that halves the image.
///
/// Large images then have a mean over 7 x 7 areas and two linear layers of 4096 rectified units, in training
/// with dropout of one half; [small](ImageShape::is_small) ones the mean over pixels alone. A linear layer
/// follows.
///
/// # References
/// Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, arXiv
/// 1409.1556, configurations A (11 layers), B (13), D (16) and E (19).
#[derive(Module, Debug)]
pub struct Vgg {
    groups: Vec<Vec<NormalizedConvolution>>,
    pool: MaxPool2d,
    area: usize,
    hidden: Vec<Linear>,
    dropout: Dropout,
    head: Linear,
}

/// Channels of each group.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

impl Vgg {
    /// How many convolutions each group of a network with this many layers has, if there is one.
    pub(super) fn groups(depth: usize) -> Option<[usize; 5]> {
        match depth {
            11 => Some([1, 1, 2, 2, 2]),
            13 => Some([2, 2, 2, 2, 2]),
            16 => Some([2, 2, 3, 3, 3]),
            19 => Some([2, 2, 4, 4, 4]),
            _ => None,
        }
    }

    pub(super) fn new(
        groups: [usize; 5],
        input: ImageShape,
        n_classes: usize,
        device: &Device,
    ) -> Result<Self, VisionError> {
        sides(input, "vgg", 32)?;
        let mut channels = input.channels;
        let mut layers = |(outputs, count): (usize, usize)| {
            let layer = |_| {
                let convolution = Convolution { bias: true, ..Convolution::new([channels, outputs], 3) };
                channels = outputs;
                convolution.init_normalized(device)
            };
            (0..count).map(layer).collect()
        };
        let groups = CHANNELS.into_iter().zip(groups).map(&mut layers).collect();
        let area = if input.is_small() { 1 } else { 7 };
        let hidden = if input.is_small() {
            Vec::new()
        } else {
            vec![linear(channels * area * area, 4096, device), linear(4096, 4096, device)]
        };
        let head = linear(if input.is_small() { channels } else { 4096 }, n_classes, device);
        let dropout = DropoutConfig::new(0.5).init();
        Ok(Self { groups, pool: halving_pool(), area, hidden, dropout, head })
    }
}

impl Parts for Vgg {
    fn features<P: ForwardPass>(&self, pass: &mut P, images: P::Pixels) -> P::Features {
        let mut pixels = images;
        for group in &self.groups {
            for layer in group {
                pixels = layer.forward(pass, pixels, true);
            }
            pixels = pass.max_pool(&self.pool, pixels);
        }
        let mut features = pass.means(pixels, self.area);
        for layer in &self.hidden {
            features = pass.linear(layer, features, true);
            features = pass.dropout(&self.dropout, features);
        }
        features
    }

    fn head(&self) -> &Linear {
        &self.head
    }

    fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>) {
        self.head = linear_of(weights, biases);
    }

    /// As in torchvision, with batch normalisation: all layers are numbered, those without parameters too.
    fn names_in_pytorch(&self) -> Option<Vec<LayerName>> {
        let (mut names, mut at) = (Vec::new(), 0);
        for group in &self.groups {
            for layer in group {
                names.extend(layer.named(format!("features.{at}"), format!("features.{}", at + 1)));
                // Rectified units.
                at += 3;
            }
            // Pooling.
            at += 1;
        }
        // Behind each hidden layer are rectified units and dropout. The last has its number without hidden
        // layers too.
        let hidden = (0..).step_by(3).zip(&self.hidden);
        names.extend(hidden.map(|(at, layer)| (layer.weight.id, format!("classifier.{at}"))));
        names.push((self.head.weight.id, "classifier.6".into()));
        Some(names)
    }
}
