//! Layers that several networks are made of. Their weights are zeros until [`initialize`](super::initialize).

use burn::module::{Initializer, Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};

use super::forward::{ForwardPass, LayerName};
use crate::{ImageShape, VisionError};

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
    pub fn forward<P: ForwardPass>(&self, pass: &mut P, input: P::Pixels, rectified: bool) -> P::Pixels {
        let convolved = pass.convolution(&self.convolution, input);
        pass.normalization(&self.norm, convolved, rectified)
    }

    /// The names of its layers in `PyTorch`.
    pub fn named(&self, convolution: String, norm: String) -> [LayerName; 2] {
        [(self.convolution.weight.id, convolution), (self.norm.gamma.id, norm)]
    }
}

/// How many pixels are added at each side. No layer here has other padding at one side than at another, or
/// one that depends on the images.
pub(crate) fn padding(padding: &PaddingConfig2d) -> usize {
    match padding {
        PaddingConfig2d::Valid => 0,
        PaddingConfig2d::Explicit(padding, ..) => *padding,
        PaddingConfig2d::Same => unreachable!("padding is given in pixels"),
    }
}

/// Height and width of images that a network can take.
///
/// # Errors
/// [`VisionError::InputSize`] if one is below `smallest`.
pub(super) fn sides(
    input: ImageShape,
    model: &'static str,
    smallest: usize,
) -> Result<[usize; 2], VisionError> {
    let ImageShape { height, width, .. } = input;
    if height.min(width) < smallest {
        return Err(VisionError::InputSize { model, smallest, height, width });
    }
    Ok([height, width])
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
