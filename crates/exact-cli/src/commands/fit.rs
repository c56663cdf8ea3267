//! `exact fit`.

use exact_eval::record::FitRecord;
use exact_linear::Model;

use crate::arguments::Fit;
use crate::input::{Input, column_records};
use crate::output::{check_outputs, percent, print, print_json, write_file};
use crate::progress::TrainingBar;
use crate::shape_functions::shape_functions;
use crate::training;

pub(crate) fn run(arguments: &Fit) -> anyhow::Result<()> {
    let outputs = [("--out", arguments.out.as_deref()), ("--report", arguments.report.as_deref())];
    check_outputs(&training::inputs(&arguments.data), &outputs)?;
    training::prepare(&arguments.training)?;
    let input = Input::read(&arguments.data)?;
    let data = input.record();
    let Input { source, target, columns, encoder, labels, train, test, .. } = input;
    let trainer = training::trainer(source, train, labels.n_classes(), &arguments.training)?;
    let bar = TrainingBar::new();
    let (trained, outcome) =
        training::train(&trainer, arguments.loss, test.as_ref(), &|progress| bar.update(progress))?;
    drop(bar);

    let shapes = match &arguments.report {
        Some(_) => shape_functions(&trained.classifier, trainer.inputs(), &encoder, labels.classes())?,
        None => Vec::new(),
    };
    if let Some(path) = &arguments.out {
        Model::new(encoder, labels, target, &trained).with_columns(columns.clone()).save(path)?;
    }
    let record = FitRecord {
        data,
        columns: column_records(&columns),
        outcome,
        seed: arguments.training.seed,
        solver: trained.solver.to_string(),
        model: arguments.out.as_ref().map(|path| path.display().to_string()),
        sigma_path: trained.sigma_path,
    };
    if let Some(path) = &arguments.report {
        write_file(path, &exact_report::fit_report(&record, &shapes)?)?;
    }
    if arguments.training.json { print_json(&record) } else { print(summary(&record)) }
}

fn summary(record: &FitRecord) -> String {
    let FitRecord { data, outcome, .. } = record;
    let mut lines = vec![
        format!(
            "{} rows, {} features, {} classes; {} ({})",
            data.train_rows,
            data.features,
            data.classes,
            outcome.loss,
            training::selected(outcome)
        ),
        format!("features                  {}", outcome.features),
        format!("train accuracy            {} %", percent(outcome.train.accuracy)),
    ];
    if let Some(cv) = &outcome.cv {
        lines.push(format!("cross-validated accuracy  {} ± {} %", percent(cv.mean), percent(cv.std)));
        if let Some(nested) = cv.nested {
            lines.push(format!("  of what other folds choose  {} %", percent(nested)));
        }
    }
    if let Some(test) = &outcome.test {
        lines.push(format!("test accuracy             {} %", percent(test.accuracy)));
        lines.push(format!("balanced accuracy         {} %", percent(test.balanced_accuracy)));
        lines.push(format!("macro F1                  {} %", percent(test.macro_f1)));
        lines.push(format!("log loss                  {:.4}", test.log_loss));
    }
    if let Some(model) = &record.model {
        lines.push(format!("model written to {model}"));
    }
    lines.join("\n")
}
