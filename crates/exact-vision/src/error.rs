//! What can go wrong.

use std::io;
use std::path::PathBuf;

use burn::tensor::TensorReadError;
use exact_core::loss::LossError;
use exact_data::DataError;
use exact_images::ImageError;

use crate::ImageShape;

/// Why images could not be trained on or classified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisionError {
    /// A batch that the loss cannot be evaluated on.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Values could not be read from the device.
    #[error("the device could not compute: {0}")]
    Device(#[from] TensorReadError),
    /// There is no such device.
    #[error("{variable} names `{name}`, but the devices of this build are: {}", devices.join(", "))]
    UnknownDevice {
        /// The environment variable that names it.
        variable: &'static str,
        /// Its name.
        name: String,
        /// The names of those that there are.
        devices: &'static [&'static str],
    },
    /// There is no such network.
    #[error(
        "there is no network {name}: expected small-cnn, m3, wrn-DEPTH-WIDTH with a depth of 6 n + 4 from \
         10, resnet-18, -34 or -50, or vgg-11, -13, -16 or -19"
    )]
    Architecture {
        /// The name.
        name: String,
    },
    /// There is no such augmentation.
    #[error("there is no augmentation {name}: expected none, light, standard or strong")]
    Preset {
        /// The name.
        name: String,
    },
    /// The images would vanish on their way through the network.
    #[error("{model} needs images of at least {smallest} x {smallest} pixels, these have {height} x {width}")]
    InputSize {
        /// The network.
        model: &'static str,
        /// The smallest height and width.
        smallest: usize,
        /// The height of the images.
        height: usize,
        /// Their width.
        width: usize,
    },
    /// What images are normalised by is no such thing.
    #[error("{} need a finite mean and a standard deviation above 0 each", names_of_channels(*channels))]
    Statistics {
        /// The channels of the images.
        channels: usize,
    },
    /// Something of which there must be at least one.
    #[error("there are no {what}")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// A setting outside its range.
    #[error("{name} must be {expected}, got {value}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// The value.
        value: f64,
    },
    /// A recipe that cannot be read, or whose settings do not go together.
    #[error("the recipe cannot be used: {problem}")]
    Recipe {
        /// What is wrong.
        problem: String,
    },
    /// There are too few images to train on some and to choose the epoch by others.
    #[error("{images} images are too few to train on some and to choose the epoch by a share of {share}")]
    TooFewImages {
        /// The images.
        images: usize,
        /// The share for validation.
        share: f64,
    },
    /// Images of another shape than those that the network was trained on.
    #[error("the images are {found}, the network was trained on {expected}")]
    Shape {
        /// Their shape.
        found: ImageShape,
        /// The shape of the images of training.
        expected: ImageShape,
    },
    /// Images of other classes than those that the network was trained on.
    #[error(
        "class {at} of the images is {}, class {at} of the network is {}",
        name_or_missing(found.as_deref()),
        name_or_missing(expected.as_deref())
    )]
    Classes {
        /// The first class, from 0, that differs.
        at: usize,
        /// Its name among those of the images, if they have so many.
        found: Option<String>,
        /// Its name among those of training, if they have so many.
        expected: Option<String>,
    },
    /// A last layer of another size.
    #[error(
        "the last layer has {} weights and {} biases, the network needs {n_features} x {n_classes} and \
         {n_classes}",
        found[0],
        found[1]
    )]
    Head {
        /// Weights and biases.
        found: [usize; 2],
        /// The features that the network makes.
        n_features: usize,
        /// Its classes.
        n_classes: usize,
    },
    /// Data that cannot be split, or a file that cannot be written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Images that cannot be read or prepared.
    #[error(transparent)]
    Images(#[from] ImageError),
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} cannot be used: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A run would take the place of another.
    #[error("{} holds a run already", folder.display())]
    RunExists {
        /// The folder.
        folder: PathBuf,
    },
    /// The loss or a logit is no longer a finite number.
    #[error("training diverged: the loss is no longer finite in step {step} of epoch {epoch}")]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// Its step, from 1.
        step: usize,
    },
}

fn names_of_channels(channels: usize) -> &'static str {
    if channels == 3 { "red, green and blue" } else { "the channels of the images" }
}

fn name_or_missing(name: Option<&str>) -> String {
    name.map_or_else(|| "missing".into(), |name| format!("`{name}`"))
}

impl VisionError {
    /// How to mend it, where that is not plain.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Images(error) => error.hint(),
            Self::UnknownDevice { variable, .. } => {
                Some(format!("unset {variable}, name one of these, or build with the feature of that name"))
            }
            Self::TooFewImages { .. } => {
                Some("add images of each class, or set `validation-fraction` in a recipe".into())
            }
            Self::RunExists { .. } => Some("take it up with --resume, or name another folder".into()),
            Self::Diverged { .. } => {
                Some("lower the learning rate; the checkpoint of the last whole epoch is in place".into())
            }
            Self::Classes { .. } => Some("name the classes as those of training, and leave none out".into()),
            Self::Shape { .. } => Some("scale the images to the shape of training".into()),
            _ => None,
        }
    }
}
