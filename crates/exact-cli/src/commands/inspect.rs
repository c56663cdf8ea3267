//! `exact inspect`: what the columns of a table are taken for, and what is in a model.

use exact_data::expand;
use exact_eval::record::ColumnRecord;
use exact_linear::Model;
use serde_json::json;

use crate::arguments::tables::Inspect;
use crate::input::{column_records, read, read_options, warn_of};
use crate::output::{Align, print, print_json, table, wrapped_table};

/// The coefficients of a model that are shown.
const SHOWN_COEFFICIENTS: usize = 20;
/// The most columns of a table that are shown.
const SHOWN_COLUMNS: usize = 200;

pub(crate) fn run(arguments: &Inspect) -> anyhow::Result<()> {
    if let [file] = arguments.files.as_slice()
        && Model::is_model(file)
    {
        return show_model(&Model::load(file)?, arguments.json);
    }
    let patterns: Vec<String> =
        arguments.files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let table = read(&expand(&patterns)?, &read_options(&arguments.columns, &arguments.form))?;
    warn_of(table.name(), table.warnings());
    let columns = column_records(table.profiles());
    let n_sparse = table.sparse().map_or(0, exact_data::CsrMatrix::n_columns);
    if arguments.json {
        let (file, rows) = (table.name(), table.n_rows());
        return print_json(
            &json!({"file": file, "rows": rows, "sparse_columns": n_sparse, "columns": columns}),
        );
    }
    let sparse = if n_sparse > 0 { format!(" and {n_sparse} sparse ones") } else { String::new() };
    print(format_args!("{}: {} rows, {} columns{sparse}", table.name(), table.n_rows(), columns.len()))?;
    show_columns(&columns)
}

fn show_columns(columns: &[ColumnRecord]) -> anyhow::Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    let header = [
        ("column", Align::Text),
        ("kind", Align::Text),
        ("different", Align::Number),
        ("numbers", Align::Number),
        ("texts", Align::Number),
        ("missing", Align::Number),
        ("what was done", Align::Text),
    ];
    let row = |column: &ColumnRecord| {
        [
            column.name.clone(),
            column.kind.clone(),
            column.distinct.map_or_else(|| "many".into(), |distinct| distinct.to_string()),
            column.numbers.to_string(),
            column.texts.to_string(),
            column.missing.to_string(),
            column.note.clone(),
        ]
    };
    print(wrapped_table(header, columns.iter().take(SHOWN_COLUMNS).map(row).collect()))?;
    if columns.len() > SHOWN_COLUMNS {
        print(format_args!("and {} more columns", columns.len() - SHOWN_COLUMNS))?;
    }
    Ok(())
}

/// A weight of a feature for a class.
struct Coefficient {
    feature: String,
    class: String,
    weight: f64,
}

fn show_model(model: &Model, json: bool) -> anyhow::Result<()> {
    let columns = column_records(model.columns());
    let coefficients = largest_coefficients(model)?;
    if json {
        let coefficients: Vec<_> = coefficients
            .iter()
            .map(|it| json!({"feature": it.feature, "class": it.class, "weight": it.weight}))
            .collect();
        return print_json(&json!({
            "target": model.target(),
            "classes": model.labels().classes(),
            "loss": model.loss(),
            "solver": model.solver(),
            "selected": model.selected(),
            "expansion": model.features(),
            "metric": model.metric(),
            "cross_validated": model.cross_validated(),
            "features": model.encoder().n_columns(),
            "columns": columns,
            "coefficients": coefficients,
        }));
    }
    print(format_args!(
        "predicts `{}`, {} classes: {}",
        model.target(),
        model.labels().n_classes(),
        exact_data::message::list(model.labels().classes())
    ))?;
    print(format_args!(
        "trained with {} ({}) on {} features by {}; cross-validated {} {}",
        model.loss(),
        crate::training::settings(model.selected()),
        model.features(),
        model.solver(),
        model.metric().words(),
        crate::training::value(model.metric(), model.cross_validated())
    ))?;
    show_columns(&columns)?;
    print(format_args!(
        "\nLargest coefficients of {} standardised features:",
        model.classifier().n_features()
    ))?;
    let header = [("feature", Align::Text), ("class", Align::Text), ("weight", Align::Number)];
    let rows = coefficients.into_iter().map(|it| [it.feature, it.class, format!("{:+.4}", it.weight)]);
    print(table(header, rows.collect()))
}

/// The coefficients of the largest size; those of a feature sum to 0 over the classes.
fn largest_coefficients(model: &Model) -> anyhow::Result<Vec<Coefficient>> {
    let weights = model.classifier().coefficients();
    let names = model.classifier().feature_names(&model.encoder().column_names())?;
    let (n_classes, n_features) = (model.labels().n_classes(), names.len());
    let mut sorted: Vec<(usize, usize, f64)> = (0..n_features)
        .flat_map(|feature| (0..n_classes).map(move |class| (feature, class)))
        .map(|(feature, class)| (feature, class, weights[class * n_features + feature]))
        .collect();
    sorted.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()).then((a.0, a.1).cmp(&(b.0, b.1))));
    let coefficient = |(feature, class, weight): (usize, usize, f64)| Coefficient {
        feature: names[feature].clone(),
        class: model.labels().classes()[class].clone(),
        weight,
    };
    Ok(sorted.into_iter().take(SHOWN_COEFFICIENTS).map(coefficient).collect())
}
