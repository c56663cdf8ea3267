//! The bundled sets are whole, and read as their manifest says.

#![allow(clippy::unwrap_used)]

use std::io::Read;

use exact_data::{
    ColumnKind, Columns, Encoder, EncoderOptions, ImageSet, LabelEncoder, ReadOptions, Table, Warning,
    bundled,
};
use sha2::{Digest, Sha256};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");

fn sha256(mut file: impl Read) -> String {
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap());
    Sha256::digest(&content).iter().flat_map(digits).collect()
}

#[test]
fn there_are_ten_sets_sorted_by_name() {
    let names = bundled::names();
    assert_eq!(names.len(), 10);
    assert!(names.is_sorted());
    assert!(bundled::get("iris").is_none());
    assert_eq!(bundled::get("wine").unwrap().name, "wine");
}

#[test]
fn files_have_the_recorded_sha256() {
    for set in bundled::all() {
        let name = &set.name;
        let open = |file: &str| {
            zstd::Decoder::new(std::fs::File::open(format!("{ROOT}/{name}/{file}.csv.zst")).unwrap()).unwrap()
        };
        assert_eq!(sha256(open("train")), set.train_sha256, "{name}");
        assert_eq!(sha256(open("test")), set.test_sha256, "{name}");
    }
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

#[test]
fn sets_have_the_recorded_sizes() {
    for set in bundled::all() {
        let (train, test) = (set.train().unwrap(), set.test().unwrap());
        assert_eq!((train.n_rows(), test.n_rows()), (set.train_rows, set.test_rows), "{}", set.name);
        assert_eq!(train.n_columns(), set.features + 1, "{}", set.name);
        let labels = LabelEncoder::fit(&train, &set.target).unwrap();
        assert_eq!(labels.n_classes(), set.classes, "{}", set.name);
        assert_eq!(labels.transform(&test, &set.target).unwrap().len(), set.test_rows);
    }
}

/// Reading the training file without its recorded kinds infers them, but for the columns recorded as declared.
#[test]
fn inferred_kinds_are_the_recorded_ones() {
    for set in bundled::all() {
        let kinds = |declared: Vec<String>| {
            let mut options = ReadOptions::with_target(&set.target);
            options.columns = Columns::Infer { categorical: declared, numeric: Vec::new() };
            let table = Table::read(&set.train_source(), &options).unwrap();
            let of = |kind| {
                let features = table.column_names().filter(|&name| name != set.target);
                features
                    .filter(|name| table.kind(name).unwrap() == kind)
                    .map(String::from)
                    .collect::<Vec<_>>()
            };
            (of(ColumnKind::Numeric), of(ColumnKind::Categorical))
        };
        let recorded = (set.numeric.clone(), set.categorical.clone());
        assert_eq!(kinds(set.declared_categorical.clone()), recorded, "{}", set.name);
        // No column is declared without need.
        assert_eq!(kinds(Vec::new()) == recorded, set.declared_categorical.is_empty(), "{}", set.name);
    }
}

/// The numbers of encoded columns follow from the files; most equal those of the paper's code, which differs by
/// encoding train and test together and keeping constant columns.
#[test]
fn sets_encode_to_the_expected_columns() {
    let expected = [
        ("adult", 108),
        ("annealing", 67),
        ("audit-risk", 66),
        ("balance-scale", 4),
        ("breast-cancer-wisconsin", 30),
        ("car", 21),
        ("cylinder-bands", 77),
        ("dry-bean", 16),
        ("mice-protein", 77),
        ("wine", 13),
    ];
    for (name, n_columns) in expected {
        let set = bundled::get(name).unwrap();
        let train = set.train().unwrap();
        let (encoder, _) = Encoder::fit(&train, &EncoderOptions::default()).unwrap();
        assert_eq!(encoder.n_columns(), n_columns, "{name}");
        assert_eq!(encoder.column_names().len(), n_columns, "{name}");
        let features = encoder.transform(&set.test().unwrap()).unwrap();
        assert_eq!((features.n_rows(), features.n_columns()), (set.test_rows, n_columns), "{name}");
    }
}

#[test]
fn annealing_drops_its_empty_and_constant_columns_with_warnings() {
    let train = bundled::get("annealing").unwrap().train().unwrap();
    let (_, warnings) = Encoder::fit(&train, &EncoderOptions::default()).unwrap();
    let empty = |column: &str| Warning::EmptyColumn { column: column.into() };
    let constant = Warning::ConstantColumn { column: "product-type".into() };
    let expected =
        [constant, empty("m"), empty("marvi"), empty("corr"), empty("jurofm"), empty("s"), empty("p")];
    assert_eq!(warnings, expected);
    assert_eq!(warnings[1].to_string(), "column `m` has no values and is dropped");
}
