//! What parameters are called in `PyTorch`.

use crate::models::{Architecture, ResNetLayout, Vgg};

/// The names of parameters in `PyTorch`, and here.
pub(super) type Pairs = Vec<(String, String)>;

/// The usual names of the parameters of a network, and of its last layer; none if it is not known in `PyTorch`.
pub(super) fn of(model: Architecture) -> Option<(Pairs, &'static str)> {
    let mut names = Names(Vec::new());
    let head = match model {
        Architecture::ResNet { depth } => names.resnet(ResNetLayout::of(depth)?),
        Architecture::Vgg { depth } => names.vgg(Vgg::groups(depth)?),
        Architecture::WideResNet { depth, width } => names.wide_resnet(depth.checked_sub(4)? / 6, width),
        _ => return None,
    };
    Some((names.0, head))
}

struct Names(Pairs);

impl Names {
    fn add(&mut self, theirs: &str, own: &str, fields: &[(&str, &str)]) {
        let pairs =
            fields.iter().map(|(their, field)| (format!("{theirs}.{their}"), format!("{own}.{field}")));
        self.0.extend(pairs);
    }

    fn weight(&mut self, theirs: &str, own: &str) {
        self.add(theirs, own, &[("weight", "weight")]);
    }

    fn weight_and_bias(&mut self, theirs: &str, own: &str) {
        self.add(theirs, own, &[("weight", "weight"), ("bias", "bias")]);
    }

    fn norm(&mut self, theirs: &str, own: &str) {
        let fields = [
            ("weight", "gamma"),
            ("bias", "beta"),
            ("running_mean", "running_mean"),
            ("running_var", "running_var"),
        ];
        self.add(theirs, own, &fields);
    }

    /// A convolution without bias and its normalisation.
    fn normalized(&mut self, convolution: &str, norm: &str, own: &str) {
        self.weight(convolution, &format!("{own}.convolution"));
        self.norm(norm, &format!("{own}.norm"));
    }

    /// As in torchvision.
    fn resnet(&mut self, ResNetLayout { blocks, bottleneck }: ResNetLayout) -> &'static str {
        self.normalized("conv1", "bn1", "ResNet.stem");
        let mut own = (0..).map(|block| format!("ResNet.blocks.{block}"));
        for (group, count) in blocks.into_iter().enumerate() {
            for (block, own) in (0..count).zip(&mut own) {
                let theirs = format!("layer{}.{block}", group + 1);
                for layer in 0..if bottleneck { 3 } else { 2 } {
                    let names = [format!("{theirs}.conv{}", layer + 1), format!("{theirs}.bn{}", layer + 1)];
                    self.normalized(&names[0], &names[1], &format!("{own}.convolutions.{layer}"));
                }
                if block == 0 && (group > 0 || bottleneck) {
                    let names = [format!("{theirs}.downsample.0"), format!("{theirs}.downsample.1")];
                    self.normalized(&names[0], &names[1], &format!("{own}.shortcut"));
                }
            }
        }
        self.weight_and_bias("fc", "ResNet.head");
        "fc.weight"
    }

    /// As in torchvision, with batch normalisation: layers are numbered, with rectified units and pooling among them.
    fn vgg(&mut self, groups: [usize; 5]) -> &'static str {
        let mut at = 0;
        for (group, count) in groups.into_iter().enumerate() {
            for layer in 0..count {
                let own = format!("Vgg.groups.{group}.{layer}");
                self.weight_and_bias(&format!("features.{at}"), &format!("{own}.convolution"));
                self.norm(&format!("features.{}", at + 1), &format!("{own}.norm"));
                at += 3;
            }
            at += 1;
        }
        self.weight_and_bias("classifier.0", "Vgg.hidden.0");
        self.weight_and_bias("classifier.3", "Vgg.hidden.1");
        self.weight_and_bias("classifier.6", "Vgg.head");
        "classifier.6.weight"
    }

    /// As in the implementation of wide residual networks in `PyTorch` that most others are made from: `block1.layer.0.conv1`, and
    /// `convShortcut` for what changes the channels.
    fn wide_resnet(&mut self, blocks: usize, width: usize) -> &'static str {
        self.weight("conv1", "WideResNet.convolution");
        for group in 0..3 {
            for block in 0..blocks {
                let theirs = format!("block{}.layer.{block}", group + 1);
                let own = format!("WideResNet.blocks.{}", group * blocks + block);
                for layer in 0..2 {
                    self.norm(&format!("{theirs}.bn{}", layer + 1), &format!("{own}.norms.{layer}"));
                    self.weight(
                        &format!("{theirs}.conv{}", layer + 1),
                        &format!("{own}.convolutions.{layer}"),
                    );
                }
                if block == 0 && (group > 0 || width > 1) {
                    self.weight(&format!("{theirs}.convShortcut"), &format!("{own}.shortcut"));
                }
            }
        }
        self.norm("bn1", "WideResNet.norm");
        self.weight_and_bias("fc", "WideResNet.head");
        "fc.weight"
    }
}
