//! The data sets of the paper's tabular experiments, inside the program.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::{ColumnKind, Columns, DataError, ReadOptions, Reading, Source, Table};

/// A bundled data set with its official or fixed split. `data/README.md` says where it comes from.
///
/// # Example
/// ```
/// let wine = exact_data::bundled::get("wine").unwrap();
/// assert_eq!((wine.classes, wine.features), (3, 13));
/// assert_eq!(wine.train()?.n_rows(), 142);
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct BundledSet {
    /// The name to ask for it by.
    pub name: String,
    /// What is to be predicted.
    pub task: String,
    /// The target column.
    pub target: String,
    /// The rows to train on.
    pub train_rows: usize,
    /// The rows to test on.
    pub test_rows: usize,
    /// The columns beside the target.
    pub features: usize,
    /// The classes of the target.
    pub classes: usize,
    /// Whom to cite.
    pub citation: String,
    /// The licence.
    pub licence: String,
    /// Where it was published.
    pub source: String,
    /// The SHA-256 of the uncompressed training file.
    pub train_sha256: String,
    /// The SHA-256 of the uncompressed test file.
    pub test_sha256: String,
    /// Columns that hold numbers but are categorical: to be declared where kinds are inferred from the file.
    pub declared_categorical: Vec<String>,
    /// The numeric columns.
    pub numeric: Vec<String>,
    /// The categorical columns.
    pub categorical: Vec<String>,
    #[serde(skip)]
    files: Files,
}

/// The compressed training and test file.
#[derive(Debug, Clone, Copy, Default)]
struct Files {
    train: &'static [u8],
    test: &'static [u8],
}

macro_rules! files {
    ($name:literal) => {
        (
            $name,
            Files {
                train: include_bytes!(concat!("../../../data/", $name, "/train.csv.zst")),
                test: include_bytes!(concat!("../../../data/", $name, "/test.csv.zst")),
            },
        )
    };
}

const MANIFEST: &str = include_str!("../../../data/manifest.json");

static FILES: [(&str, Files); 10] = [
    files!("adult"),
    files!("annealing"),
    files!("audit-risk"),
    files!("balance-scale"),
    files!("breast-cancer-wisconsin"),
    files!("car"),
    files!("cylinder-bands"),
    files!("dry-bean"),
    files!("mice-protein"),
    files!("wine"),
];

static SETS: LazyLock<Vec<BundledSet>> = LazyLock::new(|| {
    let sets = serde_json::from_str(MANIFEST);
    let mut sets: Vec<BundledSet> = sets.expect("the manifest is part of the program, and a test reads it");
    for set in &mut sets {
        let files = FILES.iter().find(|(name, _)| *name == set.name);
        set.files = files.expect("each set of the manifest is part of the program, and a test reads it").1;
    }
    sets
});

/// All bundled sets, sorted by name.
pub fn all() -> &'static [BundledSet] {
    &SETS
}

/// The names of the bundled sets, sorted.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|set| set.name.as_str()).collect()
}

/// A bundled set by its name.
pub fn get(name: &str) -> Option<&'static BundledSet> {
    all().iter().find(|set| set.name == name)
}

impl BundledSet {
    /// The training file.
    pub fn train_source(&self) -> Source<'static> {
        Source::bytes(&format!("{}/train.csv", self.name), self.files.train)
    }

    /// The test file.
    pub fn test_source(&self) -> Source<'static> {
        Source::bytes(&format!("{}/test.csv", self.name), self.files.test)
    }

    /// How to read both files: the target and the kinds of the other columns.
    pub fn read_options(&self) -> ReadOptions {
        let numeric = self.numeric.iter().map(|column| (column.clone(), Reading::plain(ColumnKind::Numeric)));
        let categorical = self.categorical.iter().map(|column| (column.clone(), Reading::Category));
        ReadOptions {
            columns: Columns::Known(numeric.chain(categorical).collect()),
            ..ReadOptions::with_target(&self.target)
        }
    }

    /// The training table.
    ///
    /// # Errors
    /// None are expected: tests read all sets.
    pub fn train(&self) -> Result<Table, DataError> {
        Table::read(&self.train_source(), &self.read_options())
    }

    /// The test table.
    ///
    /// # Errors
    /// None are expected: tests read all sets.
    pub fn test(&self) -> Result<Table, DataError> {
        Table::read(&self.test_source(), &self.read_options())
    }
}
