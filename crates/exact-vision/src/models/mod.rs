//! Networks for images, by name.

mod forward;
mod initialization;
mod layers;
mod m3;
mod on_tensors;
mod resnet;
mod small_cnn;
mod vgg;
mod wide_resnet;

use std::fmt;
use std::str::FromStr;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

pub(crate) use forward::{ForwardPass, LayerName};
pub(crate) use layers::padding;
pub use m3::M3;
pub use resnet::ResNet;
pub use small_cnn::SmallCnn;
pub use vgg::Vgg;
pub use wide_resnet::WideResNet;

use self::forward::Parts;
use self::on_tensors::{OnTensors, channels_last};
use self::resnet::Layout;
use crate::{ImageShape, VisionError, file};

/// Which network, with its size.
///
/// The names are `small-cnn`, `m3`, `wrn-DEPTH-WIDTH` with a depth of `6 n + 4`, `resnet-18`, `-34` and
/// `-50`, and `vgg-11`, `-13`, `-16` and `-19`.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use exact_vision::ImageShape;
/// use exact_vision::models::Architecture;
///
/// let device = Device::default();
/// let architecture: Architecture = "small-cnn".parse()?;
/// let input = ImageShape { channels: 1, height: 28, width: 28 };
/// let network = architecture.init(input, 10, 0, &device)?;
/// assert_eq!(network.num_params(), 61_706);
/// let logits = network.forward(Tensor::zeros([2, 1, 28, 28], &device));
/// assert_eq!(logits.dims(), [2, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Architecture {
    /// [`SmallCnn`].
    SmallCnn,
    /// [`M3`].
    M3,
    /// [`WideResNet`].
    WideResNet {
        /// Convolutions along the way, `6 n + 4`.
        depth: usize,
        /// The factor of the channels.
        width: usize,
    },
    /// [`ResNet`].
    ResNet {
        /// Layers along the way.
        depth: usize,
    },
    /// [`Vgg`].
    Vgg {
        /// Layers with weights.
        depth: usize,
    },
}

impl Architecture {
    /// The network with random weights of this seed, the same on every device, for images of this shape.
    ///
    /// # Errors
    /// [`VisionError::Architecture`] if there is no network of this size, [`VisionError::InputSize`] if the
    /// images are too small for it, [`VisionError::Empty`] if they have no channels or there are no classes.
    pub fn init(
        self,
        input: ImageShape,
        n_classes: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Network, VisionError> {
        let network = self.zeros(input, n_classes, device)?;
        Ok(initialization::initialize(network, seed))
    }

    /// The network before its weights are drawn.
    pub(crate) fn zeros(
        self,
        input: ImageShape,
        n_classes: usize,
        device: &Device,
    ) -> Result<Network, VisionError> {
        if n_classes == 0 {
            return Err(VisionError::Empty { what: "classes" });
        }
        if input.channels == 0 {
            return Err(VisionError::Empty { what: "channels" });
        }
        let unknown = || self.unknown();
        Ok(match self {
            Self::SmallCnn => Network::SmallCnn(SmallCnn::new(input, n_classes, device)?),
            Self::M3 => Network::M3(M3::new(input, n_classes, device)?),
            Self::WideResNet { depth, width } => {
                if !self.exists() {
                    return Err(unknown());
                }
                Network::WideResNet(WideResNet::new([depth, width], input, n_classes, device)?)
            }
            Self::ResNet { depth } => {
                let layout = Layout::of(depth).ok_or_else(unknown)?;
                Network::ResNet(ResNet::new(layout, input, n_classes, device))
            }
            Self::Vgg { depth } => {
                let groups = Vgg::groups(depth).ok_or_else(unknown)?;
                Network::Vgg(Vgg::new(groups, input, n_classes, device)?)
            }
        })
    }
}

impl Architecture {
    /// Whether there is a network of this size.
    fn exists(self) -> bool {
        match self {
            Self::SmallCnn | Self::M3 => true,
            Self::WideResNet { depth, width } => depth >= 10 && depth % 6 == 4 && width > 0,
            Self::ResNet { depth } => Layout::of(depth).is_some(),
            Self::Vgg { depth } => Vgg::groups(depth).is_some(),
        }
    }

    fn unknown(self) -> VisionError {
        VisionError::Architecture { name: self.to_string() }
    }
}

impl TryFrom<String> for Architecture {
    type Error = VisionError;

    fn try_from(name: String) -> Result<Self, VisionError> {
        name.parse()
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.to_string()
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallCnn => formatter.write_str("small-cnn"),
            Self::M3 => formatter.write_str("m3"),
            Self::WideResNet { depth, width } => write!(formatter, "wrn-{depth}-{width}"),
            Self::ResNet { depth } => write!(formatter, "resnet-{depth}"),
            Self::Vgg { depth } => write!(formatter, "vgg-{depth}"),
        }
    }
}

impl FromStr for Architecture {
    type Err = VisionError;

    fn from_str(name: &str) -> Result<Self, VisionError> {
        let parts: Vec<&str> = name.split('-').collect();
        let number = |text: &str| text.parse::<usize>().ok();
        let found = match parts.as_slice() {
            ["small", "cnn"] => Some(Self::SmallCnn),
            ["m3"] => Some(Self::M3),
            ["wrn", depth, width] => {
                number(depth).zip(number(width)).map(|(depth, width)| Self::WideResNet { depth, width })
            }
            ["resnet", depth] => number(depth).map(|depth| Self::ResNet { depth }),
            ["vgg", depth] => number(depth).map(|depth| Self::Vgg { depth }),
            _ => None,
        };
        let found = found.filter(|architecture: &Self| architecture.exists());
        found.ok_or_else(|| VisionError::Architecture { name: name.to_owned() })
    }
}

/// A network from images to logits, by way of features that a last layer classifies.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Network {
    /// `LeNet-5`.
    SmallCnn(SmallCnn),
    /// The paper's network for MNIST.
    M3(M3),
    /// A wide residual network.
    WideResNet(WideResNet),
    /// A residual network.
    ResNet(ResNet),
    /// A VGG network.
    Vgg(Vgg),
}

/// What a function of its [`Parts`] says of a network.
macro_rules! of_parts {
    ($network:expr, $parts:ident => $result:expr) => {
        match $network {
            Network::SmallCnn($parts) => $result,
            Network::M3($parts) => $result,
            Network::WideResNet($parts) => $result,
            Network::ResNet($parts) => $result,
            Network::Vgg($parts) => $result,
        }
    };
}

impl Network {
    /// The logits of images.
    ///
    /// # Shapes
    /// `[n, channels, height, width]` to `[n, classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.pass(&mut OnTensors, channels_last(images))
    }

    /// What the last layer classifies.
    ///
    /// # Shapes
    /// `[n, channels, height, width]` to `[n, features]`
    pub fn features(&self, images: Tensor<4>) -> Tensor<2> {
        of_parts!(self, parts => parts.features(&mut OnTensors, channels_last(images)))
    }

    /// The way from images to logits.
    pub(crate) fn pass<P: ForwardPass>(&self, pass: &mut P, images: P::Pixels) -> P::Features {
        of_parts!(self, parts => {
            let features = parts.features(pass, images);
            parts.classify(pass, features)
        })
    }

    /// The last linear layer.
    pub(crate) fn head(&self) -> &Linear {
        of_parts!(self, parts => parts.head())
    }

    /// How many features the last layer classifies, and into how many classes.
    pub(crate) fn head_shape(&self) -> [usize; 2] {
        self.head().weight.shape().dims()
    }

    /// The paths of the tensors of the last layer and of what follows it.
    pub(crate) fn head_names(&self) -> Vec<String> {
        let (names, head) = (file::names_of(self), self.head().weight.id);
        let behind = names.into_iter().skip_while(|(id, _)| *id != head);
        behind.map(|(_, name)| name).collect()
    }

    /// Makes the logits `features · weights + biases`.
    ///
    /// # Shapes
    /// `[features, classes]` and `[classes]`, as before
    pub(crate) fn set_head(&mut self, weights: Tensor<2>, biases: Tensor<1>) {
        of_parts!(self, parts => parts.set_head(weights, biases));
    }

    /// What the layers are called in `PyTorch`, if the network is known there.
    pub(crate) fn names_in_pytorch(&self) -> Option<Vec<LayerName>> {
        of_parts!(self, parts => parts.names_in_pytorch())
    }
}

#[cfg(test)]
mod tests;
