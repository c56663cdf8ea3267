//! A small network for quick experiments.

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::Parts;
use super::layers::{
    Convolution, channels_first, channels_last, convolve, halving_pool, linear, linear_of, pool,
};
use crate::{ImageShape, VisionError};

/// `LeNet-5` with rectified units and maximum pooling: two 5 x 5 convolutions to 6 and 16 channels, then three linear layers of
/// 120 and 84 units and the classes.
///
/// # References
/// Y. `LeCun`, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition*, Proceedings of the IEEE 86, 1998.
#[derive(Module, Debug)]
pub struct SmallCnn {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    linear: Vec<Linear>,
    head: Linear,
}

impl SmallCnn {
    pub(super) fn new(input: ImageShape, n_classes: usize, device: &Device) -> Result<Self, VisionError> {
        let [height, width] = input.at_least("small-cnn", 12)?.map(|size| (size / 2 - 4) / 2);
        let first = Convolution { bias: true, ..Convolution::new([input.channels, 6], 5) };
        let second = Convolution { bias: true, padding: 0, ..Convolution::new([6, 16], 5) };
        Ok(Self {
            convolutions: vec![first.init(device), second.init(device)],
            pool: halving_pool(),
            linear: vec![linear(16 * height * width, 120, device), linear(120, 84, device)],
            head: linear(84, n_classes, device),
        })
    }
}

impl Parts for SmallCnn {
    fn features(&self, images: Tensor<4>) -> Tensor<2> {
        let layers = self.convolutions.iter();
        let last =
            layers.fold(channels_last(images), |input, layer| pool(&self.pool, relu(convolve(layer, input))));
        let pixels = channels_first(last).flatten(1, 3);
        self.linear.iter().fold(pixels, |input, layer| relu(layer.forward(input)))
    }

    fn head(&self) -> &Linear {
        &self.head
    }

    fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>) {
        self.head = linear_of(weights, biases);
    }
}
