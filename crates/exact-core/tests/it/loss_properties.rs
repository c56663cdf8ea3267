//! Properties of the losses built on expected accuracy.

use exact_core::Rule;
use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
use exact_core::loss::{Exact, Logits, Loss, LossError, OnRandomScores, Probit, Samples};
use proptest::prelude::*;

const ROUNDING: f64 = 1e-12;
/// Of a central difference with step 1e-5, whose noise is that of the rule divided by the step.
const DIFFERENCE: f64 = 1e-7;
const STEP: f64 = 1e-5;

fn evaluate(
    loss: &impl Loss<f64>,
    logits: &[f64],
    labels: &[u32],
    weights: Option<&[f64]>,
) -> (f64, Vec<f64>) {
    let mut grad = vec![f64::NAN; logits.len()];
    let logits = Logits::new(logits, logits.len() / labels.len()).unwrap();
    let value = loss.evaluate(logits, labels, weights, &mut grad).unwrap();
    (value, grad)
}

/// Rows of logits, labels and positive weights.
fn batch() -> impl Strategy<Value = (Vec<f64>, Vec<u32>, Vec<f64>)> {
    (1_usize..20, 2_usize..7).prop_flat_map(|(n, n_classes)| {
        (
            prop::collection::vec(-3.0..3.0_f64, n * n_classes),
            prop::collection::vec(0..u32::try_from(n_classes).unwrap(), n),
            prop::collection::vec(0.1..2.0_f64, n),
        )
    })
}

fn exact() -> Exact {
    Exact::new(0.8).unwrap().with_rule(Rule::precise::<f64>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_losses_are_means_of_error_and_of_minus_log_probability((logits, labels, weights) in batch()) {
        let n_classes = logits.len() / labels.len();
        let mut values = vec![Probability::default(); labels.len()];
        let mut grad = vec![0.0; logits.len()];
        let rows = Logits::new(&logits, n_classes).unwrap();
        ExpectedAccuracy::new(Rule::training())
            .evaluate(rows, &labels, Sigma::Common(0.8), &mut values, &mut grad)
            .unwrap();
        let total: f64 = weights.iter().sum();
        let mean = |value: &dyn Fn(&Probability<f64>) -> f64| -> f64 {
            values.iter().zip(&weights).map(|(p, w)| w * value(p)).sum::<f64>() / total
        };
        let (value, exact_grad) = evaluate(&Exact::new(0.8).unwrap(), &logits, &labels, Some(&weights));
        prop_assert!((value - mean(&|p| p.one_minus_p)).abs() < ROUNDING);
        for (i, (found, row_grad)) in exact_grad.iter().zip(&grad).enumerate() {
            prop_assert!((found + row_grad * weights[i / n_classes] / total).abs() < ROUNDING);
        }
        let (value, probit_grad) = evaluate(&Probit::new(0.8).unwrap(), &logits, &labels, Some(&weights));
        // The logarithm is computed in f64 also where the rule would do with f32.
        ExpectedAccuracy::new(Rule::training())
            .of_logarithm()
            .evaluate(rows, &labels, Sigma::Common(0.8), &mut values, &mut grad)
            .unwrap();
        let mean_log: f64 = values.iter().zip(&weights).map(|(p, w)| w * p.log_p).sum::<f64>() / total;
        prop_assert!((value + mean_log).abs() < ROUNDING * value.max(1.0));
        for (i, (found, row_grad)) in probit_grad.iter().zip(&grad).enumerate() {
            let expected = -row_grad * weights[i / n_classes] / total;
            prop_assert!((found - expected).abs() < ROUNDING * expected.abs().max(1.0));
        }
    }

    #[test]
    fn equal_weights_change_nothing_and_a_zero_weight_drops_the_sample((logits, labels, weights) in batch()) {
        let plain = evaluate(&exact(), &logits, &labels, None);
        let equal = evaluate(&exact(), &logits, &labels, Some(&vec![3.0; labels.len()]));
        prop_assert!((plain.0 - equal.0).abs() < ROUNDING);
        if labels.len() > 1 {
            let n_classes = logits.len() / labels.len();
            let mut dropped = weights.clone();
            dropped[0] = 0.0;
            let all = evaluate(&exact(), &logits, &labels, Some(&dropped));
            let rest = evaluate(&exact(), &logits[n_classes..], &labels[1..], Some(&weights[1..]));
            prop_assert!((all.0 - rest.0).abs() < ROUNDING);
            prop_assert!(all.1[..n_classes].iter().all(|g| *g == 0.0));
        }
    }

    #[test]
    fn gradients_agree_with_central_differences(
        (logits, labels, weights) in batch(),
        margin in 0.5..3.0_f64,
    ) {
        let exact = exact().with_margin(margin).unwrap();
        let probit = Probit::new(0.8).unwrap();
        let (_, exact_grad) = evaluate(&exact, &logits, &labels, Some(&weights));
        let (_, probit_grad) = evaluate(&probit, &logits, &labels, Some(&weights));
        for i in 0..logits.len() {
            let moved = |step: f64| {
                let mut logits = logits.clone();
                logits[i] += step;
                logits
            };
            let slope =
                |loss: &dyn Fn(&[f64]) -> f64| (loss(&moved(STEP)) - loss(&moved(-STEP))) / (2.0 * STEP);
            let by_exact = slope(&|logits| evaluate(&exact, logits, &labels, Some(&weights)).0);
            // Right at the clip the derivative has a jump.
            let n_classes = logits.len() / labels.len();
            let row = &logits[i / n_classes * n_classes..][..n_classes];
            let label = labels[i / n_classes] as usize;
            if row.iter().all(|other| (row[label] - other - margin).abs() > 3.0 * STEP) {
                prop_assert!((exact_grad[i] - by_exact).abs() < DIFFERENCE);
            }
            // The training rule's own error is 3e-6 of the gradient.
            let by_probit = slope(&|logits| evaluate(&probit, logits, &labels, Some(&weights)).0);
            prop_assert!((probit_grad[i] - by_probit).abs() < 3e-5 * by_probit.abs().max(1.0));
        }
    }
}

#[test]
fn a_learned_sigma_has_the_slope_of_its_logarithm() {
    let logits = [1.0, 0.2, -0.3, 0.4, 0.5, 0.6];
    let samples = Samples::mean(Logits::new(&logits, 3).unwrap(), &[0, 1], None).unwrap();
    let loss = Exact::new(0.8).unwrap().with_rule(Rule::precise::<f64>()).with_learned_sigma();
    let mut grad = [0.0; 6];
    let mut at = |log_sigma: f64| loss.evaluate_samples(samples, &[log_sigma], &mut grad).unwrap();
    let start = Loss::<f64>::initial_parameters(&loss)[0];
    assert_eq!(start, 0.8_f64.ln());
    let slope = (at(start + STEP).value - at(start - STEP).value) / (2.0 * STEP);
    assert!((at(start).parameters[0] - slope).abs() < DIFFERENCE, "{slope}");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (n, n_classes) = (3000, 7);
    let logits: Vec<f32> = (0..n * n_classes).map(|i| ((i as f32) * 0.7).sin() * 3.0).collect();
    let labels: Vec<u32> = (0..n as u32).map(|i| i % n_classes as u32).collect();
    let weights: Vec<f32> = (0..n).map(|i| 1.0 + (i % 3) as f32).collect();
    let run = |threads: usize, loss: &dyn Loss<f32>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut grad = vec![0.0; logits.len()];
        let logits = Logits::new(&logits, n_classes).unwrap();
        let value = pool.install(|| loss.evaluate(logits, &labels, Some(&weights), &mut grad).unwrap());
        (value.to_bits(), grad.iter().map(|g| g.to_bits()).collect::<Vec<_>>())
    };
    let losses: [&dyn Loss<f32>; 2] = [&Exact::new(0.5).unwrap(), &Probit::new(0.5).unwrap()];
    for loss in losses {
        assert!(run(1, loss) == run(2, loss), "{}", loss.name());
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for error in [Exact::new(sigma).unwrap_err(), Probit::new(sigma).unwrap_err()] {
            assert!(matches!(error, LossError::Setting { name: "sigma", .. }), "{error}");
        }
    }
    for margin in [-1.0, f64::NAN] {
        assert!(Exact::new(1.0).unwrap().with_margin(margin).is_err());
        assert!(Probit::new(1.0).unwrap().with_margin(margin).is_err());
    }
}

#[test]
fn unusable_weights_are_refused_with_their_place() {
    let logits = Logits::new(&[0.0, 1.0, 2.0, 3.0], 2).unwrap();
    let mut grad = [0.0; 4];
    let loss = Exact::new(1.0).unwrap();
    let mut run = |weights: &[f64]| loss.evaluate(logits, &[0, 1], Some(weights), &mut grad).unwrap_err();
    assert_eq!(run(&[1.0, -1.0]), LossError::Weight { row: 1, value: -1.0 });
    assert_eq!(run(&[0.0, 0.0]), LossError::ZeroWeights);
    assert!(matches!(run(&[f64::NAN, 0.0]), LossError::Weight { row: 0, .. }));
    assert!(matches!(run(&[1.0]), LossError::SamplesLength { what: "weights", found: 1, expected: 2 }));
}
