//! Labelled images: from files and folders, bundled or downloaded, as one array of pixels.
//!
//! [`ImageDataset::open`] recognises what a folder holds: IDX as of MNIST, the binary files of CIFAR, the
//! cropped digits of SVHN, or a folder of PNG and JPEG files for each class. [`ImageSet`] has the sets that
//! are known by name.
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

mod channel_statistics;
mod cifar;
mod dataset;
#[cfg(feature = "files")]
mod download;
mod error;
mod files;
#[cfg(feature = "files")]
mod folders;
mod idx;
mod images;
#[cfg(feature = "files")]
mod jpeg_end;
mod mat;
#[cfg(feature = "files")]
mod open;
#[cfg(feature = "files")]
mod planes;
#[cfg(feature = "files")]
mod png;
mod records;
#[cfg(feature = "files")]
mod resize;
mod sets;
mod size;
mod svhn;

pub use channel_statistics::ChannelStatistics;
pub use dataset::ImageDataset;
#[cfg(feature = "files")]
pub use download::DownloadProgress;
pub use error::ImageError;
pub use images::Images;
pub use sets::{ImageSet, ImageSetFile};
pub use size::ImageSize;
