//! `exact datasets`.

use std::path::Path;

#[cfg(feature = "vision")]
use anyhow::Context as _;
use exact_data::bundled::{self, BundledSet};
use exact_images::ImageSet;
use serde_json::json;

use crate::arguments::Datasets;
use crate::output::{Align, print, print_json, wrapped_table};
#[cfg(feature = "vision")]
use crate::progress::DownloadBar;

pub(crate) fn run(arguments: &Datasets) -> anyhow::Result<()> {
    if let (Some(name), Some(folder)) = (&arguments.download, &arguments.to) {
        return download(name, folder, arguments.json);
    }
    if arguments.json {
        let datasets: Vec<_> = bundled::all().iter().map(record).collect();
        let images: Vec<_> = ImageSet::all().iter().map(image_record).collect();
        return print_json(&json!({ "datasets": datasets, "images": images }));
    }
    print(tables())?;
    print(format_args!("\nImages, for training networks:"))?;
    print(images())?;
    print("\nLicences and sources: exact datasets --json")
}

#[cfg(feature = "vision")]
fn download(name: &str, folder: &Path, json: bool) -> anyhow::Result<()> {
    let set = ImageSet::get(name).with_context(|| format!("there is no set of images `{name}`"))?;
    let bar = DownloadBar::new();
    set.download(folder, &mut |progress| bar.update(progress))?;
    drop(bar);
    let folder = folder.display().to_string();
    if json {
        return print_json(&json!({ "name": name, "folder": folder }));
    }
    print(format_args!(
        "{name} is in {folder}: {} images to train on, {} to test on",
        set.train_images, set.test_images
    ))
}

/// Images are of no use without networks.
#[cfg(not(feature = "vision"))]
fn download(_: &str, _: &Path, _: bool) -> anyhow::Result<()> {
    Err(crate::failure::CommandError::WithoutVision.into())
}

fn tables() -> comfy_table::Table {
    let header = [
        ("name", Align::Text),
        ("train + test", Align::Number),
        ("features", Align::Number),
        ("classes", Align::Number),
        ("task", Align::Text),
    ];
    let row = |set: &BundledSet| {
        [
            set.name.clone(),
            format!("{} + {}", set.train_rows, set.test_rows),
            set.features.to_string(),
            set.classes.to_string(),
            set.task.clone(),
        ]
    };
    wrapped_table(header, bundled::all().iter().map(row).collect())
}

fn images() -> comfy_table::Table {
    let header = [
        ("name", Align::Text),
        ("train + test", Align::Number),
        ("size", Align::Number),
        ("classes", Align::Number),
        ("where", Align::Text),
        ("task", Align::Text),
    ];
    let row = |set: &ImageSet| {
        [
            set.name.clone(),
            format!("{} + {}", set.train_images, set.test_images),
            format!("{}x{}x{}", set.channels, set.height, set.width),
            set.class_names.len().to_string(),
            if set.is_bundled() { "bundled" } else { "download" }.into(),
            set.task.clone(),
        ]
    };
    wrapped_table(header, ImageSet::all().iter().map(row).collect())
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

fn image_record(set: &ImageSet) -> serde_json::Value {
    json!({
        "name": set.name,
        "task": set.task,
        "train_images": set.train_images,
        "test_images": set.test_images,
        "channels": set.channels,
        "height": set.height,
        "width": set.width,
        "classes": set.class_names.len(),
        "licence": set.licence,
        "citation": set.citation,
        "source": set.source,
        "bundled": set.is_bundled(),
    })
}
