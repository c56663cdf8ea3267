//! The way through a network, written once: on tensors it computes, and a graph of operators is drawn by it.

use burn::module::ParamId;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, Dropout, Linear};
use burn::tensor::Tensor;

/// The number of a layer's first parameter, and what it is called in `PyTorch`.
pub(crate) type LayerName = (ParamId, String);

/// What the layers of a network are applied to.
pub(crate) trait ForwardPass {
    /// Images, or what has become of them.
    type Pixels: Clone;
    /// Rows of numbers, one of each image.
    type Features;

    fn convolution(&mut self, layer: &Conv2d, input: Self::Pixels) -> Self::Pixels;

    /// Batch normalisation, with rectified units behind it or not.
    fn normalization(&mut self, layer: &BatchNorm, input: Self::Pixels, rectified: bool) -> Self::Pixels;

    fn relu(&mut self, input: Self::Pixels) -> Self::Pixels;

    fn sum(&mut self, a: Self::Pixels, b: Self::Pixels) -> Self::Pixels;

    fn max_pool(&mut self, layer: &MaxPool2d, input: Self::Pixels) -> Self::Pixels;

    /// The mean over all pixels, of each channel.
    fn mean(&mut self, input: Self::Pixels) -> Self::Features;

    /// The means over `areas` x `areas` areas of about the same size, of each channel.
    fn means(&mut self, input: Self::Pixels, areas: usize) -> Self::Features;

    /// All pixels of one channel after the other.
    fn flat(&mut self, input: Self::Pixels) -> Self::Features;

    /// A linear layer, with rectified units behind it or not.
    fn linear(&mut self, layer: &Linear, input: Self::Features, rectified: bool) -> Self::Features;

    fn dropout(&mut self, layer: &Dropout, input: Self::Features) -> Self::Features;

    /// Batch normalisation of each feature.
    fn normalized_features(&mut self, layer: &BatchNorm, input: Self::Features) -> Self::Features;
}

/// A network: what makes features of images, and a last layer that classifies them.
pub(super) trait Parts {
    /// Images to features.
    fn features<P: ForwardPass>(&self, pass: &mut P, images: P::Pixels) -> P::Features;

    /// The last linear layer.
    fn head(&self) -> &Linear;

    /// Features to logits.
    fn classify<P: ForwardPass>(&self, pass: &mut P, features: P::Features) -> P::Features {
        pass.linear(self.head(), features, false)
    }

    /// Makes [`Parts::classify`] the map `features · weights + biases`.
    fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>);

    /// What the layers are called in `PyTorch`, if the network is known there.
    fn names_in_pytorch(&self) -> Option<Vec<LayerName>> {
        None
    }
}
