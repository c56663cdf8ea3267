//! Layers that several networks are made of. Their weights are zeros until [`initialize`](super::initialize).

use burn::module::{Initializer, Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use crate::kernels;

/// A square convolution from the first to the second number of channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Convolution {
    pub channels: [usize; 2],
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub bias: bool,
}

impl Convolution {
    /// Stride 1, padding that keeps the size and no bias.
    pub fn new(channels: [usize; 2], kernel: usize) -> Self {
        Self { channels, kernel, stride: 1, padding: kernel / 2, bias: false }
    }

    pub fn init(self, device: &Device) -> Conv2d {
        let padding = self.padding;
        Conv2dConfig::new(self.channels, [self.kernel; 2])
            .with_stride([self.stride; 2])
            .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
            .with_bias(self.bias)
            .with_initializer(Initializer::Zeros)
            .init(device)
    }

    /// The convolution followed by batch normalisation.
    pub fn init_normalized(self, device: &Device) -> NormalizedConvolution {
        let norm = BatchNormConfig::new(self.channels[1]).init(device);
        NormalizedConvolution { convolution: self.init(device), norm }
    }
}

/// A convolution and batch normalisation.
#[derive(Module, Debug)]
pub(super) struct NormalizedConvolution {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl NormalizedConvolution {
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        normalize(&self.norm, convolve(&self.convolution, input), false)
    }

    pub fn forward_relu(&self, input: Tensor<4>) -> Tensor<4> {
        normalize(&self.norm, convolve(&self.convolution, input), true)
    }
}

/// Images as the layers here take and return them.
///
/// # Shapes
/// `[n, channels, height, width]` to `[n, height, width, channels]`
pub(super) fn channels_last(images: Tensor<4>) -> Tensor<4> {
    images.permute([0, 2, 3, 1])
}

/// The inverse of [`channels_last`].
pub(super) fn channels_first(images: Tensor<4>) -> Tensor<4> {
    images.permute([0, 3, 1, 2])
}

/// A [`Convolution`] of images.
pub(super) fn convolve(layer: &Conv2d, images: Tensor<4>) -> Tensor<4> {
    let padding = match layer.padding {
        PaddingConfig2d::Explicit(padding, ..) if kernels::run_on(&images) => padding,
        _ => return channels_last(layer.forward(channels_first(images))),
    };
    let results = kernels::convolve(images, layer.weight.val(), layer.stride[0], padding);
    match &layer.bias {
        Some(bias) => results + bias.val().unsqueeze(),
        None => results,
    }
}

/// Batch normalisation of images, with rectified units behind it or not.
pub(super) fn normalize(layer: &BatchNorm, images: Tensor<4>, rectified: bool) -> Tensor<4> {
    let (gamma, beta) = (layer.gamma.val(), layer.beta.val());
    let own = kernels::run_on(&images);
    let with_gradients = [images.device(), gamma.device()].iter().any(Device::is_autodiff);
    if own && !with_gradients {
        let statistics = [layer.running_mean.value(), layer.running_var.value()];
        return kernels::normalize_by(statistics, images, [gamma, beta], layer.epsilon, rectified);
    }
    if !(own && layer.training.is_enabled()) {
        let results = channels_last(layer.forward(channels_first(images)));
        return if rectified { relu(results) } else { results };
    }
    let (results, mean, variance) = kernels::normalize(images, gamma, beta, layer.epsilon, rectified);
    for (running, batch) in [(&layer.running_mean, mean), (&layer.running_var, variance)] {
        let kept = running.value_sync().mul_scalar(1.0 - layer.momentum);
        running.update((kept + batch.mul_scalar(layer.momentum)).detach());
    }
    results
}

pub(super) fn linear(inputs: usize, outputs: usize, device: &Device) -> Linear {
    LinearConfig::new(inputs, outputs).with_initializer(Initializer::Zeros).init(device)
}

/// A linear layer with these weights, `[inputs, outputs]`, and biases, `[outputs]`.
pub(super) fn linear_of(weights: Tensor<2>, biases: Tensor<1>) -> Linear {
    Linear { weight: Param::from_tensor(weights), bias: Some(Param::from_tensor(biases)) }
}

/// The maximum over squares of 2 x 2 pixels that do not overlap; a last odd row or column is left out.
pub(super) fn halving_pool() -> MaxPool2d {
    MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init()
}

/// Maximum pooling of images.
pub(super) fn pool(layer: &MaxPool2d, images: Tensor<4>) -> Tensor<4> {
    channels_last(layer.forward(channels_first(images)))
}

/// The mean over all pixels.
///
/// # Shapes
/// `[n, height, width, channels]` to `[n, channels]`
pub(super) fn global_average(input: Tensor<4>) -> Tensor<2> {
    input.mean_dims(&[1, 2]).flatten(1, 3)
}
