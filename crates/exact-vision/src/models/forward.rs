//! The way through a network, written once: on tensors it computes, and a graph of operators is drawn by it.

use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, Dropout, Linear};
use burn::tensor::activation::relu;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

use super::layers::{LayerName, padding};
use crate::kernels;

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

/// The pass that computes. Pixels are `[n, height, width, channels]`, features `[n, features]`.
pub(super) struct OnTensors;

impl ForwardPass for OnTensors {
    type Pixels = Tensor<4>;
    type Features = Tensor<2>;

    fn convolution(&mut self, layer: &Conv2d, input: Tensor<4>) -> Tensor<4> {
        if !kernels::run_on(&input) {
            return channels_last(layer.forward(channels_first(input)));
        }
        let results = kernels::convolve(input, layer.weight.val(), layer.stride[0], padding(&layer.padding));
        match &layer.bias {
            Some(bias) => results + bias.val().unsqueeze(),
            None => results,
        }
    }

    fn normalization(&mut self, layer: &BatchNorm, input: Tensor<4>, rectified: bool) -> Tensor<4> {
        let (gamma, beta) = (layer.gamma.val(), layer.beta.val());
        let own = kernels::run_on(&input);
        let with_gradients = [input.device(), gamma.device()].iter().any(Device::is_autodiff);
        if own && !with_gradients {
            let statistics = [layer.running_mean.value(), layer.running_var.value()];
            return kernels::normalize_by(statistics, input, [gamma, beta], layer.epsilon, rectified);
        }
        if !(own && layer.training.is_enabled()) {
            let results = channels_last(layer.forward(channels_first(input)));
            return if rectified { relu(results) } else { results };
        }
        let (results, mean, variance) = kernels::normalize(input, gamma, beta, layer.epsilon, rectified);
        for (running, batch) in [(&layer.running_mean, mean), (&layer.running_var, variance)] {
            let kept = running.value_sync().mul_scalar(1.0 - layer.momentum);
            running.update((kept + batch.mul_scalar(layer.momentum)).detach());
        }
        results
    }

    fn relu(&mut self, input: Tensor<4>) -> Tensor<4> {
        relu(input)
    }

    fn sum(&mut self, a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
        a + b
    }

    fn max_pool(&mut self, layer: &MaxPool2d, input: Tensor<4>) -> Tensor<4> {
        channels_last(layer.forward(channels_first(input)))
    }

    fn mean(&mut self, input: Tensor<4>) -> Tensor<2> {
        input.mean_dims(&[1, 2]).flatten(1, 3)
    }

    fn means(&mut self, input: Tensor<4>, areas: usize) -> Tensor<2> {
        adaptive_avg_pool2d(channels_first(input), [areas; 2]).flatten(1, 3)
    }

    fn flat(&mut self, input: Tensor<4>) -> Tensor<2> {
        channels_first(input).flatten(1, 3)
    }

    fn linear(&mut self, layer: &Linear, input: Tensor<2>, rectified: bool) -> Tensor<2> {
        let results = layer.forward(input);
        if rectified { relu(results) } else { results }
    }

    fn dropout(&mut self, layer: &Dropout, input: Tensor<2>) -> Tensor<2> {
        layer.forward(input)
    }

    fn normalized_features(&mut self, layer: &BatchNorm, input: Tensor<2>) -> Tensor<2> {
        layer.forward(input)
    }
}

/// Images `[n, channels, height, width]` as layers here take them.
pub(super) fn channels_last(images: Tensor<4>) -> Tensor<4> {
    images.permute([0, 2, 3, 1])
}

/// The inverse of [`channels_last`].
fn channels_first(images: Tensor<4>) -> Tensor<4> {
    images.permute([0, 3, 1, 2])
}
