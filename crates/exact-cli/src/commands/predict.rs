//! `exact predict`.

use std::io::{self, Write};

use exact_data::write_atomically;
use exact_linear::Model;

use crate::arguments::Predict;
use crate::input::read_known;
use crate::output::{check_outputs, write_stdout};

pub(crate) fn run(arguments: &Predict) -> anyhow::Result<()> {
    let inputs = [("the model", Some(arguments.model.as_path())), ("the data", Some(&*arguments.data))];
    check_outputs(&inputs, &[("--out", arguments.out.as_deref())])?;
    let model = Model::load(&arguments.model)?;
    let table = read_known(&arguments.data, model.encoder(), None, arguments.delimiter)?;
    let predictions = model.predict(&table)?;
    let classes = model.labels().classes();
    let write = writer(&predictions.classes, &predictions.probabilities, classes, arguments.proba);
    match &arguments.out {
        Some(path) => Ok(write_atomically(path, write)?),
        None => write_stdout(write),
    }
}

/// Writes predictions as CSV: the class of each, named, and with `proba` the probabilities of all.
pub(super) fn writer(
    predictions: &[u32],
    probabilities: &[f64],
    classes: &[String],
    proba: bool,
) -> impl FnOnce(&mut dyn Write) -> io::Result<()> {
    move |output| {
        write(output, predictions, probabilities, classes, proba).map_err(|error| match error.into_kind() {
            // As it is, so that a reader that went away is known as such.
            csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }
}

fn write(
    output: &mut dyn Write,
    predictions: &[u32],
    probabilities: &[f64],
    classes: &[String],
    proba: bool,
) -> csv::Result<()> {
    let mut csv = csv::Writer::from_writer(output);
    let mut header = vec!["prediction".to_string()];
    if proba {
        header.extend(classes.iter().map(|class| format!("p_{class}")));
    }
    csv.write_record(&header)?;
    let rows = predictions.iter().zip(probabilities.chunks_exact(classes.len()));
    for (&class, probabilities) in rows {
        csv.write_field(&classes[class as usize])?;
        if proba {
            for probability in probabilities {
                csv.write_field(probability.to_string())?;
            }
        }
        csv.write_record(None::<&[u8]>)?;
    }
    Ok(csv.flush()?)
}
