//! The tables that a command works on.

use std::path::Path;

use anyhow::{Context as _, bail};
use exact_data::{Columns, Encoder, EncoderOptions, LabelEncoder, ReadOptions, Source, Table, bundled};
use exact_eval::record::DataRecord;

use crate::arguments::TrainingData;
use crate::failure::warn;

/// Encoded data to train and test on, with the encoders.
pub(crate) struct Input {
    pub name: String,
    /// What messages call the training table.
    pub source: String,
    pub target: String,
    pub encoder: Encoder,
    pub labels: LabelEncoder,
    pub train: Encoded,
    pub test: Option<Encoded>,
}

/// Features with labels.
pub(crate) struct Encoded {
    pub features: exact_data::Features,
    pub labels: Vec<u32>,
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
        let (train, options) = (set.train()?, encoder_options(arguments));
        let read_test = |_: &Encoder| Ok(Some(set.test()?));
        Self::encode(set.name.clone(), set.target.clone(), train, &options, read_test)
    }

    fn files(arguments: &TrainingData) -> anyhow::Result<Self> {
        let path = arguments.train.as_deref().context("a table to train on is needed")?;
        let target = arguments.target.clone().context("the column to predict is needed")?;
        let mut options = ReadOptions::with_target(&target);
        options.delimiter = arguments.delimiter;
        options.missing.clone_from(&arguments.missing);
        options.columns =
            Columns::Infer { categorical: arguments.categorical.clone(), numeric: arguments.numeric.clone() };
        let train = Table::read(&Source::file(path)?, &options)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("data").to_string();
        let read_test = |encoder: &Encoder| {
            let Some(path) = &arguments.test else { return Ok(None) };
            read_known(path, encoder, Some(&target), arguments.delimiter).map(Some)
        };
        Self::encode(stem, target.clone(), train, &encoder_options(arguments), read_test)
    }

    /// The training table goes as soon as it is encoded: it may be large.
    fn encode(
        name: String,
        target: String,
        train: Table,
        options: &EncoderOptions,
        read_test: impl FnOnce(&Encoder) -> anyhow::Result<Option<Table>>,
    ) -> anyhow::Result<Self> {
        let labels = LabelEncoder::fit(&train, &target)?;
        let (encoder, warnings) = Encoder::fit(&train, options)?;
        for warning in warnings {
            warn(format_args!("{}: {warning}", train.name()));
        }
        let encode = |table: &Table| -> anyhow::Result<Encoded> {
            Ok(Encoded { features: encoder.transform(table)?, labels: labels.transform(table, &target)? })
        };
        let encoded = encode(&train)?;
        let source = train.name().to_string();
        drop(train);
        let test = read_test(&encoder)?.as_ref().map(encode).transpose()?;
        Ok(Self { name, source, target, train: encoded, test, encoder, labels })
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

fn encoder_options(arguments: &TrainingData) -> EncoderOptions {
    let mut options = EncoderOptions::default();
    options.missing_indicator = arguments.missing_indicator;
    options
}

/// A table with the columns that an encoder was fitted on, and the target if one is named.
pub(crate) fn read_known(
    path: &Path,
    encoder: &Encoder,
    target: Option<&str>,
    delimiter: Option<u8>,
) -> anyhow::Result<Table> {
    let mut options = encoder.read_options();
    options.delimiter = delimiter;
    options.target = target.map(Into::into);
    Ok(Table::read(&Source::file(path)?, &options)?)
}
