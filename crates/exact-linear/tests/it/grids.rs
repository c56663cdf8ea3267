//! Cross-validation among strengths, sigmas and margins that were asked for.

use std::collections::BTreeSet;

use exact_core::loss::LossError;
use exact_data::DenseMatrix;
use exact_linear::{
    Dataset, LinearError, LossChoice, LossKind, PathPoint, Progress, Solver, TrainOptions, Trained, Trainer,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Three overlapping classes, of which the first three columns tell.
fn dataset(n_rows: usize, n_columns: usize) -> Dataset<'static> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let labels: Vec<u32> = (0..n_rows).map(|row| (row % 3) as u32).collect();
    let means = labels.iter().flat_map(|&label| {
        (0..n_columns).map(move |column| if column == label as usize { 1.0 } else { 0.0 })
    });
    let x: Vec<f64> = means.map(|mean| mean + 1.5 * (random.random::<f64>() - 0.5)).collect();
    Dataset::new(DenseMatrix::new(x, n_columns).unwrap(), labels, 3, None).unwrap()
}

fn train(data: Dataset<'_>, kind: LossKind, options: TrainOptions) -> Trained {
    Trainer::on(data, options).unwrap().train(LossChoice::Kind(kind), &Progress::ignore).unwrap()
}

fn options() -> TrainOptions {
    TrainOptions::default().with_folds(3).with_solver(Solver::Lbfgs)
}

/// The distinct values of a hyper-parameter as texts.
fn values(path: &[PathPoint], of: fn(&PathPoint) -> Option<f64>) -> BTreeSet<String> {
    path.iter().map(|point| of(point).map_or("none".into(), |value| value.to_string())).collect()
}

fn texts(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn exactly_what_was_asked_for_is_tried() {
    // With many rows, the grid of the search is coarse.
    for n_rows in [120, 1500] {
        let asked = options()
            .with_l2s(vec![1e-4, 0.03, 1e-4])
            .with_sigmas(vec![0.07, 0.9, 3.0, 0.07])
            .with_margins(vec![Some(0.25), None, Some(2.0), None]);
        let trained = train(dataset(n_rows, 3), LossKind::Exact, asked);
        assert_eq!(trained.path.len(), 2 * 3 * 3);
        assert_eq!(values(&trained.path, |point| Some(point.settings.l2)), texts(&["0.0001", "0.03"]));
        assert_eq!(values(&trained.path, |point| point.settings.sigma), texts(&["0.07", "0.9", "3"]));
        assert_eq!(values(&trained.path, |point| point.settings.margin), texts(&["0.25", "2", "none"]));
        let mut settings: Vec<_> = trained.path.iter().map(|point| format!("{:?}", point.settings)).collect();
        settings.sort();
        settings.dedup();
        assert_eq!(settings.len(), trained.path.len());
    }
}

#[test]
fn one_setting_is_the_one_that_is_chosen() {
    let asked = options().with_l2s(vec![0.02]).with_sigmas(vec![5.0]).with_margins(vec![Some(0.7)]);
    let selected = train(dataset(120, 3), LossKind::Exact, asked).selected;
    assert_eq!((selected.l2, selected.sigma, selected.margin), (0.02, Some(5.0), Some(0.7)));
}

#[test]
fn the_search_goes_on_in_what_was_not_asked_for() {
    let plain = train(dataset(120, 3), LossKind::Exact, options());
    let sigmas = train(dataset(120, 3), LossKind::Exact, options().with_sigmas(vec![1.0, 0.5]));
    assert_eq!(values(&sigmas.path, |point| point.settings.sigma), texts(&["0.5", "1"]));
    assert!(values(&sigmas.path, |point| Some(point.settings.l2)).len() >= 5);
    let l2s = train(dataset(120, 3), LossKind::Exact, options().with_l2s(vec![1e-1, 1e-2, 1e-3, 1e-4, 1e-5]));
    assert!(values(&l2s.path, |point| point.settings.sigma).len() >= 7);
    // The settings that both try have the same scores.
    for (asked, same) in l2s.path.iter().zip(&plain.path).take(5 * 7 * 2) {
        assert_eq!(asked, same);
    }
}

#[test]
fn no_other_penalty_is_tried_beside_strengths_that_were_asked_for() {
    let has_l1 = |trained: &Trained| trained.path.iter().any(|point| point.settings.l1.is_some());
    let data = || dataset(60, 30);
    assert!(has_l1(&train(data(), LossKind::CrossEntropy, options())));
    let asked = train(data(), LossKind::CrossEntropy, options().with_l2s(vec![1e-2, 1e-3]));
    assert!(!has_l1(&asked) && asked.path.len() == 2);
}

#[test]
fn losses_take_what_they_have() {
    let asked = || {
        options().with_l2s(vec![1e-3]).with_sigmas(vec![0.5, 2.0]).with_margins(vec![
            None,
            Some(1.0),
            Some(3.0),
        ])
    };
    let tried = |kind, options| {
        let path = train(dataset(120, 3), kind, options).path;
        (
            values(&path, |point| point.settings.sigma),
            values(&path, |point| point.settings.margin),
            path.len(),
        )
    };
    let none = || texts(&["none"]);
    assert_eq!(tried(LossKind::CrossEntropy, asked()), (none(), none(), 1));
    assert_eq!(tried(LossKind::Probit, asked()), (texts(&["0.5", "2"]), none(), 2));
    assert_eq!(tried(LossKind::Hinge, asked()), (none(), texts(&["1", "3"]), 2));
    let (sigmas, margins, _) = tried(LossKind::Sigmoid, asked());
    assert_eq!((sigmas, margins), (none(), none()));
    // Three learning rates with each.
    let sgd = asked().with_folds(2).with_solver(Solver::Sgd).with_sigmas(vec![0.5]).with_margins(vec![None]);
    assert_eq!(tried(LossKind::Exact, sgd), (texts(&["0.5"]), none(), 3));
}

#[test]
fn values_that_cannot_be_tried_are_refused() {
    let error = |options| Trainer::on(dataset(60, 3), options).map(drop).unwrap_err();
    for (options, name) in [
        (options().with_l2s(Vec::new()), "l2s"),
        (options().with_sigmas(Vec::new()), "sigmas"),
        (options().with_margins(Vec::new()), "margins"),
    ] {
        let error = error(options);
        assert_eq!(error.to_string(), format!("{name} has no values to try"));
        assert!(error.hint().is_some());
    }
    for (options, message) in [
        (options().with_l2s(vec![1.0, -1.0]), "l2s must be at least 0 and finite, got -1"),
        (options().with_l2s(vec![f64::INFINITY]), "l2s must be at least 0 and finite, got inf"),
        (options().with_sigmas(vec![0.0]), "sigmas must be positive and finite, got 0"),
        (options().with_sigmas(vec![f64::NAN]), "sigmas must be positive and finite, got NaN"),
        (
            options().with_margins(vec![None, Some(0.0)]),
            "margins must be positive and finite, or None, got 0",
        ),
        (
            options().with_margins(vec![Some(f64::NAN)]),
            "margins must be positive and finite, or None, got NaN",
        ),
    ] {
        let error = error(options);
        assert!(matches!(error, LinearError::Loss(LossError::Setting { .. })));
        assert_eq!(error.to_string(), message);
    }
}
