//! Losses on expected metrics beside accuracy, with learned sigma.

use exact_core::Rule;
use exact_core::expected::{
    ExpectedAccuracy, Probability, Sigma, balanced_weights, expected_macro_f1, predictive_distribution,
};
use exact_core::loss::{
    Exact, ExpectedCost, Logits, Loss, LossError, MacroF1, OnRandomScores, Probit, Samples, TopK,
};
use proptest::prelude::*;

/// Of values that are computed in different ways with the precise rule.
const ROUNDING: f64 = 1e-12;
/// Of a central difference with this step.
const DIFFERENCE: f64 = 1e-7;
const STEP: f64 = 1e-5;
/// The training rule against the precise one.
const TRAINING: f64 = 1e-5;
const SIGMA: f64 = 0.8;

/// Costs of `n_labels` labels and one class that rejects.
fn rejecting(n_labels: usize) -> Vec<f64> {
    let cost = |label: usize, prediction: usize| match prediction {
        _ if prediction == label => 0.0,
        _ if prediction == n_labels => 0.3,
        _ => 1.0 + ((label * 5 + prediction) as f64 * 0.7).sin().abs(),
    };
    (0..n_labels).flat_map(|label| (0..=n_labels).map(move |prediction| cost(label, prediction))).collect()
}

fn losses(n_classes: usize) -> [Box<dyn Loss<f64>>; 8] {
    let cost = ExpectedCost::new(&rejecting(n_classes - 1), n_classes, SIGMA).unwrap();
    let cost = cost.with_rule(Rule::precise::<f64>()).with_learned_sigma();
    let f1 = MacroF1::new(SIGMA).unwrap().with_rule(Rule::precise::<f64>()).with_learned_sigma();
    let top = TopK::new(2, SIGMA).unwrap().with_rule(Rule::precise::<f64>()).with_learned_sigma();
    let exact = Exact::new(SIGMA).unwrap().with_rule(Rule::precise::<f64>()).with_learned_sigma();
    let probit = Probit::new(SIGMA).unwrap().with_rule(Rule::precise::<f64>()).with_learned_sigma();
    [
        Box::new(top.clone().with_margin(0.9).unwrap()),
        Box::new(top),
        Box::new(exact),
        Box::new(probit.with_margin(0.9).unwrap()),
        Box::new(cost.clone().with_margin(0.9).unwrap()),
        Box::new(cost),
        Box::new(f1.clone().with_margin(0.9).unwrap()),
        Box::new(f1),
    ]
}

/// Rows of logits, labels below the last class, and positive weights.
fn batch() -> impl Strategy<Value = (Vec<f64>, Vec<u32>, Vec<f64>)> {
    (1_usize..20, 2_usize..7).prop_flat_map(|(n, n_classes)| {
        (
            prop::collection::vec(-2.0..2.0_f64, n * n_classes),
            prop::collection::vec(0..u32::try_from(n_classes - 1).unwrap(), n),
            prop::collection::vec(0.1..2.0_f64, n),
        )
    })
}

fn evaluate(
    loss: &dyn Loss<f64>,
    logits: &[f64],
    labels: &[u32],
    weights: Option<&[f64]>,
    log_sigma: f64,
) -> (f64, f64, Vec<f64>) {
    let mut grad = vec![f64::NAN; logits.len()];
    let logits = Logits::new(logits, logits.len() / labels.len()).unwrap();
    let samples = Samples::mean(logits, labels, weights).unwrap();
    let sum = loss.evaluate_samples(samples, &[log_sigma], &mut grad).unwrap();
    (sum.value, sum.parameters[0], grad)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn gradients_agree_with_central_differences((logits, labels, weights) in batch()) {
        let n_classes = logits.len() / labels.len();
        let start = SIGMA.ln();
        for loss in losses(n_classes) {
            prop_assert_eq!(loss.initial_parameters(), vec![start]);
            let at = |logits: &[f64], log_sigma| {
                evaluate(loss.as_ref(), logits, &labels, Some(&weights), log_sigma)
            };
            let (_, sigma_slope, grad) = at(&logits, start);
            let slope = (at(&logits, start + STEP).0 - at(&logits, start - STEP).0) / (2.0 * STEP);
            prop_assert!((sigma_slope - slope).abs() < DIFFERENCE, "{}: {sigma_slope} {slope}", loss.name());
            for i in 0..logits.len() {
                // Right at the clip the derivative has a jump.
                let row = &logits[i / n_classes * n_classes..][..n_classes];
                let label = labels[i / n_classes] as usize;
                if row.iter().any(|other| (row[label] - other - 0.9).abs() < 3.0 * STEP) {
                    continue;
                }
                let value = |step: f64| {
                    let mut logits = logits.clone();
                    logits[i] += step;
                    at(&logits, start).0
                };
                let slope = (value(STEP) - value(-STEP)) / (2.0 * STEP);
                prop_assert!((grad[i] - slope).abs() < DIFFERENCE, "{}: {} {slope}", loss.name(), grad[i]);
            }
        }
    }

    #[test]
    fn weights_repeat_or_drop_samples_and_offsets_change_nothing((logits, labels, weights) in batch()) {
        let n_classes = logits.len() / labels.len();
        let start = SIGMA.ln();
        for loss in losses(n_classes) {
            let loss = loss.as_ref();
            let plain = evaluate(loss, &logits, &labels, None, start);
            let equal = evaluate(loss, &logits, &labels, Some(&vec![3.0; labels.len()]), start);
            prop_assert!((plain.0 - equal.0).abs() < ROUNDING);
            // Weight 2 for the first sample is to have it twice; weight 0 is not to have it.
            let mut changed = vec![1.0; labels.len()];
            changed[0] = 2.0;
            let twice = evaluate(loss, &logits, &labels, Some(&changed), start);
            let repeated = [&logits[..n_classes], &logits].concat();
            let repeated = evaluate(loss, &repeated, &[&labels[..1], &labels].concat(), None, start);
            prop_assert!((twice.0 - repeated.0).abs() < ROUNDING);
            prop_assert!((twice.1 - repeated.1).abs() < ROUNDING);
            if labels.len() > 1 {
                let mut dropped = weights.clone();
                dropped[0] = 0.0;
                let all = evaluate(loss, &logits, &labels, Some(&dropped), start);
                let rest = evaluate(loss, &logits[n_classes..], &labels[1..], Some(&weights[1..]), start);
                prop_assert!((all.0 - rest.0).abs() < ROUNDING);
                prop_assert!(all.2[..n_classes].iter().all(|g| *g == 0.0));
            }
            // Adding a power of two to multiples of 1/1024 rounds nothing.
            let coarse: Vec<f64> = logits.iter().map(|logit| (logit * 1024.0).round() / 1024.0).collect();
            let moved: Vec<f64> = coarse.iter().map(|logit| logit + 1024.0).collect();
            let (base, moved) = (
                evaluate(loss, &coarse, &labels, None, start),
                evaluate(loss, &moved, &labels, None, start),
            );
            prop_assert!((base.0 - moved.0).abs() < ROUNDING);
            prop_assert!(base.2.iter().zip(&moved.2).all(|(a, b)| (a - b).abs() < ROUNDING));
            for row in base.2.chunks(n_classes) {
                prop_assert!(row.iter().sum::<f64>().abs() < ROUNDING);
            }
        }
    }

    #[test]
    fn zero_one_costs_give_the_exact_loss((logits, labels, weights) in batch(), margin in 0.1..3.0_f64) {
        let n_classes = logits.len() / labels.len();
        let costs: Vec<f64> =
            (0..n_classes * n_classes).map(|i| if i % (n_classes + 1) == 0 { 0.0 } else { 1.0 }).collect();
        let rule = Rule::precise::<f64>();
        let cost = ExpectedCost::new(&costs, n_classes, SIGMA).unwrap().with_margin(margin).unwrap();
        let cost = cost.with_rule(rule.clone()).with_learned_sigma();
        let exact = Exact::new(SIGMA).unwrap().with_margin(margin).unwrap();
        let exact = exact.with_rule(rule).with_learned_sigma();
        let found = evaluate(&cost, &logits, &labels, Some(&weights), 0.1);
        let expected = evaluate(&exact, &logits, &labels, Some(&weights), 0.1);
        prop_assert!((found.0 - expected.0).abs() < ROUNDING);
        prop_assert!((found.1 - expected.1).abs() < ROUNDING);
        prop_assert!(found.2.iter().zip(&expected.2).all(|(a, b)| (a - b).abs() < ROUNDING));
    }

    #[test]
    fn macro_f1_is_that_of_the_expected_counts_and_has_sigma_slopes(
        (logits, labels, weights) in batch(),
        spread in prop::collection::vec(0.8..1.3_f64, 20 * 7),
    ) {
        let n_classes = logits.len() / labels.len();
        let rows = Logits::new(&logits, n_classes).unwrap();
        let samples = Samples::sum(rows, &labels, Some(&weights)).unwrap();
        let rule = Rule::precise::<f64>();
        let mut grad = vec![0.0; logits.len()];
        for per_class in [false, true] {
            let sigmas = &spread[..if per_class { logits.len() } else { labels.len() }];
            let mut at = |sigmas: &[f64], sigma_grad: Option<&mut [f64]>| {
                let sigma = if per_class { Sigma::PerClass(sigmas) } else { Sigma::PerSample(sigmas) };
                expected_macro_f1(samples, sigma, &rule, &mut grad, sigma_grad).unwrap()
            };
            let mut sigma_grad = vec![f64::NAN; sigmas.len()];
            let value = at(sigmas, Some(&mut sigma_grad));
            let mut p = vec![0.0; logits.len()];
            let sigma = if per_class { Sigma::PerClass(sigmas) } else { Sigma::PerSample(sigmas) };
            predictive_distribution(rows, sigma, &rule, &mut p).unwrap();
            prop_assert!((value - by_counts(&p, &labels, &weights)).abs() < ROUNDING);
            for (i, found) in sigma_grad.iter().enumerate() {
                let mut moved = |step: f64| {
                    let mut sigmas = sigmas.to_vec();
                    sigmas[i] += step;
                    at(&sigmas, None)
                };
                let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                prop_assert!((found - slope).abs() < DIFFERENCE, "{found} {slope}");
            }
        }
    }
}

/// Macro-F1 over the labels that occur, straight from its definition.
fn by_counts(p: &[f64], labels: &[u32], weights: &[f64]) -> f64 {
    let n_classes = p.len() / labels.len();
    let mut scores = Vec::new();
    for class in 0..n_classes {
        let of_class = |row: usize| if labels[row] as usize == class { weights[row] } else { 0.0 };
        let actual: f64 = (0..labels.len()).map(of_class).sum();
        if actual > 0.0 {
            let hits: f64 = (0..labels.len()).map(|row| of_class(row) * p[row * n_classes + class]).sum();
            let predicted: f64 = (0..labels.len()).map(|row| weights[row] * p[row * n_classes + class]).sum();
            let (precision, recall) = (hits / predicted, hits / actual);
            scores.push(2.0 * precision * recall / (precision + recall));
        }
    }
    scores.iter().sum::<f64>() / scores.len() as f64
}

/// Rows of a large batch, whose labels leave the last class out.
fn large(n_classes: usize) -> (Vec<f32>, Vec<u32>, Vec<f32>) {
    let n = 3000;
    let logits = (0..n * n_classes).map(|i| ((i as f32) * 0.7).sin() * 3.0).collect();
    let labels = (0..n).map(|i| (i * i % (n_classes - 1)) as u32).collect();
    (logits, labels, (0..n).map(|i| 1.0 + (i % 3) as f32).collect())
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let n_classes = 7;
    let (logits, labels, weights) = large(n_classes);
    let logits = Logits::new(&logits, n_classes).unwrap();
    let run = |threads: usize, loss: &dyn Loss<f32>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut grad = vec![0.0; logits.values().len()];
        let samples = Samples::mean(logits, &labels, Some(&weights)).unwrap();
        let parameters = loss.initial_parameters();
        let sum = pool.install(|| loss.evaluate_samples(samples, &parameters, &mut grad).unwrap());
        let bits = grad.iter().map(|g| g.to_bits()).collect::<Vec<_>>();
        (sum.value.to_bits(), sum.parameters.map(f32::to_bits), bits)
    };
    let cost = ExpectedCost::new(&rejecting(n_classes - 1), n_classes, SIGMA).unwrap().with_learned_sigma();
    let f1 = MacroF1::new(SIGMA).unwrap().with_learned_sigma();
    let losses: [&dyn Loss<f32>; 2] = [&cost, &f1];
    for loss in losses {
        let one = run(1, loss);
        assert!(one == run(2, loss) && one == run(3, loss), "{}", loss.name());
    }
}

#[test]
fn training_precision_suffices_for_batches() {
    let n_classes = 7;
    let (logits, labels, weights) = large(n_classes);
    let double = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    let (logits64, weights64) = (double(&logits), double(&weights));
    let costs = rejecting(n_classes - 1);
    let (cost, f1) = (ExpectedCost::new(&costs, n_classes, SIGMA).unwrap(), MacroF1::new(SIGMA).unwrap());
    let precise = Rule::precise::<f64>();
    let (cost64, f164) = (cost.clone().with_rule(precise.clone()), f1.clone().with_rule(precise));
    let losses: [(&dyn Loss<f32>, &dyn Loss<f64>); 2] = [(&cost, &cost64), (&f1, &f164)];
    for (single, double) in losses {
        let mut grad = vec![0.0; logits.len()];
        let value = single
            .evaluate(Logits::new(&logits, n_classes).unwrap(), &labels, Some(&weights), &mut grad)
            .unwrap();
        let mut grad64 = vec![0.0; logits.len()];
        let value64 = double
            .evaluate(Logits::new(&logits64, n_classes).unwrap(), &labels, Some(&weights64), &mut grad64)
            .unwrap();
        assert!((f64::from(value) - value64).abs() < TRAINING, "{}: {value} {value64}", single.name());
        let size = grad64.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
        for (g, expected) in grad.iter().zip(&grad64) {
            assert!((f64::from(*g) - expected).abs() < TRAINING * size, "{}", single.name());
        }
    }
}

#[test]
fn macro_f1_tends_to_that_of_the_predictions() {
    // Predictions 0, 1, 1, 1 for labels 0, 0, 1, 1: F1 is 2/3 and 4/5.
    let logits = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
    let mut grad = [0.0; 8];
    let loss = MacroF1::new(0.02).unwrap();
    let value = loss.evaluate(Logits::new(&logits, 2).unwrap(), &[0, 0, 1, 1], None, &mut grad).unwrap();
    assert!((value - (1.0 - 1.0 / 3.0 - 0.4_f64)).abs() < TRAINING, "{value}");
    assert!(grad.iter().all(|g| g.abs() < TRAINING));
}

#[test]
fn balanced_weights_make_expected_accuracy_the_mean_of_the_recalls() {
    let labels = [0, 0, 0, 2, 2, 3];
    let logits: Vec<f64> = (0..24).map(|i| (f64::from(i) * 0.7).sin()).collect();
    let logits = Logits::new(&logits, 4).unwrap();
    let mut values = [Probability::<f64>::default(); 6];
    let mut grad = [0.0; 24];
    let metric = ExpectedAccuracy::precise::<f64>();
    metric.evaluate(logits, &labels, Sigma::Common(SIGMA), &mut values, &mut grad).unwrap();
    let weights: Vec<f64> = balanced_weights(&labels, 4, None).unwrap();
    let found: f64 = values.iter().zip(&weights).map(|(value, weight)| weight * value.p).sum::<f64>() / 6.0;
    let mean = |rows: std::ops::Range<usize>| {
        let n = rows.len() as f64;
        values[rows].iter().map(|value| value.p).sum::<f64>() / n
    };
    let recalls = [mean(0..3), mean(3..5), mean(5..6)];
    assert!((found - recalls.iter().sum::<f64>() / 3.0).abs() < 1e-15);
    assert!((weights.iter().sum::<f64>() - 6.0).abs() < 1e-15);
    assert_eq!(balanced_weights::<f64>(&[], 4, None), Err(LossError::Empty));
    let error = LossError::Label { row: 1, label: 4, n_classes: 4 };
    assert_eq!(balanced_weights::<f64>(&[0, 4], 4, None), Err(error));
}

#[test]
fn balanced_weights_level_classes_by_the_weights_of_their_samples() {
    // Class 2 has no weight, so it does not occur; 9 in all, so 4.5 for each of the others.
    let weights =
        balanced_weights(&[0, 0, 1, 2, 1, 1], 3, Some(&[1.0, 2.0, 1.0, 0.0, 2.0, 3.0_f64])).unwrap();
    assert_eq!(weights, [1.5, 3.0, 0.75, 0.0, 1.5, 2.25]);
    assert_eq!(balanced_weights(&[0, 1], 2, Some(&[0.0, 0.0_f64])), Ok(vec![0.0, 0.0]));
    let error = LossError::SamplesLength { what: "weights", found: 1, expected: 2 };
    assert_eq!(balanced_weights(&[0, 1], 2, Some(&[1.0_f64])), Err(error));
    let error = LossError::Weight { row: 1, value: -1.0 };
    assert_eq!(balanced_weights(&[0, 1], 2, Some(&[1.0, -1.0_f64])), Err(error));
}

#[test]
fn extreme_logits_give_finite_values() {
    for n_classes in [2, 3, 1000] {
        for pattern in [[1e30_f32, -1e30], [-1e30, 1e30], [1e30, 1e30], [0.0, 1e30], [3e4, -3e4]] {
            let logits: Vec<f32> = (0..n_classes).map(|class| pattern[class % 2]).collect();
            let logits = Logits::new(&logits, n_classes).unwrap();
            let mut grad = vec![f32::NAN; n_classes];
            let cost = ExpectedCost::new(&rejecting(n_classes - 1), n_classes, SIGMA).unwrap();
            let f1 = MacroF1::new(SIGMA).unwrap().with_margin(1.0).unwrap();
            let losses: [&dyn Loss<f32>; 2] = [&cost, &f1];
            for loss in losses {
                let value = loss.evaluate(logits, &[0], None, &mut grad).unwrap();
                assert!(
                    value.is_finite() && value >= 0.0,
                    "{} {n_classes} {pattern:?}: {value}",
                    loss.name()
                );
                assert!(grad.iter().all(|g| g.is_finite()), "{} {n_classes} {pattern:?}", loss.name());
            }
        }
    }
}

#[test]
fn one_class_costs_its_cost() {
    let logits = Logits::new(&[3.0_f64], 1).unwrap();
    let mut grad = [1.0];
    let cost = ExpectedCost::new(&[0.25], 1, SIGMA).unwrap();
    assert_eq!((cost.evaluate(logits, &[0], None, &mut grad).unwrap(), grad), (0.25, [0.0]));
    let f1 = MacroF1::new(SIGMA).unwrap();
    assert_eq!((f1.evaluate(logits, &[0], None, &mut grad).unwrap(), grad), (0.0, [0.0]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let logits = Logits::new(&[0.0_f64; 6], 3).unwrap();
    let mut grad = [0.0; 6];
    let cost = ExpectedCost::new(&rejecting(2), 3, SIGMA).unwrap();
    let mut run = |cost: &ExpectedCost, labels: &[u32]| cost.evaluate(logits, labels, None, &mut grad);
    assert!(run(&cost, &[0, 1]).is_ok());
    // The class that rejects is not a label.
    assert_eq!(run(&cost, &[0, 2]), Err(LossError::Label { row: 1, label: 2, n_classes: 2 }));
    let narrow = ExpectedCost::new(&[0.0, 1.0], 2, SIGMA).unwrap();
    assert!(matches!(run(&narrow, &[0, 0]), Err(LossError::Length { found: 2, expected: 3, .. })));
    for (costs, n_predictions) in [(&[0.0, 1.0, 2.0][..], 2), (&[], 2), (&[0.0, f64::NAN], 2), (&[0.0], 0)] {
        assert!(ExpectedCost::new(costs, n_predictions, SIGMA).is_err(), "{costs:?}");
    }
    for sigma in [0.0, -1.0, f64::NAN] {
        assert!(MacroF1::new(sigma).is_err() && cost.at_sigma(sigma).is_err());
        assert!(ExpectedCost::new(&[0.0], 1, sigma).is_err());
    }
    for margin in [-1.0, f64::NAN] {
        assert!(MacroF1::new(1.0).unwrap().with_margin(margin).is_err());
        assert!(cost.clone().with_margin(margin).is_err());
    }
    let weightless = Samples::sum(logits, &[0, 1], Some(&[0.0, 0.0])).unwrap();
    let (sigma, rule) = (Sigma::Common(1.0), Rule::training());
    assert_eq!(expected_macro_f1(weightless, sigma, &rule, &mut grad, None), Err(LossError::ZeroWeights));
    let error = expected_macro_f1(weightless, sigma, &rule, &mut grad[..5], None).unwrap_err();
    assert_eq!(error, LossError::GradientLength { found: 5, expected: 6 });
}

#[test]
fn top_k_loss_is_the_complement_of_the_metric() {
    let logits = [0.3, -0.2, 0.9, 0.4, 0.1, -0.7_f64];
    let rule = Rule::precise::<f64>();
    let loss = TopK::new(2, SIGMA).unwrap().with_rule(rule.clone());
    let mut grad = [0.0; 6];
    let value = loss.evaluate(Logits::new(&logits, 3).unwrap(), &[1, 0], None, &mut grad).unwrap();
    let mut values = [Probability::default(); 2];
    let mut slopes = [0.0; 6];
    exact_core::expected::ExpectedTopK::new(2, rule)
        .unwrap()
        .evaluate(Logits::new(&logits, 3).unwrap(), &[1, 0], Sigma::Common(SIGMA), &mut values, &mut slopes)
        .unwrap();
    assert!((value - 0.5 * (values[0].one_minus_p + values[1].one_minus_p)).abs() < ROUNDING);
    for (g, slope) in grad.iter().zip(slopes) {
        assert!((g + 0.5 * slope).abs() < ROUNDING);
    }
    assert!(TopK::new(0, SIGMA).is_err() && TopK::new(1, 0.0).is_err());
}

#[test]
#[should_panic(expected = "evaluate_samples refuses samples that the cost matrix does not fit")]
fn a_label_without_costs_is_not_summed_as_if_it_cost_nothing() {
    let cost = ExpectedCost::new(&[0.0, 1.0, 2.0], 3, SIGMA).unwrap();
    let samples = Samples::sum(Logits::new(&[0.0_f64; 3], 3).unwrap(), &[1], None).unwrap();
    cost.sum(samples, &[], &mut [0.0; 3]);
}
