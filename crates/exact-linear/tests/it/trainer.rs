//! Training on bundled and small synthetic data: what it reaches, that it repeats, and how it refuses.

use exact_data::{
    CsrMatrix, DataError, DenseMatrix, Encoder, EncoderOptions, Features, LabelEncoder, Split, bundled,
    stratified_folds,
};
use exact_eval::log_loss;
use exact_linear::{
    Dataset, Inputs, LinearClassifier, LinearError, LossChoice, LossKind, PathPoint, Progress, Solver,
    TrainOptions, Trained, Trainer, loss_named,
};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Features, labels and number of classes.
#[derive(Clone)]
struct Data(Features, Vec<u32>, usize);

/// The training and the test rows of a bundled set.
fn bundled_set(name: &str) -> (Data, Data) {
    let set = bundled::get(name).unwrap();
    let (train, test) = (set.train().unwrap(), set.test().unwrap());
    let encoder = Encoder::fit(&train, &EncoderOptions::default()).unwrap().0;
    let (labels, _) = LabelEncoder::fit(&train, &set.target).unwrap();
    let [train, test] = [train, test].map(|table| {
        Data(
            encoder.transform(&table).unwrap(),
            labels.transform(&table, &set.target).unwrap(),
            labels.n_classes(),
        )
    });
    (train, test)
}

/// Overlapping clusters, one for each class, in `n_columns` dimensions.
fn clusters(n_rows: usize, n_columns: usize, n_classes: usize, seed: u64) -> Data {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let centres: Vec<f64> = (0..n_classes * n_columns).map(|_| 2.0 * random.random::<f64>()).collect();
    let labels: Vec<u32> = (0..n_rows).map(|row| (row % n_classes) as u32).collect();
    let mut x = Vec::with_capacity(n_rows * n_columns);
    for &label in &labels {
        for centre in &centres[label as usize * n_columns..][..n_columns] {
            let noise: f64 = (0..4).map(|_| random.random::<f64>() - 0.5).sum();
            x.push(centre + noise);
        }
    }
    Data(Features::from_dense(x, n_columns).unwrap(), labels, n_classes)
}

fn options(folds: usize, seed: u64, solver: Solver) -> TrainOptions {
    TrainOptions::default().with_folds(folds).with_seed(seed).with_solver(solver)
}

fn trainer(
    Data(features, labels, n_classes): Data,
    options: TrainOptions,
) -> Result<Trainer<'static>, LinearError> {
    Trainer::new(features, labels, n_classes, options)
}

fn train(data: &Data, loss: LossChoice, options: TrainOptions) -> Result<Trained, LinearError> {
    trainer(data.clone(), options)?.train(loss, &Progress::ignore)
}

/// With the default solver.
fn train_quickly(data: &Data, kind: LossKind, folds: usize, seed: u64) -> Trained {
    train(data, LossChoice::Kind(kind), options(folds, seed, Solver::Auto)).unwrap()
}

fn accuracy(classifier: &LinearClassifier, Data(features, labels, _): &Data) -> f64 {
    let predictions = classifier.predict(features).unwrap();
    let correct = predictions.iter().zip(labels).filter(|(a, b)| a == b).count();
    correct as f64 / labels.len() as f64
}

/// The bits of all that a trained classifier consists of.
fn bits(trained: &Trained) -> Vec<u64> {
    let classifier = &trained.classifier;
    let scale = classifier.link().scale();
    let parameters = [classifier.coefficients(), classifier.intercepts(), vec![scale]].concat();
    parameters.into_iter().map(f64::to_bits).collect()
}

#[test]
fn exact_beats_cross_entropy_in_accuracy_on_car() {
    let (data, test) = bundled_set("car");
    let trainer = trainer(data.clone(), options(2, 0, Solver::Auto)).unwrap();
    let [cross_entropy, exact] = [LossKind::CrossEntropy, LossKind::Exact]
        .map(|kind| trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap());
    assert!(
        exact.train_accuracy > cross_entropy.train_accuracy + 0.01,
        "{} {}",
        exact.train_accuracy,
        cross_entropy.train_accuracy
    );
    assert_eq!(exact.train_accuracy, accuracy(&exact.classifier, &data));
    assert!(accuracy(&exact.classifier, &test) > accuracy(&cross_entropy.classifier, &test));
    // The path over sigma belongs to what was selected.
    assert!(exact.sigma_path.windows(2).all(|pair| pair[0].sigma > pair[1].sigma));
    assert!(exact.sigma_path.iter().any(|point| Some(point.sigma) == exact.selected.sigma));
    assert!(cross_entropy.sigma_path.is_empty());
    // More than 1500 rows or not, the choice is one of the two.
    let auto = trainer.train(LossChoice::Auto, &Progress::ignore).unwrap();
    let chosen = if auto.loss == LossKind::Exact { &exact } else { &cross_entropy };
    assert_eq!(bits(&auto), bits(chosen));
}

#[test]
fn every_loss_fits_wine() {
    let (data, test) = bundled_set("wine");
    let trainer = trainer(data, options(3, 0, Solver::Auto)).unwrap();
    for kind in LossKind::FOR_ACCURACY {
        let trained = trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap();
        assert_eq!((trained.loss, trained.solver), (kind, Solver::Lbfgs));
        assert!(trained.train_accuracy >= 0.95, "{kind}: {}", trained.train_accuracy);
        assert!(accuracy(&trained.classifier, &test) >= 0.94, "{kind}");
        assert!((trained.cv.folds.iter().sum::<f64>() / 3.0 - trained.cv.mean).abs() < 1e-12);
    }
}

#[test]
fn normalised_losses_give_logits_of_standard_deviation_one() {
    let data = clusters(90, 3, 3, 1);
    let normalized = [LossKind::Exact, LossKind::Sigmoid, LossKind::BetaBernoulli, LossKind::Polynomial];
    for kind in normalized {
        let logits = train_quickly(&data, kind, 2, 0).classifier.logits(&data.0).unwrap();
        let n = logits.len() as f64;
        let mean = logits.iter().sum::<f64>() / n;
        let variance = logits.iter().map(|logit| (logit - mean).powi(2)).sum::<f64>() / n;
        assert!((variance.sqrt() - 1.0).abs() < 1e-9, "{kind}: {}", variance.sqrt());
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    // More rows than a block of the linear map holds.
    let data = clusters(1040, 2, 2, 2);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            [LossKind::CrossEntropy, LossKind::Exact].map(|kind| {
                let trained = train_quickly(&data, kind, 2, 0);
                (bits(&trained), trained.cv, trained.selected)
            })
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn another_seed_gives_other_folds() {
    let data = clusters(150, 3, 3, 3);
    let [first, again, other] =
        [0, 0, 1].map(|seed| train_quickly(&data, LossKind::CrossEntropy, 5, seed).cv.folds);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn auto_is_one_of_its_candidates_by_its_rule() {
    let sets = [
        (bundled_set("balance-scale").0, 2),
        (clusters(120, 3, 3, 4), 5),
        // From 1500 rows on, any gain is enough.
        (clusters(1500, 1, 2, 5), 2),
    ];
    for (data, folds) in sets {
        let trainer = trainer(data.clone(), options(folds, 0, Solver::Auto)).unwrap();
        let auto = trainer.train(LossChoice::Auto, &Progress::ignore).unwrap();
        let [cross_entropy, exact] = [LossKind::CrossEntropy, LossKind::Exact]
            .map(|kind| trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap());
        let gains: Vec<f64> =
            exact.cv.folds.iter().zip(&cross_entropy.cv.folds).map(|(a, b)| a - b).collect();
        let mean = gains.iter().sum::<f64>() / folds as f64;
        let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (folds - 1) as f64;
        let needed = if data.1.len() < 1500 { 2.0 * (variance / folds as f64).sqrt() } else { 0.0 };
        let chosen = if mean > needed { &exact } else { &cross_entropy };
        assert_eq!(auto.loss, chosen.loss, "gain {mean}, needed {needed}");
        assert_eq!((bits(&auto), &auto.cv.folds), (bits(chosen), &chosen.cv.folds));
    }
}

#[test]
fn accuracy_over_the_folds_is_that_of_rows_not_trained_on() {
    // Labels that are noise can be fitted, but not foretold.
    let mut data = clusters(200, 30, 2, 6);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for label in &mut data.1 {
        *label = random.random_range(0..2);
    }
    let trained = train_quickly(&data, LossKind::CrossEntropy, 5, 0);
    assert!(trained.cv.mean < 0.55 && trained.train_accuracy > trained.cv.mean + 0.05, "{trained:?}");
}

#[test]
fn sgd_comes_close_to_lbfgs_and_repeats_itself() {
    let data = bundled_set("balance-scale").0;
    let run = |data: &Data, solver| {
        train(data, LossChoice::Kind(LossKind::CrossEntropy), options(2, 0, solver)).unwrap()
    };
    let (lbfgs, sgd) = (run(&data, Solver::Lbfgs), run(&data, Solver::Sgd));
    assert_eq!((sgd.solver, sgd.selected.learning_rate.is_some()), (Solver::Sgd, true));
    assert!(
        (lbfgs.train_accuracy - sgd.train_accuracy).abs() < 0.03,
        "{} {}",
        lbfgs.train_accuracy,
        sgd.train_accuracy
    );
    let small = clusters(30, 2, 2, 13);
    assert_eq!(bits(&run(&small, Solver::Sgd)), bits(&run(&small, Solver::Sgd)));
}

#[test]
fn probabilities_sum_to_one_and_are_calibrated() {
    let (data, test) = bundled_set("balance-scale");
    for kind in [LossKind::CrossEntropy, LossKind::Exact, LossKind::Hinge] {
        let classifier = train_quickly(&data, kind, 3, 0).classifier;
        let Data(features, labels, n_classes) = &test;
        let probabilities = classifier.probabilities(features).unwrap();
        for row in probabilities.chunks_exact(*n_classes) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12 && row.iter().all(|p| *p >= 0.0));
        }
        // Softmax of the logits as they are, for want of a public way to another scale of the probit link.
        let mut plain = classifier.logits(features).unwrap();
        for row in plain.chunks_exact_mut(*n_classes) {
            let sum: f64 = row.iter().map(|logit| logit.exp()).sum();
            for logit in row {
                *logit = logit.exp() / sum;
            }
        }
        let [fitted, plain] =
            [&probabilities, &plain].map(|p| log_loss(labels, p, *n_classes, None).unwrap());
        // The logits of EXACT, of standard deviation 1, are none of softmax.
        let slack = if kind == LossKind::Exact { -0.01 } else { 0.02 };
        assert!(fitted < plain + slack, "{kind}: {fitted} {plain}, scale {}", classifier.link().scale());
    }
}

#[test]
fn two_classes_and_twelve() {
    for n_classes in [2, 12] {
        let data = clusters(40 * n_classes, 12, n_classes, 8);
        let auto =
            train(&data, LossChoice::Kind(LossKind::CrossEntropy), options(2, 0, Solver::Lbfgs)).unwrap();
        assert_eq!((auto.classifier.n_classes(), auto.classifier.n_columns()), (n_classes, 12));
        assert_eq!(auto.classifier.intercepts().len(), n_classes);
        assert!(auto.train_accuracy > 0.9, "{n_classes}: {}", auto.train_accuracy);
    }
    let exact = train_quickly(&clusters(72, 12, 12, 8), LossKind::Exact, 2, 0);
    assert!(exact.train_accuracy > 0.9, "{}", exact.train_accuracy);
}

#[test]
fn extreme_features_do_not_panic() {
    let labels: Vec<u32> = (0..40).map(|i| i % 2).collect();
    let columns: [fn(usize) -> f64; 6] = [
        |_| 0.0,
        |_| 1e300,
        |i| if i % 2 == 0 { 1e300 } else { -1e300 },
        |i| if i == 7 { 1e300 } else { i as f64 },
        |i| if i % 2 == 0 { 1e-300 } else { -1e-300 },
        |i| if i % 4 < 2 { f64::MAX } else { -f64::MAX },
    ];
    for (number, column) in columns.iter().enumerate() {
        let x = (0..40).flat_map(|i| [column(i), (i % 5) as f64]).collect();
        let data = Data(Features::from_dense(x, 2).unwrap(), labels.clone(), 2);
        for kind in LossKind::FOR_ACCURACY {
            match train(&data, LossChoice::Kind(kind), options(2, 0, Solver::Lbfgs)) {
                Ok(trained) => {
                    let classifier = &trained.classifier;
                    let parameters = [classifier.coefficients(), classifier.intercepts()].concat();
                    assert!(parameters.iter().all(|x| x.is_finite()), "{number} {kind}");
                }
                Err(error) => {
                    assert!(matches!(error, LinearError::Diverged { .. }), "{number} {kind}: {error}");
                }
            }
        }
    }
}

#[test]
fn refuses_what_cannot_be_trained() {
    let Data(features, labels, _) = clusters(20, 2, 2, 9);
    let error = |labels: Vec<u32>, n_classes, folds| {
        Trainer::new(features.clone(), labels, n_classes, options(folds, 0, Solver::Auto)).err().unwrap()
    };
    assert!(matches!(error(labels[1..].to_vec(), 2, 5), LinearError::Rows { rows: 20, labels: 19 }));
    assert!(matches!(error(vec![1; 20], 2, 5), LinearError::Classes(1)));
    assert!(matches!(error(vec![0; 20], 1, 5), LinearError::Classes(1)));
    assert!(matches!(error(labels.clone(), 0, 5), LinearError::Classes(0)));
    let too_few = error(labels.clone(), 2, 21);
    assert!(matches!(too_few, LinearError::Data(DataError::TooFewRows { rows: 20, parts: 21 })), "{too_few}");
    assert!(matches!(error(labels.clone(), 2, 1), LinearError::Data(DataError::Setting { .. })));
    let mut outside = labels.clone();
    outside[3] = 2;
    let outside = error(outside, 2, 5);
    assert!(
        matches!(outside, LinearError::Data(DataError::LabelOutOfRange { row: 3, label: 2, n_classes: 2 })),
        "{outside}"
    );
    let empty = Features::from_dense(Vec::new(), 2).unwrap();
    assert!(Trainer::new(empty, Vec::new(), 2, TrainOptions::default()).is_err());
}

#[test]
fn a_class_without_rows_is_never_predicted() {
    let Data(features, labels, _) = clusters(60, 2, 2, 10);
    let labels = labels.iter().map(|label| 2 * label).collect();
    let data = Data(features, labels, 3);
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let trained = train_quickly(&data, kind, 2, 0);
        assert!(trained.classifier.predict(&data.0).unwrap().iter().all(|&class| class != 1), "{kind}");
    }
}

#[test]
fn refuses_unknown_names_and_features_of_another_width() {
    let error = loss_named("cross entropy").unwrap_err();
    assert!(matches!(&error, LinearError::UnknownLoss { name } if name == "cross entropy"));
    assert!(LossKind::FOR_ACCURACY.iter().all(|kind| error.to_string().contains(kind.name())), "{error}");
    for name in ["Auto", "focal", "top-k"] {
        assert!(matches!(name.parse::<LossChoice>(), Err(LinearError::UnknownLoss { .. })), "{name}");
    }
    for solver in [Solver::Lbfgs, Solver::Sgd] {
        let focal = train(&clusters(40, 2, 2, 11), LossChoice::Kind(LossKind::Focal), options(2, 0, solver));
        assert!(matches!(focal, Err(LinearError::UnknownLoss { name }) if name == "focal"));
    }
    assert!(matches!("adam".parse::<Solver>(), Err(LinearError::UnknownSolver { name }) if name == "adam"));
    for kind in LossKind::FOR_ACCURACY {
        assert_eq!(kind.name().parse::<LossChoice>().unwrap(), LossChoice::Kind(kind));
    }
    for solver in [Solver::Auto, Solver::Lbfgs, Solver::Sgd] {
        assert_eq!(solver.to_string().parse::<Solver>().unwrap(), solver);
    }

    let classifier = train_quickly(&clusters(40, 2, 2, 11), LossKind::CrossEntropy, 2, 0).classifier;
    for width in [1, 3] {
        let features = Features::from_dense(vec![0.0; 2 * width], width).unwrap();
        let refused = |error| matches!(error, LinearError::Columns { found, expected: 2 } if found == width);
        assert!(refused(classifier.logits(&features).unwrap_err()));
        assert!(refused(classifier.predict(&features).unwrap_err()));
        assert!(refused(classifier.probabilities(&features).unwrap_err()));
    }
    let none = Features::from_dense(Vec::new(), 2).unwrap();
    assert!(classifier.probabilities(&none).unwrap().is_empty());
}

#[test]
fn progress_counts_every_setting_and_fold_once() {
    let seen = std::sync::Mutex::new(Vec::new());
    let trainer = trainer(clusters(40, 2, 2, 12), options(2, 0, Solver::Auto)).unwrap();
    let report = |progress: Progress| {
        seen.lock().unwrap().push(progress);
        ControlFlow::Continue(())
    };
    trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &report).unwrap();
    let mut done: Vec<usize> = seen.lock().unwrap().iter().map(|progress| progress.done).collect();
    done.sort_unstable();
    done.dedup();
    // Passes of at most 200 steps, with five strengths on two folds and on all rows; those that are not
    // needed count as done.
    assert!(done[0] <= 1 && done.len() > 15, "{done:?}");
    assert_eq!(done.last(), Some(&3000));
    assert!(seen.lock().unwrap().iter().all(|p| p.total == 3000 && p.stage == "cross-entropy"));
    // The result is kept: nothing is done twice.
    let calls = seen.lock().unwrap().len();
    trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &report).unwrap();
    assert_eq!(seen.lock().unwrap().len(), calls);
}

#[test]
fn a_callback_that_breaks_stops_training_within_one_evaluation() {
    let data = clusters(300, 3, 3, 14);
    for solver in [Solver::Lbfgs, Solver::Sgd] {
        let trainer = trainer(data.clone(), options(2, 0, solver)).unwrap();
        // At once, in the cross-entropy path, and in the middle of the grid.
        for limit in [0, 3, 200] {
            let calls = AtomicUsize::new(0);
            let stop = |_| {
                let call = calls.fetch_add(1, Ordering::Relaxed);
                if call >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let stopped = trainer.train(LossChoice::Kind(LossKind::Hinge), &stop);
            assert!(matches!(stopped, Err(LinearError::Interrupted)), "{solver} {limit}");
            // Nobody asks again, but for threads that were asking at the same time.
            let calls = calls.load(Ordering::Relaxed);
            assert!(calls <= limit + rayon::current_num_threads(), "{solver}: {calls} calls");
        }
    }
    // What a stop leaves undone can be done afterwards.
    let trainer = trainer(data.clone(), options(2, 0, Solver::Lbfgs)).unwrap();
    let loss = LossChoice::Kind(LossKind::CrossEntropy);
    assert!(trainer.train(loss, &|_| ControlFlow::Break(())).is_err());
    let whole = trainer.train(loss, &Progress::ignore).unwrap();
    assert_eq!(bits(&whole), bits(&train_quickly(&data, LossKind::CrossEntropy, 2, 0)));
}

#[test]
fn folds_that_are_given_are_used_as_they_are() {
    let Data(features, labels, n_classes) = clusters(90, 3, 3, 5);
    let kind = LossChoice::Kind(LossKind::Hinge);
    let options = options(3, 7, Solver::Lbfgs);
    let drawn = train(&Data(features.clone(), labels.clone(), n_classes), kind, options.clone()).unwrap();
    let folds: Vec<Split> = stratified_folds(&labels, n_classes, 3, 7)
        .unwrap()
        .into_iter()
        .map(|test| Split { train: (0..90).filter(|row| !test.contains(row)).collect(), test })
        .collect();
    let with_folds = |folds: &[Split]| {
        let data = Dataset::new(features.clone(), labels.clone(), n_classes, None).unwrap();
        Trainer::with_folds(data, folds, options.clone())?.train(kind, &Progress::ignore)
    };
    let given = with_folds(&folds).unwrap();
    assert_eq!(bits(&given), bits(&drawn));
    assert_eq!(given.path, drawn.path);
    let one = with_folds(&folds[..1]).unwrap();
    assert_eq!(one.cv.folds, given.path[best(&one)].validation_scores[..1]);
    let problem = |train: &[usize], test: &[usize]| {
        let fold = Split { train: train.to_vec(), test: test.to_vec() };
        with_folds(&[folds[0].clone(), fold]).unwrap_err().to_string()
    };
    assert_eq!(problem(&[], &[1]), "fold 1 of the cross-validation has no rows to train on");
    assert_eq!(problem(&[1], &[]), "fold 1 of the cross-validation has no rows to validate on");
    assert!(problem(&[0, 1], &[90]).contains("the row 90, of 90 rows"));
    assert!(with_folds(&[]).is_err());
}

/// The place on the path of the setting that was chosen.
fn best(trained: &Trained) -> usize {
    let chosen = |point: &PathPoint| point.loss == trained.loss && point.settings == trained.selected;
    trained.path.iter().position(chosen).unwrap()
}

#[test]
fn the_path_has_every_setting_and_the_scores_of_the_chosen_one() {
    let data = clusters(120, 3, 3, 6);
    let trained = train(&data, LossChoice::Auto, options(3, 0, Solver::Lbfgs)).unwrap();
    // Five strengths for cross-entropy; for each of them seven sigmas and two margins. What lies beyond is
    // tried where the best is at an end.
    let points = &trained.path;
    let of = |kind| points.iter().filter(move |point| point.loss == kind);
    assert!(of(LossKind::CrossEntropy).count() >= 5 && of(LossKind::Exact).count() >= 5 * 7 * 2);
    for (at, point) in points.iter().enumerate() {
        let same = |other: &&PathPoint| (other.loss, other.settings) == (point.loss, point.settings);
        assert!(!points[..at].iter().any(|other| same(&other)), "{point:?} twice");
    }
    let chosen = &trained.path[best(&trained)];
    assert_eq!(chosen.validation_scores, trained.cv.folds);
    assert_eq!(chosen.train_scores.len(), 3);
    assert!(trained.iterations > 0);
    let mean = |point: &PathPoint| point.validation_scores.iter().sum::<f64>() / 3.0;
    let rivals = trained.path.iter().filter(|point| point.loss == trained.loss);
    assert!(rivals.map(mean).all(|score| score <= trained.cv.mean + 1e-9));
}

#[test]
fn the_nested_score_has_no_share_of_the_luck_of_selection() {
    // Nothing can be learned: the best of many settings is above chance on the folds that chose it, and what
    // the other folds choose is not.
    let (mut chosen, mut nested) = (0.0, 0.0);
    for seed in 0..12 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let x: Vec<f64> = (0..60 * 4).map(|_| random.random::<f64>()).collect();
        let labels = (0..60).map(|row| row % 2).collect();
        let features = Features::from_dense(x, 4).unwrap();
        let trainer = Trainer::new(features, labels, 2, options(5, seed, Solver::Lbfgs)).unwrap();
        let cv = trainer.train(LossChoice::Kind(LossKind::Exact), &Progress::ignore).unwrap().cv;
        chosen += cv.mean / 12.0;
        nested += cv.nested.unwrap() / 12.0;
    }
    assert!(chosen > 0.54 && (nested - 0.5).abs() < 0.04, "{chosen} {nested}");
}

#[test]
fn large_data_try_a_coarse_grid_and_what_lies_next_to_the_best() {
    let data = clusters(1500, 3, 3, 6);
    let trained = train(&data, LossChoice::Kind(LossKind::Exact), options(5, 0, Solver::Lbfgs)).unwrap();
    let of = |scores: usize| trained.path.iter().filter(move |point| point.validation_scores.len() == scores);
    // Three strengths, four sigmas, two margins.
    assert!((24..70).contains(&trained.path.len()), "{}", trained.path.len());
    assert!(of(1).count() > 0 && of(5).count() >= 6);
    let chosen = &trained.path[best(&trained)];
    let near = |point: &&PathPoint| {
        point.settings.l2 == chosen.settings.l2 && point.settings.margin == chosen.settings.margin
    };
    assert!(trained.path.iter().filter(near).count() >= 3);
}

#[test]
fn every_setting_of_the_path_has_a_trial_where_fits_are_expensive() {
    // 2000 rows of 130 classes are more than 250,000 logits.
    let data = clusters(3000, 2, 130, 6);
    let trained = train(&data, LossChoice::Kind(LossKind::Hinge), options(3, 0, Solver::Lbfgs)).unwrap();
    // Three strengths and two margins, and what lies next to the best.
    assert!(trained.path.len() > 6, "{}", trained.path.len());
    assert!(trained.path.iter().all(|point| !point.validation_scores.is_empty()));
}

#[test]
fn zeros_of_dense_rows_make_no_difference() {
    // Three indicators of twenty in each row, one of them of the class.
    let (n_rows, n_columns) = (150, 20);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for n_classes in [2, 3] {
        let labels: Vec<u32> = (0..n_rows).map(|row| (row % n_classes) as u32).collect();
        let mut values = vec![0.0; n_rows * n_columns];
        let (mut indices, mut indptr) = (Vec::new(), vec![0_i64]);
        for (row, values) in values.chunks_exact_mut(n_columns).enumerate() {
            let own = row % n_classes;
            for column in [own, 3 + random.random_range(0..8), 11 + random.random_range(0..9)] {
                let kept = column >= 3 || random.random::<f64>() < 0.7;
                values[column] = if kept { 1.0 } else { 0.0 };
            }
            let columns = (0_i64..).zip(&*values).filter(|(_, value)| **value != 0.0);
            indices.extend(columns.map(|(column, _)| column));
            indptr.push(i64::try_from(indices.len()).unwrap());
        }
        let stored = vec![1.0; indices.len()];
        let train = |inputs: Inputs<'static>| {
            let data = Dataset::new(inputs, labels.clone(), n_classes, None).unwrap();
            let trainer = Trainer::on(data, options(3, 0, Solver::Lbfgs)).unwrap();
            trainer.train(LossChoice::Kind(LossKind::Exact), &Progress::ignore).unwrap()
        };
        let dense = train(DenseMatrix::new(values, n_columns).unwrap().into());
        let sparse = train(CsrMatrix::new(indptr, indices, stored, n_columns).unwrap().into());
        assert_eq!(dense.path, sparse.path);
        assert_eq!(dense.selected, sparse.selected);
    }
}
