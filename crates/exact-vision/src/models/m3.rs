//! The network of the paper's experiment on MNIST.

use burn::module::{Initializer, Module, Param};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::forward::{ForwardPass, Parts};
use super::layers::{Convolution, NormalizedConvolution, sides};
use crate::{ImageShape, VisionError};

/// Channels after each convolution.
const CHANNELS: [usize; 10] = [32, 48, 64, 80, 96, 112, 128, 144, 160, 176];

/// M3: ten 3 x 3 convolutions without padding or bias, each with batch normalisation and rectified units,
/// then a linear layer over all remaining pixels, again with batch normalisation.
///
/// # References
/// An, Lee, Park, Yang and So, *An Ensemble of Simple Convolutional Neural Network Models for MNIST Digit
/// Recognition*, arXiv 2008.10400; used by Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615.
#[derive(Module, Debug)]
pub struct M3 {
    convolutions: Vec<NormalizedConvolution>,
    head: Linear,
    norm: BatchNorm,
}

impl M3 {
    pub(super) fn new(input: ImageShape, n_classes: usize, device: &Device) -> Result<Self, VisionError> {
        let lost = 2 * CHANNELS.len();
        let [height, width] = sides(input, "m3", lost + 1)?.map(|size| size - lost);
        let inputs = std::iter::once(input.channels).chain(CHANNELS);
        let convolution = |(input, output)| {
            Convolution { padding: 0, ..Convolution::new([input, output], 3) }.init_normalized(device)
        };
        let head = LinearConfig::new(CHANNELS[9] * height * width, n_classes).with_bias(false);
        Ok(Self {
            convolutions: inputs.zip(CHANNELS).map(convolution).collect(),
            head: head.with_initializer(Initializer::Zeros).init(device),
            norm: BatchNormConfig::new(n_classes).init(device),
        })
    }
}

impl Parts for M3 {
    fn features<P: ForwardPass>(&self, pass: &mut P, images: P::Pixels) -> P::Features {
        let layers = self.convolutions.iter();
        let pixels = layers.fold(images, |input, layer| layer.forward(pass, input, true));
        pass.flat(pixels)
    }

    fn head(&self) -> &Linear {
        &self.head
    }

    fn classify<P: ForwardPass>(&self, pass: &mut P, features: P::Features) -> P::Features {
        let logits = pass.linear(&self.head, features, false);
        pass.normalized_features(&self.norm, logits)
    }

    /// The normalisation that follows only divides by the square root of 1 + epsilon, and adds the biases.
    fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>) {
        let norm: BatchNorm = BatchNormConfig::new(biases.dims()[0]).init(&biases.device());
        self.head.weight = Param::from_tensor(weights * (1.0 + norm.epsilon).sqrt());
        self.norm = BatchNorm { beta: Param::from_tensor(biases), ..norm };
    }
}
