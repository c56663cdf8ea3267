//! What parameters are called in `PyTorch`, and what shapes they have there.

use std::collections::HashMap;

use burn::module::ParamId;

use crate::file::{self, StoredTensor, Values};
use crate::models::Network;

/// The names of a parameter in `PyTorch`, and here.
#[derive(Debug)]
pub(super) struct Names {
    pub theirs: String,
    pub own: String,
}

/// The names of all parameters of a network. Layers without a name in `PyTorch` have the names of their
/// fields.
pub(super) fn of(network: &Network) -> Vec<Names> {
    let known: HashMap<ParamId, String> = network.names_in_pytorch().into_iter().flatten().collect();
    let parameters = file::names_of(network);
    let (mut names, mut last, mut theirs) = (Vec::new(), "", "");
    for (number, own) in &parameters {
        let (layer, field) = own.rsplit_once('.').expect("parameters are fields of layers");
        // Layers go by the number of their first parameter.
        if layer != last {
            let (_, fields) = layer.split_once('.').expect("layers are fields of a network");
            (last, theirs) = (layer, known.get(number).map_or(fields, String::as_str));
        }
        let field = match field {
            "gamma" => "weight",
            "beta" => "bias",
            other => other,
        };
        names.push(Names { theirs: format!("{theirs}.{field}"), own: own.clone() });
    }
    names
}

/// A tensor of the one as it is in the other: matrices of linear layers are `[outputs, inputs]` there, and
/// `[inputs, outputs]` here.
pub(super) fn transposed(tensor: StoredTensor) -> StoredTensor {
    match (tensor.shape.as_slice(), &tensor.values) {
        (&[rows, columns], Values::Floats(values)) => {
            let mut transposed = Vec::with_capacity(values.len());
            for column in 0..columns {
                transposed.extend((0..rows).map(|row| values[row * columns + column]));
            }
            StoredTensor { shape: vec![columns, rows], values: Values::Floats(transposed) }
        }
        _ => tensor,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::of;
    use crate::ImageShape;
    use crate::models::Architecture;

    const SMALL: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
    const LARGE: ImageShape = ImageShape { channels: 3, height: 70, width: 66 };

    #[test]
    fn layers_have_their_usual_names() {
        for (network, shape, own, theirs) in [
            ("resnet-18", LARGE, "ResNet.stem.norm.running_var", "bn1.running_var"),
            ("resnet-18", LARGE, "ResNet.blocks.1.convolutions.0.norm.gamma", "layer1.1.bn1.weight"),
            (
                "resnet-18",
                LARGE,
                "ResNet.blocks.2.shortcut.convolution.weight",
                "layer2.0.downsample.0.weight",
            ),
            ("resnet-34", LARGE, "ResNet.blocks.15.convolutions.1.norm.beta", "layer4.2.bn2.bias"),
            ("resnet-50", LARGE, "ResNet.blocks.0.shortcut.norm.gamma", "layer1.0.downsample.1.weight"),
            (
                "resnet-50",
                LARGE,
                "ResNet.blocks.6.convolutions.2.convolution.weight",
                "layer2.3.conv3.weight",
            ),
            ("resnet-50", LARGE, "ResNet.head.bias", "fc.bias"),
            ("wrn-10-1", SMALL, "WideResNet.blocks.0.norms.1.beta", "block1.layer.0.bn2.bias"),
            ("wrn-16-2", SMALL, "WideResNet.blocks.3.convolutions.0.weight", "block2.layer.1.conv1.weight"),
            ("wrn-16-2", SMALL, "WideResNet.blocks.4.shortcut.weight", "block3.layer.0.convShortcut.weight"),
            ("wrn-16-2", SMALL, "WideResNet.norm.running_mean", "bn1.running_mean"),
            ("vgg-13", LARGE, "Vgg.groups.1.1.convolution.bias", "features.10.bias"),
            ("vgg-13", LARGE, "Vgg.groups.4.1.norm.gamma", "features.32.weight"),
            ("vgg-13", LARGE, "Vgg.hidden.1.weight", "classifier.3.weight"),
            ("vgg-13", SMALL, "Vgg.head.weight", "classifier.6.weight"),
            ("small-cnn", SMALL, "SmallCnn.convolutions.1.bias", "convolutions.1.bias"),
            ("m3", SMALL, "M3.norm.gamma", "norm.weight"),
        ] {
            let model: Architecture = network.parse().unwrap();
            let names = of(&model.zeros(shape, 3, &Device::default()).unwrap());
            let found = names.iter().find(|names| names.own == own).map(|names| names.theirs.as_str());
            assert_eq!(found, Some(theirs), "{network}: {own}");
        }
    }
}
