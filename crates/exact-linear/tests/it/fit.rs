//! Single fits with given settings, warm starts, and metrics other than accuracy.

use std::ops::ControlFlow;

use exact_core::loss::LossError;
use exact_data::{DenseMatrix, Features};
use exact_eval::{balanced_accuracy, top_k_accuracy};
use exact_linear::{
    Dataset, FitOptions, Fitted, LinearClassifier, LinearError, Link, LossChoice, LossKind, LossSettings,
    Metric, Progress, RandomScores, Settings, Solver, TrainOptions, Trained, Trainer,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const COLUMNS: usize = 3;

/// Overlapping clusters of unequal size: class `c` has about `shares[c]` of the rows.
fn clusters(n_rows: usize, shares: &[f64], seed: u64) -> (Vec<f64>, Vec<u32>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let centres: Vec<f64> = (0..shares.len() * COLUMNS).map(|_| 1.5 * random.random::<f64>()).collect();
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let mut draw: f64 = random.random();
        let label = shares.iter().position(|share| {
            draw -= share;
            draw < 0.0
        });
        let label = label.unwrap_or(0);
        labels.push(u32::try_from(label).unwrap());
        for centre in &centres[label * COLUMNS..][..COLUMNS] {
            let noise: f64 = (0..4).map(|_| random.random::<f64>() - 0.5).sum();
            x.push(10.0 * (centre + noise));
        }
    }
    (x, labels)
}

fn matrix(x: &[f64]) -> DenseMatrix<'_> {
    DenseMatrix::new(x, COLUMNS).unwrap()
}

fn fit(
    data: &Dataset<'_>,
    settings: &Settings,
    start: Option<&LinearClassifier>,
) -> Result<Fitted, LinearError> {
    let options = FitOptions::default();
    LinearClassifier::fit(data, settings, &start.map_or(options.clone(), |start| options.with_start(start)))
}

fn cross_entropy(l2: f64) -> Settings {
    Settings::new(LossSettings::default(), l2)
}

fn exact(sigma: f64, l2: f64) -> Settings {
    Settings::new(LossSettings::Exact(RandomScores::constant(sigma)), l2)
}

fn train(data: Dataset<'_>, kind: LossKind, metric: Metric) -> Trained {
    let options = TrainOptions::default().with_folds(3).with_solver(Solver::Lbfgs).with_metric(metric);
    Trainer::on(data, options).unwrap().train(LossChoice::Kind(kind), &Progress::ignore).unwrap()
}

/// The largest difference of two classifiers' parameters.
fn distance(a: &LinearClassifier, b: &LinearClassifier) -> f64 {
    let of = |it: &LinearClassifier| [it.coefficients(), it.intercepts()].concat();
    of(a).iter().zip(of(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn whole_weights_are_repeated_rows() {
    for shares in [&[0.4, 0.6][..], &[0.3, 0.3, 0.4]] {
        let (x, labels) = clusters(400, shares, 1);
        let weights: Vec<usize> = (0..400).map(|row| row * 7 % 4).collect();
        let rows: Vec<usize> = (0..400).flat_map(|row| vec![row; weights[row]]).collect();
        let repeated_labels = rows.iter().map(|&row| labels[row]).collect();
        let real = weights.iter().map(|&weight| weight as f64).collect();
        let weighted = Dataset::new(matrix(&x), labels, shares.len(), Some(real)).unwrap();
        let repeated = Dataset::new(matrix(&x).select(&rows), repeated_labels, shares.len(), None).unwrap();
        let sigmoid = Settings::new(LossSettings::Sigmoid { temperature: 0.5 }, 1e-3);
        for settings in [cross_entropy(1e-3), exact(0.3, 1e-3), sigmoid] {
            let kind = settings.loss.kind();
            let [a, b] = [&weighted, &repeated].map(|data| fit(data, &settings, None).unwrap());
            assert!((a.loss - b.loss).abs() < 1e-8, "{kind}: {} {}", a.loss, b.loss);
            let far = distance(&a.classifier, &b.classifier);
            // Sixty steps over a surface that is not convex enlarge the rounding of sums in another order.
            let tolerance = if kind == LossKind::CrossEntropy { 1e-8 } else { 1e-6 };
            assert!(far < tolerance, "{kind}, {} classes: {far}", shares.len());
        }
    }
}

#[test]
fn the_optimum_of_cross_entropy_is_stationary_and_a_warm_start_stays_there() {
    let (x, labels) = clusters(500, &[0.3, 0.3, 0.4], 2);
    let data = Dataset::new(matrix(&x), labels, 3, None).unwrap();
    let settings = cross_entropy(1e-3);
    let first = fit(&data, &settings, None).unwrap();
    assert!(first.converged && first.iterations > 3, "{first:?}");
    let again = fit(&data, &settings, Some(&first.classifier)).unwrap();
    assert!(again.converged && again.iterations <= 2, "{}", again.iterations);
    assert!((first.loss - again.loss).abs() < 1e-6);
    // A limit of steps is kept, and what is left can be done from there.
    let cut = fit(&data, &settings.clone().with_max_iterations(2), None).unwrap();
    assert!(!cut.converged && cut.iterations == 2 && cut.loss > first.loss);
    let rest = fit(&data, &settings, Some(&cut.classifier)).unwrap();
    assert!((rest.loss - first.loss).abs() < 1e-5 && rest.converged);
    // No steps at all: the start comes back, through the standardisation and out again.
    let none = settings.with_max_iterations(0);
    let same = fit(&data, &none, Some(&first.classifier)).unwrap();
    assert!(distance(&same.classifier, &first.classifier) < 1e-12);
    let features = Features::from_dense(x.clone(), COLUMNS).unwrap();
    let encoded = Dataset::new(features, data_labels(&x), 3, None).unwrap();
    let same = fit(&encoded, &none, Some(&first.classifier)).unwrap();
    assert!(distance(&same.classifier, &first.classifier) < 1e-15);
}

fn data_labels(x: &[f64]) -> Vec<u32> {
    (0..x.len() / COLUMNS).map(|row| u32::try_from(row % 3).unwrap()).collect()
}

#[test]
fn exact_lowers_the_expected_error_and_keeps_its_sigma() {
    let (x, labels) = clusters(600, &[0.5, 0.5], 3);
    let data = Dataset::new(matrix(&x), labels, 2, None).unwrap();
    let settings = exact(0.2, 1e-4);
    let exact = fit(&data, &settings, None).unwrap();
    assert_eq!(exact.classifier.link(), Link::Probit { sigma: 0.2 });
    let start = fit(&data, &cross_entropy(1e-4), None).unwrap().classifier;
    assert_eq!(start.link(), Link::Softmax { temperature: 1.0 });
    let before = fit(&data, &settings.clone().with_max_iterations(0), Some(&start)).unwrap();
    assert!(exact.loss < before.loss, "{} {}", exact.loss, before.loss);
    // Without a start it starts there.
    let from = fit(&data, &settings, Some(&start)).unwrap();
    assert!((from.loss - exact.loss).abs() < 1e-6);
}

#[test]
fn refuses_settings_and_starts_that_do_not_fit() {
    let (x, labels) = clusters(60, &[0.5, 0.5], 4);
    let data = Dataset::new(matrix(&x), labels.clone(), 2, None).unwrap();
    let error = |settings: Settings| fit(&data, &settings, None).unwrap_err();
    for l2 in [-1.0, f64::NAN] {
        let error = error(cross_entropy(l2));
        assert!(matches!(error, LinearError::Loss(LossError::Setting { name: "l2", .. })), "{error}");
    }
    for sigma in [0.0, -1.0, f64::NAN] {
        let error = error(exact(sigma, 0.1));
        assert!(matches!(error, LinearError::Loss(LossError::Setting { name: "sigma", .. })), "{error}");
    }
    let margin = RandomScores::constant(1.0).with_margin(Some(f64::NAN));
    let error_of = |loss| error(Settings::new(loss, 0.1));
    assert!(matches!(error_of(LossSettings::Exact(margin)), LinearError::Loss(LossError::Setting { .. })));
    // What a schedule, a learned sigma or another normalisation would mean is not defined.
    let plain = RandomScores::constant(1.0);
    for scores in [
        RandomScores { first_sigma: 2.0, ..plain.clone() },
        RandomScores { learned_sigma: true, ..plain.clone() },
        RandomScores { normalize_logits: true, ..plain },
    ] {
        assert!(matches!(error_of(LossSettings::Probit(scores)), LinearError::Scores));
    }
    let focal = error_of(LossSettings::Focal { gamma: 2.0 });
    assert!(matches!(&focal, LinearError::UnknownLoss { name } if name == "focal"), "{focal}");
    let classifier = fit(&data, &cross_entropy(0.1), None).unwrap().classifier;
    let narrow = Dataset::new(DenseMatrix::new(&x[..60], 1).unwrap(), labels.clone(), 2, None).unwrap();
    let wider = Dataset::new(matrix(&x), labels, 3, None).unwrap();
    let start = |data| fit(data, &cross_entropy(0.1), Some(&classifier)).unwrap_err();
    assert!(matches!(start(&narrow), LinearError::Columns { .. }));
    assert!(matches!(start(&wider), LinearError::StartClasses { found: 2, expected: 3 }));
    let stop = |_| ControlFlow::Break(());
    let options = FitOptions::default().with_callback(&stop);
    let stopped = LinearClassifier::fit(&data, &cross_entropy(0.1), &options);
    assert!(matches!(stopped, Err(LinearError::Interrupted)));
    for metric in
        [Metric::TopK(0), Metric::TopK(3), Metric::Cost(vec![1.0; 3]), Metric::Cost(vec![f64::NAN; 4])]
    {
        let options = FitOptions::default().with_metric(metric.clone());
        let error = LinearClassifier::fit(&data, &cross_entropy(0.1), &options);
        assert!(matches!(error, Err(LinearError::Loss(_))), "{metric:?}");
        let options = TrainOptions::default().with_metric(metric);
        assert!(matches!(Trainer::on(data.clone(), options), Err(LinearError::Loss(_))));
    }
}

#[test]
fn weights_whose_sum_nothing_can_be_divided_by_are_named() {
    let (x, labels) = clusters(60, &[0.5, 0.5], 4);
    let features = Features::from_dense(x, COLUMNS).unwrap();
    let data = Dataset::new(features, labels, 2, Some(vec![1e-312; 60])).unwrap();
    for settings in [cross_entropy(0.1), exact(0.2, 0.1)] {
        let error = fit(&data, &settings, None).unwrap_err();
        assert!(matches!(error, LinearError::Loss(LossError::WeightSum { .. })), "{error}");
    }
}

/// Scores of classifiers trained for a metric and for accuracy.
fn scores(data: &Dataset<'_>, metric: &Metric, score: impl Fn(&LinearClassifier) -> f64) -> (f64, f64) {
    let [special, plain] = [metric, &Metric::Accuracy].map(|metric| {
        let options = FitOptions::default().with_metric(metric.clone());
        score(&LinearClassifier::fit(data, &exact(0.2, 1e-4), &options).unwrap().classifier)
    });
    (special, plain)
}

#[test]
fn exact_trains_what_the_metric_measures() {
    let shares = [0.8, 0.14, 0.06];
    let (x, labels) = clusters(900, &shares, 5);
    let data = Dataset::new(matrix(&x), labels.clone(), 3, None).unwrap();
    let predictions = |classifier: &LinearClassifier| classifier.predict(&matrix(&x)).unwrap();

    let balanced = |c: &LinearClassifier| balanced_accuracy(&labels, &predictions(c), 3, None).unwrap();
    let (special, plain) = scores(&data, &Metric::Balanced, balanced);
    assert!(special > plain + 0.05, "balanced: {special} {plain}");

    // To miss class 2 is dear.
    let costs = vec![0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 20.0, 20.0, 0.0];
    let cost = |c: &LinearClassifier| {
        let pairs = labels.iter().zip(predictions(c));
        pairs.map(|(&label, prediction)| costs[(3 * label + prediction) as usize]).sum::<f64>() / 900.0
    };
    let (special, plain) = scores(&data, &Metric::Cost(costs.clone()), cost);
    assert!(special < 0.8 * plain, "cost: {special} {plain}");

    let top =
        |c: &LinearClassifier| top_k_accuracy(&labels, &c.logits(&matrix(&x)).unwrap(), 3, 2, None).unwrap();
    let (special, plain) = scores(&data, &Metric::TopK(2), top);
    assert!(special >= plain, "top-2: {special} {plain}");
}

#[test]
fn selection_reports_the_metric_and_accuracy_is_a_case_of_each() {
    let (x, labels) = clusters(240, &[0.7, 0.2, 0.1], 6);
    let data = || Dataset::new(matrix(&x), labels.clone(), 3, None).unwrap();
    let plain = train(data(), LossKind::Exact, Metric::Accuracy);
    let top = train(data(), LossKind::Exact, Metric::TopK(1));
    assert_eq!((plain.classifier, plain.cv.clone()), (top.classifier, top.cv));
    // Costs of 1 for each error: the score is minus the error.
    let ones = vec![0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let cost = train(data(), LossKind::CrossEntropy, Metric::Cost(ones));
    let accuracy = train(data(), LossKind::CrossEntropy, Metric::Accuracy);
    assert_eq!(cost.selected, accuracy.selected);
    assert!((cost.cv.mean - (accuracy.cv.mean - 1.0)).abs() < 1e-12);
    // All classes or all but one.
    assert_eq!(train(data(), LossKind::CrossEntropy, Metric::TopK(3)).cv.mean, 1.0);
    let balanced = train(data(), LossKind::Exact, Metric::Balanced);
    assert!(balanced.cv.mean < 1.0 && balanced.cv.mean > 1.0 / 3.0);
    let two = train(data(), LossKind::Exact, Metric::TopK(2));
    assert!(two.cv.mean > plain.cv.mean);
}
