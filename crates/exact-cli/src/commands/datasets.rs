//! `exact datasets`.

use exact_data::bundled::{self, BundledSet};
use serde_json::json;

use crate::arguments::Datasets;
use crate::output::{Align, print, print_json, table};

pub(crate) fn run(arguments: &Datasets) -> anyhow::Result<()> {
    if arguments.json {
        let datasets: Vec<_> = bundled::all().iter().map(record).collect();
        return print_json(&json!({ "datasets": datasets }));
    }
    let header = [
        ("name", Align::Text),
        ("train rows", Align::Number),
        ("test rows", Align::Number),
        ("features", Align::Number),
        ("classes", Align::Number),
        ("licence", Align::Text),
        ("task", Align::Text),
    ];
    let row = |set: &BundledSet| {
        [
            set.name.clone(),
            set.train_rows.to_string(),
            set.test_rows.to_string(),
            set.features.to_string(),
            set.classes.to_string(),
            set.licence.clone(),
            set.task.clone(),
        ]
    };
    print(table(header, bundled::all().iter().map(row).collect()))
}

fn record(set: &BundledSet) -> serde_json::Value {
    json!({
        "name": set.name,
        "task": set.task,
        "target": set.target,
        "train_rows": set.train_rows,
        "test_rows": set.test_rows,
        "features": set.features,
        "classes": set.classes,
        "licence": set.licence,
        "citation": set.citation,
        "source": set.source,
        "bundled": true,
    })
}
