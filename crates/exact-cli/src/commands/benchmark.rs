//! `exact benchmark`.

mod scores;
mod screen;
mod sets;
mod splits;

use anyhow::Context as _;
use exact_data::CsrMatrix;
use exact_data::message::count;
use exact_eval::record::{BenchmarkRecord, BenchmarkResult, BenchmarkSetRecord, BenchmarkSettings, Spread};
use exact_linear::{LossChoice, Progress};

use self::scores::OtherMethod;
use self::sets::{DataSet, Location};
use crate::arguments::Training;
use crate::arguments::benchmark::Benchmark;
use crate::output::{NamedFile, check_outputs, print, print_json, wrapped, write_file};
use crate::progress::BenchmarkBar;
use crate::training;

pub(crate) fn run(arguments: &Benchmark) -> anyhow::Result<()> {
    check_settings(arguments)?;
    let locations = sets::find(&arguments.folder)?;
    let scores = arguments.scores.iter().map(|path| ("the scores", Some(path.as_path())));
    let tables = locations.iter().flat_map(Location::files);
    let inputs: Vec<NamedFile<'_>> = scores.chain(tables.map(|path| ("a data set", Some(path)))).collect();
    let report = arguments.report.as_deref();
    check_outputs(&inputs, &[("--report", report), ("--write-splits", arguments.write_splits.as_deref())])?;
    training::prepare(&arguments.training)?;
    let sets = sets::read_all(locations, arguments)?;
    if let Some(path) = &arguments.write_splits {
        splits::write(path, &sets)?;
        let (splits, sets) = (count(arguments.splits, "split"), count(sets.len(), "data set"));
        return print(format_args!("{splits} of {sets} written to {}", path.display()));
    }
    let losses = arguments.losses.choices()?;
    let mut methods: Vec<String> = losses.iter().map(ToString::to_string).collect();
    let others = scores::read_all(&arguments.scores, &sets, &methods)?;
    methods.extend(others.iter().map(|other| other.name.clone()));

    let bar = BenchmarkBar::new(sets.len() * arguments.splits * losses.len());
    let mut records = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let mut accuracies = train(set, &losses, &arguments.training, &bar)?;
        accuracies.extend(others.iter().map(|OtherMethod { accuracies, .. }| accuracies[at].clone()));
        records.push(record(set, accuracies)?);
    }
    drop(bar);

    let settings = BenchmarkSettings {
        splits: arguments.splits,
        test_share: arguments.test_share,
        folds: arguments.training.folds,
        seed: arguments.training.seed,
        alpha: arguments.alpha,
    };
    let mut record = BenchmarkRecord::compare(settings, &methods, records)?;
    if let Some(path) = report {
        record.report = Some(path.display().to_string());
        write_file(path, &exact_report::benchmark_report(&record)?)?;
    }
    if arguments.training.json { print_json(&record) } else { show(&record) }
}

fn check_settings(arguments: &Benchmark) -> anyhow::Result<()> {
    let Benchmark { splits, test_share, alpha, .. } = arguments;
    let is_part = |value: f64| value > 0.0 && value < 1.0;
    anyhow::ensure!(*splits > 0, "--splits must be at least 1, got 0");
    anyhow::ensure!(is_part(*test_share), "--test-share must be above 0 and below 1, got {test_share}");
    anyhow::ensure!(is_part(*alpha), "--alpha must be above 0 and below 1, got {alpha}");
    Ok(())
}

/// The accuracies of losses on a data set, `[loss][split]`.
fn train(
    set: &DataSet,
    losses: &[LossChoice],
    training: &Training,
    bar: &BenchmarkBar,
) -> anyhow::Result<Vec<Vec<f64>>> {
    let n_splits = set.splits.len();
    let mut accuracies = vec![Vec::with_capacity(n_splits); losses.len()];
    for number in 1..=n_splits {
        let (trainer, test) = set.trainer(number, training)?;
        for (loss, accuracies) in losses.iter().zip(&mut accuracies) {
            bar.begin(format_args!("{}, split {number} of {n_splits}: {loss}", set.name));
            let (_, record) = training::train(&trainer, *loss, Some(&test), &Progress::ignore)
                .with_context(|| format!("{}, split {number}", set.name))?;
            accuracies.push(record.test.context("the test rows have been measured")?.accuracy);
            bar.advance();
        }
    }
    Ok(accuracies)
}

fn record(set: &DataSet, accuracies: Vec<Vec<f64>>) -> anyhow::Result<BenchmarkSetRecord> {
    let result = |splits: Vec<f64>| {
        let accuracy = Spread::of(&splits).context("a method has an accuracy for each split")?;
        Ok(BenchmarkResult { accuracy, splits })
    };
    Ok(BenchmarkSetRecord {
        name: set.name.clone(),
        target: set.target.clone(),
        rows: set.classes.len(),
        columns: set.table.n_columns() - 1 + set.table.sparse().map_or(0, CsrMatrix::n_columns),
        classes: set.labels.n_classes(),
        results: accuracies.into_iter().map(result).collect::<anyhow::Result<_>>()?,
    })
}

fn show(record: &BenchmarkRecord) -> anyhow::Result<()> {
    print(screen::tables(record))?;
    let splits = count(record.settings.splits, "random split");
    print(format_args!("Means over {splits}; * marks the best of a row."))?;
    for sentence in exact_report::benchmark_findings(record) {
        print(wrapped(&sentence))?;
    }
    if let Some(report) = &record.report {
        print(format_args!("report written to {report}"))?;
    }
    Ok(())
}
