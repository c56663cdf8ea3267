//! The way through a network on tensors, which computes.

use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, Dropout, Linear};
use burn::tensor::activation::relu;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

use super::forward::ForwardPass;
use super::layers::padding;
use crate::kernels;

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
        if !kernels::run_on(&input) {
            return channels_last(layer.forward(channels_first(input)));
        }
        kernels::max_pool(input, layer.kernel_size[0], layer.stride[0], padding(&layer.padding))
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
