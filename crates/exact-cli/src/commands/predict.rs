//! `exact predict`.

use std::io::{self, Write};

use exact_data::{Table, write_atomically};
use exact_linear::{Model, Predictions};

use crate::arguments::Predict;
use crate::arguments::tables::List;
use crate::input::{model, read_known, warn_of};
use crate::output::{NamedFile, check_outputs, write_stdout};

/// What is predicted of a row that is rejected.
const REJECTED: &str = "reject";

pub(crate) fn run(arguments: &Predict) -> anyhow::Result<()> {
    let mut inputs: Vec<NamedFile<'_>> = vec![("the model", Some(arguments.model.as_path()))];
    inputs.extend(arguments.data.iter().map(|path| ("the data", Some(path.as_path()))));
    let out = arguments.out.as_deref().filter(|path| path.as_os_str() != "-");
    check_outputs(&inputs, &[("--out", out)])?;
    let model = model(&arguments.model)?;
    let ids = List::names(&arguments.id);
    let table = read_known(&arguments.data, model.encoder(), None, &ids, &arguments.form)?;
    let predictions = predict_with_warnings(&model, &table)?;
    let classes = model.labels().classes();
    let names: Vec<&str> = predictions
        .classes
        .iter()
        .enumerate()
        .map(|(row, &class)| match &predictions.rejected {
            Some(rejected) if rejected[row] => REJECTED,
            _ => classes[class as usize].as_str(),
        })
        .collect();
    let write = writer(table.ids(), &names, &predictions.probabilities, classes, arguments.proba);
    match out {
        Some(path) => Ok(write_atomically(path, write)?),
        None => write_stdout(write),
    }
}

/// Predicts the rows of a table, with a warning for what training did not have.
pub(crate) fn predict_with_warnings(model: &Model, table: &Table) -> anyhow::Result<Predictions> {
    warn_of(table.name(), table.warnings());
    let (features, warnings) = model.encoder().transform_with_warnings(table)?;
    warn_of(table.name(), &warnings);
    Ok(model.predict_features(&features)?)
}

/// Writes predictions as CSV: the columns that are kept, the name of what is predicted of each row, and
/// with `proba` the probabilities of all classes.
fn writer(
    ids: &[(String, Vec<String>)],
    predictions: &[&str],
    probabilities: &[f64],
    classes: &[String],
    proba: bool,
) -> impl FnOnce(&mut dyn Write) -> io::Result<()> {
    move |output| write(output, ids, predictions, probabilities, classes, proba).map_err(io_error)
}

/// Why CSV cannot be written.
pub(super) fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        // As it is, so that a reader that went away is known as such.
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn write(
    output: &mut dyn Write,
    ids: &[(String, Vec<String>)],
    predictions: &[&str],
    probabilities: &[f64],
    classes: &[String],
    proba: bool,
) -> csv::Result<()> {
    let mut csv = csv::Writer::from_writer(output);
    let mut header: Vec<String> = ids.iter().map(|(name, _)| name.clone()).collect();
    header.push("prediction".to_string());
    if proba {
        header.extend(classes.iter().map(|class| format!("p_{class}")));
    }
    csv.write_record(&header)?;
    let rows = predictions.iter().zip(probabilities.chunks_exact(classes.len()));
    for (row, (name, probabilities)) in rows.enumerate() {
        for (_, values) in ids {
            csv.write_field(&values[row])?;
        }
        csv.write_field(name)?;
        if proba {
            for probability in probabilities {
                csv.write_field(probability.to_string())?;
            }
        }
        csv.write_record(None::<&[u8]>)?;
    }
    Ok(csv.flush()?)
}
