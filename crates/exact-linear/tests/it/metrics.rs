//! Selection by metrics other than accuracy, and decisions by cost.

use exact_data::DenseMatrix;
use exact_eval::{balanced_accuracy, log_loss, macro_f1};
use exact_linear::{
    Dataset, FitOptions, LinearClassifier, LossChoice, LossKind, LossSettings, Metric, Progress, Settings,
    Solver, TrainOptions, Trained, Trainer,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const COLUMNS: usize = 2;

/// Overlapping clusters around the corners of a triangle; class `c` has about `shares[c]` of the rows.
fn clusters(n_rows: usize, shares: &[f64], seed: u64) -> (Vec<f64>, Vec<u32>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let mut draw: f64 = random.random();
        let label = shares.iter().position(|share| {
            draw -= share;
            draw < 0.0
        });
        let label = label.unwrap_or(0);
        labels.push(u32::try_from(label).unwrap());
        for centre in [[0.0, 0.0], [1.0, 0.0], [0.4, 0.9]][label] {
            let noise: f64 = (0..4).map(|_| random.random::<f64>() - 0.5).sum();
            x.push(centre + noise);
        }
    }
    (x, labels)
}

fn matrix(x: &[f64]) -> DenseMatrix<'_> {
    DenseMatrix::new(x, COLUMNS).unwrap()
}

const SHARES: [f64; 3] = [0.85, 0.1, 0.05];

/// Trained on 300 rows.
fn train(kind: LossKind, metric: &Metric) -> Trained {
    let (x, labels) = clusters(300, &SHARES, 1);
    let data = Dataset::new(matrix(&x), labels, 3, None).unwrap();
    let options =
        TrainOptions::default().with_folds(3).with_solver(Solver::Lbfgs).with_metric(metric.clone());
    Trainer::on(data, options).unwrap().train(LossChoice::Kind(kind), &Progress::ignore).unwrap()
}

/// 2000 other rows.
fn others() -> (Vec<f64>, Vec<u32>) {
    clusters(2000, &SHARES, 2)
}

#[test]
fn selection_by_a_metric_of_classes_is_better_at_it_than_selection_by_accuracy() {
    let (x, labels) = others();
    let accurate = train(LossKind::Exact, &Metric::Accuracy).classifier.predict(&matrix(&x)).unwrap();

    let balanced = train(LossKind::Exact, &Metric::Balanced);
    let predictions = balanced.classifier.predict(&matrix(&x)).unwrap();
    let [plain, special] =
        [&accurate, &predictions].map(|classes| balanced_accuracy(&labels, classes, 3, None).unwrap());
    assert!(special > plain + 0.05, "balanced accuracy {plain} {special}");
    assert!((balanced.cv.mean - special).abs() < 0.1, "{} {special}", balanced.cv.mean);
    assert_eq!(balanced.classifier.measure(&Metric::Balanced, &matrix(&x), &labels, None).unwrap(), special);

    let f1 = train(LossKind::Exact, &Metric::MacroF1);
    let predictions = f1.classifier.predict(&matrix(&x)).unwrap();
    let [plain, special] =
        [&accurate, &predictions].map(|classes| macro_f1(&labels, classes, 3, None).unwrap());
    assert!(special > plain + 0.02, "macro F1 {plain} {special}");
    assert!((f1.cv.mean - special).abs() < 0.1, "{} {special}", f1.cv.mean);
    assert!(!f1.sigma_path.is_empty());
}

#[test]
fn selection_by_log_loss_reports_it() {
    let (x, labels) = others();
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let trained = train(kind, &Metric::LogLoss);
        let probabilities = trained.classifier.probabilities(&matrix(&x)).unwrap();
        let measured = log_loss(&labels, &probabilities, 3, None).unwrap();
        // More is better in scores.
        assert!((trained.cv.mean + measured).abs() < 0.1, "{kind}: {} {measured}", trained.cv.mean);
        assert_eq!(Metric::LogLoss.of_score(trained.cv.mean), -trained.cv.mean);
        // EXACT expects accuracy, so that its path has nothing of log loss.
        assert!(trained.sigma_path.is_empty());
        let scores = trained.path.iter().filter(|point| point.validation_scores.len() == 3);
        assert!(
            scores
                .map(|point| point.validation_scores.iter().sum::<f64>() / 3.0)
                .all(|score| { score <= trained.cv.mean + 1e-9 })
        );
    }
}

/// To miss class 2 is dear.
const COSTS: [f64; 9] = [0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 15.0, 15.0, 0.0];

fn mean_cost(trained: &Trained, metric: &Metric) -> f64 {
    let (x, labels) = others();
    trained.classifier.measure(metric, &matrix(&x), &labels, None).unwrap()
}

#[test]
fn classifiers_decide_by_cost_unless_they_were_trained_for_it() {
    let metric = Metric::Cost(COSTS.to_vec());
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let (plain, special) = (train(kind, &Metric::Accuracy), train(kind, &metric));
        assert_eq!(special.classifier.costs().is_some(), kind == LossKind::CrossEntropy, "{kind}");
        assert!(plain.classifier.costs().is_none());
        let costs = [&plain, &special].map(|trained| mean_cost(trained, &metric));
        assert!(costs[1] < 0.8 * costs[0], "{kind}: {costs:?}");
        assert!((special.cv.mean + costs[1]).abs() < 0.15, "{kind}: {} {costs:?}", special.cv.mean);
        let bytes = special.classifier.to_bytes().unwrap();
        assert_eq!(LinearClassifier::from_bytes("classifier", &bytes).unwrap(), special.classifier);
    }
}

/// Errors cost 1, and predicting no class `cost`.
fn rejecting(cost: f64) -> Metric {
    let of_label = |label: usize| (0..3).map(move |class| f64::from(u8::from(class != label)));
    Metric::Cost((0..3).flat_map(|label| of_label(label).chain([cost])).collect())
}

#[test]
fn rows_are_rejected_where_that_is_expected_to_cost_less() {
    let (x, _) = others();
    let error = {
        let ones = Metric::Cost(vec![0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
        mean_cost(&train(LossKind::Exact, &ones), &ones)
    };
    for kind in [LossKind::CrossEntropy, LossKind::Exact] {
        let mut before = 1.1;
        for cost in [0.1, 0.7] {
            let trained = train(kind, &rejecting(cost));
            let predictions = trained.classifier.predictions(&matrix(&x)).unwrap();
            assert!(predictions.classes.iter().all(|&class| class < 3));
            let rejected = predictions.rejected.unwrap();
            // Chow's rule: where no class is as probable as that.
            for (row, &rejected) in rejected.iter().enumerate() {
                let largest = predictions.probabilities[3 * row..][..3].iter().copied().fold(0.0, f64::max);
                assert!(rejected == (1.0 - largest > cost) || (1.0 - largest - cost).abs() < 1e-12);
            }
            let share = rejected.iter().filter(|&&rejected| rejected).count() as f64 / 2000.0;
            assert!(share < before, "{kind}: {share} at {cost}");
            before = share;
            // Not by costs that have none for that.
            let (x, labels) = others();
            let without = Metric::Cost(COSTS.to_vec());
            assert!(trained.classifier.measure(&without, &matrix(&x), &labels, None).is_err());
            let mean = mean_cost(&trained, &rejecting(cost));
            assert!(
                mean < error + 0.01 && mean <= cost.max(error) + 0.01,
                "{kind}: {mean} {error} at {cost}"
            );
        }
        assert!(before < 0.01, "{kind}: {before}");
    }
}

#[test]
fn costs_that_do_not_fit_are_refused() {
    let (x, labels) = clusters(60, &SHARES, 3);
    let data = Dataset::new(matrix(&x), labels, 3, None).unwrap();
    let trainer = |metric| Trainer::on(data.clone(), TrainOptions::default().with_metric(metric));
    for n_costs in [0, 3, 8, 15] {
        assert!(trainer(Metric::Cost(vec![1.0; n_costs])).is_err(), "{n_costs}");
    }
    assert!(trainer(rejecting(0.5)).is_ok() && trainer(rejecting(f64::NAN)).is_err());
    // A single fit has no calibrated probabilities to reject by.
    let options = FitOptions::default().with_metric(rejecting(0.5));
    assert!(LinearClassifier::fit(&data, &Settings::new(LossSettings::default(), 0.1), &options).is_err());
}
