//! Each way in which a data set of images can be wrong has its message: what, where, and how to mend it.

use std::path::Path;

use crate::common::{cifar, grey, gzip, idx, mat, rgb, write_idx, write_image};
use exact_data::DataError;
use exact_images::{ImageDataset, ImageError, ImageSize, Images};
use tempfile::TempDir;

/// The message and the hint of what is wrong with a folder, whose path is left out.
fn failure(folder: &TempDir) -> (String, String) {
    let error = ImageDataset::open(folder.path(), None).unwrap_err();
    let hint = error.hint().unwrap();
    let relative = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    (relative(error.to_string()).replace(folder.path().to_str().unwrap(), "FOLDER"), relative(hint))
}

fn message(folder: &TempDir) -> String {
    failure(folder).0
}

/// The message after one file of an IDX set is replaced.
fn idx_message(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    std::fs::write(folder.path().join(name), bytes).unwrap();
    message(&folder)
}

#[test]
fn idx_files_cut_short() {
    let name = "train-images-idx3-ubyte";
    assert_eq!(
        idx_message(name, &idx(3, &[3, 2, 3], &[0; 17])),
        "train-images-idx3-ubyte ends at byte 33, within image 3 of 3"
    );
    assert_eq!(
        idx_message(name, &idx(3, &[3, 2, 3], &[])),
        "train-images-idx3-ubyte ends at byte 16, within image 1 of 3"
    );
    assert_eq!(idx_message(name, &[0, 0, 8]), "train-images-idx3-ubyte ends at byte 3, within the header");
    assert_eq!(
        idx_message(name, &idx(3, &[3, 2], &[])),
        "train-images-idx3-ubyte ends at byte 12, within the header"
    );
    assert_eq!(
        idx_message("t10k-labels-idx1-ubyte", &idx(1, &[2], &[1])),
        "t10k-labels-idx1-ubyte ends at byte 9, within label 2 of 2"
    );
    // A header that announces more than any memory holds.
    assert_eq!(
        idx_message(name, &idx(3, &[u32::MAX; 3], &[1, 2, 3])),
        "train-images-idx3-ubyte ends at byte 19, within image 1 of 4294967295"
    );
}

#[test]
fn compressed_idx_files_cut_short_or_damaged() {
    let whole = gzip(&idx(1, &[3], &[2, 0, 1]));
    let cut = idx_message("train-labels-idx1-ubyte.gz", &whole[..whole.len() - 12]);
    assert!(cut.starts_with("train-labels-idx1-ubyte.gz ends at byte "), "{cut}");
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let damaged = idx_message("train-labels-idx1-ubyte.gz", &damaged);
    assert!(damaged.starts_with("cannot read train-labels-idx1-ubyte.gz: "), "{damaged}");
}

#[test]
fn idx_files_of_another_kind() {
    assert_eq!(
        idx_message("train-images-idx3-ubyte", &idx(1, &[3], &[0, 1, 2])),
        "train-images-idx3-ubyte, byte 0: expected 00 00 08 03, as IDX images begin, found 00 00 08 01"
    );
    assert_eq!(
        idx_message("t10k-labels-idx1-ubyte", b"label\n1\n2\n"),
        "t10k-labels-idx1-ubyte, byte 0: expected 00 00 08 01, as IDX labels begin, found 6c 61 62 65"
    );
    assert_eq!(
        idx_message("train-images-idx3-ubyte", &idx(3, &[3, 2, 0], &[])),
        "train-images-idx3-ubyte, byte 12: expected a dimension above 0, found 0"
    );
    assert_eq!(
        idx_message("train-images-idx3-ubyte", &idx(3, &[3, 2, 3], &[0; 19])),
        "train-images-idx3-ubyte goes on at byte 34, where its header says that it ends"
    );
}

#[test]
fn idx_files_that_do_not_fit_together() {
    assert_eq!(
        idx_message("train-labels-idx1-ubyte.gz", &idx(1, &[2], &[0, 2])),
        "train-images-idx3-ubyte holds 3 images, train-labels-idx1-ubyte.gz 2 labels"
    );
    assert_eq!(
        idx_message("t10k-labels-idx1-ubyte", &idx(1, &[2], &[0, 3])),
        "t10k-labels-idx1-ubyte, byte 9: the label of image 2 is 3, there are only 3 classes"
    );
    assert_eq!(
        idx_message("t10k-images-idx3-ubyte.gz", &idx(3, &[2, 3, 2], &[0; 12])),
        "1 image is of another size than train-images-idx3-ubyte, which is 2x3: \
         t10k-images-idx3-ubyte.gz (3x2)"
    );
}

#[test]
fn incomplete_and_unknown_folders() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    std::fs::remove_file(folder.path().join("train-labels-idx1-ubyte.gz")).unwrap();
    assert_eq!(message(&folder), "FOLDER lacks `train-labels-idx1-ubyte`");

    let folder = tempfile::tempdir().unwrap();
    let (message, hint) = failure(&folder);
    assert_eq!(message, "FOLDER is no data set of images that is known");
    assert!(hint.contains("train/CLASS"), "{hint}");
    std::fs::write(folder.path().join("data_batch_1.bin"), []).unwrap();
    assert_eq!(failure(&folder).0, "FOLDER lacks `test_batch.bin`");

    let folder = tempfile::tempdir().unwrap();
    write_image(&folder.path().join("test/a/1.png"), grey(1, 1, 0));
    assert_eq!(failure(&folder).0, "FOLDER lacks `train`");

    let error = ImageDataset::open(Path::new("no/such"), None).unwrap_err();
    assert!(error.to_string().starts_with("cannot read no/such: "), "{error}");
}

fn cifar_message(train: &[u8], test: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data_batch_1.bin"), train).unwrap();
    std::fs::write(folder.path().join("test_batch.bin"), test).unwrap();
    message(&folder)
}

#[test]
fn cifar_files() {
    let good = cifar(&[(&[1], 0), (&[9], 0)]);
    assert_eq!(cifar_message(&good[..4000], &good), "data_batch_1.bin ends at byte 4000, within image 2");
    assert_eq!(cifar_message(&good, &good[..3]), "test_batch.bin ends at byte 3, within image 1");
    assert_eq!(cifar_message(&good, &[]), "test_batch.bin holds no images");
    assert_eq!(
        cifar_message(&good, &cifar(&[(&[1], 0), (&[10], 0)])),
        "test_batch.bin, byte 3073: the label of image 2 is 10, there are only 10 classes"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train.bin"), cifar(&[(&[3, 100], 0)])).unwrap();
    let test = cifar(&[(&[3, 1], 0)]);
    std::fs::write(folder.path().join("test.bin"), &test).unwrap();
    assert_eq!(
        message(&folder),
        "train.bin, byte 1: the label of image 1 is 100, there are only 100 classes"
    );
    std::fs::write(folder.path().join("train.bin"), [&test[..], &test[..1000]].concat()).unwrap();
    assert_eq!(message(&folder), "train.bin ends at byte 4074, within image 2");
    std::fs::write(folder.path().join("fine_label_names.txt"), "apple\npear\n").unwrap();
    assert_eq!(message(&folder), "fine_label_names.txt, byte 0: expected 100 names of classes, found 2");
}

fn svhn_message(train: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train_32x32.mat"), train).unwrap();
    std::fs::write(folder.path().join("test_32x32.mat"), train).unwrap();
    message(&folder)
}

#[test]
fn svhn_files() {
    let good = mat([2, 1, 3, 2], &[0; 12], &[1, 2], true);
    for length in [3, 130, 140, good.len() - 4] {
        let text = svhn_message(&good[..length]);
        assert!(text.starts_with(&format!("train_32x32.mat ends at byte {length}, within ")), "{text}");
    }
    let mut damaged = good.clone();
    damaged[150] ^= 0xff;
    let text = svhn_message(&damaged);
    assert!(text.starts_with("cannot read train_32x32.mat: "), "{text}");
    assert_eq!(
        svhn_message(&mat([2, 1, 3, 2], &[0; 12], &[1, 2, 3], false)),
        "train_32x32.mat holds 2 images, train_32x32.mat 3 labels"
    );
    assert_eq!(
        svhn_message(&mat([2, 1, 3, 2], &[0; 12], &[1, 11], false)),
        "train_32x32.mat, byte 1: the label of image 2 is 11, there are only 10 classes"
    );
    assert_eq!(
        svhn_message(&mat([2, 3, 1, 2], &[0; 12], &[1, 2], false)),
        "train_32x32.mat, byte 128: expected an array `X` of height, width, 3 channels and images, \
         found [2, 3, 1, 2]"
    );
    assert_eq!(
        svhn_message(&mat([u32::MAX; 4], &[0; 12], &[1, 2], false)),
        "train_32x32.mat, byte 72: expected as many values as the dimensions say, \
         found 12 for the dimensions [4294967295, 4294967295, 4294967295, 4294967295]"
    );
    let text = svhn_message(&[b"MATLAB 7.3 MAT-file".as_slice(), &[b' '; 200]].concat());
    assert_eq!(
        text,
        "train_32x32.mat, byte 0: expected the header of a MATLAB file of version 5 to 7, \
         found MATLAB 7.3 MAT-file"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train_32x32.mat"), good).unwrap();
    assert_eq!(message(&folder), "FOLDER lacks `test_32x32.mat`");
}

#[test]
fn an_archive_cut_short() {
    let mut archive = tar::Builder::new(Vec::new());
    let bytes = cifar(&[(&[1], 0)]);
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, "data_batch_1.bin", bytes.as_slice()).unwrap();
    let whole = gzip(&archive.into_inner().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cifar.tar.gz"), &whole[..whole.len() / 2]).unwrap();
    let (message, hint) = failure(&folder);
    assert!(message.starts_with("cannot read cifar.tar.gz: "), "{message}");
    assert!(hint.ends_with("copy it again"), "{hint}");
}

/// `train` and `val` with one 2x2 image of each of the classes cat and dog.
fn pets() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["train/cat/1.png", "train/dog/1.png", "val/cat/1.png", "val/dog/1.png"] {
        write_image(&folder.path().join(name), rgb(2, 2, [1, 2, 3]));
    }
    folder
}

#[test]
fn classes_of_training_and_validation_differ() {
    let folder = pets();
    write_image(&folder.path().join("train/hen/1.png"), rgb(2, 2, [0; 3]));
    assert_eq!(message(&folder), "val lacks 1 class folder of training: `hen`");
    let folder = pets();
    write_image(&folder.path().join("val/dogs/1.png"), rgb(2, 2, [0; 3]));
    let (text, hint) = failure(&folder);
    assert_eq!(text, "val has 1 class that training lacks: `dogs`");
    assert_eq!(hint, "did you mean `dog`? the classes of training are `cat`, `dog`");
}

#[test]
fn empty_folders() {
    let folder = pets();
    std::fs::create_dir(folder.path().join("train/hen")).unwrap();
    std::fs::create_dir(folder.path().join("val/hen")).unwrap();
    assert_eq!(message(&folder), "train/hen holds no images");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("train")).unwrap();
    std::fs::create_dir(folder.path().join("val")).unwrap();
    assert_eq!(message(&folder), "train holds no images");
}

#[test]
fn damaged_image_files() {
    for name in ["train/dog/1.png", "val/cat/1.png"] {
        let folder = pets();
        let path = folder.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        let cases =
            [whole[..20].to_vec(), whole[..whole.len() - 20].to_vec(), b"no image".to_vec(), Vec::new()];
        for bytes in cases {
            std::fs::write(&path, bytes).unwrap();
            let text = message(&folder);
            assert!(text.starts_with(&format!("cannot decode {name}: ")), "{text}");
        }
        let mut flipped = whole;
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0xff;
        std::fs::write(&path, flipped).unwrap();
        assert!(message(&folder).starts_with(&format!("cannot decode {name}: ")));
    }
}

#[test]
fn jpeg_files_cut_short() {
    let folder = pets();
    let path = folder.path().join("val/dog/1.jpg");
    write_image(&path, rgb(2, 2, [9; 3]));
    assert!(ImageDataset::open(folder.path(), None).is_ok());
    let whole = std::fs::read(&path).unwrap();
    for length in [2, 10, whole.len() / 2, whole.len() - 2] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let text = message(&folder);
        assert!(text.starts_with("cannot decode val/dog/1.jpg: "), "{length}: {text}");
    }
}

#[test]
fn formats_that_are_not_read() {
    let folder = pets();
    std::fs::write(folder.path().join("train/cat/2.HEIC"), b"\0\0\0\x18ftypheic").unwrap();
    let (text, hint) = failure(&folder);
    assert_eq!(text, "cannot decode train/cat/2.HEIC: it is no PNG, JPEG, WebP, BMP, GIF or TIFF file");
    assert!(hint.contains("convert it"), "{hint}");
}

/// Damaged heads and damaged pixels, to train on and to test on, in one message.
#[test]
fn all_files_that_cannot_be_read_are_named() {
    let folder = pets();
    let whole = std::fs::read(folder.path().join("train/cat/1.png")).unwrap();
    std::fs::write(folder.path().join("train/cat/2.png"), &whole[..whole.len() - 20]).unwrap();
    std::fs::write(folder.path().join("train/dog/2.png"), "no image").unwrap();
    std::fs::write(folder.path().join("val/dog/2.jpg"), "").unwrap();
    let (text, hint) = failure(&folder);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, "3 images cannot be read:"), "{text}");
    for (line, name) in lines[1..].iter().zip(["train/cat/2.png", "train/dog/2.png", "val/dog/2.jpg"]) {
        assert!(line.starts_with(&format!("  cannot decode {name}: ")), "{text}");
    }
    assert!(hint.starts_with("copy these files again"), "{hint}");
    for at in 0..30 {
        std::fs::write(folder.path().join(format!("val/dog/{at}.gif")), "").unwrap();
    }
    let text = message(&folder);
    assert!(text.starts_with("33 images") && text.ends_with("\n  and 13 more"), "{text}");
}

/// The head alone is read.
#[test]
fn images_with_too_many_pixels() {
    let folder = pets();
    let gif = b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    std::fs::write(folder.path().join("val/cat/2.gif"), gif).unwrap();
    let (text, hint) = failure(&folder);
    assert_eq!(text, "val/cat/2.gif has 65535x65535 pixels, at most 134217728 are read");
    assert!(hint.contains("scale it down"), "{hint}");
}

#[test]
fn a_single_class() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..5 {
        write_image(&folder.path().join(format!("photos/cats/{at}.png")), grey(1, 1, 0));
    }
    let (text, hint) = failure(&folder);
    assert_eq!(text, "FOLDER has images of the class `photos` alone");
    assert!(hint.contains("the folder around"), "{hint}");
}

#[test]
fn too_few_images_to_hold_some_out() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["cat", "dog"] {
        write_image(&folder.path().join(class).join("1.png"), grey(1, 1, 0));
    }
    let (text, hint) = failure(&folder);
    assert_eq!(text, "FOLDER has 2 images, too few to hold some out to test on");
    assert!(hint.contains("a folder `test`"), "{hint}");
}

#[test]
fn lists_that_cannot_be_used() {
    let folder = pets();
    let labelled = |list: &str| {
        let path = folder.path().join("labels.csv");
        std::fs::write(&path, list).unwrap();
        let error = ImageDataset::labelled(&path, Some(&folder.path().join("train")), None).unwrap_err();
        (error.to_string().replace(&format!("{}/", folder.path().display()), ""), error.hint().unwrap())
    };
    let (text, hint) = labelled("file,label\ncat/1.png,cat\ncat/2.png,cat\ndog/1.png,dog\ndog,dog\n");
    assert_eq!(text, "labels.csv: 2 files are not there: train/cat/2.png (line 3), train/dog (line 5)");
    assert!(hint.contains("--data"), "{hint}");
    let (text, _) = labelled("label,file\ncat,cat/1.png\ndog,dog/1.png\ncat,./dog/1.png\n");
    assert_eq!(text, "labels.csv: 1 file is named twice: train/./dog/1.png (lines 3 and 4)");
    let (text, hint) = labelled("image,label\ncat/1.png,cat\ndog/1.png,dog\n");
    assert_eq!(text, "labels.csv has no column `file`");
    assert!(hint.contains("the columns are `image`, `label`"), "{hint}");
    let (text, _) = labelled("file,class\ncat/1.png,cat\ndog/1.png,dog\n");
    assert_eq!(text, "labels.csv has no column `label`");
    assert!(labelled("file,label\ncat/1.png,cat\n").0.contains("cat"));
}

#[test]
fn arrays_that_are_no_images() {
    let size = ImageSize { height: 1, width: 2 };
    let names = || vec!["a".to_string(), "b".into()];
    let new = |pixels, labels, size| Images::new(pixels, 1, size, labels, names()).unwrap_err().to_string();
    assert_eq!(
        new(vec![0; 3], vec![0, 1], size),
        "array of images has 3 values, which are not the shape [2, 1, 1, 2]"
    );
    assert_eq!(new(vec![], vec![], size), "array of images has the empty shape [0, 1, 1, 2]");
    let huge = ImageSize { height: usize::MAX, width: 3 };
    assert!(new(vec![0], vec![0], huge).contains("not the shape"));
    assert_eq!(new(vec![0; 2], vec![2], size), "label 2 of row 0 is not below the number of classes, 2");
    let images = Images::new(vec![0; 2], 1, size, vec![1], names()).unwrap();
    assert!(matches!(images.select(&[]), Err(ImageError::Data(DataError::Inconsistent { .. }))));
    for (size, problem) in
        [((0, 1), "height of images must be from 1 to 65535, got 0"), ((1, 65536), "width of images")]
    {
        let error = images.resized(ImageSize { height: size.0, width: size.1 }).unwrap_err();
        assert!(error.to_string().starts_with(&format!("the {problem}")), "{error}");
    }
    let two_channels =
        Images::new(vec![0; 2], 2, ImageSize { height: 1, width: 1 }, vec![1], names()).unwrap();
    assert_eq!(
        two_channels.resized(size).unwrap_err().to_string(),
        "array of images has 2 channels, only 1 or 3 can be scaled"
    );
    let other = Images::new(vec![0; 2], 1, size, vec![1], vec!["a".into(), "c".into()]).unwrap();
    let problem = |other| ImageDataset::new(images.clone(), other).unwrap_err().to_string();
    assert_eq!(problem(other), "image data set has other classes for testing than for training");
    assert_eq!(
        problem(two_channels),
        "image data set has training images of 1x2 with 1 channels, test images of 1x1 with 2"
    );
}
