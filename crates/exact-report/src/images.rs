//! What the template of reports on image classifiers shows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use exact_eval::record::{
    EpochRecord, ImageDataRecord, ImageEvaluateRecord, ImageTrainRecord, NetworkRun, Spread, TestMetrics,
    test_spread, validation_spread,
};
use kuva::plot::line::LineStyle;
use minijinja::Value;
use serde::Serialize;

use crate::MistakePicture;
use crate::ReportError;
use crate::confusion::{Confusion, confusion};
use crate::context::{Calibration, calibrations};
use crate::format::{count, fixed, known, percent, seconds, significant};
use crate::plot::{BLUE, Curve, GREEN, Picture, Scale, curves, reliability};

/// The context of `images.html`.
#[derive(Serialize)]
pub(crate) struct Images {
    pub title: String,
    pub kind: &'static str,
    pub facts: Vec<(&'static str, String)>,
    pub headline: String,
    pub details: Vec<String>,
    pub tables: Vec<Table>,
    pub charts: Vec<Chart>,
    pub confusions: Vec<Confusion>,
    pub reliability: Option<Picture>,
    pub calibrations: Vec<Calibration>,
    /// What is counted on the test set.
    pub unit: &'static str,
    pub mistakes: Vec<Mistake>,
    /// A name and its recipe.
    pub recipes: Vec<(String, String)>,
}

/// A table whose first column names the rows.
#[derive(Serialize)]
pub(crate) struct Table {
    pub heading: &'static str,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub note: &'static str,
    /// Whether it is folded away.
    pub folded: bool,
}

/// A plot with its heading.
#[derive(Serialize)]
pub(crate) struct Chart {
    pub heading: &'static str,
    pub text: &'static str,
    pub picture: Picture,
}

/// A wrong prediction with its picture.
#[derive(Serialize)]
pub(crate) struct Mistake {
    picture: Value,
    image: usize,
    label: String,
    prediction: String,
    probability: String,
}

pub(crate) fn train(
    record: &ImageTrainRecord,
    recipe: &str,
    mistakes: &[MistakePicture],
) -> Result<Images, ReportError> {
    let ImageTrainRecord { data, loss, network, runs, seconds: time } = record;
    let first = runs.first().ok_or(ReportError::NoRuns)?;
    let test = known_spread(test_spread(runs));
    let mut facts = facts(data);
    facts.extend([("network", network.clone()), ("loss", loss.clone()), ("time", seconds(*time))]);
    let name = if runs.len() > 1 { format!("seed {}", first.seed) } else { loss.clone() };
    Ok(Images {
        headline: format!("Test accuracy {test} %"),
        details: details(runs),
        tables: vec![results(runs), epochs(first)],
        charts: training_charts(runs),
        recipes: vec![(loss.clone(), recipe.to_owned())],
        ..on_test_images(data, "Training of an image classifier", facts, &[(&name, &first.test)], mistakes)
    })
}

pub(crate) fn evaluate(record: &ImageEvaluateRecord, mistakes: &[MistakePicture]) -> Images {
    let ImageEvaluateRecord { data, network, model, test } = record;
    let mut facts = vec![("network", network.clone()), ("model file", model.clone())];
    facts.push(("test images", count(data.test_images as u64)));
    facts.push(("classes", count(data.classes as u64)));
    let header = ["", "accuracy, %", "balanced, %", "macro F1, %", "log loss"].map(Into::into).to_vec();
    let rows = vec![[vec!["test images".into()], metrics(test)].concat()];
    Images {
        headline: format!("Test accuracy {} %", percent(test.accuracy)),
        details: vec![uncertainty(data, test.accuracy)],
        tables: vec![Table { heading: "Results", header, rows, note: "", folded: false }],
        ..on_test_images(data, "Evaluation of an image classifier", facts, &[(network, test)], mistakes)
    }
}

/// The parts that show predictions on the test images; all others are empty.
pub(crate) fn on_test_images(
    data: &ImageDataRecord,
    kind: &'static str,
    facts: Vec<(&'static str, String)>,
    tests: &[(&str, &TestMetrics)],
    mistakes: &[MistakePicture],
) -> Images {
    let names = &data.class_names;
    Images {
        title: data.name.clone(),
        kind,
        facts,
        headline: String::new(),
        details: Vec::new(),
        tables: Vec::new(),
        charts: Vec::new(),
        confusions: tests.iter().filter_map(|(name, test)| confusion(name, test, names)).collect(),
        reliability: reliability(tests),
        calibrations: calibrations(tests),
        unit: "images",
        mistakes: mistakes.iter().map(|picture| mistake(picture, names)).collect(),
        recipes: Vec::new(),
    }
}

pub(crate) fn facts(data: &ImageDataRecord) -> Vec<(&'static str, String)> {
    vec![
        ("train images", count(data.train_images as u64)),
        ("validation images", count(data.validation_images as u64)),
        ("test images", count(data.test_images as u64)),
        ("classes", count(data.classes as u64)),
    ]
}

fn details(runs: &[NetworkRun]) -> Vec<String> {
    let validation = known_spread(validation_spread(runs));
    let mut details = vec![format!("Validation accuracy {validation} %, which chose the epoch.")];
    if runs.len() > 1 {
        let text = "± is the standard deviation over {} seeds, which draw \
                    the validation images, the starting weights and the order.";
        details.push(text.replace("{}", &runs.len().to_string()));
    }
    details
}

/// How far chance alone moves a test accuracy: the binomial standard error.
pub(crate) fn uncertainty(data: &ImageDataRecord, accuracy: f64) -> String {
    let error = (accuracy * (1.0 - accuracy) / data.test_images.max(1) as f64).sqrt();
    format!(
        "With {} test images, the standard error of this accuracy is {} points.",
        count(data.test_images as u64),
        fixed(100.0 * error, 2)
    )
}

/// Mean and standard deviation in percent, or a single value.
pub(crate) fn known_spread(spread: Option<Spread>) -> String {
    match spread {
        Some(Spread { mean, std: 0.0 }) => percent(mean),
        Some(Spread { mean, std }) => format!("{} ± {}", percent(mean), percent(std)),
        None => known(None, percent),
    }
}

fn results(runs: &[NetworkRun]) -> Table {
    let header = ["seed", "best epoch", "validation, %", "test, %", "balanced, %", "macro F1, %", "log loss"];
    let row = |run: &NetworkRun| {
        let epoch = format!("{} of {}", run.best_epoch, run.epochs.len());
        [vec![run.seed.to_string(), epoch, percent(run.validation.accuracy)], metrics(&run.test)].concat()
    };
    let mut rows: Vec<Vec<String>> = runs.iter().map(row).collect();
    if runs.len() > 1 {
        let spread = |value: fn(&NetworkRun) -> f64, text: fn(f64) -> String| {
            let spread = Spread::of(&runs.iter().map(value).collect::<Vec<_>>());
            known(spread.map(|spread| spread.mean), text)
                + " ± "
                + &known(spread.map(|spread| spread.std), text)
        };
        rows.push(vec![
            "mean".into(),
            String::new(),
            spread(|run| run.validation.accuracy, percent),
            spread(|run| run.test.accuracy, percent),
            spread(|run| run.test.balanced_accuracy, percent),
            spread(|run| run.test.macro_f1, percent),
            spread(|run| run.test.log_loss, |loss| fixed(loss, 4)),
        ]);
    }
    let note = "The epoch was chosen by the validation images; the test images chose nothing.";
    Table { heading: "Results", header: header.map(Into::into).to_vec(), rows, note, folded: false }
}

fn metrics(test: &TestMetrics) -> Vec<String> {
    let log_loss = fixed(test.log_loss, 4);
    vec![percent(test.accuracy), percent(test.balanced_accuracy), percent(test.macro_f1), log_loss]
}

/// The curves of the run as a table.
fn epochs(run: &NetworkRun) -> Table {
    let header = ["epoch", "loss", "validation, %", "expected validation, %", "sigma", "learning rate"]
        .map(Into::into);
    let row = |epoch: &EpochRecord| {
        vec![
            epoch.epoch.to_string(),
            significant(epoch.loss),
            percent(epoch.validation_accuracy),
            known(epoch.expected_validation_accuracy, percent),
            known(epoch.sigma, significant),
            significant(epoch.learning_rate),
        ]
    };
    let rows = run.epochs.iter().map(row).collect();
    Table { heading: "Epochs of the first seed", header: header.to_vec(), rows, note: "", folded: true }
}

/// One line for each run; only the first has a name in the legend.
fn lines(
    runs: &[NetworkRun],
    name: &str,
    color: &'static str,
    style: &LineStyle,
    value: impl Fn(&EpochRecord) -> Option<f64>,
) -> Vec<Curve> {
    let line = |(number, run): (usize, &NetworkRun)| Curve {
        legend: (number == 0).then(|| name.to_owned()),
        color,
        style: style.clone(),
        points: points(run, &value),
    };
    runs.iter().enumerate().map(line).collect()
}

fn points(run: &NetworkRun, value: impl Fn(&EpochRecord) -> Option<f64>) -> Vec<(f64, f64)> {
    run.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?))).collect()
}

fn training_charts(runs: &[NetworkRun]) -> Vec<Chart> {
    let solid = LineStyle::Solid;
    let accuracy = |epoch: &EpochRecord| Some(100.0 * epoch.validation_accuracy);
    let expected = |epoch: &EpochRecord| Some(100.0 * epoch.expected_validation_accuracy?);
    let mut accuracies = lines(runs, "validation accuracy", BLUE, &solid, accuracy);
    let expects = runs.iter().any(|run| !points(run, expected).is_empty());
    if expects {
        accuracies.extend(lines(runs, "expected accuracy", GREEN, &LineStyle::Dashed, expected));
    }
    let accuracy_text = if expects {
        "Expected accuracy is what the loss maximises, here on the validation images: the probability of \
         a right prediction under random scores of the epoch's sigma. It tends to accuracy as sigma falls."
    } else {
        "After each epoch."
    };
    let charts = [
        (
            "Accuracy",
            accuracy_text,
            curves(
                "accuracy",
                "Validation accuracy after each epoch, and what the loss expects it to be",
                accuracies,
                ["epoch", "accuracy, %"],
                Scale::Percent,
            ),
        ),
        (
            "Loss",
            "The mean over the steps of each epoch of training.",
            curves(
                "loss",
                "The training loss of each epoch",
                lines(runs, "training loss", BLUE, &solid, |epoch| Some(epoch.loss)),
                ["epoch", "loss"],
                Scale::Linear,
            ),
        ),
        (
            "Sigma",
            "The standard deviation of the random scores at the end of each epoch.",
            curves(
                "sigma",
                "Sigma at the end of each epoch",
                lines(runs, "sigma", BLUE, &solid, |epoch| epoch.sigma),
                ["epoch", "sigma"],
                Scale::Logarithmic,
            ),
        ),
    ];
    let drawn =
        |(heading, text, picture): (_, _, Option<Picture>)| Some(Chart { heading, text, picture: picture? });
    charts.into_iter().filter_map(drawn).collect()
}

fn mistake(picture: &MistakePicture, names: &[String]) -> Mistake {
    let name = |class: u32| names.get(class as usize).cloned().unwrap_or_else(|| class.to_string());
    let address = format!("data:image/png;base64,{}", STANDARD.encode(&picture.png));
    Mistake {
        picture: Value::from_safe_string(address),
        image: picture.mistake.image,
        label: name(picture.mistake.label),
        prediction: name(picture.mistake.prediction),
        probability: percent(picture.mistake.probability),
    }
}
