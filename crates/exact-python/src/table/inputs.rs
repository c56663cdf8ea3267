//! A table to train on, encoded.

use std::collections::HashMap;

use exact_data::{
    ClassWeights, ColumnProfile, DataError, Encoder, EncoderOptions, Features, LabelEncoder, ReadOptions,
    Table, Values, Warning,
};
use pyo3::exceptions::PyValueError;
use pyo3::{FromPyObject, PyResult};

use super::columns::{Unread, label_table};
use super::error::data_error;

/// The target of formats that have one.
const LABEL: &str = "label";
/// Classes all count the same.
const BALANCED: &str = "balanced";

/// What is predicted.
pub enum Target {
    /// A column of the table; the label of a format that has one, if none is named.
    Column(Option<String>),
    /// What it is called, its distinct values, and for each row which of them it has.
    Given { name: String, classes: Values, labels: Vec<usize> },
}

/// Weights of classes: each has its own, and others 1, or a rule by its name.
#[derive(FromPyObject)]
pub enum ClassWeightArgument {
    Each(HashMap<String, f64>),
    /// `balanced`: all classes count the same.
    Named(String),
}

/// What weighs rows, beside a column of weights.
pub struct Weighting {
    /// Of each row before any is left out.
    pub samples: Option<Vec<f64>>,
    pub classes: Option<ClassWeightArgument>,
}

/// Encoded rows with labels and weights, and the encoders.
pub struct Inputs {
    pub encoder: Encoder,
    pub labels: LabelEncoder,
    pub target: String,
    pub columns: Vec<ColumnProfile>,
    /// The number of each distinct value of given labels, or of each class of a column.
    pub order: Vec<u32>,
    pub features: Features,
    pub codes: Vec<u32>,
    pub weights: Option<Vec<f64>>,
    pub groups: Option<Vec<u32>>,
    pub warnings: Vec<String>,
}

impl Inputs {
    /// Reads and encodes a table.
    ///
    /// # Errors
    /// An `OSError` for a file that cannot be read, and a `ValueError` for a table that cannot be trained on.
    pub fn read(
        unread: Unread,
        target: Target,
        mut options: ReadOptions,
        missing_indicator: bool,
        weighting: Weighting,
    ) -> PyResult<Self> {
        let n_rows = unread.n_rows();
        if let Target::Column(name) = &target {
            // Without a name it is that of a format that has one, which is seen once the table is read.
            options.target.clone_from(name);
        }
        let (table, options) = match target {
            Target::Column(None) => read_labelled(unread, options)?,
            _ => (unread.read(&options).map_err(|error| data_error(&error))?, options),
        };
        let mut warnings = messages(&table, table.warnings());
        let (labels, order, codes, target) = match target {
            Target::Given { name, classes, labels } => {
                let (encoder, order) = given_labels(&name, classes, &labels, &table)?;
                let codes = labels.iter().map(|&label| order[label]).collect();
                (encoder, order, codes, name)
            }
            Target::Column(_) => {
                let target = table.target().or(options.target.as_deref()).unwrap_or(LABEL).to_string();
                let (labels, noticed) =
                    LabelEncoder::fit(&table, &target).map_err(|error| data_error(&error))?;
                warnings.extend(messages(&table, &noticed));
                let codes = labels.transform(&table, &target).map_err(|error| data_error(&error))?;
                let order = (0..).take(labels.n_classes()).collect();
                (labels, order, codes, target)
            }
        };
        let mut encoding = EncoderOptions::default();
        encoding.missing_indicator = missing_indicator;
        let (encoder, noticed) = Encoder::fit(&table, &encoding).map_err(|error| data_error(&error))?;
        warnings.extend(messages(&table, &noticed));
        let features = encoder.transform(&table).map_err(|error| data_error(&error))?;
        let weights = weighting.of_rows(&table, n_rows, &labels, &codes)?;
        let columns = table.profiles().to_vec();
        let groups = table.groups().map(<[u32]>::to_vec);
        Ok(Self { encoder, labels, target, columns, order, features, codes, weights, groups, warnings })
    }
}

/// What was noticed of a table, in words.
pub fn messages(table: &Table, warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(|warning| format!("{}: {warning}", table.name())).collect()
}

/// A table whose format has labels, with its options.
fn read_labelled(unread: Unread, mut options: ReadOptions) -> PyResult<(Table, ReadOptions)> {
    let Unread::Files(patterns) = unread else {
        return Err(PyValueError::new_err("y must name a column of X, or be the labels"));
    };
    let read = |options: &ReadOptions| {
        Unread::Files(patterns.clone()).read(options).map_err(|error| data_error(&error))
    };
    let table = read(&options)?;
    let columns: Vec<String> = table.profiles().iter().map(|profile| profile.name.clone()).collect();
    if table.sparse().is_none() || !columns.iter().any(|column| column == LABEL) {
        return Err(PyValueError::new_err(format!(
            "which column of {} is to be predicted? name it with y; the columns are {}",
            table.name(),
            exact_data::message::list(&columns)
        )));
    }
    options.target = Some(LABEL.into());
    Ok((read(&options)?, options))
}

/// The encoder of labels in memory and the code of each of their distinct values.
fn given_labels(
    name: &str,
    classes: Values,
    labels: &[usize],
    table: &Table,
) -> PyResult<(LabelEncoder, Vec<u32>)> {
    if labels.len() != table.n_rows() {
        return Err(PyValueError::new_err(format!(
            "{} has {} rows, y has {} labels",
            table.name(),
            table.n_rows(),
            labels.len()
        )));
    }
    let n_classes = labels.iter().max().map_or(0, |last| last + 1);
    let classes = label_table(name, classes).map_err(|error| data_error(&error))?;
    let encoder = match LabelEncoder::fit(&classes, name) {
        Ok((encoder, _)) if encoder.n_classes() == n_classes => encoder,
        Ok(_) | Err(DataError::OneClass { .. }) => {
            return Err(PyValueError::new_err(
                "y has classes without a name, or some that as texts differ only in the white space around \
                 them",
            ));
        }
        Err(error) => return Err(data_error(&error)),
    };
    let order = encoder.transform(&classes, name).map_err(|error| data_error(&error))?;
    Ok((encoder, order))
}

impl Weighting {
    /// The product of all weights of the rows that a table has of `n_rows`; `None` if there are none.
    fn of_rows(
        self,
        table: &Table,
        n_rows: Option<usize>,
        labels: &LabelEncoder,
        codes: &[u32],
    ) -> PyResult<Option<Vec<f64>>> {
        let mut factors: Vec<Vec<f64>> = Vec::new();
        factors.extend(table.weights().map(<[f64]>::to_vec));
        if let Some(samples) = self.samples {
            let expected = n_rows.unwrap_or(table.n_rows());
            if samples.len() != expected {
                let found = samples.len();
                let message =
                    format!("sample_weight has {found} values, expected {expected}, one for each row");
                return Err(PyValueError::new_err(message));
            }
            factors.push(match n_rows {
                // Rows without a label are left out; lines count the rows from 1.
                Some(_) => (0..table.n_rows()).map(|row| samples[table.line(row) as usize - 1]).collect(),
                None => samples,
            });
        }
        match self.classes {
            None => {}
            Some(ClassWeightArgument::Named(rule)) => {
                if rule != BALANCED {
                    let message = format!("class_weight must be a dict, '{BALANCED}' or None, got '{rule}'");
                    return Err(PyValueError::new_err(message));
                }
                factors.push(ClassWeights::balanced(codes, labels.n_classes()).of(codes));
            }
            Some(ClassWeightArgument::Each(of_class)) => {
                if let Some(class) = of_class.keys().find(|class| !labels.classes().contains(class)) {
                    return Err(PyValueError::new_err(format!(
                        "class_weight has '{class}', which is none of the classes {}",
                        exact_data::message::list(labels.classes())
                    )));
                }
                let weight = |&code: &u32| of_class.get(&labels.classes()[code as usize]).copied();
                factors.push(codes.iter().map(|code| weight(code).unwrap_or(1.0)).collect());
            }
        }
        let product = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).map(|(a, b)| a * b).collect();
        Ok(factors.into_iter().reduce(product))
    }
}
