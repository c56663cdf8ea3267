//! Expanded columns: what they make possible, and that they are stored, applied and refused as they should
//! be.

use exact_data::{CsrMatrix, DenseMatrix, Features, Layout};
use exact_linear::{
    Dataset, FeatureChoice, FeatureKind, Inputs, LinearClassifier, LinearError, LossChoice, LossKind,
    Progress, Solver, TrainOptions, Trained, Trainer,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 300;

/// Uniform numbers, `[ROWS, 3]`.
fn numbers() -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    (0..ROWS * 3).map(|_| 4.0 * random.random::<f64>() - 2.0).collect()
}

/// Whether a row is of the second class.
type IsSecond = fn(&[f64]) -> bool;

/// Two classes that the columns of a row tell apart in some way.
fn labels(x: &[f64], is_second: impl Fn(&[f64]) -> bool) -> Vec<u32> {
    x.chunks_exact(3).map(|row| u32::from(is_second(row))).collect()
}

fn options(features: FeatureChoice) -> TrainOptions {
    TrainOptions::default().with_folds(3).with_features(features)
}

fn train<'a>(
    inputs: impl Into<Inputs<'a>>,
    labels: Vec<u32>,
    features: FeatureChoice,
) -> Result<Trained, LinearError> {
    let data = Dataset::new(inputs, labels, 2, None)?;
    let loss = LossChoice::Kind(LossKind::CrossEntropy);
    Trainer::on(data, options(features))?.train(loss, &Progress::ignore)
}

fn matrix(x: &[f64]) -> DenseMatrix<'_> {
    DenseMatrix::new(x, 3).unwrap()
}

#[test]
fn each_expansion_learns_what_the_columns_as_they_are_do_not_show() {
    let x = numbers();
    let cases: [(FeatureKind, IsSecond); 3] = [
        (FeatureKind::Splines, |row| row[0].abs() < 1.0),
        (FeatureKind::Interactions, |row| row[0] * row[1] > 0.0),
        (FeatureKind::Kernel, |row| (1.0..2.2).contains(&row[0].hypot(row[1]))),
    ];
    for (kind, is_second) in cases {
        let labels = labels(&x, is_second);
        let accuracy = |features| {
            let trained = train(matrix(&x), labels.clone(), features).unwrap();
            (trained.cv.mean, trained.features.kind)
        };
        let (linear, _) = accuracy(FeatureChoice::Kind(FeatureKind::Linear));
        let (expanded, name) = accuracy(FeatureChoice::Kind(kind));
        assert!(expanded > 0.9 && expanded > linear + 0.15, "{kind}: {expanded} {linear}");
        assert_eq!(name, kind.name());
        let (auto, _) = accuracy(FeatureChoice::Auto);
        assert!(auto >= expanded - 0.02, "{kind}: auto {auto}, {expanded}");
    }
}

#[test]
fn cells_tell_apart_what_depends_on_the_values_of_two_numbers() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let x: Vec<f64> = (0..600 * 3).map(|_| f64::from(random.random_range(0..5))).collect();
    let labels = labels(&x, |row| (3.0 * row[0] + 2.0 * row[1]) % 5.0 < 2.0);
    let of = |features| train(matrix(&x), labels.clone(), features).unwrap();
    let [interactions, cells] =
        [FeatureKind::Interactions, FeatureKind::Cells].map(FeatureChoice::Kind).map(of);
    assert!(interactions.cv.mean < 0.8, "{}", interactions.cv.mean);
    assert!(cells.cv.mean > 0.95, "{}", cells.cv.mean);
    // Three lines, three times five bins, and three times 25 pairs of them.
    assert_eq!(cells.classifier.n_features(), 3 + 15 + 75);
    assert_eq!(of(FeatureChoice::Auto).features.kind, "cells");
}

#[test]
fn a_kernel_has_more_landmarks_on_all_rows_than_on_the_folds() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let n_rows = 1000_usize;
    let x: Vec<f64> = (0..n_rows * 20).map(|_| 4.0 * random.random::<f64>() - 2.0).collect();
    for n_classes in [2_usize, 3] {
        let last = (n_classes - 1) as f64;
        let label = |row: &[f64]| (row[0] * row[1] + row[2] + 2.0).clamp(0.0, last) as u32;
        let labels: Vec<u32> = x.chunks_exact(20).map(label).collect();
        let rows = DenseMatrix::new(x.as_slice(), 20).unwrap();
        let data = Dataset::new(rows.clone(), labels.clone(), n_classes, None).unwrap();
        let options = options(FeatureChoice::Kind(FeatureKind::Kernel));
        let loss = LossChoice::Kind(LossKind::CrossEntropy);
        let trained = Trainer::on(data, options).unwrap().train(loss, &Progress::ignore).unwrap();
        let Trained { classifier, train_accuracy, .. } = trained;
        assert!(classifier.n_features() > 500, "{}", classifier.n_features());
        // Training has the features of each row, prediction folds their map into that of the kernel.
        let classes = classifier.predict(&rows).unwrap();
        let correct = classes.iter().zip(&labels).filter(|(a, b)| a == b).count();
        assert_eq!(correct as f64 / n_rows as f64, train_accuracy);
        let read = LinearClassifier::from_bytes("kernel", &classifier.to_bytes().unwrap()).unwrap();
        assert_eq!(read.logits(&rows).unwrap(), classifier.logits(&rows).unwrap());
    }
}

#[test]
fn auto_keeps_columns_as_they_are_where_these_are_enough() {
    let x = numbers();
    let labels = labels(&x, |row| row[0] + row[1] - row[2] > 0.0);
    let trained = train(matrix(&x), labels, FeatureChoice::Auto).unwrap();
    assert_eq!(trained.features.kind, "linear");
    assert!(trained.feature_scores.len() >= 5, "{:?}", trained.feature_scores);
}

/// Categories that tell the classes apart only when crossed, or by the slope of a number.
fn categories(n_rows: usize) -> (Features, Vec<u32>) {
    let layout = Layout {
        n_dense: 1,
        block_offsets: vec![0, 3, 5],
        indicator_mean: vec![1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.5, 0.5],
        indicator_std: vec![0.47, 0.47, 0.47, 0.5, 0.5],
        ..Layout::dense(1)
    };
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let (mut dense, mut codes, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let (a, b): (u32, u32) = (random.random_range(0..3), random.random_range(0..2));
        let number = 2.0 * random.random::<f64>() - 1.0;
        dense.push(number);
        codes.extend([a, b]);
        labels.push(u32::from(if a == 2 { (number > 0.0) == (b == 0) } else { a == b }));
    }
    (Features::new(n_rows, dense, codes, layout).unwrap(), labels)
}

#[test]
fn categories_are_crossed_and_get_slopes() {
    let (features, labels) = categories(400);
    let linear = train(features.clone(), labels.clone(), FeatureChoice::Kind(FeatureKind::Linear)).unwrap();
    let crossed = train(features, labels, FeatureChoice::Kind(FeatureKind::Interactions)).unwrap();
    assert!(linear.cv.mean < 0.7, "{}", linear.cv.mean);
    assert!(crossed.cv.mean > 0.8, "{}", crossed.cv.mean);
}

#[test]
fn a_classifier_with_an_expansion_is_stored_whole() {
    let x = numbers();
    let labels = labels(&x, |row| row[0] * row[1] + row[2].sin() > 0.3);
    for kind in FeatureKind::ALL {
        let classifier = train(matrix(&x), labels.clone(), FeatureChoice::Kind(kind)).unwrap().classifier;
        let bytes = classifier.to_bytes().unwrap();
        let again = LinearClassifier::from_bytes("again", &bytes).unwrap();
        let (logits, of_again) =
            (classifier.logits(&matrix(&x)).unwrap(), again.logits(&matrix(&x)).unwrap());
        for (a, b) in logits.iter().zip(of_again) {
            assert!((a - b).abs() < 1e-9 * a.abs().max(1.0), "{kind}: {a} {b}");
        }
        assert_eq!(again.to_bytes().unwrap().len(), bytes.len());
        assert_eq!((again.n_columns(), again.n_features()), (3, classifier.n_features()));
        assert_eq!(classifier.n_features() > 3, kind != FeatureKind::Linear);
        let other = DenseMatrix::new(vec![0.0; 4], 2).unwrap();
        assert!(matches!(again.logits(&other), Err(LinearError::Columns { found: 2, expected: 3 })));
        let none = DenseMatrix::new(Vec::<f64>::new(), 3).unwrap();
        assert!(again.logits(&none).unwrap().is_empty());
    }
}

#[test]
fn every_form_of_the_same_rows_is_expanded_to_the_same() {
    let x: Vec<f64> = numbers().iter().map(|value| if value.abs() < 0.7 { 0.0 } else { *value }).collect();
    let labels = labels(&x, |row| row[0] * row[1] + row[2] > 0.2);
    let (mut offsets, mut indices, mut values) = (vec![0_i32], Vec::new(), Vec::new());
    for row in x.chunks_exact(3) {
        for (column, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            indices.push(i32::try_from(column).unwrap());
            values.push(*value);
        }
        offsets.push(i32::try_from(values.len()).unwrap());
    }
    let sparse = CsrMatrix::new(offsets, indices, values, 3).unwrap();
    for kind in FeatureKind::ALL {
        let of_dense = train(matrix(&x), labels.clone(), FeatureChoice::Kind(kind)).unwrap();
        let of_sparse = train(sparse.clone(), labels.clone(), FeatureChoice::Kind(kind)).unwrap();
        assert_eq!(of_dense.cv, of_sparse.cv, "{kind}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let x = numbers();
    let labels = labels(&x, |row| row[0].hypot(row[1]) > 1.5);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let trained = pool.install(|| train(matrix(&x), labels.clone(), FeatureChoice::Auto)).unwrap();
        (trained.classifier.to_bytes().unwrap(), trained.feature_scores)
    };
    assert!(run(1) == run(3));
}

#[test]
fn what_cannot_be_expanded_is_refused() {
    let two_valued: Vec<f64> = (0..60).map(|i| f64::from(i % 2)).collect();
    let labels: Vec<u32> = (0..60).map(|i| u32::from(i % 3 == 0)).collect();
    let refused = |kind| {
        let inputs = DenseMatrix::new(two_valued.as_slice(), 1).unwrap();
        train(inputs, labels.clone(), FeatureChoice::Kind(kind)).unwrap_err()
    };
    for kind in [FeatureKind::Splines, FeatureKind::Interactions, FeatureKind::Cells] {
        let error = refused(kind);
        assert!(matches!(error, LinearError::Expansion { .. }) && error.to_string().contains(kind.name()));
    }
    let constant = DenseMatrix::new(vec![1.0; 60], 1).unwrap();
    let error =
        train(constant.clone(), labels.clone(), FeatureChoice::Kind(FeatureKind::Kernel)).unwrap_err();
    assert!(matches!(error, LinearError::Expansion { kind: "kernel", .. }), "{error}");
    // Those that cannot be used are left out of the choice.
    assert_eq!(train(constant, labels, FeatureChoice::Auto).unwrap().features.kind, "linear");
    assert!(matches!("cubes".parse::<FeatureChoice>(), Err(LinearError::UnknownFeatures { .. })));
}

#[test]
fn what_would_take_too_much_memory_is_refused_before_it_is_computed() {
    const MANY: usize = 400_000;
    let layout = Layout {
        n_dense: 0,
        block_offsets: vec![0, 2],
        indicator_mean: vec![0.5; 2],
        indicator_std: vec![0.5; 2],
        ..Layout::dense(0)
    };
    let codes: Vec<u32> = (0..MANY as u32).map(|row| row % 2).collect();
    let features = Features::new(MANY, Vec::new(), codes.clone(), layout).unwrap();
    let kernel = FeatureChoice::Kind(FeatureKind::Kernel);
    let data = Dataset::new(features, codes, 2, None).unwrap();
    let options = options(kernel).with_folds(6).with_solver(Solver::Lbfgs);
    let trainer = Trainer::on(data, options).unwrap();
    let error = trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &Progress::ignore).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the features kernel would be up to 400 columns of 400000 rows: 9.0 GB for these and 6 folds of \
         them, the most is 8.0 GB"
    );
    assert!(error.hint().is_some());

    // Sparse columns would not stay so.
    let offsets: Vec<i64> = (0..=1000).collect();
    let sparse = CsrMatrix::new(offsets, vec![0_i64; 1000], vec![1.0; 1000], 30_000).unwrap();
    let labels: Vec<u32> = (0..1000).map(|row| row % 2).collect();
    let splines = FeatureChoice::Kind(FeatureKind::Splines);
    let error = train(sparse, labels, splines).unwrap_err();
    let size = 30_000 * 12;
    assert!(
        matches!(error, LinearError::ExpansionSize { columns, bytes: 11_520_000_000, .. } if columns == size),
        "{error:?}"
    );
}

#[test]
fn shape_functions_show_the_curves_that_tell_classes_apart() {
    let x = numbers();
    let labels = labels(&x, |row| row[0].abs() + 0.2 * row[1] < 1.0);
    // In other units, which the curves are to be given in.
    let scaled: Vec<f64> = x.iter().map(|value| 100.0 + 50.0 * value).collect();
    let trained = train(matrix(&scaled), labels, FeatureChoice::Kind(FeatureKind::Splines)).unwrap();
    let functions = trained.classifier.shape_functions(&matrix(&scaled), 2).unwrap();
    assert_eq!(functions.len(), 2);
    let function = &functions[0];
    assert_eq!(function.column, 0);
    let [low, high] = function.range;
    assert!((0.0..5.0).contains(&low) && (195.0..200.0).contains(&high), "{low} {high}");
    let [first, second] = &function.contributions[..] else { panic!("two classes") };
    assert!(first.iter().zip(second).all(|(a, b)| *a == -b));
    let (ends, middle) = ([second[0], second[second.len() - 1]], second[second.len() / 2]);
    assert!(ends.iter().all(|end| *end < -1.0) && middle > 1.0, "{ends:?} {middle}");
    let counted = function.histogram.iter().sum::<u64>();
    assert!((ROWS as u64 - 4..=ROWS as u64).contains(&counted), "{counted}");
    assert!(function.variation.iter().sum::<f64>() > functions[1].variation.iter().sum());

    // All columns together are the logits, up to a constant.
    let functions = trained.classifier.shape_functions(&matrix(&scaled), 3).unwrap();
    let logit = |row: [f64; 3]| {
        let matrix = DenseMatrix::new(row.to_vec(), 3).unwrap();
        trained.classifier.logits(&matrix).unwrap()[1]
    };
    let value = |column: usize, point: usize| {
        let function = functions.iter().find(|function| function.column == column).unwrap();
        let [low, high] = function.range;
        (low + (high - low) * point as f64 / 100.0, function.contributions[1][point])
    };
    let sum = |points: [usize; 3]| [0, 1, 2].map(|at| value(at, points[at]).1).iter().sum::<f64>();
    let at = |points: [usize; 3]| logit([0, 1, 2].map(|at| value(at, points[at]).0));
    let (a, b) = ([0, 30, 100], [47, 99, 8]);
    assert!((sum(a) - sum(b) - (at(a) - at(b))).abs() < 1e-9, "{} {}", sum(a) - sum(b), at(a) - at(b));
}

#[test]
fn only_curves_have_shape_functions() {
    let x = numbers();
    let labels = labels(&x, |row| row[0] + row[1] > 0.0);
    for kind in [FeatureKind::Linear, FeatureKind::Interactions] {
        let trained = train(matrix(&x), labels.clone(), FeatureChoice::Kind(kind)).unwrap();
        assert_eq!(trained.classifier.shape_functions(&matrix(&x), 3).unwrap(), []);
    }
}
