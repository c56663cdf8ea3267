//! Residual networks.

use burn::module::Module;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor};

use super::forward::{ForwardPass, LayerName, Parts};
use super::layers::{Convolution, NormalizedConvolution, linear, linear_of};
use crate::ImageShape;

/// A residual network: a stem, four groups of blocks of 64, 128, 256 and 512 channels, of which all but the
/// first halve the image, the mean over pixels and a linear layer. Blocks are two 3 x 3 convolutions (18 and
/// 34 layers), or a 3 x 3 between two 1 x 1 convolutions of which the last has four times the channels (50
/// layers).
///
/// The stem of large images is a 7 x 7 convolution of stride 2 and maximum pooling of stride 2; that of
/// [small](ImageShape::is_small) ones a 3 x 3 convolution.
///
/// # References
/// He, Zhang, Ren and Sun, *Deep Residual Learning for Image Recognition*, arXiv 1512.03385; blocks of 50
/// layers have their stride in the 3 x 3 convolution, as is usual since.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: NormalizedConvolution,
    pool: Option<MaxPool2d>,
    blocks: Vec<Block>,
    head: Linear,
}

#[derive(Module, Debug)]
struct Block {
    convolutions: Vec<NormalizedConvolution>,
    shortcut: Option<NormalizedConvolution>,
}

/// How deep, and of which blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    blocks: [usize; 4],
    bottleneck: bool,
}

impl Layout {
    /// The layout of a network with this many layers, if there is one.
    pub fn of(depth: usize) -> Option<Self> {
        match depth {
            18 => Some(Self { blocks: [2, 2, 2, 2], bottleneck: false }),
            34 => Some(Self { blocks: [3, 4, 6, 3], bottleneck: false }),
            50 => Some(Self { blocks: [3, 4, 6, 3], bottleneck: true }),
            _ => None,
        }
    }
}

impl ResNet {
    pub(super) fn new(layout: Layout, input: ImageShape, n_classes: usize, device: &Device) -> Self {
        let small = input.is_small();
        let stem = if small {
            Convolution::new([input.channels, 64], 3)
        } else {
            Convolution { stride: 2, ..Convolution::new([input.channels, 64], 7) }
        };
        let pool = MaxPool2dConfig::new([3, 3])
            .with_strides([2, 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        let mut blocks = Vec::new();
        let mut channels = 64;
        for (group, count) in layout.blocks.into_iter().enumerate() {
            for block in 0..count {
                let stride = if group > 0 && block == 0 { 2 } else { 1 };
                let (block, outputs) = Block::new(channels, 64 << group, stride, layout.bottleneck, device);
                blocks.push(block);
                channels = outputs;
            }
        }
        Self {
            stem: stem.init_normalized(device),
            pool: (!small).then(|| pool.init()),
            blocks,
            head: linear(channels, n_classes, device),
        }
    }
}

impl Parts for ResNet {
    fn features<P: ForwardPass>(&self, pass: &mut P, images: P::Pixels) -> P::Features {
        let mut pixels = self.stem.forward(pass, images, true);
        if let Some(layer) = &self.pool {
            pixels = pass.max_pool(layer, pixels);
        }
        for block in &self.blocks {
            pixels = block.forward(pass, pixels);
        }
        pass.mean(pixels)
    }

    fn head(&self) -> &Linear {
        &self.head
    }

    fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>) {
        self.head = linear_of(weights, biases);
    }

    /// As in torchvision.
    fn names_in_pytorch(&self) -> Option<Vec<LayerName>> {
        let mut names = Vec::from(self.stem.named("conv1".into(), "bn1".into()));
        // Every group but the first begins with a block that changes the channels.
        let groups = self.blocks.chunk_by(|_, next| next.shortcut.is_none());
        for (group, blocks) in (1..).zip(groups) {
            for (number, block) in blocks.iter().enumerate() {
                let name = format!("layer{group}.{number}");
                for (at, layer) in (1..).zip(&block.convolutions) {
                    names.extend(layer.named(format!("{name}.conv{at}"), format!("{name}.bn{at}")));
                }
                if let Some(shortcut) = &block.shortcut {
                    let shortcut =
                        shortcut.named(format!("{name}.downsample.0"), format!("{name}.downsample.1"));
                    names.extend(shortcut);
                }
            }
        }
        names.push((self.head.weight.id, "fc".into()));
        Some(names)
    }
}

impl Block {
    /// The block and the number of channels that it ends with.
    fn new(inputs: usize, width: usize, stride: usize, bottleneck: bool, device: &Device) -> (Self, usize) {
        let layer = |channels, kernel, stride| {
            Convolution { stride, ..Convolution::new(channels, kernel) }.init_normalized(device)
        };
        let (convolutions, outputs) = if bottleneck {
            let outputs = 4 * width;
            let narrow = layer([inputs, width], 1, 1);
            (vec![narrow, layer([width, width], 3, stride), layer([width, outputs], 1, 1)], outputs)
        } else {
            (vec![layer([inputs, width], 3, stride), layer([width, width], 3, 1)], width)
        };
        let changes = stride != 1 || inputs != outputs;
        let shortcut = changes.then(|| layer([inputs, outputs], 1, stride));
        (Self { convolutions, shortcut }, outputs)
    }

    fn forward<P: ForwardPass>(&self, pass: &mut P, input: P::Pixels) -> P::Pixels {
        let mut output = input.clone();
        for (i, layer) in self.convolutions.iter().enumerate() {
            let last = i + 1 == self.convolutions.len();
            output = layer.forward(pass, output, !last);
        }
        let carried = match &self.shortcut {
            Some(shortcut) => shortcut.forward(pass, input, false),
            None => input,
        };
        let sum = pass.sum(output, carried);
        pass.relu(sum)
    }
}
