//! `exact compare`.

use std::path::PathBuf;

use exact_eval::record::{CompareRecord, LossRecord};
use exact_linear::LossKind;

use crate::arguments::Compare;
use crate::input::{Input, column_records};
use crate::output::{Align, check_outputs, percent, print, print_json, table, write_file};
use crate::progress::TrainingBar;
use crate::training;

pub(crate) fn run(arguments: &Compare) -> anyhow::Result<()> {
    let inputs = training::inputs(&arguments.data);
    check_outputs(&inputs, &[("--report", arguments.report.as_deref())])?;
    training::prepare(&arguments.training)?;
    let input = Input::read(&arguments.data)?;
    let data = input.record();
    let Input { name, source, columns, labels, train, test, .. } = input;
    let report =
        arguments.report.clone().unwrap_or_else(|| PathBuf::from(format!("exact-report-{name}.html")));
    check_outputs(&inputs, &[("the report", Some(&report))])?;
    let trainer = training::trainer(source, train, labels.n_classes(), &arguments.training)?;
    let bar = TrainingBar::new();
    let (mut rows, mut sigma_path) = (Vec::new(), Vec::new());
    for loss in arguments.losses.choices()? {
        let (trained, row) =
            training::train(&trainer, loss, test.as_ref(), &|progress| bar.update(progress))?;
        if trained.loss == LossKind::Exact {
            sigma_path = trained.sigma_path;
        }
        rows.push(row);
    }
    drop(bar);

    let record = CompareRecord {
        data,
        columns: column_records(&columns),
        rows,
        sigma_path,
        seed: arguments.training.seed,
        folds: arguments.training.folds,
        report: Some(report.display().to_string()),
    };
    write_file(&report, &exact_report::compare_report(&record)?)?;
    if arguments.training.json {
        return print_json(&record);
    }
    let header = [
        ("loss", Align::Text),
        ("cross-validated %", Align::Number),
        ("train %", Align::Number),
        ("test %", Align::Number),
        ("selected", Align::Text),
        ("seconds", Align::Number),
    ];
    print(table(header, record.rows.iter().map(row).collect()))?;
    if let Some(row) = record.rows.first() {
        print(format_args!("features: {}", row.features))?;
    }
    print(format_args!("report written to {}", report.display()))
}

fn row(record: &LossRecord) -> [String; 6] {
    [
        record.loss.clone(),
        record
            .cv
            .as_ref()
            .map_or_else(String::new, |cv| format!("{} ± {}", percent(cv.mean), percent(cv.std))),
        percent(record.train.accuracy),
        record.test.as_ref().map_or_else(String::new, |test| percent(test.accuracy)),
        training::selected(record),
        format!("{:.2}", record.seconds),
    ]
}
