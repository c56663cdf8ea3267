//! The sets of images that are known by name are described rightly, and those that are bundled are whole.

use std::io::Read;

use exact_data::hexadecimal;
use exact_images::ImageSet;
use serde_json::json;
use sha2::{Digest, Sha256};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");

fn sha256(mut file: impl Read) -> String {
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    hexadecimal(&Sha256::digest(&content))
}

#[test]
fn sets_of_images_are_sorted_and_bundled_or_with_addresses() {
    let sets = ImageSet::all();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(names, ["cifar-10", "cifar-100", "fashion-mnist", "fashion-mnist-small", "mnist", "svhn"]);
    for set in sets {
        assert_eq!(set.is_bundled(), set.name == "fashion-mnist-small");
        assert_eq!(set.is_bundled(), set.read().is_ok());
        assert!(set.is_bundled() || set.files.iter().all(|file| file.url.is_some()));
        for file in &set.files {
            let mut digests = file.sha256.values();
            assert!(digests.len() > 0 && digests.all(|digest| digest.len() == 64), "{}", file.name);
        }
    }
    let error = ImageSet::get("mnist").unwrap().read().unwrap_err();
    assert_eq!(error.hint().unwrap(), "download them: `exact datasets --download mnist --to FOLDER`");
}

/// A set that a program describes itself, of files that are neither here nor elsewhere.
#[test]
fn a_set_of_unknown_files_is_not_bundled() {
    let set = json!({
        "name": "digits", "task": "", "train_images": 1, "test_images": 1,
        "channels": 1, "height": 1, "width": 1,
        "class_names": [], "citation": "", "licence": "", "source": "",
        "files": [{ "name": "train-images-idx3-ubyte.gz", "sha256": {} }],
    });
    let mut set: ImageSet = serde_json::from_value(set).unwrap();
    assert!(set.is_bundled());
    assert_eq!(set.read().unwrap_err().to_string(), "the images of `digits` are not bundled");
    set.files.clear();
    assert_eq!(set.read().unwrap_err().to_string(), "the images of `digits` are not bundled");
}

#[test]
fn images_have_the_recorded_sha256_and_sizes() {
    let set = ImageSet::get("fashion-mnist-small").unwrap();
    for file in &set.files {
        let bytes = std::fs::read(format!("{ROOT}/{}/{}", set.name, file.name)).unwrap();
        let content = flate2::read::GzDecoder::new(bytes.as_slice());
        let (name, expected) = file.sha256.first_key_value().unwrap();
        assert_eq!(&file.name, &format!("{name}.gz"));
        assert_eq!(&sha256(content), expected, "{name}");
    }
    let dataset = set.read().unwrap();
    for (images, n_images) in [(&dataset.train, set.train_images), (&dataset.test, set.test_images)] {
        assert_eq!(images.len(), n_images);
        let size = images.size();
        assert_eq!((images.channels(), size.height, size.width), (set.channels, set.height, set.width));
        assert_eq!(images.class_names(), set.class_names);
        // All classes have the same number of images.
        for class in 0..10 {
            assert_eq!(images.labels().iter().filter(|&&label| label == class).count(), n_images / 10);
        }
    }
}
