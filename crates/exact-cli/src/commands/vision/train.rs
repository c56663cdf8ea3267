//! `exact vision train`.

use std::time::Instant;

use anyhow::Context as _;
use exact_eval::record::{
    ImageDataRecord, ImageTrainRecord, NetworkRun, Spread, test_spread, validation_spread,
};
use exact_vision::{ImageClassifier, Recipe, default_device};
use serde::Serialize;

use super::run::{Start, Trained, of_seeds, recipe};
use super::{converted, name, read};
use crate::arguments::vision::Train;
use crate::output::{Align, check_outputs, percent_spread, print, print_json, table, write_file};

/// What `exact vision train --json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    data: &'a ImageDataRecord,
    recipe: &'a Recipe,
    #[serde(flatten)]
    outcome: Outcome<'a>,
    seconds: f64,
    report: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<'a> {
    One(&'a NetworkRun),
    Several { runs: &'a [NetworkRun], validation: Accuracy, test: Accuracy },
}

#[derive(Serialize)]
struct Accuracy {
    accuracy: Option<Spread>,
}

pub(super) fn run(arguments: &Train) -> anyhow::Result<()> {
    let start = Instant::now();
    let Train { data: images, training, .. } = arguments;
    let inputs = [("the recipe", arguments.recipe.as_deref()), ("the model", arguments.from.as_deref())];
    check_outputs(&inputs, &[("--report", training.report.as_deref())])?;
    let from = match &arguments.from {
        Some(path) => Some(ImageClassifier::load(path, &default_device()?)?),
        None => None,
    };
    let (model, size, plain): (_, _, fn(_) -> _) = match &from {
        Some(from) => (Some(from.architecture()), Some(from.image_size()), Recipe::fine_tuning),
        None => (arguments.model, training.resize, Recipe::new),
    };
    let mut recipe = recipe(arguments.recipe.as_deref(), model, plain, arguments.loss.as_ref(), training)?;
    recipe.freeze = arguments.freeze.or(recipe.freeze);
    let mut dataset = read(images, size)?;
    if let Some(from) = &from {
        dataset.train = converted(from, dataset.train)?;
        dataset.test = converted(from, dataset.test)?;
    }
    let recipe = recipe.resolved(&dataset.train);
    let (mut runs, mut data, mut mistakes) = (Vec::new(), None, Vec::new());
    let several = training.seeds.get() > 1;
    for recipe in of_seeds(&recipe, training.seeds.get()) {
        let trained = if several {
            let folder = training.out.join(format!("seed-{}", recipe.seed));
            let start = if training.resume { Start::Either } else { Start::New };
            Trained::of(&dataset.train, &recipe, from.as_ref(), &folder, start)
        } else {
            let start = if training.resume { Start::Resume } else { Start::New };
            Trained::of(&dataset.train, &recipe, from.as_ref(), &training.out, start)
        }?;
        data.get_or_insert_with(|| trained.data(name(images), &dataset));
        let (run, tested) = trained.tested(&dataset.test)?;
        if runs.is_empty() && training.report.is_some() {
            mistakes = tested.mistakes(&dataset.test)?;
        }
        runs.push(run);
    }
    let record = ImageTrainRecord {
        data: data.context("there was no run")?,
        network: recipe.model.to_string(),
        loss: recipe.loss.name().into(),
        runs,
        seconds: start.elapsed().as_secs_f64(),
    };
    if let Some(path) = &training.report {
        write_file(path, &exact_report::image_train_report(&record, &recipe.to_toml()?, &mistakes)?)?;
    }
    if training.json {
        return print_json(&Printed {
            data: &record.data,
            recipe: &recipe,
            outcome: match record.runs.as_slice() {
                [run] => Outcome::One(run),
                runs => Outcome::Several {
                    runs,
                    validation: Accuracy { accuracy: validation_spread(runs) },
                    test: Accuracy { accuracy: test_spread(runs) },
                },
            },
            seconds: record.seconds,
            report: training.report.as_ref().map(|path| path.display().to_string()),
        });
    }
    summary(&record)
}

fn summary(record: &ImageTrainRecord) -> anyhow::Result<()> {
    let runs = record.runs.as_slice();
    let list = |value: fn(&NetworkRun) -> usize| {
        runs.iter().map(|run| value(run).to_string()).collect::<Vec<_>>().join(", ")
    };
    let mean = |spread: Option<Spread>| format!("{} %", percent_spread(spread, runs.len()));
    let rows = vec![
        ["epochs".into(), list(|run| run.epochs.len())],
        ["best epoch".into(), list(|run| run.best_epoch)],
        ["validation accuracy".into(), mean(validation_spread(runs))],
        ["test accuracy".into(), mean(test_spread(runs))],
        ["seconds".into(), format!("{:.1}", record.seconds)],
    ];
    print(table([("", Align::Text), ("value", Align::Number)], rows))?;
    runs.iter().try_for_each(|run| print(format_args!("model: {}", run.model)))
}
