//! The data sets of a folder, and their splits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use exact_data::{
    Encoder, EncoderOptions, LabelEncoder, ReadOptions, Split, Table, expand, stratified_split,
};
use exact_linear::Trainer;

use crate::arguments::Training;
use crate::arguments::benchmark::Benchmark;
use crate::failure::{CommandError, described};
use crate::input::{Encoded, read, warn_of};
use crate::training;

/// The tables of a data set that has a folder of its own.
const PARTS: [&str; 2] = ["train", "test"];

/// Where a data set is.
pub(super) struct Location {
    name: String,
    /// The tables to train on and to test on, several of either only by mistake.
    tables: [Vec<PathBuf>; PARTS.len()],
}

impl Location {
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.tables.iter().flatten().map(PathBuf::as_path)
    }
}

/// The data sets of a folder, sorted by name.
pub(super) fn find(folder: &Path) -> anyhow::Result<Vec<Location>> {
    let tables = expand(&[folder.to_string_lossy().into_owned()])?;
    let part_of = |table: &PathBuf| PARTS.iter().position(|part| *part == stem(table));
    let in_folders = tables.iter().any(|table| part_of(table) == Some(0));
    let mut found: BTreeMap<String, [Vec<PathBuf>; PARTS.len()]> = BTreeMap::new();
    for table in tables {
        let (part, path) = if in_folders {
            let Some(part) = part_of(&table) else { continue };
            (part, table.parent().unwrap_or(folder).to_path_buf())
        } else {
            (0, table.with_file_name(stem(&table)))
        };
        found.entry(name(&path, folder)).or_default()[part].push(table);
    }
    Ok(found.into_iter().map(|(name, tables)| Location { name, tables }).collect())
}

/// The name of a file without what follows the first point.
fn stem(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().into()
}

/// A path within a folder, or the name of the folder itself.
fn name(path: &Path, folder: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    if !parts.is_empty() {
        return parts.join("/");
    }
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.into());
    whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
}

/// A data set with its splits.
pub(super) struct DataSet {
    pub name: String,
    pub target: String,
    pub table: Table,
    pub labels: LabelEncoder,
    /// The class of each row.
    pub classes: Vec<u32>,
    pub splits: Vec<Split>,
}

/// Reads data sets and sees that all can be trained on. What is wrong is said of all of them at once.
pub(super) fn read_all(locations: Vec<Location>, arguments: &Benchmark) -> anyhow::Result<Vec<DataSet>> {
    let (mut sets, mut problems) = (Vec::new(), Vec::new());
    for location in locations {
        match DataSet::read(location, arguments) {
            Ok(set) => sets.push(set),
            Err(problem) => problems.push(problem),
        }
    }
    match problems.len() {
        0 => Ok(sets),
        1 => Err(problems.remove(0)),
        _ => Err(CommandError::DataSets { problems: problems.iter().map(described).collect() }.into()),
    }
}

impl DataSet {
    fn read(location: Location, arguments: &Benchmark) -> anyhow::Result<Self> {
        let Location { name, tables } = location;
        if let Some(files) = tables.iter().find(|files| files.len() > 1) {
            let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            return Err(CommandError::SeveralTables { set: name, files }.into());
        }
        let files = tables.concat();
        if tables[0].is_empty() {
            return Err(CommandError::NoTrainingTable { set: name, test: files[0].clone() }.into());
        }
        let table = read(&files, &ReadOptions::with_target(&arguments.target))?;
        warn_of(table.name(), table.warnings());
        let target = table.target().context("the target has been read")?.to_string();
        let (labels, warnings) = LabelEncoder::fit(&table, &target)?;
        warn_of(table.name(), &warnings);
        let classes = labels.transform(&table, &target)?;
        // Other seeds have other splits.
        let first_seed = arguments.training.seed.wrapping_mul(arguments.splits as u64);
        let split = |number: usize| {
            let seed = first_seed.wrapping_add(number as u64);
            stratified_split(&classes, labels.n_classes(), arguments.test_share, seed)
        };
        let splits = (0..arguments.splits).map(split).collect::<Result<_, _>>();
        let splits = splits.with_context(|| table.name().to_string())?;
        let set = Self { name, target, table, labels, classes, splits };
        for number in 1..=set.splits.len() {
            set.trainer(number, &arguments.training)?;
        }
        Ok(set)
    }

    /// A trainer on the rows of a split, counted from 1, and the rows to test on, encoded by what is in the
    /// former.
    pub fn trainer(&self, number: usize, training: &Training) -> anyhow::Result<(Trainer<'static>, Encoded)> {
        let source = format!("{}, split {number}", self.table.name());
        let Split { train, test } = &self.splits[number - 1];
        let train_table = self.table.select(train);
        let (encoder, _) = Encoder::fit(&train_table, &EncoderOptions::default())?;
        let encode = |table: &Table, rows: &[usize]| -> anyhow::Result<Encoded> {
            let labels = rows.iter().map(|&row| self.classes[row]).collect();
            Ok(Encoded { features: encoder.transform(table)?, labels, weights: None, groups: None })
        };
        let test = encode(&self.table.select(test), test)?;
        let train = encode(&train_table, train)?;
        drop(train_table);
        let options = training::options(training);
        Ok((training::trainer(source, train, self.labels.n_classes(), options, false)?, test))
    }
}
