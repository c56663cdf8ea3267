//! `exact fit`.

use exact_data::message::count;
use exact_eval::record::{FitRecord, MetricName};
use exact_linear::{LossChoice, LossKind, Model, Progress};

use crate::arguments::Fit;
use crate::failure::CommandError;
use crate::input::{Input, column_records};
use crate::output::{check_outputs, percent, print, print_json, write_file};
use crate::progress::TrainingBar;
use crate::shape_functions::shape_functions;
use crate::training;

pub(crate) fn run(arguments: &Fit) -> anyhow::Result<()> {
    if arguments.out.as_deref().is_some_and(|path| path.as_os_str() == "-") {
        return Err(CommandError::ModelToStdout.into());
    }
    let outputs = [("--out", arguments.out.as_deref()), ("--report", arguments.report.as_deref())];
    check_outputs(&training::inputs(&arguments.data, &arguments.selection), &outputs)?;
    training::prepare(&arguments.training)?;
    let input = Input::read(&arguments.data)?;
    let data = input.record();
    let Input { source, target, columns, encoder, labels, train, test, .. } = input;
    let metric = training::metric(&arguments.selection, &labels)?;
    let options = training::options(&arguments.training).with_metric(metric.clone());
    let groups_as_folds = arguments.data.fold.is_some();
    let trainer = training::trainer(source, train, labels.n_classes(), options, groups_as_folds)?;
    let bar = TrainingBar::new();
    let (trained, outcome) =
        training::train(&trainer, arguments.loss, test.as_ref(), &|progress| bar.update(progress))?;
    // `auto` has trained it.
    let is_another = arguments.loss == LossChoice::Auto && trained.loss != LossKind::CrossEntropy;
    let cross_entropy = is_another
        .then(|| trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &Progress::ignore))
        .transpose()?;
    drop(bar);

    let shapes = match &arguments.report {
        Some(_) => shape_functions(&trained.classifier, trainer.inputs(), &encoder, labels.classes())?,
        None => Vec::new(),
    };
    if let Some(path) = &arguments.out {
        Model::new(encoder, labels, target, &trained).with_columns(columns.clone()).save(path)?;
    }
    let record = FitRecord {
        data,
        columns: column_records(&columns),
        outcome,
        cross_entropy_cv: cross_entropy.and_then(|trained| training::in_units(&metric, &trained.cv)),
        seed: arguments.training.seed,
        solver: trained.solver.to_string(),
        model: arguments.out.as_ref().map(|path| path.display().to_string()),
        sigma_path: training::path_in_units(&metric, trained.sigma_path),
    };
    if let Some(path) = &arguments.report {
        write_file(path, &exact_report::fit_report(&record, &shapes)?)?;
    }
    if arguments.training.json { print_json(&record) } else { print(summary(&record)) }
}

fn summary(record: &FitRecord) -> String {
    let FitRecord { data, outcome, cross_entropy_cv, .. } = record;
    let metric = outcome.metric;
    let mut named = vec![
        ("features".to_string(), outcome.features.to_string()),
        ("train accuracy".into(), format!("{} %", percent(outcome.train.accuracy))),
    ];
    if let Some(cv) = &outcome.cv {
        let beside = cross_entropy_cv.as_ref().map_or_else(String::new, |cv| {
            format!(" ({} {})", LossKind::CrossEntropy, training::spread(metric, cv))
        });
        named.push((format!("cross-validated {}", metric.words()), training::spread(metric, cv) + &beside));
        let to_expect = |nested| (format!("{} to expect", metric.words()), training::value(metric, nested));
        named.extend(cv.nested.map(to_expect));
    }
    if let Some(value) = outcome.test_value {
        named.push((format!("test {}", metric.words()), training::value(metric, value)));
    }
    if let Some(test) = &outcome.test {
        let others = [
            (MetricName::Accuracy, test.accuracy),
            (MetricName::BalancedAccuracy, test.balanced_accuracy),
            (MetricName::MacroF1, test.macro_f1),
            (MetricName::LogLoss, test.log_loss),
        ];
        for (other, value) in others.into_iter().filter(|(other, _)| *other != metric) {
            named.push((other.words(), training::value(other, value)));
        }
        named.extend(test.rejected.map(|share| ("rejected".into(), format!("{} %", percent(share)))));
    }
    let width = named.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!(
        "{}, {}, {} classes; {} ({})",
        count(data.train_rows, "row"),
        count(data.features, "feature"),
        data.classes,
        outcome.loss,
        training::selected(outcome)
    )];
    lines.extend(named.into_iter().map(|(name, value)| format!("{name:width$}  {value}")));
    if let Some(model) = &record.model {
        lines.push(format!("model written to {model}"));
    }
    lines.join("\n")
}
