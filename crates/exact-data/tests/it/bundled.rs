//! The bundled sets are whole, and read as their manifest says.

use std::io::Read;

use exact_data::{
    ColumnKind, Encoder, EncoderOptions, LabelEncoder, ReadOptions, Table, Warning, bundled, hexadecimal,
};
use sha2::{Digest, Sha256};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");

fn sha256(mut file: impl Read) -> String {
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    hexadecimal(&Sha256::digest(&content))
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
fn sets_have_the_recorded_sizes() {
    for set in bundled::all() {
        let (train, test) = (set.train().unwrap(), set.test().unwrap());
        assert_eq!((train.n_rows(), test.n_rows()), (set.train_rows, set.test_rows), "{}", set.name);
        assert_eq!(train.n_columns(), set.features + 1, "{}", set.name);
        let (labels, _) = LabelEncoder::fit(&train, &set.target).unwrap();
        assert_eq!(labels.n_classes(), set.classes, "{}", set.name);
        assert_eq!(labels.transform(&test, &set.target).unwrap().len(), set.test_rows);
    }
}

/// Reading the training file without its recorded kinds infers them, but for the columns recorded as
/// declared.
#[test]
fn inferred_kinds_are_the_recorded_ones() {
    for set in bundled::all() {
        let kinds = |declared: Vec<String>| {
            let mut options = ReadOptions::with_target(&set.target);
            options.columns =
                crate::reading::declared(&declared.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
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

/// The numbers of encoded columns follow from the files; most equal those of the paper's code, which differs
/// by encoding train and test together and keeping constant columns.
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
