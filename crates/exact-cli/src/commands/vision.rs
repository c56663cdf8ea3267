//! `exact vision`.

mod compare;
mod head;
mod predict;
mod run;
mod train;

use std::fs;

use anyhow::Context as _;
use exact_data::write_embeddings;
use exact_eval::record::{ImageDataRecord, ImageEvaluateRecord};
use exact_images::{ChannelStatistics, ImageDataset, ImageSet, ImageSize, ImageWarning, Images};
use exact_vision::models::Architecture;
use exact_vision::{ImageClassifier, default_device};

use self::run::Tested;
use super::evaluate;
use crate::arguments::vision::{Embed, Evaluate, Export, Exported, ImageData, Import, Vision};
use crate::failure::warn;
use crate::output::{check_outputs, write_file};

pub(crate) fn run(command: &Vision) -> anyhow::Result<()> {
    match command {
        Vision::Train(arguments) => train::run(arguments),
        Vision::Compare(arguments) => compare::run(arguments),
        Vision::Evaluate(arguments) => evaluate(arguments),
        Vision::Predict(arguments) => predict::run(arguments),
        Vision::Export(arguments) => export(arguments),
        Vision::Import(arguments) => import(arguments),
        Vision::Embed(arguments) => embed(arguments),
        Vision::ReplaceHead(arguments) => head::run(arguments),
    }
}

/// The images, scaled to a size, with warnings of what was done to them.
fn read(data: &ImageData, size: Option<ImageSize>) -> anyhow::Result<ImageDataset> {
    let dataset = open(data, size)?;
    dataset.warnings.iter().for_each(warn);
    Ok(dataset)
}

fn open(data: &ImageData, size: Option<ImageSize>) -> anyhow::Result<ImageDataset> {
    Ok(match (&data.labels, &data.data) {
        (Some(labels), folder) => ImageDataset::labelled(labels, folder.as_deref(), size)?,
        (None, Some(folder)) => ImageDataset::open(folder, size)?,
        (None, None) => {
            let set = data.dataset.as_deref().and_then(ImageSet::get);
            let dataset = set.context("--data, --labels or --dataset is needed")?.read()?;
            match size {
                Some(size) => dataset.resized(size)?,
                None => dataset,
            }
        }
    })
}

/// What images are called.
fn name(data: &ImageData) -> String {
    match (data.data.as_ref().or(data.labels.as_ref()), &data.dataset) {
        (Some(path), _) => {
            let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
            whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
        }
        (None, Some(dataset)) => dataset.clone(),
        (None, None) => unreachable!("images are a folder, a list or a bundled set"),
    }
}

/// The images, grey or coloured as the classifier takes them.
fn converted(classifier: &ImageClassifier, images: Images) -> anyhow::Result<Images> {
    if images.channels() != classifier.channels() {
        warn(ImageWarning::Converted { images: images.len(), grey: images.channels() == 1 });
    }
    Ok(images.with_channels(classifier.channels())?)
}

/// The test images in the shape of the classifier.
fn test_images(classifier: &ImageClassifier, data: &ImageData) -> anyhow::Result<Images> {
    converted(classifier, read(data, Some(classifier.image_size()))?.test)
}

fn evaluate(arguments: &Evaluate) -> anyhow::Result<()> {
    let inputs = [("the model", Some(arguments.model.as_path()))];
    check_outputs(&inputs, &[("--report", arguments.report.as_deref())])?;
    let classifier = ImageClassifier::load(&arguments.model, &default_device()?)?;
    let images = if arguments.all {
        let dataset = open(&arguments.data, Some(classifier.image_size()))?;
        let is_held_out = |warning: &&ImageWarning| matches!(warning, ImageWarning::HeldOut { .. });
        dataset.warnings.iter().filter(|warning| !is_held_out(warning)).for_each(warn);
        converted(&classifier, dataset.into_all()?)?
    } else {
        test_images(&classifier, &arguments.data)?
    };
    let tested = Tested::of(&classifier, &images)?;
    if let Some(path) = &arguments.report {
        let record = ImageEvaluateRecord {
            data: ImageDataRecord {
                name: name(&arguments.data),
                train_images: 0,
                validation_images: 0,
                test_images: images.len(),
                classes: images.n_classes(),
                class_names: images.class_names().to_vec(),
            },
            network: classifier.architecture().to_string(),
            model: arguments.model.display().to_string(),
            test: tested.metrics.clone(),
        };
        let html = exact_report::image_evaluate_report(&record, &tested.mistakes(&images)?)?;
        write_file(path, &html)?;
    }
    evaluate::show(&tested.metrics, images.class_names(), arguments.json)
}

fn export(Export { model, out }: &Export) -> anyhow::Result<()> {
    check_outputs(&[("the model", Some(model.as_path()))], &[("--out", Some(out.path()))])?;
    let classifier = ImageClassifier::load(model, &default_device()?)?;
    let written = match out {
        Exported::Onnx(path) => classifier.export_onnx(path),
        Exported::Safetensors(path) => classifier.export_safetensors(path),
    };
    Ok(written?)
}

fn import(arguments: &Import) -> anyhow::Result<()> {
    let Import { weights, model, classes, resize, mean, std, out } = arguments;
    let inputs = [("the weights", Some(weights.as_path())), ("the names of the classes", classes.as_deref())];
    check_outputs(&inputs, &[("--out", Some(out.as_path()))])?;
    let names = match classes {
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(text.lines().map(|line| line.trim().to_owned()).collect())
        }
        None => None,
    };
    let side = if matches!(model, Architecture::WideResNet { .. }) { 32 } else { 224 };
    let size = resize.unwrap_or(ImageSize { height: side, width: side });
    let statistics = mean.clone().zip(std.clone()).map(|(mean, std)| ChannelStatistics { mean, std });
    let device = default_device()?;
    let classifier = ImageClassifier::from_pytorch(weights, *model, size, statistics, names, &device)?;
    Ok(classifier.save(out)?)
}

fn embed(arguments: &Embed) -> anyhow::Result<()> {
    let inputs = [("the model", Some(arguments.model.as_path()))];
    let outputs = [("--train", arguments.train.as_deref()), ("--test", arguments.test.as_deref())];
    check_outputs(&inputs, &outputs)?;
    let classifier = ImageClassifier::load(&arguments.model, &default_device()?)?;
    let dataset = read(&arguments.data, Some(classifier.image_size()))?;
    for (path, images) in [(&arguments.train, dataset.train), (&arguments.test, dataset.test)] {
        let Some(path) = path else { continue };
        let images = converted(&classifier, images)?;
        let names = images.class_names();
        let labels: Vec<&str> = images.labels().iter().map(|&label| names[label as usize].as_str()).collect();
        write_embeddings(path, &classifier.features(&images)?, classifier.n_features(), &labels)?;
    }
    Ok(())
}
