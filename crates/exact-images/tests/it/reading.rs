//! Data sets of images are recognised and read.

use std::path::Path;

use crate::common::{cifar, grey, gzip, idx, mat, rgb, write_idx, write_image};
use exact_images::{ChannelStatistics, ImageDataset, ImageSize, Images};
use image::{Luma, Rgb, RgbImage, Rgba, RgbaImage};

fn open(folder: &Path) -> ImageDataset {
    ImageDataset::open(folder, None).unwrap()
}

const fn size(height: usize, width: usize) -> ImageSize {
    ImageSize { height, width }
}

#[test]
fn idx_files_plain_and_compressed() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    let ImageDataset { train, test, .. } = open(folder.path());
    assert_eq!((train.len(), train.channels(), train.size()), (3, 1, size(2, 3)));
    assert_eq!(train.image(1), [6, 7, 8, 9, 10, 11]);
    assert_eq!(train.labels(), [2, 0, 1]);
    assert_eq!(train.class_names(), ["0", "1", "2"]);
    assert_eq!((test.len(), test.labels(), test.n_classes()), (2, [1, 2].as_slice(), 3));
}

#[test]
fn cifar10_batches_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("data_batch_2.bin", cifar(&[(&[9], 5)]));
    write("data_batch_1.bin", cifar(&[(&[3], 1), (&[0], 2)]));
    write("test_batch.bin", cifar(&[(&[4], 8)]));
    let ImageDataset { train, test, .. } = open(folder.path());
    assert_eq!(train.labels(), [3, 0, 9]);
    assert_eq!((train.channels(), train.size()), (3, size(32, 32)));
    assert_eq!((train.image(2)[0], train.image(2)[3071]), (5, 4));
    assert_eq!((test.labels(), test.class_names()[4].as_str()), ([4].as_slice(), "4"));

    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    write("batches.meta.txt", names.into());
    assert_eq!(open(folder.path()).test.class_names()[9], "truck");
}

/// The archive as it is published: in a folder, with other files beside.
#[test]
fn cifar100_in_its_archive() {
    let mut archive = tar::Builder::new(Vec::new());
    let names: Vec<String> = (0..100).map(|class| format!("thing {class}")).collect();
    let files = [
        ("cifar-100-binary/train.bin", cifar(&[(&[1, 99], 1), (&[19, 0], 2)])),
        ("cifar-100-binary/test.bin", cifar(&[(&[0, 42], 3)])),
        ("cifar-100-binary/fine_label_names.txt", names.join("\n").into_bytes()),
        ("cifar-100-binary/coarse_label_names.txt", b"animals\n".to_vec()),
    ];
    for (name, bytes) in &files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cifar-100-binary.tar.gz");
    std::fs::write(&path, gzip(&archive.into_inner().unwrap())).unwrap();
    let dataset = open(&path);
    assert_eq!(dataset.train.labels(), [99, 0]);
    assert_eq!(dataset.train.image(1)[..2], [2, 3]);
    assert_eq!(dataset.test.labels(), [42]);
    assert_eq!(dataset.test.class_names()[42], "thing 42");
    assert_eq!(open(folder.path()), dataset);
}

/// Values count up in MATLAB's order, the first index first.
#[test]
fn svhn_digits() {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..36).collect();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("train_32x32.mat", mat([2, 3, 3, 2], &pixels, &[10, 9], true));
    write("test_32x32.mat", mat([2, 3, 3, 1], &pixels[..18], &[1], false));
    let ImageDataset { train, test, .. } = open(folder.path());
    assert_eq!((train.channels(), train.size()), (3, size(2, 3)));
    assert_eq!(train.image(0), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11, 12, 14, 16, 13, 15, 17]);
    assert_eq!(train.image(1)[..3], [18, 20, 22]);
    assert_eq!((train.labels(), test.labels()), ([0, 9].as_slice(), [1].as_slice()));
    assert_eq!(test.image(0), train.image(0));
    assert_eq!(test.n_classes(), 10);
}

#[test]
fn class_folders_in_the_order_of_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    for set in ["train", "val"] {
        for class in ["10", "9"] {
            for (name, value) in [("b.png", 2), ("a.PNG", 1), ("c.png", 3)] {
                write_image(&folder.path().join(set).join(class).join(name), grey(2, 3, value));
            }
        }
    }
    std::fs::write(folder.path().join("train/9/notes.txt"), "no image").unwrap();
    std::fs::write(folder.path().join("train/9/.d.png"), "hidden").unwrap();
    std::fs::write(folder.path().join("train/list.csv"), "no folder").unwrap();
    let ImageDataset { train, test, .. } = open(folder.path());
    assert_eq!(train.class_names(), ["9", "10"]);
    assert_eq!(train.labels(), [0, 0, 0, 1, 1, 1]);
    assert_eq!((train.channels(), train.size()), (1, size(2, 3)));
    assert_eq!((0..6).map(|at| train.image(at)[0]).collect::<Vec<_>>(), [1, 2, 3, 1, 2, 3]);
    assert_eq!(test, train);
}

/// One coloured image makes all of them coloured; transparency and the low bytes of 16-bit images are
/// dropped.
#[test]
fn class_folders_of_several_kinds_of_images() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_image(&path("train/a/1.png"), grey(1, 2, 7));
    write_image(&path("train/a/2.png"), RgbaImage::from_pixel(2, 1, Rgba([1, 2, 3, 0])));
    let deep = image::ImageBuffer::from_pixel(2, 1, Luma([0x1234_u16]));
    write_image(&path("train/b/1.png"), deep);
    write_image(&path("test/a/1.jpeg"), rgb(1, 2, [200; 3]));
    write_image(&path("test/b/1.png"), rgb(1, 2, [4, 5, 6]));
    let ImageDataset { train, test, .. } = open(folder.path());
    assert_eq!(train.channels(), 3);
    assert_eq!(train.image(0), [7; 6]);
    assert_eq!(train.image(1), [1, 1, 2, 2, 3, 3]);
    assert_eq!(train.image(2), [0x12; 6]);
    assert_eq!(test.image(0), [200; 6]);
    assert_eq!(test.image(1), [4, 4, 5, 5, 6, 6]);
}

#[test]
fn mixed_sizes_are_scaled_if_a_size_is_given() {
    let folder = tempfile::tempdir().unwrap();
    // Black, red and black thirds, of which the middle is kept.
    let wide = RgbImage::from_fn(6, 2, |x, _| Rgb(if x / 2 == 1 { [200, 0, 0] } else { [0; 3] }));
    write_image(&folder.path().join("train/a/1.png"), wide);
    write_image(&folder.path().join("train/b/1.png"), rgb(4, 4, [0, 100, 0]));
    write_image(&folder.path().join("val/a/1.png"), rgb(1, 1, [1, 2, 3]));
    write_image(&folder.path().join("val/b/1.png"), rgb(40, 9, [0, 0, 50]));
    let ImageDataset { train, test, .. } = ImageDataset::open(folder.path(), Some(size(2, 2))).unwrap();
    assert_eq!(train.image(0), [200, 200, 200, 200, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(train.image(1), [0, 0, 0, 0, 100, 100, 100, 100, 0, 0, 0, 0]);
    assert_eq!(test.image(0), [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    assert_eq!(test.image(1), [0, 0, 0, 0, 0, 0, 0, 0, 50, 50, 50, 50]);
}

#[test]
fn other_formats_are_scaled_as_well() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    let dataset = ImageDataset::open(folder.path(), Some(size(1, 1))).unwrap();
    // The pixels 0 1 2, 3 4 5: a square of 2x2 at the left, whose mean is 2.
    assert_eq!(dataset.train.image(0), [2]);
    assert_eq!(dataset.test.size(), size(1, 1));
}

#[test]
fn selected_images_keep_labels_and_names() {
    let names = vec!["a".to_string(), "b".into(), "c".into()];
    let images = Images::new(vec![1, 2, 3, 4, 5, 6], 2, size(1, 1), vec![2, 0, 1], names.clone()).unwrap();
    let selected = images.select(&[2, 0]).unwrap();
    assert_eq!(selected.pixels(), [5, 6, 1, 2]);
    assert_eq!((selected.labels(), selected.class_names()), ([1, 2].as_slice(), names.as_slice()));
}

/// Two channels: 0, 10, 20, 30 and all 255.
#[test]
fn statistics_of_channels() {
    let pixels = vec![0, 10, 255, 255, 20, 30, 255, 255];
    let images = Images::new(pixels, 2, size(1, 2), vec![0, 0], vec!["a".into()]).unwrap();
    let statistics = ChannelStatistics::of(&images);
    assert_eq!(statistics.mean, [15.0 / 255.0, 1.0]);
    assert_eq!(statistics.std, [125_f64.sqrt() / 255.0, 1.0]);
    let json = serde_json::to_string(&statistics).unwrap();
    assert_eq!(serde_json::from_str::<ChannelStatistics>(&json).unwrap(), statistics);
}

#[test]
fn names_of_files_inside_folders_do_not_matter_to_idx() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    std::fs::write(folder.path().join("README"), "about").unwrap();
    std::fs::create_dir(folder.path().join("train")).unwrap();
    assert_eq!(open(folder.path()).train.len(), 3);
    // A single class with a single image is a data set, too.
    std::fs::write(folder.path().join("train-images-idx3-ubyte"), idx(3, &[1, 2, 3], &[0; 6])).unwrap();
    std::fs::write(folder.path().join("train-labels-idx1-ubyte.gz"), idx(1, &[1], &[2])).unwrap();
    assert_eq!(open(folder.path()).train.class_names(), ["0", "1", "2"]);
}
