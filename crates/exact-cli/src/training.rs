//! What `fit`, `compare` and `benchmark` share: training with a loss and measuring on the test rows.

use anyhow::Context as _;
use exact_eval::record::{LossRecord, Selected, TestMetrics, TrainMetrics};
use exact_linear::{Callback, Dataset, LossChoice, TrainOptions, Trained, Trainer};

use crate::arguments::{Training, TrainingData};
use crate::input::Encoded;
use crate::output::NamedFile;

/// The files that are read, which no result may overwrite.
pub(crate) fn inputs(data: &TrainingData) -> Vec<NamedFile<'_>> {
    let train = data.train.iter().map(|path| ("the table to train on", Some(path.as_path())));
    let test = data.test.iter().map(|path| ("the table to test on", Some(path.as_path())));
    train.chain(test).collect()
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

/// A trainer on the training rows; `source` is where they come from.
pub(crate) fn trainer(
    source: String,
    train: Encoded,
    n_classes: usize,
    training: &Training,
) -> anyhow::Result<Trainer<'static>> {
    let options = TrainOptions::default()
        .with_folds(training.folds)
        .with_seed(training.seed)
        .with_solver(training.solver)
        .with_features(training.features)
        .with_metric(training.metric.into());
    let Encoded { features, labels, weights } = train;
    let data = Dataset::new(features, labels, n_classes, weights).context(source.clone())?;
    Trainer::on(data, options).context(source)
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
    let measure = |test: &Encoded| -> anyhow::Result<TestMetrics> {
        let predictions = trained.classifier.predict(&test.features)?;
        let probabilities = trained.classifier.probabilities(&test.features)?;
        Ok(TestMetrics::measure(&test.labels, &predictions, &probabilities, n_classes)?)
    };
    let record = LossRecord {
        loss: loss.to_string(),
        selected: trained.selected,
        features: trained.features.clone(),
        cv: Some(trained.cv.clone()),
        train: TrainMetrics { accuracy: trained.train_accuracy },
        test: test.map(measure).transpose()?,
        seconds: trained.seconds,
        chosen_loss: (loss == LossChoice::Auto).then(|| trained.loss.to_string()),
    };
    Ok((trained, record))
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
    words.extend(named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))));
    words.join(", ")
}
