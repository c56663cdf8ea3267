//! Training on columns as they are: without standardisation, and without an intercept.

use exact_core::loss::Hyperparameters;
use exact_data::{CsrMatrix, DenseMatrix, Features};
use exact_linear::{
    Dataset, FeatureChoice, FeatureKind, FitOptions, Inputs, LinearClassifier, LinearError, LossChoice,
    LossKind, LossSettings, Progress, Settings, Solver, TrainOptions, Trainer,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 240;
const COLUMNS: usize = 3;

/// Columns of different scales and means, and labels that depend on them.
fn numbers(n_classes: usize) -> (Vec<f64>, Vec<u32>) {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..ROWS {
        let row: [f64; COLUMNS] = std::array::from_fn(|_| random.random::<f64>() - 0.3);
        let noise = 0.5 * random.random::<f64>();
        let class = (row[0] - 0.5 * row[1] + noise + 0.6) * 0.8 * n_classes as f64;
        labels.push(class.clamp(0.0, n_classes as f64 - 1.0) as u32);
        x.extend([row[0], 20.0 * row[1] + 3.0, 0.05 * row[2]]);
    }
    (x, labels)
}

/// Means and standard deviations of the columns.
fn moments(x: &[f64]) -> [(f64, f64); COLUMNS] {
    std::array::from_fn(|column| {
        let values = || x.iter().skip(column).step_by(COLUMNS);
        let mean = values().sum::<f64>() / ROWS as f64;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / ROWS as f64;
        (mean, variance.sqrt())
    })
}

fn dense(x: &[f64]) -> DenseMatrix<'_> {
    DenseMatrix::new(x, COLUMNS).unwrap()
}

fn sparse(x: &[f64]) -> CsrMatrix<'static> {
    let indptr: Vec<i64> = (0_i64..).step_by(COLUMNS).take(x.len() / COLUMNS + 1).collect();
    let indices: Vec<i64> = (0..3).cycle().take(x.len()).collect();
    CsrMatrix::new(indptr, indices, x.to_vec(), COLUMNS).unwrap()
}

fn forms(x: &[f64]) -> [Inputs<'_>; 2] {
    [dense(x).into(), sparse(x).into()]
}

fn settings(kind: LossKind) -> Settings {
    let numbers = Hyperparameters { sigma: Some(0.3), temperature: Some(0.5), ..Default::default() };
    Settings::new(numbers.settings(kind).unwrap(), 1e-2)
}

fn fit(data: &Dataset<'_>, settings: &Settings) -> LinearClassifier {
    LinearClassifier::fit(data, settings, &FitOptions::default()).unwrap().classifier
}

fn assert_near(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() < tolerance, "{what} {i}: {a} {b}");
    }
}

#[test]
fn columns_that_are_standardised_already_are_trained_on_alike() {
    for n_classes in [2, 3] {
        let (x, labels) = numbers(n_classes);
        let moments = moments(&x);
        let z: Vec<f64> = x
            .iter()
            .enumerate()
            .map(|(at, value)| (value - moments[at % COLUMNS].0) / moments[at % COLUMNS].1)
            .collect();
        for kind in LossKind::FOR_ACCURACY {
            // More steps over a surface that is not convex enlarge the rounding of sums.
            let settings = settings(kind).with_max_iterations(8);
            let reference =
                fit(&Dataset::new(dense(&x), labels.clone(), n_classes, None).unwrap(), &settings);
            let reference = reference.logits(&dense(&x)).unwrap();
            for inputs in forms(&z) {
                let data = Dataset::new(inputs, labels.clone(), n_classes, None).unwrap();
                let classifier = fit(&data.without_standardisation().unwrap(), &settings);
                let logits = classifier.logits(&dense(&z)).unwrap();
                assert_near(&reference, &logits, 1e-7, &format!("{kind}, logit"));
            }
        }
    }
}

#[test]
fn without_standardisation_the_penalty_is_in_the_units_of_the_columns() {
    let (x, labels) = numbers(3);
    let scaled: Vec<f64> = x.iter().map(|value| 10.0 * value).collect();
    for inputs in [forms(&x), forms(&scaled)].concat() {
        let factor = if inputs == dense(&x).into() || inputs == sparse(&x).into() { 1.0 } else { 10.0 };
        let data = Dataset::new(inputs, labels.clone(), 3, None).unwrap();
        let l2 = 1e-2 * factor * factor;
        let settings = Settings::new(LossSettings::default(), l2);
        let classifier = fit(&data.without_standardisation().unwrap(), &settings);
        let coefficients: Vec<f64> = classifier.coefficients().iter().map(|w| factor * w).collect();
        let data =
            Dataset::new(dense(&x), labels.clone(), 3, None).unwrap().without_standardisation().unwrap();
        let plain = fit(&data, &Settings::new(LossSettings::default(), 1e-2));
        assert_near(&plain.coefficients(), &coefficients, 5e-3, "coefficient");
        // The column of small values is all but left out.
        let class = &coefficients[2 * COLUMNS..];
        assert!(class[2].abs() < 0.1 * class[0].abs(), "{class:?}");
    }
}

#[test]
fn penalties_that_leave_out_columns_are_in_the_units_of_the_columns_too() {
    let (x, labels) = numbers(3);
    let scaled: Vec<f64> = x.iter().map(|value| 10.0 * value).collect();
    let data = |x| {
        let data = Dataset::new(DenseMatrix::new(x, COLUMNS).unwrap(), labels.clone(), 3, None).unwrap();
        data.without_standardisation().unwrap()
    };
    for of in [Settings::with_l1, Settings::with_group_l1] {
        let settings = |rate| of(Settings::new(LossSettings::default(), 0.0), rate);
        let plain = fit(&data(x.as_slice()), &settings(0.02)).coefficients();
        let tens = fit(&data(scaled.as_slice()), &settings(0.2)).coefficients();
        let tens: Vec<f64> = tens.iter().map(|weight| 10.0 * weight).collect();
        assert_near(&plain, &tens, 1e-6, "coefficient");
        // The column of large values stays, that of small ones is left out.
        assert!(plain[COLUMNS + 1] != 0.0 && plain[2 * COLUMNS + 2] == 0.0, "{plain:?}");
    }
}

#[test]
fn an_optimum_without_standardisation_meets_its_conditions() {
    let (x, labels) = numbers(2);
    let data = Dataset::new(dense(&x), labels.clone(), 2, None).unwrap().without_standardisation().unwrap();
    let (l1, l2) = (1e-3, 1e-2);
    let plain = Settings::new(LossSettings::default(), l2);
    for (settings, l1) in [(plain.clone(), 0.0), (plain.clone().with_l1(l1), l1)] {
        let classifier = fit(&data, &settings);
        let probabilities = classifier.probabilities(&dense(&x)).unwrap();
        let moments = moments(&x);
        for (column, &weight) in classifier.coefficients()[COLUMNS..].iter().enumerate() {
            let slope: f64 = (0..ROWS)
                .map(|row| x[row * COLUMNS + column] * (probabilities[2 * row + 1] - f64::from(labels[row])))
                .sum::<f64>()
                / ROWS as f64;
            let short = match weight {
                0.0 => (slope.abs() - l1).max(0.0),
                weight => slope + l1 * weight.signum() + l2 * weight,
            };
            // Columns of large values have large slopes.
            assert!(short.abs() < 1e-3 * moments[column].1, "{column}: {weight} {slope} {short}");
        }
    }
}

#[test]
fn selection_begins_where_a_penalty_leaves_out_all_columns() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let labels: Vec<u32> = (0..120).map(|row| row % 2).collect();
    // Three columns of many tell the class.
    let x: Vec<f64> = labels
        .iter()
        .flat_map(|&label| (0..150).map(move |column| if column < 3 { 0.6 * f64::from(label) } else { 0.3 }))
        .map(|mean| mean + 1.4 * (random.random::<f64>() - 0.5))
        .collect();
    let data = Dataset::new(DenseMatrix::new(x, 150).unwrap(), labels, 2, None).unwrap();
    let data = data.without_standardisation().unwrap();
    let trainer = Trainer::on(data.clone(), TrainOptions::default()).unwrap();
    let path = trainer.train(LossChoice::Kind(LossKind::CrossEntropy), &Progress::ignore).unwrap().path;
    let strongest = path.iter().filter_map(|point| point.settings.l1).fold(0.0, f64::max);
    let kept = |l1: f64| {
        let coefficients =
            fit(&data, &Settings::new(LossSettings::default(), 1e-3).with_l1(l1)).coefficients();
        coefficients.iter().any(|weight| *weight != 0.0)
    };
    // There are four steps of the path in a factor of ten.
    assert!(kept(strongest) && !kept(1.01 * strongest * 10.0_f64.powf(0.25)), "{strongest}");
}

#[test]
fn without_an_intercept_a_row_of_zeros_has_logits_of_zero() {
    let zeros = [0.0; COLUMNS];
    for n_classes in [2, 3] {
        let (x, labels) = numbers(n_classes);
        let with = fit(
            &Dataset::new(dense(&x), labels.clone(), n_classes, None).unwrap(),
            &settings(LossKind::CrossEntropy),
        );
        assert!(with.intercepts().iter().any(|bias| bias.abs() > 0.1));
        for kind in LossKind::FOR_ACCURACY {
            let mut found = Vec::new();
            for inputs in forms(&x) {
                let data = Dataset::new(inputs, labels.clone(), n_classes, None).unwrap();
                let data = data.without_intercept().unwrap();
                for data in [data.clone(), data.without_standardisation().unwrap()] {
                    let settings = settings(kind).with_max_iterations(8);
                    let plain = fit(&data, &settings);
                    let options = FitOptions::default().with_start(&with);
                    let warm = LinearClassifier::fit(&data, &settings, &options).unwrap().classifier;
                    for classifier in [&plain, &warm] {
                        assert_eq!(classifier.intercepts(), vec![0.0; n_classes], "{kind}");
                        assert_eq!(
                            classifier.logits(&dense(&zeros)).unwrap(),
                            vec![0.0; n_classes],
                            "{kind}"
                        );
                    }
                    assert!(plain.coefficients().iter().any(|weight| weight.abs() > 1e-2), "{kind}");
                    found.push(plain.coefficients());
                }
            }
            assert_near(&found[0], &found[2], 1e-7, "coefficient of dense and sparse rows");
            assert_near(&found[1], &found[3], 1e-7, "coefficient of dense and sparse rows");
        }
    }
}

#[test]
fn sparse_penalties_and_selection_leave_out_the_intercept_too() {
    let (x, labels) = numbers(3);
    let data = Dataset::new(dense(&x), labels, 3, None).unwrap().without_intercept().unwrap();
    for settings in [
        settings(LossKind::CrossEntropy).with_l1(0.02),
        settings(LossKind::CrossEntropy).with_group_l1(0.02),
        settings(LossKind::Exact).with_l1(0.02),
    ] {
        assert_eq!(fit(&data, &settings).intercepts(), [0.0; 3]);
    }
    for (solver, kind) in [
        (Solver::Lbfgs, LossKind::CrossEntropy),
        (Solver::Lbfgs, LossKind::Exact),
        (Solver::Sgd, LossKind::CrossEntropy),
    ] {
        let options = TrainOptions::default().with_folds(2).with_solver(solver).with_l2s(vec![1e-3]);
        let trainer = Trainer::on(data.clone(), options).unwrap();
        let trained = trainer.train(LossChoice::Kind(kind), &Progress::ignore).unwrap();
        assert_eq!(trained.classifier.intercepts(), [0.0; 3]);
        assert!(trained.train_accuracy > 0.5, "{kind}: {}", trained.train_accuracy);
    }
}

#[test]
fn a_column_of_ones_takes_the_place_of_the_intercept() {
    let (x, labels) = numbers(2);
    let with_ones: Vec<f64> = x.chunks(COLUMNS).flat_map(|row| [row[0], row[1], 1.0]).collect();
    let data = Dataset::new(dense(&with_ones), labels, 2, None).unwrap();
    let settings = Settings::new(LossSettings::default(), 1e-9);
    let (with, without) = (fit(&data, &settings), fit(&data.without_intercept().unwrap(), &settings));
    assert_eq!(with.coefficients()[5], 0.0);
    let (bias, weight) = (with.intercepts()[1], without.coefficients()[5]);
    assert!(bias.abs() > 0.1 && (bias - weight).abs() < 0.02 * bias.abs(), "{bias} {weight}");
}

#[test]
fn columns_that_are_standardised_wherever_they_go_are_refused() {
    let (x, labels) = numbers(2);
    let features = Features::from_dense(x.clone(), COLUMNS).unwrap();
    let encoded = Dataset::new(features, labels.clone(), 2, None).unwrap();
    let refused = |result| matches!(result, Err(LinearError::StandardisedColumns));
    assert!(refused(encoded.clone().without_intercept().map(drop)));
    assert!(refused(encoded.without_standardisation().map(drop)));
    let data = Dataset::new(dense(&x), labels, 2, None).unwrap();
    for choice in [FeatureChoice::Auto, FeatureChoice::Kind(FeatureKind::Splines)] {
        for data in [data.clone().without_intercept(), data.clone().without_standardisation()] {
            let options = TrainOptions::default().with_features(choice);
            assert!(refused(Trainer::on(data.unwrap(), options).map(drop)));
        }
    }
}
