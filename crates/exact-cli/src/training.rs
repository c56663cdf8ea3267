//! What `fit`, `compare` and `benchmark` share: training with a loss and measuring on the test rows.

use anyhow::Context as _;
use exact_data::{CostMatrix, LabelEncoder, Source};
use exact_eval::record::{
    CrossValidation, LossRecord, MetricName, Selected, SigmaPathPoint, TestMetrics, TrainMetrics,
};
use exact_linear::{Callback, Dataset, LossChoice, Metric, Predictions, TrainOptions, Trained, Trainer};

use crate::arguments::{MetricArgument, Selection, Training, TrainingData};
use crate::input::Encoded;
use crate::output::{NamedFile, percent};

/// The files that are read, which no result may overwrite.
pub(crate) fn inputs<'a>(data: &'a TrainingData, selection: &'a Selection) -> Vec<NamedFile<'a>> {
    let costs = match &selection.metric {
        MetricArgument::Cost(path) => Some(("the costs", Some(path.as_path()))),
        MetricArgument::Named(_) => None,
    };
    let train = data.train.iter().map(|path| ("the table to train on", Some(path.as_path())));
    let test = data.test.iter().map(|path| ("the table to test on", Some(path.as_path())));
    train.chain(test).chain(costs).collect()
}

/// Checks the settings and starts the threads. To be called once, before anything runs in parallel.
pub(crate) fn prepare(training: &Training) -> anyhow::Result<()> {
    anyhow::ensure!(training.folds >= 2, "--folds must be at least 2, got {}", training.folds);
    if let Some(threads) = training.threads {
        anyhow::ensure!(threads > 0, "--threads must be at least 1, got 0");
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("cannot start threads")?;
    }
    Ok(())
}

/// The options of a trainer.
pub(crate) fn options(training: &Training) -> TrainOptions {
    TrainOptions::default()
        .with_folds(training.folds)
        .with_seed(training.seed)
        .with_solver(training.solver)
        .with_features(training.features)
}

/// The metric for these classes.
pub(crate) fn metric(selection: &Selection, labels: &LabelEncoder) -> anyhow::Result<Metric> {
    let name = match &selection.metric {
        MetricArgument::Named(name) => *name,
        MetricArgument::Cost(path) => {
            let costs = CostMatrix::read(&Source::file(path)?, labels)?;
            return Ok(Metric::Cost(costs.values().to_vec()));
        }
    };
    Ok(match name {
        MetricName::Accuracy => Metric::Accuracy,
        MetricName::BalancedAccuracy => Metric::Balanced,
        MetricName::TopK(k) => {
            let n_classes = labels.n_classes();
            anyhow::ensure!(
                k <= n_classes,
                "--metric top-{k} of {n_classes} classes; the most is top-{n_classes}"
            );
            Metric::TopK(k)
        }
        MetricName::MacroF1 => Metric::MacroF1,
        MetricName::LogLoss => Metric::LogLoss,
        other => anyhow::bail!("selection has no metric {other}"),
    })
}

/// A trainer on the training rows; `source` is where they come from. With `groups_as_folds`, their groups are
/// the folds.
pub(crate) fn trainer(
    source: String,
    train: Encoded,
    n_classes: usize,
    options: TrainOptions,
    groups_as_folds: bool,
) -> anyhow::Result<Trainer<'static>> {
    let Encoded { features, labels, weights, groups } = train;
    let data = match groups {
        Some(groups) => Dataset::with_groups(features, labels, n_classes, weights, groups),
        None => Dataset::new(features, labels, n_classes, weights),
    };
    let data = data.context(source.clone())?;
    if groups_as_folds { Trainer::with_groups_as_folds(data, options) } else { Trainer::on(data, options) }
        .context(source)
}

/// Trains with one loss and measures the classifier on the test rows, if there are any.
pub(crate) fn train(
    trainer: &Trainer,
    loss: LossChoice,
    test: Option<&Encoded>,
    callback: Callback<'_>,
) -> anyhow::Result<(Trained, LossRecord)> {
    let trained = trainer.train(loss, callback)?;
    let n_classes = trained.classifier.n_classes();
    let metric = &trained.metric;
    let metrics = |test: &Encoded| {
        test_metrics(&trained.classifier.predictions(&test.features)?, &test.labels, n_classes)
    };
    let value = |test: &Encoded| trained.classifier.measure(metric, &test.features, &test.labels, None);
    let record = LossRecord {
        loss: loss.to_string(),
        selected: trained.selected,
        features: trained.features.clone(),
        metric: metric.name(),
        cv: in_units(metric, &trained.cv),
        train: TrainMetrics { accuracy: trained.train_accuracy },
        test: test.map(metrics).transpose()?,
        test_value: test.map(value).transpose()?,
        seconds: trained.seconds,
        chosen_loss: (loss == LossChoice::Auto).then(|| trained.loss.to_string()),
    };
    Ok((trained, record))
}

/// Scores over folds as values of the metric.
pub(crate) fn in_units(metric: &Metric, cv: &CrossValidation) -> Option<CrossValidation> {
    let folds = cv.folds.iter().map(|score| metric.of_score(*score)).collect();
    let nested = cv.nested.map(|score| metric.of_score(score));
    CrossValidation::of_folds(folds).map(|cv| CrossValidation { nested, ..cv })
}

/// The path over sigma in values of the metric.
pub(crate) fn path_in_units(metric: &Metric, path: Vec<SigmaPathPoint>) -> Vec<SigmaPathPoint> {
    let value = |point: SigmaPathPoint| SigmaPathPoint {
        train_accuracy: metric.of_score(point.train_accuracy),
        validation_accuracy: metric.of_score(point.validation_accuracy),
        expected_accuracy: metric.of_score(point.expected_accuracy),
        ..point
    };
    path.into_iter().map(value).collect()
}

/// Predictions measured against labels.
pub(crate) fn test_metrics(
    predictions: &Predictions,
    labels: &[u32],
    n_classes: usize,
) -> anyhow::Result<TestMetrics> {
    let Predictions { classes, rejected, probabilities } = predictions;
    let share = |rejected: &Vec<bool>| {
        rejected.iter().filter(|&&rejected| rejected).count() as f64 / rejected.len().max(1) as f64
    };
    let metrics = TestMetrics::measure(labels, classes, probabilities, n_classes)?;
    Ok(TestMetrics { rejected: rejected.as_ref().map(share), ..metrics })
}

/// A value of a metric with its unit.
pub(crate) fn value(metric: MetricName, value: f64) -> String {
    if metric.is_rate() { format!("{} %", percent(value)) } else { format!("{value:.4}") }
}

/// A mean and a standard deviation over folds, with their unit.
pub(crate) fn spread(metric: MetricName, cv: &CrossValidation) -> String {
    let mean = if metric.is_rate() { percent(cv.mean) } else { format!("{:.4}", cv.mean) };
    format!("{mean} ± {}", value(metric, cv.std))
}

/// The selected hyper-parameters in words, with the loss if it was chosen.
pub(crate) fn selected(record: &LossRecord) -> String {
    let words = settings(&record.selected);
    record.chosen_loss.as_ref().map_or_else(|| words.clone(), |loss| format!("{loss}, {words}"))
}

/// Hyper-parameters in words.
pub(crate) fn settings(selected: &Selected) -> String {
    let named = [
        ("sigma", selected.sigma),
        ("margin", selected.margin),
        ("temperature", selected.temperature),
        ("epsilon", selected.epsilon),
        ("learning rate", selected.learning_rate),
    ];
    let mut words = vec![format!("l2 {:e}", selected.l2)];
    words.extend(selected.l1.map(|l1| format!("l1 {l1:e}")));
    words.extend(selected.group_l1.map(|group_l1| format!("group l1 {group_l1:e}")));
    words.extend(named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))));
    words.join(", ")
}
