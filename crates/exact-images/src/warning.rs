//! What was done to images and should be known.

use std::fmt;
use std::path::PathBuf;

use exact_data::Warning;
use exact_data::message::{count, list};

use crate::ImageSize;

/// Something that was done to images and should be known, though it stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageWarning {
    /// Images to test on were drawn from those to train on.
    HeldOut {
        /// Where the images are.
        place: String,
        /// The images that were drawn.
        test: usize,
        /// All of them.
        images: usize,
    },
    /// Folders or files of images are left out, since others have the images to test on.
    Unread {
        /// Their names.
        names: Vec<String>,
        /// What has the images to test on.
        test: String,
    },
    /// Images beside the folders of the classes were left out.
    WithoutClass {
        /// The folder.
        place: String,
        /// The images.
        images: usize,
    },
    /// Images of several sizes were scaled to one.
    Scaled {
        /// The images.
        images: usize,
        /// The size of the one with the fewest pixels.
        smallest: ImageSize,
        /// The size of the one with the most pixels.
        largest: ImageSize,
        /// What they were scaled to.
        size: ImageSize,
    },
    /// Grey images were read as coloured ones, or the other way round, as a network takes them.
    Converted {
        /// The images.
        images: usize,
        /// Whether they are grey.
        grey: bool,
    },
    /// Only the first pictures of animations were read.
    Animated {
        /// The animations.
        images: usize,
        /// One of them.
        example: String,
    },
    /// A link leads to a folder around it, and is not followed.
    LinkCycle {
        /// The link.
        link: PathBuf,
    },
    /// Images of a file without labels were left out.
    Unlabelled {
        /// The file.
        file: String,
        /// The images.
        images: usize,
    },
    /// What was noticed of a list of labels.
    Labels {
        /// The list.
        file: String,
        /// What it is.
        warning: Warning,
    },
}

impl fmt::Display for ImageWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeldOut { place, test, images } => write!(
                formatter,
                "{place} has no images to test on: {test} of {}, a part of each class that is always the \
                 same, are held out for that",
                count(*images, "image")
            ),
            Self::Unread { names, test } => write!(
                formatter,
                "{} {} left out: {test} has the images to test on, and a part of those to train on is for \
                 validation",
                list(names),
                if names.len() == 1 { "is" } else { "are" }
            ),
            Self::WithoutClass { place, images } => write!(
                formatter,
                "{} in {place} {} left out: {} in no folder of a class",
                count(*images, "image"),
                if *images == 1 { "is" } else { "are" },
                if *images == 1 { "it lies" } else { "they lie" }
            ),
            Self::Scaled { images, smallest, largest, size } => write!(
                formatter,
                "{} have sizes from {smallest} to {largest} and are scaled to {size} (`--resize HxW` scales \
                 them to another size)",
                count(*images, "image")
            ),
            Self::Converted { images, grey: true } => {
                let are = if *images == 1 { "is" } else { "are" };
                write!(formatter, "{} {are} read as coloured", count(*images, "grey image"))
            }
            Self::Converted { images, grey: false } => {
                let are = if *images == 1 { "is" } else { "are" };
                write!(formatter, "{} {are} read as grey", count(*images, "coloured image"))
            }
            Self::Animated { images, example } => write!(
                formatter,
                "{} {} only with the first picture, like {example}",
                count(*images, "animation"),
                if *images == 1 { "is read" } else { "are read" }
            ),
            Self::LinkCycle { link } => {
                write!(formatter, "{} leads to a folder around it and is not followed", link.display())
            }
            Self::Unlabelled { file, images } => write!(
                formatter,
                "{file}: {} without a label {} left out",
                count(*images, "image"),
                if *images == 1 { "is" } else { "are" }
            ),
            Self::Labels { file, warning } => write!(formatter, "{file}: {warning}"),
        }
    }
}
