//! The arguments of `exact vision`.

use std::ffi::OsStr;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use exact_core::loss::{LossKind, LossSettings};
use exact_images::{ImageSet, ImageSize};
use exact_vision::Freeze;
use exact_vision::augment::Preset;
use exact_vision::models::Architecture;

use super::{ALL_LOSSES, OUTPUT};

#[derive(Debug, Subcommand)]
pub(crate) enum Vision {
    /// Train a network, keep that of the epoch with the best validation accuracy, and measure it on the test
    /// images
    Train(Train),
    /// Compare losses or recipes, with settings that the validation images choose, in a table and a report
    Compare(Compare),
    /// Measure a network on the test images of a folder
    Evaluate(Evaluate),
    /// Predict the classes of images: files and folders of them, or the test images of a data set
    Predict(Predict),
    /// Write a network as ONNX, or its weights as safetensors for other libraries
    Export(Export),
    /// Make a model of weights that torch saved
    Import(Import),
    /// Write what the last layer of a network sees of images, for `exact fit` to train a new one on
    Embed(Embed),
    /// Give a network a last layer that `exact fit` trained on what `exact vision embed` wrote
    ReplaceHead(ReplaceHead),
}

/// Which images.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ImageData {
    /// The folder of images: IDX files, those of CIFAR or SVHN, Parquet files, `train/CLASS/*` and
    /// `test/CLASS/*`, or `CLASS/*` alone, of which a part is held out to test on
    #[arg(long, value_name = "DIR", conflicts_with = "dataset")]
    pub data: Option<PathBuf>,
    /// A table of the columns `file` and `label`, of which a part is held out to test on; paths are relative
    /// to its folder, or to --data
    #[arg(long, value_name = "FILE", conflicts_with = "dataset")]
    pub labels: Option<PathBuf>,
    /// Bundled images; see `exact datasets`
    #[arg(
        long,
        value_name = "NAME",
        value_parser = PossibleValuesParser::new(bundled()),
        hide_possible_values = true
    )]
    pub dataset: Option<String>,
}

fn bundled() -> impl Iterator<Item = &'static str> {
    ImageSet::all().iter().filter(|set| set.is_bundled()).map(|set| set.name.as_str())
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub data: ImageData,
    /// A recipe in TOML, or `paper` for that of the paper; the options below take the place of what it says
    #[arg(long, value_name = "FILE.toml")]
    pub recipe: Option<PathBuf>,
    /// The network: small-cnn, m3, wrn-DEPTH-WIDTH, resnet-DEPTH or vgg-DEPTH
    #[arg(long, value_name = "NAME", required_unless_present_any = ["recipe", "from"])]
    pub model: Option<Architecture>,
    /// Train this model further, also on other classes, which get a new last layer. Images are scaled and
    /// normalised as it takes them
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["resize", "model"])]
    pub from: Option<PathBuf>,
    /// Leave so many of its first layers as they are, or `all` but the last
    #[arg(long, value_name = "N|all", requires = "from")]
    pub freeze: Option<Freeze>,
    /// The loss, with its default settings: exact, probit, macro-f1, cross-entropy, hinge, sigmoid,
    /// beta-bernoulli, polynomial or poly1
    #[arg(long, value_name = "NAME", value_parser = loss)]
    pub loss: Option<LossSettings>,
    #[command(flatten)]
    pub training: Training,
}

/// How to train, in place of what a recipe says, and what to write.
#[derive(Debug, Args)]
pub(crate) struct Training {
    /// Passes over the training images
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Images per step
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// How much training images are changed: none, light (moved), standard (moved and mirrored) or strong. By
    /// default none for small-cnn, else light for grey images and standard for others
    #[arg(long, value_name = "NAME")]
    pub augmentation: Option<Preset>,
    /// The seed of all randomness
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Train with so many seeds, each from the one before plus 1, and give mean and standard deviation
    #[arg(long, value_name = "N", default_value_t = NonZero::<u64>::MIN)]
    pub seeds: NonZero<u64>,
    /// Scale the images to a height and width
    #[arg(long, value_name = "HxW", value_parser = size)]
    pub resize: Option<ImageSize>,
    /// The folder for the model and the checkpoint; with several seeds, for a folder of each
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub out: PathBuf,
    /// Take up the run in the folder where its checkpoint is; with several seeds, also begin those that have
    /// none
    #[arg(long, help_heading = OUTPUT)]
    pub resume: bool,
    /// Where to write an HTML report
    #[arg(long, value_name = "FILE.html", help_heading = OUTPUT)]
    pub report: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    #[command(flatten)]
    pub data: ImageData,
    /// A recipe in TOML, or `paper` for that of the paper; the options below take the place of what it says.
    /// Several are compared with each other
    #[arg(long, value_name = "FILE.toml")]
    pub recipe: Vec<PathBuf>,
    /// The network: small-cnn, m3, wrn-DEPTH-WIDTH, resnet-DEPTH or vgg-DEPTH
    #[arg(long, value_name = "NAME", required_unless_present = "recipe")]
    pub model: Option<Architecture>,
    /// The losses to compare, separated by commas, or all; the recipe's own with its settings, others with
    /// their defaults
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub losses: Vec<String>,
    /// Settings to try for each: what the recipe says, then others of the learning rate and of the loss. The
    /// one with the best validation accuracy is kept
    #[arg(long, value_name = "N", default_value_t = NonZero::<usize>::MIN)]
    pub trials: NonZero<usize>,
    #[command(flatten)]
    pub training: Training,
}

impl Compare {
    /// The names of the losses, each once, in the order that was asked for.
    pub fn loss_names(&self) -> Vec<&str> {
        let all = self.losses.iter().any(|name| name == ALL_LOSSES);
        let names: Vec<&str> = if all {
            LossKind::FOR_ACCURACY.map(LossKind::name).to_vec()
        } else {
            self.losses.iter().map(String::as_str).collect()
        };
        let mut unique = Vec::new();
        for name in names {
            if !unique.contains(&name) {
                unique.push(name);
            }
        }
        unique
    }
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// A model that `exact vision train` wrote
    pub model: PathBuf,
    #[command(flatten)]
    pub data: ImageData,
    /// Measure on all images, also on those to train on, of a folder that the network has not seen
    #[arg(long)]
    pub all: bool,
    /// Where to write an HTML report
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "exact vision predict [OPTIONS] <MODEL> <PATH>...\n       \
                      exact vision predict [OPTIONS] <MODEL> <--data <DIR>|--labels <FILE>|--dataset <NAME>>",
    mut_group("ImageData", |group| group.required(false)),
)]
pub(crate) struct Predict {
    /// A model that `exact vision train` wrote
    pub model: PathBuf,
    /// The images, of any size: files, folders with all below them, patterns, or `-` for a list of paths on
    /// standard input
    #[arg(value_name = "PATH", required_unless_present = "ImageData", conflicts_with = "ImageData")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub data: ImageData,
    /// Where to write the predictions; standard output by default
    #[arg(long, value_name = "PREDICTIONS.csv")]
    pub out: Option<PathBuf>,
    /// Add the classes that come next with their probabilities, K in all
    #[arg(long, value_name = "K")]
    pub top: Option<NonZero<usize>>,
    /// Add the probability of each class
    #[arg(long)]
    pub proba: bool,
    /// Stop at the first image that cannot be read; by default it is named, and the others are predicted
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The weights, .pt, .pth or .safetensors: `torch.save(network.state_dict(), path)`
    pub weights: PathBuf,
    /// The network: resnet-DEPTH as torchvision's, vgg-DEPTH as its VGG with batch normalisation, or
    /// wrn-DEPTH-WIDTH as for CIFAR
    #[arg(long, value_name = "NAME")]
    pub model: Architecture,
    /// The names of the classes, one in each line; numbers by default
    #[arg(long, value_name = "FILE.txt")]
    pub classes: Option<PathBuf>,
    /// The height and width that images are scaled to; 224x224 by default, for wrn 32x32
    #[arg(long, value_name = "HxW", value_parser = size)]
    pub resize: Option<ImageSize>,
    /// The mean of each channel that images are normalised by, in [0, 1]; what is usual for the network by
    /// default
    #[arg(long, value_name = "R,G,B", value_delimiter = ',', requires = "std")]
    pub mean: Option<Vec<f64>>,
    /// The standard deviation of each channel that images are normalised by
    #[arg(long, value_name = "R,G,B", value_delimiter = ',', requires = "mean")]
    pub std: Option<Vec<f64>>,
    /// Where to write the model
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// A model that `exact vision train` wrote
    pub model: PathBuf,
    /// Where to write it: as ONNX, from pixels divided by 255 to logits and probabilities, if the name ends
    /// in .onnx, or the weights alone if it ends in .safetensors
    #[arg(long, value_name = "FILE.onnx|FILE.safetensors", value_parser = exported)]
    pub out: Exported,
}

/// A file to write, in the format that its name ends in.
#[derive(Debug, Clone)]
pub(crate) enum Exported {
    Onnx(PathBuf),
    Safetensors(PathBuf),
}

impl Exported {
    pub fn path(&self) -> &Path {
        match self {
            Self::Onnx(path) | Self::Safetensors(path) => path,
        }
    }
}

fn exported(text: &str) -> Result<Exported, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(OsStr::to_str) {
        Some("onnx") => Ok(Exported::Onnx(path)),
        Some("safetensors") => Ok(Exported::Safetensors(path)),
        _ => Err("the name must end in .onnx or .safetensors".into()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Embed {
    /// A model that `exact vision train` wrote
    pub model: PathBuf,
    #[command(flatten)]
    pub data: ImageData,
    /// Where to write the features `x` and the classes `label` of the training images
    #[arg(long, value_name = "TRAIN.npz", required_unless_present = "test")]
    pub train: Option<PathBuf>,
    /// Where to write those of the test images
    #[arg(long, value_name = "TEST.npz")]
    pub test: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplaceHead {
    /// The model that the features came from
    pub model: PathBuf,
    /// The model of `exact fit`
    pub head: PathBuf,
    /// Where to write the new model
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// The loss of a name, with its default settings.
pub(crate) fn loss(name: &str) -> anyhow::Result<LossSettings> {
    Ok(LossSettings::named(name.parse()?)?)
}

fn size(text: &str) -> Result<ImageSize, String> {
    let sides = text.split_once('x').and_then(|(height, width)| height.parse().ok().zip(width.parse().ok()));
    match sides {
        Some((height, width)) => Ok(ImageSize { height, width }),
        None => Err("a size is a height and a width in pixels, such as 32x32".into()),
    }
}
