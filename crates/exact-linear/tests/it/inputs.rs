//! Training on matrices as users have them, with and without sample weights.

use exact_core::loss::LossError;
use exact_data::{CsrMatrix, DenseMatrix, Features};
use exact_linear::{
    Dataset, FitOptions, Inputs, LinearClassifier, LinearError, LossChoice, LossKind, LossSettings, Metric,
    Progress, RandomScores, Settings, Solver, TrainOptions, Trained, Trainer, balanced_weights,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 700;
const COLUMNS: usize = 6;
const TOLERANCE: f64 = 1e-9;

/// Single-precision numbers of different scales, half of them 0, one column constant; labels that depend on
/// them.
fn numbers(n_classes: usize) -> (Vec<f32>, Vec<u32>) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut x = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..ROWS {
        let mut sum = 0.0;
        for column in 0..COLUMNS {
            let draw = 2.0 * random.random::<f32>() - 0.7;
            let value = if random.random::<f32>() < 0.5 { 0.0 } else { draw };
            sum += if column < 3 { value } else { -0.5 * value };
            x.push(if column == 4 { 2.5 } else { value * [1.0, 30.0, 0.01, 1.0, 1.0, 5.0][column] });
        }
        let noise = 1.2 * (random.random::<f32>() + random.random::<f32>() - 1.0);
        labels
            .push((f64::from(sum + noise + 1.0) * 0.5 * n_classes as f64).clamp(0.0, n_classes as f64 - 1.0)
                as u32);
    }
    (x, labels)
}

fn double(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn sparse(x: &[f32]) -> CsrMatrix<'static> {
    let (mut indptr, mut indices, mut values) = (vec![0_i32], Vec::new(), Vec::new());
    for row in x.chunks(COLUMNS) {
        for (column, &value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            indices.push(i64::try_from(column).unwrap());
            values.push(value);
        }
        indptr.push(i32::try_from(values.len()).unwrap());
    }
    CsrMatrix::new(indptr, indices, values, COLUMNS).unwrap()
}

/// Standardised by hand; a constant column becomes zeros.
fn standardised(x: &[f32]) -> (Features, Vec<f64>, Vec<f64>) {
    let mut x = double(x);
    let n = (x.len() / COLUMNS) as f64;
    let (mut means, mut stds) = (Vec::new(), Vec::new());
    for column in 0..COLUMNS {
        let values = || x.iter().skip(column).step_by(COLUMNS);
        let mean = values().sum::<f64>() / n;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        let std = if variance.sqrt() > 1e-9 { variance.sqrt() } else { 1.0 };
        x.iter_mut().skip(column).step_by(COLUMNS).for_each(|value| *value = (*value - mean) / std);
        means.push(mean);
        stds.push(std);
    }
    (Features::from_dense(x, COLUMNS).unwrap(), means, stds)
}

fn options(solver: Solver) -> TrainOptions {
    TrainOptions::default().with_folds(2).with_solver(solver)
}

fn train(data: Dataset<'_>, kind: LossKind) -> Trained {
    let trainer = Trainer::on(data, options(Solver::Lbfgs)).unwrap();
    trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap()
}

fn assert_near(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() < tolerance * a.abs().max(1.0), "{what} {i}: {a} {b}");
    }
}

#[test]
fn the_same_numbers_give_the_same_classifier_in_every_form() {
    for n_classes in [2, 3] {
        let (x, labels) = numbers(n_classes);
        let wide = double(&x);
        // The settings of EXACT are given: the way to a minimum that is not the only one would follow the
        // rounding of the sums, which each form has its own order of.
        for settings in [None, Some(Settings::new(LossSettings::Exact(RandomScores::constant(0.3)), 1e-3))] {
            let run = |inputs: Inputs<'_>| {
                let data = Dataset::new(inputs, labels.clone(), n_classes, None).unwrap();
                if let Some(settings) = &settings {
                    return (
                        LinearClassifier::fit(&data, settings, &FitOptions::default()).unwrap().classifier,
                        None,
                    );
                }
                let trained = train(data, LossKind::CrossEntropy);
                (trained.classifier, Some(trained.cv))
            };
            let (dense, cv) = run(DenseMatrix::new(wide.as_slice(), COLUMNS).unwrap().into());
            let logits = dense.logits(&DenseMatrix::new(wide.as_slice(), COLUMNS).unwrap()).unwrap();
            let single = DenseMatrix::new(x.as_slice(), COLUMNS).unwrap();
            for inputs in [Inputs::from(single), Inputs::from(sparse(&x))] {
                let (other, other_cv) = run(inputs.clone());
                assert_near(&dense.coefficients(), &other.coefficients(), TOLERANCE, "coefficient");
                assert_near(&dense.intercepts(), &other.intercepts(), TOLERANCE, "intercept");
                assert_near(&logits, &other.logits(&inputs).unwrap(), TOLERANCE, "logit");
                assert_eq!(cv, other_cv);
            }
            // The constant column has no weight, and coefficients are in original units.
            let (coefficients, intercepts) = (dense.coefficients(), dense.intercepts());
            assert!(coefficients.chunks(COLUMNS).all(|class| class[4] == 0.0));
            for (x, logits) in wide.chunks(COLUMNS).zip(logits.chunks(n_classes)).take(20) {
                for class in 0..n_classes {
                    let row = &coefficients[class * COLUMNS..][..COLUMNS];
                    let dot: f64 = row.iter().zip(x).map(|(a, b)| a * b).sum();
                    assert!((dot + intercepts[class] - logits[class]).abs() < 1e-12);
                }
            }
        }
    }
}

#[test]
fn a_matrix_is_trained_on_as_if_it_had_been_standardised() {
    let (x, labels) = numbers(3);
    let (features, means, stds) = standardised(&x);
    let matrix = DenseMatrix::new(x.as_slice(), COLUMNS).unwrap();
    assert!(means.iter().any(|mean| mean.abs() > 1.0), "there is something to fold");
    for loss in [LossSettings::default(), LossSettings::Exact(RandomScores::constant(0.3))] {
        let settings = Settings::new(loss, 1e-3);
        let [by_hand, implicit] =
            [Inputs::from(features.clone()), Inputs::from(matrix.clone())].map(|inputs| {
                let data = Dataset::new(inputs, labels.clone(), 3, None).unwrap();
                LinearClassifier::fit(&data, &settings, &FitOptions::default()).unwrap()
            });
        assert_eq!(by_hand.iterations, implicit.iterations);
        let logits = by_hand.classifier.logits(&features).unwrap();
        assert_near(&logits, &implicit.classifier.logits(&matrix).unwrap(), TOLERANCE, "logit");
        let coefficients = implicit.classifier.coefficients();
        let stds = stds.iter().cycle();
        let coefficients: Vec<f64> = coefficients.iter().zip(stds).map(|(w, std)| w * std).collect();
        assert_near(&by_hand.classifier.coefficients(), &coefficients, TOLERANCE, "coefficient");
    }
}

#[test]
fn rows_without_weight_count_as_absent() {
    let (x, labels) = numbers(3);
    let weights: Vec<usize> = (0..ROWS).map(|row| row * 7 % 4).collect();
    let present: Vec<usize> = (0..ROWS).filter(|&row| weights[row] > 0).collect();
    let real: Vec<f64> = weights.iter().map(|&weight| weight as f64).collect();
    let select = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<Vec<_>>();
    let matrix = DenseMatrix::new(x.as_slice(), COLUMNS).unwrap();
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let forms: [(Inputs<'_>, Inputs<'_>); 2] = [
            (matrix.clone().into(), matrix.select(&present).into()),
            (sparse(&x).into(), sparse(&x).select(&present).into()),
        ];
        for (all, kept) in forms {
            let weighted = Dataset::new(all, labels.clone(), 3, Some(real.clone())).unwrap();
            assert_eq!(weighted.n_rows(), present.len());
            let positive = present.iter().map(|&row| real[row]).collect();
            let without = Dataset::new(kept, select(&present), 3, Some(positive)).unwrap();
            let (weighted, without) = (train(weighted, kind), train(without, kind));
            assert_eq!(weighted.classifier, without.classifier);
            assert_eq!(weighted.cv, without.cv);
        }
    }
}

#[test]
fn balanced_weights_level_the_classes() {
    let labels = [0, 0, 0, 2, 2, 0];
    let weights: Vec<f64> = balanced_weights(&labels, 3, None).unwrap();
    assert_eq!(weights, [0.75, 0.75, 0.75, 1.5, 1.5, 0.75]);
    let weights = balanced_weights(&labels, 3, Some(&[1.0, 1.0, 0.0, 5.0, 1.0, 0.0])).unwrap();
    assert_near(&weights, &[2.0, 2.0, 0.0, 10.0 / 3.0, 2.0 / 3.0, 0.0], 1e-15, "weight");
    assert!(matches!(balanced_weights::<f64>(&labels, 2, None), Err(LossError::Label { .. })));
    assert!(matches!(balanced_weights(&labels, 3, Some(&[1.0])), Err(LossError::SamplesLength { .. })));
}

#[test]
fn refuses_weights_and_columns_that_cannot_be_used() {
    let error = |x: Vec<f64>, weights: Vec<f64>| {
        let matrix = DenseMatrix::new(x, 1).unwrap();
        Dataset::new(matrix, vec![0, 1, 0, 1], 2, Some(weights)).unwrap_err()
    };
    let x = || vec![1.0, 2.0, 3.0, 4.0];
    assert!(matches!(error(x(), vec![1.0; 3]), LinearError::Weights { rows: 4, weights: 3 }));
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let error = error(x(), vec![1.0, 1.0, bad, 1.0]);
        assert!(matches!(error, LinearError::Loss(LossError::Weight { row: 2, .. })), "{error}");
    }
    assert!(matches!(error(x(), vec![0.0; 4]), LinearError::Classes(0)));
    assert!(matches!(error(x(), vec![1.0, 0.0, 1.0, 0.0]), LinearError::Classes(1)));
    let huge = error(vec![1e300, -1e300, 1.0, 2.0], vec![1.0; 4]);
    assert!(matches!(huge, LinearError::ColumnRange { column: 0 }), "{huge}");
}

#[test]
fn a_column_far_from_zero_or_constant_does_no_harm() {
    let labels: Vec<u32> = (0..60).map(|i| u32::from(i % 10 > 4)).collect();
    let x: Vec<f64> = (0..60).flat_map(|i| [0.1, 1e6 + f64::from(i % 10), 1e300]).collect();
    let data = Dataset::new(DenseMatrix::new(x.as_slice(), 3).unwrap(), labels, 2, None).unwrap();
    let trained = train(data, LossKind::CrossEntropy);
    assert_eq!(trained.train_accuracy, 1.0);
    let coefficients = trained.classifier.coefficients();
    assert_eq!((coefficients[3], coefficients[5]), (0.0, 0.0));
}

#[test]
fn sgd_trains_on_weighted_matrices() {
    let (x, labels) = numbers(2);
    let weights: Vec<f64> = (0..ROWS).map(|row| if row % 3 == 0 { 0.0 } else { 0.1 + row as f64 }).collect();
    let data = Dataset::new(sparse(&x), labels, 2, Some(weights)).unwrap();
    let exact = train(data.clone(), LossKind::CrossEntropy);
    let trainer = Trainer::on(data, options(Solver::Sgd)).unwrap();
    let sgd = trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &Progress::ignore).unwrap();
    assert!(
        (sgd.train_accuracy - exact.train_accuracy).abs() < 0.02,
        "{} {}",
        sgd.train_accuracy,
        exact.train_accuracy
    );
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    // More rows than two blocks hold.
    let x: Vec<f32> = (0..1300 * COLUMNS).map(|_| random.random::<f32>()).collect();
    let labels: Vec<u32> =
        x.chunks(COLUMNS).map(|row| u32::from(row[0] + row[1] + 0.3 * row[2] > 1.1)).collect();
    let weights: Vec<f64> = (0..1300).map(|_| random.random::<f64>()).collect();
    let run = |threads: usize, inputs: Inputs<'_>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let data = Dataset::new(inputs, labels.clone(), 2, Some(weights.clone())).unwrap();
            let settings = Settings::new(LossSettings::Exact(RandomScores::constant(0.2)), 1e-3);
            let options = FitOptions::default().with_metric(Metric::Balanced);
            LinearClassifier::fit(&data, &settings, &options).unwrap()
        })
    };
    let dense = || Inputs::from(DenseMatrix::new(x.as_slice(), COLUMNS).unwrap());
    assert_eq!(run(1, dense()), run(3, dense()));
    assert_eq!(run(1, sparse(&x).into()), run(3, sparse(&x).into()));
}
