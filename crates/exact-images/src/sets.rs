//! Sets of images by name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use exact_data::Source;
use serde::Deserialize;

use crate::files::Files;
use crate::idx::Idx;
use crate::{ImageDataset, ImageError};

/// A set of images that is known by its name: bundled, or to be downloaded. `data/README.md` says where it
/// comes from.
///
/// # Example
/// ```
/// use exact_images::ImageSet;
///
/// let set = ImageSet::get("fashion-mnist-small").ok_or("no such set")?;
/// let dataset = set.read()?;
/// assert_eq!((dataset.train.len(), dataset.test.len()), (600, 300));
/// assert_eq!(dataset.train.class_names()[9], "Ankle boot");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct ImageSet {
    /// The name to ask for it by.
    pub name: String,
    /// What is to be predicted.
    pub task: String,
    /// The images to train on.
    pub train_images: usize,
    /// The images to test on.
    pub test_images: usize,
    /// 1 for grey images, 3 for coloured ones.
    pub channels: usize,
    /// The rows of pixels of an image.
    pub height: usize,
    /// The pixels of a row.
    pub width: usize,
    /// The name of each class.
    pub class_names: Vec<String>,
    /// Whom to cite.
    pub citation: String,
    /// The licence.
    pub licence: String,
    /// Where it was published.
    pub source: String,
    /// Its files.
    pub files: Vec<ImageSetFile>,
}

/// A file of a set of images.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct ImageSetFile {
    /// Its name.
    pub name: String,
    /// Where it can be downloaded, for a set that is not bundled.
    pub url: Option<String>,
    /// The SHA-256 of what it holds, decompressed, by name; under its own name that of the file as it is.
    pub sha256: BTreeMap<String, String>,
}

const MANIFEST: &str = include_str!("../../../data/images.json");

macro_rules! file {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../../data/", $path)).as_slice())
    };
}

/// The files of bundled sets.
static BUNDLED: [(&str, &[u8]); 4] = [
    file!("fashion-mnist-small/t10k-images-idx3-ubyte.gz"),
    file!("fashion-mnist-small/t10k-labels-idx1-ubyte.gz"),
    file!("fashion-mnist-small/train-images-idx3-ubyte.gz"),
    file!("fashion-mnist-small/train-labels-idx1-ubyte.gz"),
];

static SETS: LazyLock<Vec<ImageSet>> = LazyLock::new(|| {
    serde_json::from_str(MANIFEST).expect("the manifest is part of the program, and a test reads it")
});

impl ImageSet {
    /// All sets, sorted by name.
    pub fn all() -> &'static [Self] {
        &SETS
    }

    /// A set by its name.
    pub fn get(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|set| set.name == name)
    }

    /// Whether the set is part of the program.
    pub fn is_bundled(&self) -> bool {
        self.files.iter().all(|file| file.url.is_none())
    }

    /// Reads a bundled set.
    ///
    /// # Errors
    /// [`ImageError::NotBundled`] if its files are not part of the program.
    pub fn read(&self) -> Result<ImageDataset, ImageError> {
        let not_bundled = || ImageError::NotBundled { name: self.name.clone() };
        let source = |file: &ImageSetFile| {
            let path = format!("{}/{}", self.name, file.name);
            let (_, bytes) = BUNDLED.iter().find(|(bundled, _)| *bundled == path).ok_or_else(not_bundled)?;
            Ok((file.name.clone(), Source::bytes(&path, *bytes)))
        };
        let sources = self.files.iter().map(source).collect::<Result<_, ImageError>>()?;
        let files = Files { folder: self.name.clone(), sources };
        Idx::find(&files)?.ok_or_else(not_bundled)?.read(Some(self.class_names.clone()))
    }
}
