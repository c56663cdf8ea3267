//! VGG networks.

use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::relu;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

use super::Parts;
use super::layers::{
    Convolution, NormalizedConvolution, channels_first, channels_last, halving_pool, linear, linear_of, pool,
};
use crate::{ImageShape, VisionError};

/// A VGG network with batch normalisation: five groups of 3 x 3 convolutions of 64, 128, 256, 512 and 512 channels, each followed by
/// maximum pooling that halves the image.
///
/// Large images then have a mean over 7 x 7 areas and two linear layers of 4096 rectified units, in training with dropout of one
/// half; [small](ImageShape::is_small) ones the mean over pixels alone. A linear layer follows.
///
/// # References
/// Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, arXiv 1409.1556, configurations A
/// (11 layers), B (13), D (16) and E (19).
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
    pub(crate) fn groups(depth: usize) -> Option<[usize; 5]> {
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
        input.at_least("vgg", 32)?;
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
    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        let convolve = |input, group: &Vec<NormalizedConvolution>| {
            pool(&self.pool, group.iter().fold(input, |input, layer| layer.forward_relu(input)))
        };
        let pixels = self.groups.iter().fold(channels_last(images), convolve);
        let areas = adaptive_avg_pool2d(channels_first(pixels), [self.area; 2]).flatten(1, 3);
        let layers = self.hidden.iter();
        layers.fold(areas, |input, layer| self.dropout.forward(relu(layer.forward(input))))
    }

    fn head(&self) -> &Linear {
        &self.head
    }

    fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>) {
        self.head = linear_of(weights, biases);
    }
}
