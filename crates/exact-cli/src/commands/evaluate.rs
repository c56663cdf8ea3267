//! `exact evaluate`.

use exact_eval::record::TestMetrics;

use crate::arguments::Evaluate;
use crate::commands::predict::predict_with_warnings;
use crate::confusion::confusion_table;
use crate::input::{model, read_known};
use crate::output::{Align, percent, print, print_json, table};
use crate::training::test_metrics;

pub(crate) fn run(arguments: &Evaluate) -> anyhow::Result<()> {
    let model = model(&arguments.model)?;
    let target = arguments.target.as_deref().unwrap_or(model.target());
    let target_with_classes = Some((target, model.labels()));
    let data = read_known(&arguments.data, model.encoder(), target_with_classes, &[], &arguments.form)?;
    let labels = model.labels().transform(&data, data.target().unwrap_or(target))?;
    let predictions = predict_with_warnings(&model, &data)?;
    let metrics = test_metrics(&predictions, &labels, model.labels().n_classes())?;
    show(&metrics, model.labels().classes(), arguments.json)
}

/// Prints metrics and the confusion matrix as tables or as JSON.
pub(super) fn show(metrics: &TestMetrics, classes: &[String], json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(metrics);
    }
    let mut rows: Vec<[String; 2]> = vec![
        ["accuracy".into(), format!("{} %", percent(metrics.accuracy))],
        ["balanced accuracy".into(), format!("{} %", percent(metrics.balanced_accuracy))],
        ["macro F1".into(), format!("{} %", percent(metrics.macro_f1))],
        ["log loss".into(), format!("{:.4}", metrics.log_loss)],
        ["Brier score".into(), format!("{:.4}", metrics.brier)],
        ["expected calibration error".into(), format!("{:.4}", metrics.expected_calibration_error)],
    ];
    rows.extend(metrics.rejected.map(|share| ["rejected".into(), format!("{} %", percent(share))]));
    print(table([("metric", Align::Text), ("value", Align::Number)], rows))?;
    print(format_args!("\nConfusion:\n{}", confusion_table(&metrics.confusion, classes)))
}
