//! `exact vision train`.

use std::fs;
use std::time::Instant;

use anyhow::Context as _;
use exact_eval::record::{
    ImageDataRecord, ImageTrainRecord, NetworkRun, Spread, test_spread, validation_spread,
};
use exact_vision::Recipe;
use serde::Serialize;

use super::run::{Start, Trained, of_seeds};
use super::{name, read};
use crate::arguments::vision::Train;
use crate::output::{Align, check_outputs, percent, print, print_json, table, write_file};

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

fn recipe(arguments: &Train) -> anyhow::Result<Recipe> {
    let mut recipe = match (&arguments.recipe, arguments.model) {
        (Some(path), model) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut recipe = Recipe::from_toml(&text).with_context(|| path.display().to_string())?;
            recipe.model = model.unwrap_or(recipe.model);
            recipe
        }
        (None, Some(model)) => Recipe::new(model),
        (None, None) => anyhow::bail!("--model or --recipe is needed"),
    };
    if let Some(loss) = &arguments.loss {
        recipe.loss = loss.clone();
    }
    recipe.epochs = arguments.epochs.unwrap_or(recipe.epochs);
    recipe.batch_size = arguments.batch_size.unwrap_or(recipe.batch_size);
    recipe.seed = arguments.seed.unwrap_or(recipe.seed);
    // Before the images are read, which may take long.
    recipe.check()?;
    Ok(recipe)
}

pub(super) fn run(arguments: &Train) -> anyhow::Result<()> {
    let start = Instant::now();
    let inputs = [("the recipe", arguments.recipe.as_deref())];
    check_outputs(&inputs, &[("--report", arguments.report.as_deref())])?;
    let recipe = recipe(arguments)?;
    let dataset = read(&arguments.data, arguments.resize)?;
    let (mut runs, mut data, mut mistakes) = (Vec::new(), None, Vec::new());
    let several = arguments.seeds.get() > 1;
    for recipe in of_seeds(&recipe, arguments.seeds.get()) {
        let trained = if several {
            let folder = arguments.out.join(format!("seed-{}", recipe.seed));
            Trained::of(
                &dataset.train,
                &recipe,
                &folder,
                if arguments.resume { Start::Either } else { Start::New },
            )
        } else {
            let start = if arguments.resume { Start::Resume } else { Start::New };
            Trained::of(&dataset.train, &recipe, &arguments.out, start)
        }?;
        data.get_or_insert_with(|| trained.data(name(&arguments.data), &dataset));
        let (run, tested) = trained.tested(&dataset.test)?;
        if runs.is_empty() && arguments.report.is_some() {
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
    if let Some(path) = &arguments.report {
        write_file(path, &exact_report::image_train_report(&record, &recipe.to_toml()?, &mistakes)?)?;
    }
    if arguments.json {
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
            report: arguments.report.as_ref().map(|path| path.display().to_string()),
        });
    }
    summary(&record)
}

fn summary(record: &ImageTrainRecord) -> anyhow::Result<()> {
    let runs = record.runs.as_slice();
    let list = |value: fn(&NetworkRun) -> usize| {
        runs.iter().map(|run| value(run).to_string()).collect::<Vec<_>>().join(", ")
    };
    let rows = vec![
        ["epochs".into(), list(|run| run.epochs.len())],
        ["best epoch".into(), list(|run| run.best_epoch)],
        ["validation accuracy".into(), accuracy(validation_spread(runs), runs.len())],
        ["test accuracy".into(), accuracy(test_spread(runs), runs.len())],
        ["seconds".into(), format!("{:.1}", record.seconds)],
    ];
    print(table([("", Align::Text), ("value", Align::Number)], rows))?;
    runs.iter().try_for_each(|run| print(format_args!("model: {}", run.model)))
}

/// A single accuracy, or mean and standard deviation of several.
pub(super) fn accuracy(spread: Option<Spread>, count: usize) -> String {
    match spread {
        Some(Spread { mean, std }) if count > 1 => format!("{} ± {} %", percent(mean), percent(std)),
        Some(Spread { mean, .. }) => format!("{} %", percent(mean)),
        None => String::new(),
    }
}
