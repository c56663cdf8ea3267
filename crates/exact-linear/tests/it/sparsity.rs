//! L1 penalties: their optimum, the columns they leave out, and selection among more columns than rows.

use exact_core::loss::LossError;
use exact_data::DenseMatrix;
use exact_linear::{
    Dataset, FeatureChoice, FeatureKind, FitOptions, LinearClassifier, LinearError, LossChoice, LossKind,
    LossSettings, Progress, RandomScores, Settings, TrainOptions, Trained, Trainer,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SIGNALS: usize = 3;

/// Columns of noise after three whose sum says the class.
struct Table {
    x: Vec<f64>,
    labels: Vec<u32>,
    n_columns: usize,
    n_classes: usize,
}

impl Table {
    fn new(n_rows: usize, n_noise: usize, n_classes: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let n_columns = SIGNALS + n_noise;
        let x: Vec<f64> = (0..n_rows * n_columns)
            .map(|_| (0..6).map(|_| random.random::<f64>() - 0.5).sum::<f64>() * 2.0_f64.sqrt())
            .collect();
        let class = |row: &[f64]| {
            let score: f64 = row[..SIGNALS].iter().sum();
            match (n_classes, score) {
                (2, score) => u32::from(score > 0.0),
                (_, ..-0.7) => 0,
                (_, ..0.7) => 1,
                _ => 2,
            }
        };
        Self { labels: x.chunks_exact(n_columns).map(class).collect(), x, n_columns, n_classes }
    }

    fn rows(&self) -> DenseMatrix<'_> {
        DenseMatrix::new(self.x.as_slice(), self.n_columns).unwrap()
    }

    fn dataset(&self) -> Dataset<'_> {
        Dataset::new(self.rows(), self.labels.clone(), self.n_classes, None).unwrap()
    }

    fn fit(&self, settings: &Settings) -> LinearClassifier {
        LinearClassifier::fit(&self.dataset(), settings, &FitOptions::default()).unwrap().classifier
    }

    fn train(&self, kind: LossKind) -> Trained {
        let trainer = Trainer::on(self.dataset(), TrainOptions::default()).unwrap();
        trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap()
    }

    fn accuracy(&self, classifier: &LinearClassifier) -> f64 {
        let predictions = classifier.predict(&self.rows()).unwrap();
        let correct = predictions.iter().zip(&self.labels).filter(|(a, b)| a == b).count();
        correct as f64 / self.labels.len() as f64
    }

    /// The columns that have a weight.
    fn columns(&self, classifier: &LinearClassifier) -> Vec<usize> {
        let coefficients = classifier.coefficients();
        let kept =
            |&column: &usize| coefficients.iter().skip(column).step_by(self.n_columns).any(|&w| w != 0.0);
        (0..self.n_columns).filter(kept).collect()
    }
}

fn cross_entropy(l1: f64) -> Settings {
    Settings::new(LossSettings::default(), 0.0).with_l1(l1)
}

#[test]
fn selection_finds_the_columns_that_tell_the_class_among_many_that_do_not() {
    let (train, test) = (Table::new(400, 300, 2, 1), Table::new(1000, 300, 2, 2));
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let trained = train.train(kind);
        let (accuracy, columns) = (test.accuracy(&trained.classifier), train.columns(&trained.classifier));
        assert!(accuracy > 0.92 && trained.cv.mean > 0.92, "{kind}: {accuracy} {:?}", trained.cv);
        assert!(trained.selected.l1.is_some_and(|l1| l1 > 0.0), "{:?}", trained.selected);
        assert!(columns.starts_with(&[0, 1, 2]) && columns.len() < 30, "{kind}: {columns:?}");
        // What is stored is what was trained.
        let stored = trained.classifier.to_bytes().unwrap();
        assert_eq!(LinearClassifier::from_bytes("sparse", &stored).unwrap(), trained.classifier);
        let best =
            trained.path.iter().filter(|point| point.settings.l1.is_none()).map(|point| {
                point.validation_scores.iter().sum::<f64>() / point.validation_scores.len() as f64
            });
        assert!(best.fold(0.0, f64::max) < 0.85, "{kind} with the L2 penalty alone");
    }
    for l2 in [1e-1, 1e-2, 1e-3] {
        let ridge = train.fit(&Settings::new(LossSettings::default(), l2));
        assert!(test.accuracy(&ridge) < 0.8, "l2 {l2}: {}", test.accuracy(&ridge));
    }
}

/// The penalties are compared on all folds, though of many rows those that trail on the first are not tried
/// on the others.
#[test]
fn columns_are_left_out_where_settings_race_too() {
    let train = Table::new(1300, 400, 2, 11);
    let trained = train.train(LossKind::CrossEntropy);
    assert!(trained.selected.l1.is_some_and(|l1| l1 > 0.0), "{:?}", trained.selected);
    assert!(train.columns(&trained.classifier).len() < 60, "{:?}", trained.selected);
}

#[test]
fn a_path_of_sparse_solutions_does_not_depend_on_the_number_of_threads() {
    let table = Table::new(120, 60, 2, 8);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let trained = table.train(LossKind::CrossEntropy);
            (trained.classifier, trained.selected, trained.path)
        })
    };
    let (one, three) = (run(1), run(3));
    assert!(one.1.l1.is_some() && one == three);
}

/// Whatever the table, what is chosen is the best of all that was tried, and next to it nothing is missing.
#[test]
fn the_grid_goes_on_where_the_best_lies_at_an_end() {
    // Columns of noise alone, so that no penalty is too strong.
    let noise = Table::new(200, 10, 2, 9);
    let labels = Table::new(200, 0, 2, 10).labels;
    let x: Vec<f64> = noise.x.chunks_exact(13).flat_map(|row| row[3..].iter().copied()).collect();
    let rows = DenseMatrix::new(x, 10).unwrap();
    let data = Dataset::new(rows, labels, 2, None).unwrap();
    let trainer = Trainer::on(data, TrainOptions::default()).unwrap();
    let trained = trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &Progress::ignore).unwrap();
    let mut tried: Vec<f64> = trained.path.iter().map(|point| point.settings.l2).collect();
    tried.sort_by(f64::total_cmp);
    let place = tried.iter().position(|&l2| l2 == trained.selected.l2).unwrap();
    assert!(tried.len() > 5 && place > 0 && place + 1 < tried.len(), "{tried:?} {:?}", trained.selected);
}

#[test]
fn features_are_chosen_by_what_an_l1_penalty_makes_of_them() {
    let table = Table::new(200, 150, 2, 11);
    let options = TrainOptions::default().with_folds(3).with_features(FeatureChoice::Auto);
    let trainer = Trainer::on(table.dataset(), options).unwrap();
    let trained = trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &Progress::ignore).unwrap();
    assert!(
        trained.selected.l1.is_some() && trained.cv.mean > 0.9,
        "{:?} {:?}",
        trained.selected,
        trained.cv
    );
    let ridge = trained.path.iter().filter(|point| point.settings.l1.is_none());
    let ridge = ridge.map(|point| point.validation_scores.iter().sum::<f64>() / 3.0).fold(0.0, f64::max);
    assert!(ridge < 0.85, "{ridge}");
    let scores = &trained.feature_scores;
    let sparse = scores.iter().filter(|it| matches!(it.kind, FeatureKind::Linear | FeatureKind::Splines));
    assert!(scores.len() > 3 && sparse.clone().count() == 2, "{scores:?}");
    assert!(sparse.clone().all(|features| features.score > 0.85), "{scores:?}");
}

#[test]
fn few_columns_are_chosen_for_without_an_l1_penalty() {
    let trained = Table::new(200, 2, 2, 3).train(LossKind::CrossEntropy);
    assert!(trained.path.iter().all(|point| point.settings.l1.is_none()));
}

#[test]
fn a_stronger_penalty_leaves_out_more_columns_until_none_is_left() {
    for n_classes in [2, 3] {
        let table = Table::new(200, 20, n_classes, 4);
        let counts: Vec<usize> = [1e-3, 1e-2, 3e-2, 1e-1, 1.0]
            .map(|l1| table.columns(&table.fit(&cross_entropy(l1))).len())
            .into();
        assert!(counts.windows(2).all(|pair| pair[0] >= pair[1]), "{counts:?}");
        assert_eq!((counts[0] > 15, counts[4]), (true, 0), "{counts:?}");
        let elastic = Settings::new(LossSettings::default(), 1.0).with_l1(3e-2);
        let (lasso, elastic) = (table.fit(&cross_entropy(3e-2)), table.fit(&elastic));
        let norm = |classifier: &LinearClassifier| -> f64 {
            classifier.coefficients().iter().map(|weight| weight * weight).sum()
        };
        assert!(norm(&elastic) < 0.5 * norm(&lasso), "{} {}", norm(&elastic), norm(&lasso));
    }
}

/// At the optimum, the slope of the mean loss along the weight of one logit is the penalty's, and no larger
/// where the weight is 0. (Of two classes, which have opposite weights; columns here have their own units.)
#[test]
fn the_optimum_meets_its_conditions() {
    let table = Table::new(300, 12, 2, 5);
    let l1 = 0.02;
    let classifier = table.fit(&cross_entropy(l1));
    let probabilities = classifier.probabilities(&table.rows()).unwrap();
    let coefficients = classifier.coefficients();
    let n = table.labels.len() as f64;
    for column in 0..table.n_columns {
        let values = || table.x.iter().skip(column).step_by(table.n_columns);
        let mean = values().sum::<f64>() / n;
        let std = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        let slope: f64 = values()
            .zip(&table.labels)
            .enumerate()
            .map(|(row, (value, &label))| {
                (value - mean) / std * (probabilities[2 * row + 1] - f64::from(label))
            })
            .sum::<f64>()
            / n;
        let weight = coefficients[table.n_columns + column];
        if weight == 0.0 {
            assert!(slope.abs() <= l1 + 1e-4, "column {column}: {slope}");
        } else {
            assert!((slope + l1 * weight.signum()).abs() < 1e-3, "column {column}: {slope} {weight}");
        }
    }
}

#[test]
fn every_loss_leaves_out_columns() {
    let table = Table::new(200, 30, 3, 6);
    let start = Settings::new(LossSettings::default(), 1e-3).with_l1(5e-2);
    let kept = table.columns(&table.fit(&start));
    for loss in [
        LossSettings::Exact(RandomScores::constant(0.3)),
        LossSettings::Sigmoid { temperature: 0.5 },
        LossSettings::Probit(RandomScores::constant(1.0)),
        LossSettings::Poly1 { epsilon: 1.0 },
        LossSettings::Hinge { margin: 1.0 },
    ] {
        let kind = loss.kind();
        let settings = Settings::new(loss, 1e-3).with_l1(5e-2);
        let columns = table.columns(&table.fit(&settings));
        // The kinks of the hinge cut its training short.
        let most = if kind == LossKind::Hinge { 25 } else { 15 };
        assert!(columns.starts_with(&[0, 1, 2]) && columns.len() < most, "{kind}: {columns:?}");
        if matches!(kind, LossKind::Exact | LossKind::Sigmoid) {
            assert!(columns.iter().all(|column| kept.contains(column)), "{kind}: {columns:?} {kept:?}");
        }
    }
}

#[test]
fn strengths_that_are_no_strengths_are_refused() {
    let table = Table::new(30, 0, 2, 7);
    for l1 in [-1.0, f64::NAN, f64::INFINITY] {
        let fitted = LinearClassifier::fit(&table.dataset(), &cross_entropy(l1), &FitOptions::default());
        let error = fitted.unwrap_err();
        assert!(matches!(error, LinearError::Loss(LossError::Setting { name: "l1", .. })), "{error}");
    }
}
