//! Folders of images as people have them.

use std::path::Path;

use crate::common::{grey, rgb, turned_jpeg, write_image};
use exact_images::{ImageDataset, ImageSize, ImageWarning};
use image::{Rgb, RgbImage};

fn open(folder: &Path) -> ImageDataset {
    ImageDataset::open(folder, None).unwrap()
}

const fn size(height: usize, width: usize) -> ImageSize {
    ImageSize { height, width }
}

/// The warnings in words, without the path of the folder.
fn warnings(dataset: &ImageDataset, folder: &Path) -> Vec<String> {
    let relative = |warning: &ImageWarning| {
        let text = warning.to_string().replace(&format!("{}/", folder.display()), "");
        text.replace(folder.to_str().unwrap(), "FOLDER")
    };
    dataset.warnings.iter().map(relative).collect()
}

/// Folders of classes alone, with images at any depth, whatever systems put beside them.
#[test]
fn a_part_of_each_class_is_held_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for at in 0..10 {
        write_image(&path(&format!("cat/2024/05/{at}.PNG")), grey(1, 1, at));
        write_image(&path(&format!("dog/{at}.png")), grey(1, 1, 100 + at));
    }
    for name in ["cat/Thumbs.db", "cat/desktop.ini", "dog/.DS_Store", "notes.txt"] {
        std::fs::write(path(name), "of the system").unwrap();
    }
    write_image(&path("__MACOSX/cat/1.png"), grey(1, 1, 0));
    write_image(&path(".cache/1.png"), grey(1, 1, 0));
    write_image(&path("loose.png"), grey(1, 1, 0));
    let dataset = open(folder.path());
    assert_eq!(dataset.train.class_names(), ["cat", "dog"]);
    assert_eq!((dataset.train.len(), dataset.test.len()), (16, 4));
    assert_eq!(dataset.test.labels(), [0, 0, 1, 1]);
    let mut values: Vec<u8> = [dataset.train.pixels(), dataset.test.pixels()].concat();
    values.sort_unstable();
    assert_eq!(values, (0..10).chain(100..110).collect::<Vec<u8>>());
    assert_eq!(
        warnings(&dataset, folder.path()),
        [
            "1 image in FOLDER is left out: it lies in no folder of a class",
            "FOLDER has no images to test on: 4 of 20 images, a part of each class that is always the same, \
             are held out for that"
        ]
    );
    assert_eq!(open(folder.path()), dataset);
}

/// What is for testing by its name, of which the first that has classes is taken.
#[test]
fn folders_to_test_on() {
    for (train, test) in
        [("train", "test"), ("Training", "Testing"), ("train", "valid"), ("TRAIN", "validation")]
    {
        let folder = tempfile::tempdir().unwrap();
        for (set, value) in [(train, 1), (test, 2)] {
            for class in ["a", "b"] {
                write_image(&folder.path().join(set).join(class).join("1.jpeg"), grey(8, 8, value));
            }
        }
        let dataset = open(folder.path());
        assert_eq!((dataset.train.len(), dataset.test.len()), (2, 2), "{test}");
        assert_eq!(dataset.warnings, [], "{test}");
    }
    let folder = tempfile::tempdir().unwrap();
    for set in ["train", "val", "test"] {
        for class in ["a", "b"] {
            let value = if set == "test" { 9 } else { 0 };
            write_image(&folder.path().join(set).join(class).join("1.png"), grey(1, 1, value));
        }
    }
    let dataset = open(folder.path());
    assert_eq!(dataset.test.pixels(), [9, 9]);
    assert_eq!(
        warnings(&dataset, folder.path()),
        ["`val` is left out: test has the images to test on, and a part of those to train on is for \
            validation"]
    );

    // Of a competition: the classes of its images to test on are not known.
    std::fs::remove_dir_all(folder.path().join("test")).unwrap();
    write_image(&folder.path().join("test/unknown/1.png"), grey(1, 1, 9));
    assert_eq!(open(folder.path()).test.pixels(), [0, 0]);
    std::fs::remove_dir_all(folder.path().join("val")).unwrap();
    std::fs::remove_dir_all(folder.path().join("test")).unwrap();
    write_image(&folder.path().join("test/1.png"), grey(1, 1, 9));
    for at in 2..6 {
        write_image(&folder.path().join(format!("train/a/{at}.png")), grey(1, 1, 0));
        write_image(&folder.path().join(format!("train/b/{at}.png")), grey(1, 1, 0));
    }
    let dataset = open(folder.path());
    assert_eq!((dataset.train.len(), dataset.test.len()), (8, 2));
    assert!(warnings(&dataset, folder.path())[0].starts_with("train has no images to test on"));
}

#[test]
fn classes_that_are_called_as_splits() {
    for classes in [["bus", "train"], ["invalid", "valid"]] {
        let folder = tempfile::tempdir().unwrap();
        for class in classes {
            for at in 0..5 {
                write_image(&folder.path().join(class).join(format!("{at}.png")), grey(1, 1, at));
            }
        }
        let dataset = open(folder.path());
        assert_eq!(dataset.train.class_names(), classes);
        assert_eq!((dataset.train.len(), dataset.test.len()), (8, 2));
    }
}

#[test]
fn every_format() {
    let folder = tempfile::tempdir().unwrap();
    let formats = ["png", "JPG", "jpeg", "webp", "bmp", "gif", "tif", "TIFF"];
    for (at, format) in formats.iter().enumerate() {
        for (set, class) in [("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")] {
            let path = folder.path().join(set).join(class).join(format!("{at}.{format}"));
            write_image(&path, rgb(8, 8, [200, 40, 80]));
        }
    }
    let dataset = open(folder.path());
    assert_eq!((dataset.train.len(), dataset.test.len()), (16, 16));
    for at in 0..16 {
        let image = dataset.train.image(at);
        for (channel, value) in [200, 40, 80].into_iter().enumerate() {
            assert!(image[channel * 64..][..64].iter().all(|pixel| pixel.abs_diff(value) < 8), "{at}");
        }
    }
}

/// As cameras store them: the pixels lie, and Exif says how they stand.
#[test]
fn images_stand_as_they_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let lying = RgbImage::from_fn(16, 8, |x, _| Rgb(if x < 8 { [250; 3] } else { [0; 3] }));
    for class in ["a", "b"] {
        for set in ["train", "val"] {
            let folder = folder.path().join(set).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("1.jpg"), turned_jpeg(&lying, 6)).unwrap();
        }
    }
    let dataset = open(folder.path());
    assert_eq!(dataset.train.size(), size(16, 8));
    let image = dataset.train.image(0);
    assert!(image[..64].iter().all(|&pixel| pixel > 200), "{image:?}");
    assert!(image[64..128].iter().all(|&pixel| pixel < 50), "{image:?}");
}

#[test]
fn images_of_several_sizes_are_scaled() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_image(&path("train/a/1.png"), grey(4, 9, 1));
    write_image(&path("train/b/1.png"), grey(6, 5, 2));
    write_image(&path("val/a/1.png"), grey(7, 7, 3));
    write_image(&path("val/b/1.png"), grey(3, 30, 3));
    write_image(&path("val/b/2.png"), grey(5, 5, 3));
    let dataset = open(folder.path());
    // The median of 3, 4, 5, 5 and 7.
    assert_eq!(dataset.train.size(), size(5, 5));
    assert_eq!(
        warnings(&dataset, folder.path()),
        ["5 images have sizes from 5x5 to 3x30 and are scaled to 5x5 (`--resize HxW` scales them to \
             another size)"]
    );
    let resized = ImageDataset::open(folder.path(), Some(size(2, 3))).unwrap();
    assert_eq!((resized.test.size(), resized.warnings), (size(2, 3), Vec::new()));
    for name in ["val/a/1.png", "val/b/1.png", "val/b/2.png"] {
        write_image(&path(name), grey(300, 400, 3));
    }
    assert_eq!(open(folder.path()).train.size(), size(224, 224));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..5 {
        write_image(&folder.path().join(format!("a/{at}.png")), grey(1, 1, at));
        write_image(&folder.path().join(format!("b/{at}.png")), grey(1, 1, at));
    }
    std::os::unix::fs::symlink("..", folder.path().join("a/up")).unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("b/here")).unwrap();
    let dataset = open(folder.path());
    assert_eq!((dataset.train.len(), dataset.test.len()), (8, 2));
    let cycle = |link: &str| ImageWarning::LinkCycle { link: folder.path().join(link) };
    assert_eq!(dataset.warnings[..2], [cycle("a/up"), cycle("b/here")]);
}

/// Of animations the first picture is read.
#[test]
fn animations() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["train/a/1.png", "train/b/1.png", "val/a/1.png"] {
        write_image(&folder.path().join(name), rgb(4, 4, [0; 3]));
    }
    std::fs::create_dir(folder.path().join("val/b")).unwrap();
    let file = std::fs::File::create(folder.path().join("val/b/1.gif")).unwrap();
    let mut encoder = image::codecs::gif::GifEncoder::new(file);
    for value in [200, 10] {
        let image = image::RgbaImage::from_pixel(4, 4, image::Rgba([value, value, value, 255]));
        encoder.encode_frame(image::Frame::new(image)).unwrap();
    }
    drop(encoder);
    let dataset = open(folder.path());
    assert_eq!(dataset.test.image(1)[0], 200);
    assert_eq!(
        warnings(&dataset, folder.path()),
        ["1 animation is read only with the first picture, like val/b/1.gif"]
    );
}

#[test]
fn lists_of_files_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = vec!["label;photographer;file".to_string()];
    for at in 0..20 {
        write_image(&folder.path().join(format!("images/{at:02}.png")), grey(1, 1, at));
        list.push(format!("{};me;images/{at:02}.png", ["10", "9"][usize::from(at) % 2]));
    }
    let list = list.join("\n");
    let path = folder.path().join("labels.csv");
    std::fs::write(&path, &list).unwrap();
    let dataset = ImageDataset::labelled(&path, None, None).unwrap();
    assert_eq!(dataset.train.class_names(), ["9", "10"]);
    assert_eq!((dataset.train.len(), dataset.test.len()), (16, 4));
    for images in [&dataset.train, &dataset.test] {
        for at in 0..images.len() {
            assert_eq!(images.labels()[at], u32::from(images.image(at)[0] % 2 == 0));
        }
    }
    assert_eq!(dataset.warnings.len(), 1, "{:?}", dataset.warnings);

    // The same paths, relative to another folder.
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("labels.tsv");
    std::fs::write(&path, list.replace(';', "\t").replace("images/", "")).unwrap();
    let other = ImageDataset::labelled(&path, Some(&folder.path().join("images")), None).unwrap();
    assert_eq!((&other.train, &other.test), (&dataset.train, &dataset.test));
}

/// Numbers of classes, however many, are no measurements.
#[test]
fn lists_with_many_numbered_classes() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = vec!["file,label".to_string()];
    for at in 0..300 {
        write_image(&folder.path().join(format!("{at}.png")), grey(1, 1, 0));
        list.push(format!("{at}.png,{}", at % 150 + 1));
    }
    let path = folder.path().join("labels.csv");
    std::fs::write(&path, list.join("\n")).unwrap();
    let dataset = ImageDataset::labelled(&path, None, None).unwrap();
    assert_eq!((dataset.train.n_classes(), dataset.train.class_names()[149].as_str()), (150, "150"));
}
