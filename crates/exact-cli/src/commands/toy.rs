//! `exact toy`.

use exact_linear::toy;

use crate::arguments::Toy;
use crate::output::{Align, check_outputs, percent, print, print_json, table, write_file};

pub(crate) fn run(arguments: &Toy) -> anyhow::Result<()> {
    check_outputs(&[], &[("--report", arguments.report.as_deref())])?;
    let record = toy::run()?;
    if let Some(path) = &arguments.report {
        write_file(path, &exact_report::toy_report(&record)?)?;
    }
    if arguments.json {
        return print_json(&record);
    }
    let points: Vec<String> =
        record.x.iter().zip(&record.labels).map(|(x, y)| format!("{x} → {y}")).collect();
    print(format_args!("samples x → label: {}", points.join(", ")))?;
    print(format_args!(
        "logits (0, x - b); the best accuracy of any b is {} %",
        percent(record.best_accuracy)
    ))?;
    let rows = record
        .runs
        .iter()
        .map(|run| [run.loss.clone(), format!("{:.3}", run.final_b), percent(run.accuracy)]);
    let header = [("loss", Align::Text), ("b", Align::Number), ("accuracy %", Align::Number)];
    print(table(header, rows.collect()))
}
