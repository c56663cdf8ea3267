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

mod channel_statistics;
mod cifar;
mod dataset;
mod download;
mod error;
mod files;
mod folders;
mod idx;
mod images;
mod jpeg_end;
mod mat;
mod open;
mod planes;
mod png;
mod records;
mod resize;
mod sets;
mod svhn;

pub use channel_statistics::ChannelStatistics;
pub use dataset::ImageDataset;
pub use download::DownloadProgress;
pub use error::ImageError;
pub use images::{ImageSize, Images};
pub use sets::{ImageSet, ImageSetFile};
