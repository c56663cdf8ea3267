//! `exact compare`.

use std::path::PathBuf;

use exact_eval::record::{CompareRecord, LossRecord, MetricName};
use exact_linear::LossKind;

use crate::arguments::Compare;
use crate::input::{Input, column_records};
use crate::output::{Align, check_outputs, percent, print, print_json, table, write_file};
use crate::progress::TrainingBar;
use crate::training;

pub(crate) fn run(arguments: &Compare) -> anyhow::Result<()> {
    let inputs = training::inputs(&arguments.data, &arguments.selection);
    check_outputs(&inputs, &[("--report", arguments.report.as_deref())])?;
    training::prepare(&arguments.training)?;
    let input = Input::read(&arguments.data)?;
    let data = input.record();
    let Input { name, source, columns, labels, train, test, .. } = input;
    let report =
        arguments.report.clone().unwrap_or_else(|| PathBuf::from(format!("exact-report-{name}.html")));
    check_outputs(&inputs, &[("the report", Some(&report))])?;
    let metric = training::metric(&arguments.selection, &labels)?;
    let options = training::options(&arguments.training).with_metric(metric.clone());
    let groups_as_folds = arguments.data.fold.is_some();
    let trainer = training::trainer(source, train, labels.n_classes(), options, groups_as_folds)?;
    let bar = TrainingBar::new();
    let (mut rows, mut sigma_path) = (Vec::new(), Vec::new());
    for loss in arguments.losses.choices()? {
        let (trained, row) =
            training::train(&trainer, loss, test.as_ref(), &|progress| bar.update(progress))?;
        if trained.loss == LossKind::Exact {
            sigma_path = training::path_in_units(&metric, trained.sigma_path);
        }
        rows.push(row);
    }
    drop(bar);

    let folds = rows.first().and_then(|row: &LossRecord| row.cv.as_ref()).map_or(0, |cv| cv.folds.len());
    let record = CompareRecord {
        data,
        columns: column_records(&columns),
        rows,
        sigma_path,
        seed: arguments.training.seed,
        folds,
        report: Some(report.display().to_string()),
    };
    write_file(&report, &exact_report::compare_report(&record)?)?;
    if arguments.training.json {
        return print_json(&record);
    }
    let name = metric.name();
    let [cv, train, test] = if name == MetricName::Accuracy {
        ["cross-validated %", "train %", "test %"].map(String::from)
    } else {
        let words = name.words() + if name.is_rate() { " %" } else { "" };
        [format!("cross-validated {words}"), "train accuracy %".into(), format!("test {words}")]
    };
    let header = [
        ("loss", Align::Text),
        (&cv, Align::Number),
        (&train, Align::Number),
        (&test, Align::Number),
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
    // The header has the units.
    let without_unit = |text: String| text.trim_end_matches(" %").to_string();
    let cv = record.cv.as_ref().map(|cv| without_unit(training::spread(record.metric, cv)));
    let test = record.test_value.map(|value| without_unit(training::value(record.metric, value)));
    [
        record.loss.clone(),
        cv.unwrap_or_default(),
        percent(record.train.accuracy),
        test.unwrap_or_default(),
        training::selected(record),
        format!("{:.2}", record.seconds),
    ]
}
