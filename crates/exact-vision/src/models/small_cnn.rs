//! A small network for quick experiments.

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{Device, Tensor};

use super::forward::{ForwardPass, Parts};
use super::layers::{Convolution, halving_pool, linear, linear_of, sides};
use crate::{ImageShape, VisionError};

/// `LeNet-5` with rectified units and maximum pooling: two 5 x 5 convolutions to 6 and 16 channels, then
/// three linear layers of 120 and 84 units and the classes.
///
/// # References
/// Y. `LeCun`, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition*,
/// Proceedings of the IEEE 86, 1998.
#[derive(Module, Debug)]
pub struct SmallCnn {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    linear: Vec<Linear>,
    head: Linear,
}

impl SmallCnn {
    pub(super) fn new(input: ImageShape, n_classes: usize, device: &Device) -> Result<Self, VisionError> {
        let [height, width] = sides(input, "small-cnn", 12)?.map(|size| (size / 2 - 4) / 2);
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
    fn features<P: ForwardPass>(&self, pass: &mut P, images: P::Pixels) -> P::Features {
        let mut pixels = images;
        for layer in &self.convolutions {
            pixels = pass.convolution(layer, pixels);
            pixels = pass.relu(pixels);
            pixels = pass.max_pool(&self.pool, pixels);
        }
        let pixels = pass.flat(pixels);
        self.linear.iter().fold(pixels, |input, layer| pass.linear(layer, input, true))
    }

    fn head(&self) -> &Linear {
        &self.head
    }

    fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>) {
        self.head = linear_of(weights, biases);
    }
}
