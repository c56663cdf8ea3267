//! Images without labels.

use std::path::{Path, PathBuf};

use crate::common::{grey, rgb, turned_jpeg, write_image};
use exact_images::{ImageError, ImageFiles, ImageSize, ImageWarning, Images};
use image::{Rgb, RgbImage};

const SIZE: ImageSize = ImageSize { height: 2, width: 2 };

/// The files of some paths in a folder.
fn found(folder: &Path, paths: &[&str]) -> Result<Vec<String>, ImageError> {
    let mut files = ImageFiles::default();
    for path in paths {
        files.add(&folder.join(path))?;
    }
    let relative = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
    Ok(files.paths().iter().map(relative).collect())
}

#[test]
fn files_folders_and_patterns() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.png", "a/2.JPG", "a/deep/1.webp", "d[1].bmp"] {
        write_image(&folder.path().join(name), rgb(1, 1, [0; 3]));
    }
    for name in ["a/notes.txt", "a/Thumbs.db", "a/.hidden.png", "a/phone.heic"] {
        std::fs::write(folder.path().join(name), "no image").unwrap();
    }
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let found = |paths: &[&str]| found(folder.path(), paths);
    assert_eq!(found(&["b.png", "a"]).unwrap(), ["b.png", "a/2.JPG", "a/deep/1.webp", "a/phone.heic"]);
    assert_eq!(found(&["**/*.webp", "d[1].bmp"]).unwrap(), ["a/deep/1.webp", "d[1].bmp"]);
    assert_eq!(found(&["?"]).unwrap(), ["a/2.JPG", "a/deep/1.webp", "a/phone.heic"]);
    assert_eq!(found(&["a/notes.txt"]).unwrap(), ["a/notes.txt"]);
    assert!(matches!(found(&["*.jpg"]), Err(ImageError::NoMatch { .. })));
    assert!(matches!(found(&["empty"]), Err(ImageError::NoImages { .. })));
    let error = found(&["none.png"]).unwrap_err().to_string();
    assert!(error.starts_with("cannot read ") && error.contains("none.png: "), "{error}");
}

#[test]
fn lists() {
    let folder = tempfile::tempdir().unwrap();
    write_image(&folder.path().join("a/1.png"), grey(1, 1, 0));
    let list = format!("none.png\r\n\n{}\n", folder.path().join("a").display());
    let mut files = ImageFiles::default();
    files.add_list("the list", list.as_bytes()).unwrap();
    assert_eq!(files.paths(), [PathBuf::from("none.png"), folder.path().join("a/1.png")]);
    let error = files.add_list("the list", b"\xff\n".as_slice()).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the list: "), "{error}");
}

#[test]
fn images_of_any_shape_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_image(&path("grey.png"), grey(1, 1, 7));
    write_image(&path("colour.png"), rgb(2, 6, [100; 3]));
    let lying = RgbImage::from_fn(32, 16, |x, _| Rgb(if x < 16 { [250; 3] } else { [0; 3] }));
    std::fs::write(path("turned.jpg"), turned_jpeg(&lying, 6)).unwrap();
    std::fs::write(path("damaged.png"), "no image").unwrap();
    let paths = ["grey.png", "none.png", "colour.png", "damaged.png", "turned.jpg"].map(path);
    let decoded = ImageFiles::decode(&paths, 1, SIZE).unwrap();
    let greys: Vec<Option<bool>> =
        decoded.outcomes.iter().map(|outcome| outcome.as_ref().ok().map(|picture| picture.is_grey)).collect();
    assert_eq!(greys, [Some(true), None, Some(false), None, Some(false)]);
    let images = decoded.images.unwrap();
    assert_eq!((images.len(), images.channels(), images.size()), (3, 1, SIZE));
    assert_eq!((images.image(0), images.image(1)), ([7; 4].as_slice(), [100; 4].as_slice()));
    // As it stands: the upper half is bright; the middle of its height is kept.
    let turned = images.image(2);
    assert!(turned[0] > 200 && turned[1] > 200 && turned[2] < 50 && turned[3] < 50, "{turned:?}");

    let none = ImageFiles::decode(&paths[3..4], 3, SIZE).unwrap();
    assert!(none.images.is_none() && none.outcomes[0].is_err());
    let error = ImageFiles::decode(&paths, 4, SIZE).unwrap_err();
    assert!(matches!(error, ImageError::Channels { channels: 4 }), "{error}");
    let size = ImageSize { height: 0, width: 1 };
    assert!(ImageFiles::decode(&paths, 1, size).is_err());
}

/// A device has no end.
#[cfg(unix)]
#[test]
fn what_is_no_file() {
    let decoded = ImageFiles::decode(&["/dev/zero".into(), "/".into()], 1, SIZE).unwrap();
    assert!(decoded.outcomes.iter().all(Result::is_err));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle() {
    let folder = tempfile::tempdir().unwrap();
    write_image(&folder.path().join("a/1.png"), grey(1, 1, 0));
    let link = folder.path().join("a/again");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let mut files = ImageFiles::default();
    files.add(folder.path()).unwrap();
    assert_eq!(files.paths(), [folder.path().join("a/1.png")]);
    assert_eq!(files.warnings(), [ImageWarning::LinkCycle { link }]);
}

#[test]
fn grey_and_coloured_arrays() {
    let images = Images::new(
        vec![255, 0, 0, 0, 255, 9],
        3,
        ImageSize { height: 1, width: 2 },
        vec![0],
        vec!["a".into()],
    );
    let grey = images.unwrap().with_channels(1).unwrap();
    assert_eq!(grey.pixels(), [73, 1]);
    assert_eq!(grey.clone().with_channels(3).unwrap().pixels(), [73, 1, 73, 1, 73, 1]);
    assert!(matches!(grey.with_channels(2), Err(ImageError::Channels { channels: 2 })));
}
