//! Folders of images, one folder a class.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use exact_data::sort_names;

use crate::encoded::EncodedImage;
use crate::files::{list, name_of};
use crate::parts::{Part, Parts};
use crate::splits::{is_for_test, is_for_training, test_rank};
use crate::walk::{images_below, is_image};
use crate::{ImageError, ImageWarning};

/// The folders with those of the classes: to train on, and to test on if there are others for that.
pub(crate) struct Folders {
    train: PathBuf,
    test: Option<PathBuf>,
    warnings: Vec<ImageWarning>,
}

/// Finds folders of training and of test images beside each other, or folders of classes that have images.
///
/// # Errors
/// [`ImageError::IncompleteLayout`] if there are images to test on alone.
pub(crate) fn find(path: &Path) -> Result<Option<Folders>, ImageError> {
    if !path.is_dir() {
        return Ok(None);
    }
    let folders: Vec<PathBuf> = list(path)?.into_iter().filter(|path| path.is_dir()).collect();
    // Classes may be called so as well, such as `train` beside `bus`, or `valid` beside `invalid`.
    let is_split = |folder: &PathBuf| is_for_training(&name_of(folder)) || is_for_test(&name_of(folder));
    let are_splits = !folders.is_empty() && folders.iter().all(is_split);
    let mut train = None;
    for folder in folders.iter().filter(|folder| is_for_training(&name_of(folder))) {
        if are_splits || !class_folders(folder)?.is_empty() {
            train = Some(folder);
        }
    }
    let Some(train) = train else {
        if are_splits {
            return Err(ImageError::IncompleteLayout { path: path.into(), missing: vec!["train".into()] });
        }
        for folder in &folders {
            if !images_below(folder, &mut Vec::new())?.is_empty() {
                return Ok(Some(Folders { train: path.into(), test: None, warnings: Vec::new() }));
            }
        }
        return Ok(None);
    };
    let (test, warnings) = folder_to_test_on(&folders, train)?;
    Ok(Some(Folders { train: train.clone(), test, warnings }))
}

/// The first folder by its name that has classes of training, or else any classes; images to test on without
/// their classes, as of competitions, cannot be measured on.
fn folder_to_test_on(
    folders: &[PathBuf],
    train: &Path,
) -> Result<(Option<PathBuf>, Vec<ImageWarning>), ImageError> {
    let mut tests = Vec::new();
    for folder in folders {
        if let Some(rank) = test_rank(&name_of(folder)) {
            let classes = class_folders(folder)?;
            if !classes.is_empty() {
                tests.push((rank, folder, classes));
            }
        }
    }
    let known: HashSet<String> = class_folders(train)?.into_iter().collect();
    let is_unknown = |classes: &[String]| !classes.iter().any(|class| known.contains(class));
    tests.sort_by_key(|(rank, _, classes)| (is_unknown(classes), *rank));
    let mut tests = tests.into_iter().map(|(_, folder, _)| folder);
    let Some(test) = tests.next() else { return Ok((None, Vec::new())) };
    let names: Vec<String> = tests.map(|folder| name_of(folder)).collect();
    let unread = (!names.is_empty()).then(|| ImageWarning::Unread { names, test: name_of(test) });
    Ok((Some(test.clone()), unread.into_iter().collect()))
}

impl Folders {
    /// The files of all classes.
    pub fn parts(self) -> Result<Parts, ImageError> {
        let Self { train, test, mut warnings } = self;
        let mut classes = class_folders(&train)?;
        sort_names(&mut classes);
        let test = match test {
            Some(test) => {
                let test_classes = class_folders(&test)?;
                let lacking = |some: &[String], others: &[String]| -> Vec<String> {
                    some.iter().filter(|class| !others.contains(class)).cloned().collect()
                };
                let unknown = lacking(&test_classes, &classes);
                if !unknown.is_empty() {
                    let place = test.display().to_string();
                    return Err(ImageError::UnknownClasses { place, unknown, classes });
                }
                let missing = lacking(&classes, &test_classes);
                if !missing.is_empty() {
                    return Err(ImageError::MissingClassFolders { folder: test, missing });
                }
                Some(test)
            }
            None => None,
        };
        let train = part(&train, &classes, &mut warnings)?;
        let test = test.map(|test| part(&test, &classes, &mut warnings)).transpose()?;
        Ok(Parts { train, test, warnings })
    }
}

fn class_folders(folder: &Path) -> Result<Vec<String>, ImageError> {
    Ok(list(folder)?.iter().filter(|path| path.is_dir()).map(|path| name_of(path)).collect())
}

/// The images of all classes, class by class and sorted by name, with a warning of those beside them.
fn part(folder: &Path, classes: &[String], warnings: &mut Vec<ImageWarning>) -> Result<Part, ImageError> {
    let place = folder.display().to_string();
    let loose = list(folder)?.iter().filter(|path| is_image(path) && !path.is_dir()).count();
    if loose > 0 {
        warnings.push(ImageWarning::WithoutClass { place: place.clone(), images: loose });
    }
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (class, label) in classes.iter().zip(0..) {
        let folder = folder.join(class);
        let files = images_below(&folder, warnings)?;
        if files.is_empty() {
            return Err(ImageError::NoImages { place: folder.display().to_string() });
        }
        labels.extend(files.iter().map(|_| label));
        images.extend(files.into_iter().map(EncodedImage::File));
    }
    if images.is_empty() {
        return Err(ImageError::NoImages { place });
    }
    Ok(Part { place, class_names: classes.to_vec(), images, labels })
}
