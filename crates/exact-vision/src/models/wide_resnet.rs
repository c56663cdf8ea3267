//! Wide residual networks.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, BatchNormConfig, Linear};
use burn::tensor::{Device, Tensor};

use super::forward::{ForwardPass, LayerName, Parts};
use super::layers::{Convolution, linear, linear_of, sides};
use crate::{ImageShape, VisionError};

/// A wide residual network for small images: a 3 x 3 convolution to 16 channels, three groups of
/// `(depth - 4) / 6` blocks of 16, 32 and 64 times `width` channels, of which the second and third halve the
/// image, batch normalisation, the mean over pixels and a linear layer.
///
/// # References
/// Zagoruyko and Komodakis, *Wide Residual Networks*, arXiv 1605.07146 (WRN-`depth`-`width`, without
/// dropout).
#[derive(Module, Debug)]
pub struct WideResNet {
    convolution: Conv2d,
    blocks: Vec<Block>,
    norm: BatchNorm,
    head: Linear,
}

/// Two 3 x 3 convolutions, each after normalisation and rectified units, added to the input.
#[derive(Module, Debug)]
struct Block {
    norms: [BatchNorm; 2],
    convolutions: [Conv2d; 2],
    shortcut: Option<Conv2d>,
}

impl WideResNet {
    pub(super) fn new(
        [depth, width]: [usize; 2],
        input: ImageShape,
        n_classes: usize,
        device: &Device,
    ) -> Result<Self, VisionError> {
        sides(input, "wrn", 4)?;
        let mut blocks = Vec::new();
        let mut channels = 16;
        for (group, stride) in [1, 2, 2].into_iter().enumerate() {
            let outputs = (16 << group) * width;
            for block in 0..(depth - 4) / 6 {
                blocks.push(Block::new([channels, outputs], if block == 0 { stride } else { 1 }, device));
                channels = outputs;
            }
        }
        Ok(Self {
            convolution: Convolution::new([input.channels, 16], 3).init(device),
            blocks,
            norm: BatchNormConfig::new(channels).init(device),
            head: linear(channels, n_classes, device),
        })
    }
}

impl Parts for WideResNet {
    fn features<P: ForwardPass>(&self, pass: &mut P, images: P::Pixels) -> P::Features {
        let mut pixels = pass.convolution(&self.convolution, images);
        for block in &self.blocks {
            pixels = block.forward(pass, pixels);
        }
        let pixels = pass.normalization(&self.norm, pixels, true);
        pass.mean(pixels)
    }

    fn head(&self) -> &Linear {
        &self.head
    }

    fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>) {
        self.head = linear_of(weights, biases);
    }

    /// As in the implementation in `PyTorch` that most others are made from.
    fn names_in_pytorch(&self) -> Option<Vec<LayerName>> {
        let mut names = vec![(self.convolution.weight.id, "conv1".into())];
        // Every group but the first begins with a block that changes the channels.
        let groups = self.blocks.chunk_by(|_, next| next.shortcut.is_none());
        for (group, blocks) in (1..).zip(groups) {
            for (number, block) in blocks.iter().enumerate() {
                let name = format!("block{group}.layer.{number}");
                for (at, (norm, convolution)) in (1..).zip(block.norms.iter().zip(&block.convolutions)) {
                    names.push((norm.gamma.id, format!("{name}.bn{at}")));
                    names.push((convolution.weight.id, format!("{name}.conv{at}")));
                }
                if let Some(shortcut) = &block.shortcut {
                    names.push((shortcut.weight.id, format!("{name}.convShortcut")));
                }
            }
        }
        names.push((self.norm.gamma.id, "bn1".into()));
        names.push((self.head.weight.id, "fc".into()));
        Some(names)
    }
}

impl Block {
    fn new([inputs, outputs]: [usize; 2], stride: usize, device: &Device) -> Self {
        let norm = |channels| BatchNormConfig::new(channels).init(device);
        let first = Convolution { stride, ..Convolution::new([inputs, outputs], 3) };
        let second = Convolution::new([outputs, outputs], 3);
        let shortcut = Convolution { stride, ..Convolution::new([inputs, outputs], 1) };
        Self {
            norms: [norm(inputs), norm(outputs)],
            convolutions: [first.init(device), second.init(device)],
            shortcut: (inputs != outputs).then(|| shortcut.init(device)),
        }
    }

    fn forward<P: ForwardPass>(&self, pass: &mut P, input: P::Pixels) -> P::Pixels {
        let activated = pass.normalization(&self.norms[0], input.clone(), true);
        let carried = match &self.shortcut {
            Some(shortcut) => pass.convolution(shortcut, activated.clone()),
            None => input,
        };
        let middle = pass.convolution(&self.convolutions[0], activated);
        let middle = pass.normalization(&self.norms[1], middle, true);
        let last = pass.convolution(&self.convolutions[1], middle);
        pass.sum(carried, last)
    }
}
