//! `exact predict`.

use std::io::{self, Write};

use exact_data::{check_writable, write_atomically};
use exact_linear::{Model, Predictions};

use crate::arguments::Predict;
use crate::input::read_known;

pub(crate) fn run(arguments: &Predict) -> anyhow::Result<()> {
    if let Some(path) = &arguments.out {
        check_writable(path)?;
    }
    let model = Model::load(&arguments.model)?;
    let table = read_known(&arguments.data, model.encoder(), None, arguments.delimiter)?;
    let predictions = model.predict(&table)?;
    let classes = model.labels().classes();
    match &arguments.out {
        Some(path) => Ok(write_atomically(path, |file| write(file, &predictions, classes, arguments.proba))?),
        None => Ok(write(&mut io::stdout().lock(), &predictions, classes, arguments.proba)?),
    }
}

fn write(
    output: &mut dyn Write,
    predictions: &Predictions,
    classes: &[String],
    proba: bool,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(output);
    let mut header = vec!["prediction".to_string()];
    if proba {
        header.extend(classes.iter().map(|class| format!("p_{class}")));
    }
    csv.write_record(&header)?;
    let rows = predictions.classes.iter().zip(predictions.probabilities.chunks_exact(classes.len()));
    for (&class, probabilities) in rows {
        csv.write_field(&classes[class as usize])?;
        if proba {
            for probability in probabilities {
                csv.write_field(probability.to_string())?;
            }
        }
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}
