//! `exact vision compare`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use exact_eval::record::{
    ImageCompareRecord, ImageCompareRow, LossSettingRecord, NetworkRun, PairedRecord, TrialRecord,
    ValidationMetrics, test_spread, validation_spread,
};
use exact_eval::{EvalError, mcnemar_exact};
use exact_images::ImageDataset;
use exact_vision::{LossSetting, Recipe, VisionError};

use super::run::{Start, Trained, of_seeds, recipe};
use super::{name, read};
use crate::arguments::vision::{Compare, Training, loss};
use crate::failure::{note, warn};
use crate::output::{Align, check_outputs, percent_spread, print, print_json, table, write_file};

/// What the others are tested against, if it is among them.
const BASELINE: &str = "cross-entropy";

/// One of the compared.
struct Entrant {
    name: String,
    recipe: Recipe,
}

/// What became of it, with the predictions of the test images by each of its runs.
struct Outcome {
    row: ImageCompareRow,
    recipe: Recipe,
    predictions: Vec<Vec<u32>>,
}

pub(super) fn run(arguments: &Compare) -> anyhow::Result<()> {
    let start = Instant::now();
    let Compare { data, training, trials, .. } = arguments;
    let inputs: Vec<_> = arguments.recipe.iter().map(|path| ("a recipe", Some(path.as_path()))).collect();
    check_outputs(&inputs, &[("--report", training.report.as_deref())])?;
    let entrants = entrants(arguments)?;
    let dataset = read(data, training.resize)?;
    let mut described = None;
    let mut outcomes = Vec::new();
    for entrant in &entrants {
        let folder = training.out.join(&entrant.name);
        let outcome = compete(entrant, trials.get(), training, &dataset, &folder, &mut |trained| {
            described.get_or_insert_with(|| trained.data(name(data), &dataset));
        });
        outcomes.push(outcome.with_context(|| entrant.name.clone())?);
    }
    let baseline = test_against_baseline(&mut outcomes, dataset.test.labels())?;
    let (rows, recipes): (Vec<_>, Vec<_>) =
        outcomes.into_iter().map(|outcome| (outcome.row, outcome.recipe)).unzip();
    let record = ImageCompareRecord {
        data: described.context("there was no run")?,
        rows,
        baseline,
        trials: trials.get(),
        seeds: training.seeds.get(),
        seconds: start.elapsed().as_secs_f64(),
        report: training.report.as_ref().map(|path| path.display().to_string()),
    };
    if let Some(path) = &training.report {
        let text = |(row, recipe): (&ImageCompareRow, &Recipe)| Ok((row.name.clone(), recipe.to_toml()?));
        let texts: Vec<_> = record.rows.iter().zip(&recipes).map(text).collect::<Result<_, VisionError>>()?;
        write_file(path, &exact_report::image_compare_report(&record, &texts)?)?;
    }
    if training.json {
        return print_json(&record);
    }
    show(&record, &recipes)
}

/// The compared: the recipes, or the losses on one recipe.
fn entrants(arguments: &Compare) -> anyhow::Result<Vec<Entrant>> {
    let training = &arguments.training;
    let base = |path: Option<&Path>| recipe(path, arguments.model, Recipe::new, None, training);
    let names = arguments.loss_names();
    let mut entrants = Vec::new();
    if let [_, _, ..] = arguments.recipe.as_slice() {
        ensure!(names.is_empty(), "--losses is for one recipe, there are {}", arguments.recipe.len());
        for path in &arguments.recipe {
            let name = path.file_stem().context("a recipe has no name")?.to_string_lossy().into_owned();
            entrants.push(Entrant { name, recipe: base(Some(path))? });
        }
    } else {
        let recipe = base(arguments.recipe.first().map(PathBuf::as_path))?;
        ensure!(!names.is_empty(), "--losses, or several of --recipe, are needed");
        for name in names {
            let mut recipe = recipe.clone();
            // The recipe's own settings of its loss are kept.
            if recipe.loss.name() != name {
                recipe.loss = loss(name)?;
            }
            entrants.push(Entrant { name: name.to_owned(), recipe });
        }
    }
    for (at, entrant) in entrants.iter().enumerate() {
        let taken = entrants[..at].iter().any(|other| other.name == entrant.name);
        ensure!(!taken, "two of the compared are called `{}`", entrant.name);
    }
    Ok(entrants)
}

/// Chooses a setting by validation accuracy with the first seed, and trains it with all seeds.
fn compete(
    entrant: &Entrant,
    trials: usize,
    training: &Training,
    dataset: &ImageDataset,
    folder: &Path,
    each: &mut dyn FnMut(&Trained),
) -> anyhow::Result<Outcome> {
    let train = |trial: usize, recipe: &Recipe| -> anyhow::Result<Option<Trained>> {
        let seed = recipe.seed;
        let folder = folder.join(format!("trial-{}", trial + 1)).join(format!("seed-{seed}"));
        let setting = Setting(recipe);
        let name = &entrant.name;
        note(format_args!("{name}, trial {} of {trials}, seed {seed}: {setting}", trial + 1));
        let start = if training.resume { Start::Either } else { Start::New };
        match Trained::of(&dataset.train, recipe, None, &folder, start) {
            Err(error) if matches!(error.downcast_ref(), Some(VisionError::Diverged { .. })) => {
                warn(format_args!("{name}, {setting}: {error}"));
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    };
    let recipes = entrant.recipe.trials(trials);
    let mut tried = Vec::new();
    let mut best: Option<(usize, Trained)> = None;
    for (trial, recipe) in recipes.iter().enumerate() {
        let trained = train(trial, recipe)?;
        let accuracy = trained.as_ref().map(Trained::validation_accuracy);
        tried.push(TrialRecord {
            learning_rate: recipe.learning_rate.first,
            setting: recipe
                .searched()
                .map(|LossSetting { name, value }| LossSettingRecord { name: name.into(), value }),
            validation: accuracy.map(|accuracy| ValidationMetrics { accuracy }),
        });
        if let Some(trained) = trained
            && best
                .as_ref()
                .is_none_or(|(_, best)| trained.validation_accuracy() > best.validation_accuracy())
        {
            best = Some((trial, trained));
        }
    }
    let Some((selected, first)) = best else { bail!("training diverged with every setting") };
    each(&first);
    let recipe = &recipes[selected];
    let (mut runs, mut predictions) = (Vec::new(), Vec::new());
    let mut test = |trained: Trained| -> anyhow::Result<()> {
        let (run, tested) = trained.tested(&dataset.test)?;
        runs.push(run);
        predictions.push(tested.predictions.classes);
        Ok(())
    };
    test(first)?;
    for recipe in of_seeds(recipe, training.seeds.get()).skip(1) {
        test(
            train(selected, &recipe)?
                .context("training diverged with the selected setting and another seed")?,
        )?;
    }
    let row = ImageCompareRow {
        name: entrant.name.clone(),
        network: recipe.model.to_string(),
        trials: tried,
        selected,
        validation: validation_spread(&runs),
        test: test_spread(&runs),
        runs,
        paired: Vec::new(),
        p_value: None,
    };
    Ok(Outcome { row, recipe: recipe.clone(), predictions })
}

/// Fills in the tests against the baseline, whose name is returned.
fn test_against_baseline(outcomes: &mut [Outcome], labels: &[u32]) -> anyhow::Result<String> {
    let at = outcomes.iter().position(|outcome| outcome.row.name == BASELINE).unwrap_or(0);
    let baseline = outcomes.get(at).context("there is nothing to compare")?;
    let (name, expected) = (baseline.row.name.clone(), baseline.predictions.clone());
    for (number, Outcome { row, predictions, .. }) in outcomes.iter_mut().enumerate() {
        if number == at {
            continue;
        }
        let pairs = row.runs.iter().zip(predictions.iter().zip(&expected));
        let test = |(run, (own, other)): (&NetworkRun, (&Vec<u32>, &Vec<u32>))| {
            Ok(PairedRecord::new(run.seed, mcnemar_exact(labels, own, other)?))
        };
        row.paired = pairs.map(test).collect::<Result<_, EvalError>>()?;
        row.p_value = ImageCompareRow::combine(&row.paired);
    }
    Ok(name)
}

/// What the trials of a recipe differ in, in words.
struct Setting<'a>(&'a Recipe);

impl fmt::Display for Setting<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "learning rate {}", self.0.learning_rate.first)?;
        match self.0.searched() {
            Some(LossSetting { name, value }) => write!(formatter, ", {} {value}", name.replace('-', " ")),
            None => Ok(()),
        }
    }
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

fn show(record: &ImageCompareRecord, recipes: &[Recipe]) -> anyhow::Result<()> {
    let header = [
        ("loss", Align::Text),
        ("selected", Align::Text),
        ("validation %", Align::Number),
        ("test %", Align::Number),
        ("p", Align::Number),
    ];
    let row = |(row, recipe): (&ImageCompareRow, &Recipe)| {
        [
            row.name.clone(),
            Setting(recipe).to_string(),
            percent_spread(row.validation, row.runs.len()),
            percent_spread(row.test, row.runs.len()),
            row.p_value.map_or_else(String::new, p_value),
        ]
    };
    print(table(header, record.rows.iter().zip(recipes).map(row).collect()))?;
    let baseline = &record.baseline;
    print(format_args!("p: McNemar's test against {baseline}, over {} seeds", record.seeds))?;
    match &record.report {
        Some(report) => print(format_args!("report written to {report}")),
        None => Ok(()),
    }
}
