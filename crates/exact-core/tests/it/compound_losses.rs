//! Losses that are made of others.

use std::sync::Arc;

use exact_core::Rule;
use exact_core::logit_normalization::normalize;
use exact_core::loss::{
    BetaBernoulli, CrossEntropy, Exact, Logits, Loss, LossError, MacroF1, Normalized, OnRandomScores,
    Samples, WeightedSum,
};

const N_CLASSES: usize = 3;
/// Absolute, of a central difference with [`STEP`].
const DIFFERENCE: f64 = 1e-8;
const STEP: f64 = 1e-5;

/// So many rows that they are split between threads.
fn batch() -> (Vec<f64>, Vec<u32>, Vec<f64>) {
    let n = 2000;
    let logits = (0..n * N_CLASSES).map(|at| 3.0 * (at as f64 * 0.7).sin() + 0.5).collect();
    let labels = (0..n).map(|row| (row % 3) as u32).collect();
    (logits, labels, (0..n).map(|row| 0.5 + (row % 5) as f64).collect())
}

fn evaluate(loss: &dyn Loss<f64>, logits: &[f64], parameters: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let (_, labels, weights) = batch();
    let rows = logits.len() / N_CLASSES;
    let logits = Logits::new(logits, N_CLASSES).unwrap();
    let samples = Samples::mean(logits, &labels[..rows], Some(&weights[..rows])).unwrap();
    let mut grad = vec![f64::NAN; logits.values().len()];
    let sum = loss.evaluate_samples(samples, parameters, &mut grad).unwrap();
    (sum.value, grad, sum.parameters.to_vec())
}

#[test]
fn a_sum_has_the_values_and_slopes_of_its_parts() {
    let exact = Exact::new(0.8).unwrap().with_learned_sigma();
    let parts: [(f64, Arc<dyn Loss<f64>>); 3] = [
        (0.25, Arc::new(CrossEntropy::new())),
        (2.0, Arc::new(exact)),
        (0.5, Arc::new(MacroF1::new(0.8).unwrap())),
    ];
    let sum = WeightedSum::new(parts.clone()).unwrap();
    let (logits, ..) = batch();
    assert_eq!(sum.initial_parameters(), [0.8_f64.ln()]);
    let (value, grad, slopes) = evaluate(&sum, &logits, &[-0.1]);
    let own = parts.map(|(weight, loss)| {
        let parameters: &[f64] = if loss.name() == "exact" { &[-0.1] } else { &[] };
        (weight, evaluate(loss.as_ref(), &logits, parameters))
    });
    let expected: f64 = own.iter().map(|(weight, (value, ..))| weight * value).sum();
    assert!((value - expected).abs() < 1e-14, "{value} {expected}");
    for (at, slope) in grad.iter().enumerate() {
        let expected: f64 = own.iter().map(|(weight, (_, grad, _))| weight * grad[at]).sum();
        assert!((slope - expected).abs() < 1e-16, "{at}: {slope} {expected}");
    }
    assert_eq!(slopes, [2.0 * own[1].1.2[0], 0.0]);
}

#[test]
fn a_sum_that_cannot_be_is_refused() {
    let cross_entropy = || -> Arc<dyn Loss<f64>> { Arc::new(CrossEntropy::new()) };
    let learned = || -> Arc<dyn Loss<f64>> { Arc::new(BetaBernoulli::new(1.0).unwrap()) };
    let sigma: Arc<dyn Loss<f64>> = Arc::new(Exact::new(1.0).unwrap().with_learned_sigma());
    let problem = |parts: Vec<(f64, Arc<dyn Loss<f64>>)>| match WeightedSum::new(parts) {
        Err(LossError::Setting { name, .. }) => name,
        _ => "none",
    };
    assert_eq!(problem(vec![]), "the number of losses in a sum");
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(problem(vec![(weight, cross_entropy())]), "the weight of a loss");
    }
    assert_eq!(problem(vec![(1.0, learned()), (1.0, sigma)]), "the number of learned parameters of a sum");
    assert_eq!(problem(vec![(1.0, learned()), (1.0, cross_entropy())]), "none");
}

#[test]
fn a_normalised_loss_is_that_of_the_normalised_logits() {
    let (logits, _, weights) = batch();
    let exact = Exact::new(0.8).unwrap().with_learned_sigma();
    let loss = Normalized::new(Arc::new(exact.clone()));
    let mut normalized = vec![0.0; logits.len()];
    normalize(&logits, N_CLASSES, Some(&weights), &mut normalized).unwrap();
    let (value, grad, slopes) = evaluate(&loss, &logits, &[-0.1]);
    let (expected, _, expected_slopes) = evaluate(&exact, &normalized, &[-0.1]);
    assert_eq!((value, slopes), (expected, expected_slopes));
    let moved: Vec<f64> = logits.iter().map(|logit| 7.0 * logit - 2.0).collect();
    assert!((evaluate(&loss, &moved, &[-0.1]).0 - value).abs() < 1e-14);
    // Neither the level nor the scale matters, so the gradient is orthogonal to both.
    let dot: f64 = grad.iter().zip(&logits).map(|(slope, logit)| slope * logit).sum();
    assert!(grad.iter().sum::<f64>().abs() < 1e-14 && dot.abs() < 1e-14);
}

#[test]
fn gradients_are_those_of_differences() {
    let exact = Exact::new(0.8).unwrap().with_rule(Rule::precise::<f64>());
    let normalized: Arc<dyn Loss<f64>> = Arc::new(Normalized::new(Arc::new(exact)));
    let parts: [(f64, Arc<dyn Loss<f64>>); 2] = [(0.5, Arc::new(CrossEntropy::new())), (0.5, normalized)];
    let loss = WeightedSum::new(parts).unwrap();
    let logits = batch().0[..12].to_vec();
    let (_, grad, _) = evaluate(&loss, &logits, &[]);
    for at in 0..logits.len() {
        let value = |step: f64| {
            let mut logits = logits.clone();
            logits[at] += step;
            evaluate(&loss, &logits, &[]).0
        };
        let difference = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        assert!((grad[at] - difference).abs() < DIFFERENCE, "{at}: {} {difference}", grad[at]);
    }
}

#[test]
fn another_number_of_parameters_is_an_error() {
    let exact = || Exact::new(0.8).unwrap();
    let parts: [(f64, Arc<dyn Loss<f64>>); 1] = [(1.0, Arc::new(exact().with_learned_sigma()))];
    let losses: [(Arc<dyn Loss<f64>>, usize); 5] = [
        (Arc::new(exact()), 0),
        (Arc::new(exact().with_learned_sigma()), 1),
        (Arc::new(BetaBernoulli::new(1.0).unwrap()), 2),
        (Arc::new(WeightedSum::new(parts).unwrap()), 1),
        (Arc::new(Normalized::new(Arc::new(MacroF1::new(0.8).unwrap().with_learned_sigma()))), 1),
    ];
    let logits = Logits::new(&[1.0, 0.0], 2).unwrap();
    let samples = Samples::sum(logits, &[0], None).unwrap();
    for (loss, expected) in losses {
        for found in [0, 1, 2, 3] {
            let outcome = loss.evaluate_samples(samples, &vec![0.1; found], &mut [0.0; 2]);
            let error = LossError::Length { what: "loss parameters", found, expected };
            assert_eq!(outcome.err(), (found != expected).then_some(error), "{}", loss.name());
        }
    }
}
