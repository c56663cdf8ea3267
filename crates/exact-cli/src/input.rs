//! The tables that a command works on.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use exact_data::message::did_you_mean;
use exact_data::{
    ClassWeights, ColumnProfile, Columns, Declared, Encoder, EncoderOptions, FileForm, LabelEncoder,
    ReadOptions, Source, Table, Warning, bundled, expand,
};
use exact_eval::record::{ColumnRecord, DataRecord};
use exact_linear::Model;

use crate::arguments::TrainingData;
use crate::arguments::tables::{ColumnArguments, FormArguments, List};
use crate::failure::{CommandError, warn};

/// Classes all count the same.
const BALANCED: &str = "balanced";
/// The target of formats that have one.
const LABEL: &str = "label";

/// Encoded data to train and test on, with the encoders.
pub(crate) struct Input {
    pub name: String,
    /// What messages call the training table.
    pub source: String,
    pub target: String,
    pub columns: Vec<ColumnProfile>,
    pub encoder: Encoder,
    pub labels: LabelEncoder,
    pub train: Encoded,
    pub test: Option<Encoded>,
}

/// Features with labels, and weights unless all weigh the same.
pub(crate) struct Encoded {
    pub features: exact_data::Features,
    pub labels: Vec<u32>,
    pub weights: Option<Vec<f64>>,
    /// The group, or the fold, of each row, if there is a column of them.
    pub groups: Option<Vec<u32>>,
}

impl Input {
    pub fn read(arguments: &TrainingData) -> anyhow::Result<Self> {
        match &arguments.dataset {
            Some(name) => Self::bundled(name, arguments),
            None => Self::files(arguments),
        }
    }

    fn bundled(name: &str, arguments: &TrainingData) -> anyhow::Result<Self> {
        let Some(set) = bundled::get(name) else {
            bail!("there is no bundled data set `{name}`; there are {}", bundled::names().join(", "));
        };
        let train = set.train()?;
        let read_test = |_: &Encoder, _: &LabelEncoder| Ok(Some(set.test()?));
        Self::encode(set.name.clone(), set.target.clone(), train, arguments, read_test)
    }

    fn files(arguments: &TrainingData) -> anyhow::Result<Self> {
        let paths = expand(&patterns(&arguments.train))?;
        let path = paths.first().context("a table to train on is needed")?;
        let mut options = read_options(&arguments.columns, &arguments.form);
        options.weight.clone_from(&arguments.weight);
        options.group = arguments.group.clone().or_else(|| arguments.fold.clone());
        options.target = Some(match &arguments.target {
            Some(target) => target.clone(),
            None => target_of(&paths, &options)?,
        });
        let train = read(&paths, &options)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let stem =
            name.split('.').next().filter(|stem| !matches!(*stem, "" | "-")).unwrap_or("data").to_string();
        let target = train.target().context("the target has been read")?.to_string();
        let read_test = |encoder: &Encoder, labels: &LabelEncoder| {
            if arguments.test.is_empty() {
                return Ok(None);
            }
            read_known(&arguments.test, encoder, Some((&target, labels)), &[], &arguments.form).map(Some)
        };
        Self::encode(stem, target.clone(), train, arguments, read_test)
    }

    /// The training table goes as soon as it is encoded: it may be large.
    fn encode(
        name: String,
        target: String,
        train: Table,
        arguments: &TrainingData,
        read_test: impl FnOnce(&Encoder, &LabelEncoder) -> anyhow::Result<Option<Table>>,
    ) -> anyhow::Result<Self> {
        warn_of(train.name(), train.warnings());
        let (labels, warnings) = LabelEncoder::fit(&train, &target)?;
        warn_of(train.name(), &warnings);
        let mut options = EncoderOptions::default();
        options.missing_indicator = arguments.missing_indicator;
        let (encoder, warnings) = Encoder::fit(&train, &options)?;
        warn_of(train.name(), &warnings);
        let codes = labels.transform(&train, &target)?;
        let class_weights = class_weights(arguments, &labels, &codes)?;
        let weights = multiplied(train.weights(), class_weights.map(|weights| weights.of(&codes)));
        let groups = train.groups().map(<[u32]>::to_vec);
        let encoded = Encoded { features: encoder.transform(&train)?, labels: codes, weights, groups };
        let (source, columns) = (train.name().to_string(), train.profiles().to_vec());
        drop(train);
        let encode = |table: &Table| -> anyhow::Result<Encoded> {
            let (features, warnings) = encoder.transform_with_warnings(table)?;
            warn_of(table.name(), table.warnings());
            warn_of(table.name(), &warnings);
            let labels = labels.transform(table, &target)?;
            Ok(Encoded { features, labels, weights: None, groups: None })
        };
        let test = read_test(&encoder, &labels)?.as_ref().map(encode).transpose()?;
        Ok(Self { name, source, target, columns, train: encoded, test, encoder, labels })
    }

    pub fn record(&self) -> DataRecord {
        DataRecord {
            name: Some(self.name.clone()),
            target: self.target.clone(),
            train_rows: self.train.labels.len(),
            test_rows: self.test.as_ref().map(|test| test.labels.len()),
            features: self.encoder.n_columns(),
            classes: self.labels.n_classes(),
            class_names: self.labels.classes().to_vec(),
        }
    }
}

/// What columns were taken for, as reports and JSON have it.
pub(crate) fn column_records(profiles: &[ColumnProfile]) -> Vec<ColumnRecord> {
    let record = |profile: &ColumnProfile| ColumnRecord {
        name: profile.name.clone(),
        kind: profile.kind.to_string(),
        distinct: profile.distinct,
        missing: profile.missing,
        numbers: profile.numbers,
        texts: profile.texts,
        note: profile.note.clone(),
    };
    profiles.iter().map(record).collect()
}

/// How to read a table that nothing is known of but what the arguments say.
pub(crate) fn read_options(columns: &ColumnArguments, form: &FormArguments) -> ReadOptions {
    let mut declared = Declared::default();
    declared.categorical = List::names(&columns.categorical);
    declared.numeric = List::names(&columns.numeric);
    declared.text = List::names(&columns.text);
    declared.drop = List::names(&columns.drop);
    declared.keep = List::names(&columns.keep);
    let mut options = ReadOptions::default();
    options.columns = Columns::Infer(declared);
    options.form = form.over(FileForm::default());
    options.missing = List::names(&columns.missing);
    options.date_order = columns.date_order.map(Into::into);
    options
}

/// Reads files as one table.
pub(crate) fn read(paths: &[PathBuf], options: &ReadOptions) -> anyhow::Result<Table> {
    let sources: Vec<Source<'_>> = paths.iter().map(|path| source(path)).collect::<Result<_, _>>()?;
    Ok(Table::read_all(&sources, options)?)
}

/// A table with the columns that an encoder was fitted on, the target if one is named, without the rows whose
/// label is none of its classes, and identifiers.
pub(crate) fn read_known(
    patterns_of: &[PathBuf],
    encoder: &Encoder,
    target: Option<(&str, &LabelEncoder)>,
    ids: &[String],
    form: &FormArguments,
) -> anyhow::Result<Table> {
    let mut options = encoder.read_options();
    options.form = form.over(options.form);
    if let Some((target, labels)) = target {
        options.target = Some(target.into());
        options.classes = labels.classes().to_vec();
    }
    options.id = ids.to_vec();
    let table = read(&expand(&patterns(patterns_of))?, &options)?;
    match (target, table.target().map(String::from)) {
        (Some((_, labels)), Some(target)) => Ok(labels.without_unseen(table, &target)?),
        _ => Ok(table),
    }
}

/// Reads a model. That a table was named in its place is an error of its own.
pub(crate) fn model(path: &Path) -> anyhow::Result<Model> {
    Model::load(path).map_err(|error| {
        let is_table = || Table::read(&source(path)?, &ReadOptions::default());
        if path.is_file() && !Model::is_model(path) && is_table().is_ok() {
            CommandError::TableForModel { path: path.into() }.into()
        } else {
            error.into()
        }
    })
}

/// Prints what was noticed of a table.
pub(crate) fn warn_of(table: &str, warnings: &[Warning]) {
    for warning in warnings {
        warn(format_args!("{table}: {warning}"));
    }
}

fn source(path: &Path) -> Result<Source<'_>, exact_data::DataError> {
    if path.as_os_str() == "-" { Source::stdin() } else { Source::file(path) }
}

fn patterns(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// The target where none is named: the label of a sparse file, or else a question.
fn target_of(paths: &[PathBuf], options: &ReadOptions) -> anyhow::Result<String> {
    let table = read(paths, options)?;
    let columns: Vec<String> = table.profiles().iter().map(|profile| profile.name.clone()).collect();
    if table.sparse().is_some() && columns.iter().any(|column| column == LABEL) {
        return Ok(LABEL.into());
    }
    Err(CommandError::NoTarget { file: table.name().into(), columns }.into())
}

fn class_weights(
    arguments: &TrainingData,
    labels: &LabelEncoder,
    codes: &[u32],
) -> anyhow::Result<Option<ClassWeights>> {
    Ok(match arguments.class_weight.as_deref() {
        None => None,
        Some(word) if !Path::new(word).exists() && is_near_balanced(word) => {
            return Err(CommandError::NoClassWeights { path: word.into() }.into());
        }
        Some(BALANCED) => Some(ClassWeights::balanced(codes, labels.n_classes())),
        Some(path) => Some(ClassWeights::read(&Source::file(Path::new(path))?, labels)?),
    })
}

fn is_near_balanced(word: &str) -> bool {
    word != BALANCED && !did_you_mean(&[word.into()], &[BALANCED.into()]).is_empty()
}

/// The products of weights, where there are some.
fn multiplied(weights: Option<&[f64]>, others: Option<Vec<f64>>) -> Option<Vec<f64>> {
    match (weights, others) {
        (None, others) => others,
        (Some(weights), None) => Some(weights.to_vec()),
        (Some(weights), Some(others)) => Some(weights.iter().zip(others).map(|(a, b)| a * b).collect()),
    }
}
