//! Labelled images: from files and folders, bundled or downloaded, as one array of pixels.
//!
//! [`ImageDataset::open`] recognises what a folder holds: IDX as of MNIST, the binary files of CIFAR, the
//! cropped digits of SVHN, Parquet as of the Hugging Face hub, or a folder of PNG, JPEG and other files for
//! each class. [`ImageSet`] has the sets that are known by name, and [`ImageFiles`] has images without
//! labels.
//!
//! ```
//! use exact_images::{ChannelStatistics, ImageSet};
//!
//! let dataset = ImageSet::get("fashion-mnist-small").ok_or("no such set")?.read()?;
//! assert_eq!((dataset.train.len(), dataset.train.n_classes()), (600, 10));
//! assert_eq!(dataset.train.image(0).len(), 28 * 28);
//! assert!(ChannelStatistics::of(&dataset.train).mean[0] < 0.5); // most pixels are dark
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(not(feature = "files"), allow(dead_code, reason = "bundled sets have one format"))]

#[cfg(feature = "files")]
mod animation;
mod channel_statistics;
#[cfg(feature = "files")]
mod channels;
mod cifar;
mod dataset;
#[cfg(feature = "files")]
mod download;
#[cfg(feature = "files")]
mod encoded;
mod error;
mod files;
#[cfg(feature = "files")]
mod folders;
mod idx;
#[cfg(feature = "files")]
mod image_files;
mod images;
#[cfg(feature = "files")]
mod jpeg_end;
#[cfg(feature = "files")]
mod labels;
mod mat;
#[cfg(feature = "files")]
mod open;
#[cfg(feature = "files")]
mod parquet;
#[cfg(feature = "files")]
mod parts;
#[cfg(feature = "files")]
mod planes;
#[cfg(feature = "files")]
mod png;
mod records;
#[cfg(feature = "files")]
mod resize;
mod sets;
mod size;
#[cfg(feature = "files")]
mod splits;
mod svhn;
#[cfg(feature = "files")]
mod walk;
mod warning;

pub use channel_statistics::ChannelStatistics;
pub use dataset::ImageDataset;
#[cfg(feature = "files")]
pub use download::DownloadProgress;
pub use error::ImageError;
#[cfg(feature = "files")]
pub use image_files::{DecodedFiles, ImageFiles, Picture};
pub use images::Images;
pub use sets::{ImageSet, ImageSetFile};
pub use size::ImageSize;
pub use warning::ImageWarning;
