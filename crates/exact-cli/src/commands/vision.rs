//! `exact vision`.

mod head;

use std::fs;
use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::Context as _;
use exact_data::{ImageDataset, ImageSet, ImageSize, Images, write_atomically, write_embeddings};
use exact_eval::record::TestMetrics;
use exact_vision::burn::tensor::Device;
use exact_vision::{EpochRecord, ImageClassifier, Predictions, Recipe, Trainer};
use serde::Serialize;

use super::{evaluate, predict};
use crate::arguments::vision::{Embed, Evaluate, ImageData, Import, Predict, Train, Vision};
use crate::output::{Align, check_outputs, percent, print, print_json, table, write_stdout};
use crate::progress::EpochBar;

pub(crate) fn run(command: &Vision) -> anyhow::Result<()> {
    match command {
        Vision::Train(arguments) => train(arguments),
        Vision::Evaluate(arguments) => evaluate(arguments),
        Vision::Predict(arguments) => predict(arguments),
        Vision::Import(arguments) => import(arguments),
        Vision::Embed(arguments) => embed(arguments),
        Vision::ReplaceHead(arguments) => head::run(arguments),
    }
}

/// What `exact vision train --json` prints.
#[derive(Serialize)]
struct TrainRecord {
    data: DataRecord,
    recipe: Recipe,
    epochs: Vec<EpochRecord>,
    best_epoch: usize,
    validation: Accuracy,
    test: TestMetrics,
    seconds: f64,
    model: String,
}

#[derive(Serialize)]
struct DataRecord {
    train_images: usize,
    validation_images: usize,
    test_images: usize,
    classes: usize,
}

#[derive(Serialize)]
struct Accuracy {
    accuracy: f64,
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

/// The images, scaled to a size.
fn read(data: &ImageData, size: Option<ImageSize>) -> anyhow::Result<ImageDataset> {
    if let Some(folder) = &data.data {
        return Ok(ImageDataset::open(folder, size)?);
    }
    let set = data.dataset.as_deref().and_then(ImageSet::get).context("--data or --dataset is needed")?;
    let dataset = set.read()?;
    Ok(match size {
        Some(size) => dataset.resized(size)?,
        None => dataset,
    })
}

fn train(arguments: &Train) -> anyhow::Result<()> {
    let start = Instant::now();
    let recipe = recipe(arguments)?;
    let dataset = read(&arguments.data, arguments.resize)?;
    let device = Device::default();
    let trainer = Trainer::new(&dataset.train, recipe.clone(), &arguments.out, &device)?;
    let bar = EpochBar::new(recipe.epochs);
    let each = |epoch: &EpochRecord| {
        bar.update(epoch);
        ControlFlow::Continue(())
    };
    let run = if arguments.resume { trainer.resume(each) } else { trainer.run(each) }?;
    drop(bar);
    let best = run.best().context("there was no epoch")?;
    let path = trainer.model_path();
    let test = measure(&ImageClassifier::load(&path, &device)?, &dataset.test)?;
    let seconds = start.elapsed().as_secs_f64();
    if arguments.json {
        return print_json(&TrainRecord {
            data: DataRecord {
                train_images: run.train_images,
                validation_images: run.validation_images,
                test_images: dataset.test.len(),
                classes: dataset.train.n_classes(),
            },
            best_epoch: best.epoch,
            validation: Accuracy { accuracy: best.validation_accuracy },
            recipe,
            test,
            seconds,
            model: path.display().to_string(),
            epochs: run.epochs.clone(),
        });
    }
    let rows = vec![
        ["epochs".into(), run.epochs.len().to_string()],
        ["best epoch".into(), best.epoch.to_string()],
        ["validation accuracy".into(), format!("{} %", percent(best.validation_accuracy))],
        ["test accuracy".into(), format!("{} %", percent(test.accuracy))],
        ["seconds".into(), format!("{seconds:.1}")],
    ];
    print(table([("", Align::Text), ("value", Align::Number)], rows))?;
    print(format_args!("model: {}", path.display()))
}

/// The test images in the shape of the classifier.
fn test_images(classifier: &ImageClassifier, data: &ImageData) -> anyhow::Result<Images> {
    Ok(read(data, Some(classifier.image_size()))?.test)
}

fn measure(classifier: &ImageClassifier, images: &Images) -> anyhow::Result<TestMetrics> {
    let labels = classifier.labels(images)?;
    let Predictions { classes, probabilities, .. } = classifier.predict(images)?;
    Ok(TestMetrics::measure(labels, &classes, &probabilities, images.n_classes())?)
}

fn evaluate(arguments: &Evaluate) -> anyhow::Result<()> {
    let classifier = ImageClassifier::load(&arguments.model, &Device::default())?;
    let images = test_images(&classifier, &arguments.data)?;
    evaluate::show(&measure(&classifier, &images)?, arguments.json)
}

fn predict(arguments: &Predict) -> anyhow::Result<()> {
    let inputs = [("the model", Some(arguments.model.as_path()))];
    check_outputs(&inputs, &[("--out", arguments.out.as_deref())])?;
    let classifier = ImageClassifier::load(&arguments.model, &Device::default())?;
    let predictions = classifier.predict(&test_images(&classifier, &arguments.data)?)?;
    let write = predict::writer(
        &predictions.classes,
        &predictions.probabilities,
        classifier.class_names(),
        arguments.proba,
    );
    match &arguments.out {
        Some(path) => Ok(write_atomically(path, write)?),
        None => write_stdout(write),
    }
}

fn import(arguments: &Import) -> anyhow::Result<()> {
    let Import { weights, model, classes, resize, out } = arguments;
    let inputs = [("the weights", Some(weights.as_path())), ("the names of the classes", classes.as_deref())];
    check_outputs(&inputs, &[("--out", Some(out.as_path()))])?;
    let names = match classes {
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(text.lines().map(|line| line.trim().to_owned()).collect())
        }
        None => None,
    };
    let classifier = ImageClassifier::from_torchvision(weights, *model, *resize, names, &Device::default())?;
    Ok(classifier.save(out)?)
}

fn embed(arguments: &Embed) -> anyhow::Result<()> {
    let inputs = [("the model", Some(arguments.model.as_path()))];
    let outputs = [("--train", arguments.train.as_deref()), ("--test", arguments.test.as_deref())];
    check_outputs(&inputs, &outputs)?;
    let classifier = ImageClassifier::load(&arguments.model, &Device::default())?;
    let dataset = read(&arguments.data, Some(classifier.image_size()))?;
    for (path, images) in [(&arguments.train, &dataset.train), (&arguments.test, &dataset.test)] {
        let Some(path) = path else { continue };
        let names = images.class_names();
        let labels: Vec<&str> = images.labels().iter().map(|&label| names[label as usize].as_str()).collect();
        write_embeddings(path, &classifier.features(images)?, classifier.n_features(), &labels)?;
    }
    Ok(())
}
