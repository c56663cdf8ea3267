//! Group penalties: their optimum, and the columns of a table that they leave out whole.

use exact_core::loss::LossError;
use exact_data::{DenseMatrix, Features, Layout};
use exact_linear::{
    Dataset, FeatureChoice, FeatureKind, FitOptions, LinearClassifier, LinearError, LossChoice, LossKind,
    LossSettings, Progress, RandomScores, Settings, TrainOptions, Trained, Trainer,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CATEGORIES: usize = 6;
/// What each category of the three columns that say the class adds to its score.
const EFFECTS: [[f64; CATEGORIES]; 3] =
    [[1.0, -1.0, 0.6, -0.6, 0.9, -0.9], [-0.8, 1.1, -1.1, 0.8, -0.5, 0.5], [0.7, 0.7, -0.7, -0.7, 1.2, -1.2]];

/// Columns of categories, of which the first three say the class.
struct Table {
    codes: Vec<u32>,
    labels: Vec<u32>,
    n_columns: usize,
    n_classes: usize,
}

impl Table {
    fn new(n_rows: usize, n_columns: usize, n_classes: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let codes: Vec<u32> =
            (0..n_rows * n_columns).map(|_| random.random_range(0..CATEGORIES as u32)).collect();
        let class = |row: &[u32]| {
            let score: f64 = row.iter().zip(EFFECTS).map(|(&code, effects)| effects[code as usize]).sum();
            match (n_classes, score + 0.4 * (random.random::<f64>() - 0.5)) {
                (2, score) => u32::from(score > 0.0),
                (_, ..-0.6) => 0,
                (_, ..0.6) => 1,
                _ => 2,
            }
        };
        let labels = codes.chunks_exact(n_columns).map(class).collect();
        Self { codes, labels, n_columns, n_classes }
    }

    fn features(&self) -> Features {
        let n_indicators = self.n_columns * CATEGORIES;
        let share = 1.0 / CATEGORIES as f64;
        let layout = Layout {
            n_dense: 0,
            block_offsets: (0..=self.n_columns).map(|column| column * CATEGORIES).collect(),
            indicator_mean: vec![share; n_indicators],
            indicator_std: vec![(share * (1.0 - share)).sqrt(); n_indicators],
            ..Layout::dense(0)
        };
        Features::new(self.labels.len(), Vec::new(), self.codes.clone(), layout).unwrap()
    }

    fn dataset(&self) -> Dataset<'static> {
        Dataset::new(self.features(), self.labels.clone(), self.n_classes, None).unwrap()
    }

    fn fit(&self, settings: &Settings) -> LinearClassifier {
        LinearClassifier::fit(&self.dataset(), settings, &FitOptions::default()).unwrap().classifier
    }

    fn accuracy(&self, classifier: &LinearClassifier) -> f64 {
        let predictions = classifier.predict(&self.features()).unwrap();
        let correct = predictions.iter().zip(&self.labels).filter(|(a, b)| a == b).count();
        correct as f64 / self.labels.len() as f64
    }

    /// How many indicators of each column have a weight.
    fn kept(&self, classifier: &LinearClassifier) -> Vec<usize> {
        let (coefficients, n) = (classifier.coefficients(), self.n_columns * CATEGORIES);
        let has_weight = |at: &usize| coefficients.iter().skip(*at).step_by(n).any(|&weight| weight != 0.0);
        let of_column = |column| (column * CATEGORIES..(column + 1) * CATEGORIES).filter(has_weight).count();
        (0..self.n_columns).map(of_column).collect()
    }

    fn assert_whole(&self, classifier: &LinearClassifier, most: usize) {
        let kept = self.kept(classifier);
        assert!(kept.iter().all(|&n| n == 0 || n == CATEGORIES), "{kept:?}");
        assert!(kept.starts_with(&[CATEGORIES; 3]), "{kept:?}");
        assert!(kept.iter().filter(|&&n| n > 0).count() <= most, "{kept:?}");
    }
}

fn penalised(group_l1: f64) -> Settings {
    Settings::new(LossSettings::default(), 1e-3).with_group_l1(group_l1)
}

fn train(data: Dataset<'_>, kind: LossKind, features: FeatureKind) -> Trained {
    let options = TrainOptions::default().with_features(FeatureChoice::Kind(features));
    let trainer = Trainer::on(data, options).unwrap();
    trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap()
}

#[test]
fn columns_of_noise_are_left_out_whole_and_others_kept_whole() {
    for n_classes in [2, 3] {
        let table = Table::new(300, 60, n_classes, 1);
        table.assert_whole(&table.fit(&penalised(0.04)), 20);
        // The L1 penalty leaves out single categories.
        let l1 = table.kept(&table.fit(&Settings::new(LossSettings::default(), 1e-3).with_l1(0.02)));
        assert!(l1.iter().any(|&n| n > 0 && n < CATEGORIES), "{l1:?}");
    }
}

#[test]
fn a_stronger_penalty_leaves_out_more_columns_until_none_is_left() {
    let table = Table::new(300, 20, 3, 2);
    let kept = |group_l1| table.kept(&table.fit(&penalised(group_l1))).iter().filter(|&&n| n > 0).count();
    let counts = [1e-4, 1e-2, 4e-2, 1.0].map(kept);
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    assert_eq!((counts[0], counts[3]), (20, 0), "{counts:?}");
}

#[test]
fn selection_finds_the_columns_that_tell_the_class() {
    let (table, test) = (Table::new(300, 60, 2, 3), Table::new(2000, 60, 2, 4));
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let trained = train(table.dataset(), kind, FeatureKind::Linear);
        assert!(
            trained.selected.group_l1.is_some() && trained.selected.l1.is_none(),
            "{:?}",
            trained.selected
        );
        table.assert_whole(&trained.classifier, 30);
        let accuracy = test.accuracy(&trained.classifier);
        for l2 in [1e-1, 1e-2, 1e-3] {
            let ridge = test.accuracy(&table.fit(&Settings::new(LossSettings::default(), l2)));
            assert!(accuracy > ridge + 0.05, "{kind}: {accuracy} against {ridge} with l2 {l2}");
        }
    }
}

/// A column is in with its line and its curve, or out with both.
#[test]
fn curves_are_left_out_with_their_columns() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let x: Vec<f64> = (0..200 * 40).map(|_| random.random::<f64>() * 2.0 - 1.0).collect();
    let labels = x.chunks_exact(40).map(|row| u32::from(row[0].abs() + row[1].abs() > 1.0)).collect();
    let rows = DenseMatrix::new(x, 40).unwrap();
    let data = Dataset::new(rows.clone(), labels, 2, None).unwrap();
    let trained = train(data, LossKind::CrossEntropy, FeatureKind::Splines);
    assert!(trained.selected.group_l1.is_some(), "{:?}", trained.selected);
    let functions = trained.classifier.shape_functions(&rows, 40).unwrap();
    let columns: Vec<usize> = functions.iter().map(|function| function.column).collect();
    assert!(columns.len() < 25 && columns.contains(&0) && columns.contains(&1), "{columns:?}");
}

#[test]
fn with_two_classes_and_single_columns_the_optimum_is_that_of_the_l1_penalty() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let x: Vec<f64> = (0..200 * 10).map(|_| random.random::<f64>()).collect();
    let labels = x.chunks_exact(10).map(|row| u32::from(row[0] + 0.5 * row[1] > 0.8)).collect();
    let data = Dataset::new(DenseMatrix::new(x, 10).unwrap(), labels, 2, None).unwrap();
    let plain = || Settings::new(LossSettings::default(), 1e-3);
    let [lasso, grouped] = [plain().with_l1(0.02), plain().with_group_l1(0.02 * 2.0_f64.sqrt())]
        .map(|settings| LinearClassifier::fit(&data, &settings, &FitOptions::default()).unwrap().classifier);
    let (lasso, grouped) = (lasso.coefficients(), grouped.coefficients());
    let zeros = |weights: &[f64]| weights.iter().map(|&weight| weight == 0.0).collect::<Vec<_>>();
    assert_eq!(zeros(&lasso), zeros(&grouped));
    assert!(lasso.iter().zip(&grouped).all(|(a, b)| (a - b).abs() < 2e-2), "{lasso:?} {grouped:?}");
}

#[test]
fn other_losses_keep_the_columns_of_cross_entropy() {
    let table = Table::new(300, 30, 3, 7);
    let columns = table.kept(&table.fit(&penalised(0.04)));
    for loss in [LossSettings::Exact(RandomScores::constant(0.3)), LossSettings::Sigmoid { temperature: 0.5 }]
    {
        let settings = Settings::new(loss, 1e-3).with_group_l1(0.04);
        assert_eq!(table.kept(&table.fit(&settings)), columns);
    }
    let probit = Settings::new(LossSettings::Probit(RandomScores::constant(1.0)), 1e-3).with_group_l1(0.04);
    table.assert_whole(&table.fit(&probit), 20);
}

#[test]
fn a_path_does_not_depend_on_the_number_of_threads() {
    let table = Table::new(150, 20, 2, 8);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let trained = train(table.dataset(), LossKind::CrossEntropy, FeatureKind::Linear);
            (trained.classifier, trained.selected, trained.path)
        })
    };
    let (one, three) = (run(1), run(3));
    assert!(one.1.group_l1.is_some() && one == three);
}

#[test]
fn strengths_that_are_no_strengths_are_refused() {
    let table = Table::new(30, 3, 2, 9);
    let refused =
        [penalised(-1.0), penalised(f64::NAN), penalised(f64::INFINITY), penalised(0.1).with_l1(0.1)];
    for settings in refused {
        let fitted = LinearClassifier::fit(&table.dataset(), &settings, &FitOptions::default());
        let error = fitted.unwrap_err();
        assert!(matches!(error, LinearError::Loss(LossError::Setting { name: "group_l1", .. })), "{error}");
    }
}
