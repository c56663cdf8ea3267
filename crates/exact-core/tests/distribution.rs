//! The predictive distribution and expected cost.

#![allow(clippy::unwrap_used)]

use exact_core::Rule;
use exact_core::expected::{
    ExpectedAccuracy, Probability, Sigma, expected_cost, predictive_distribution,
    predictive_distribution_derivative,
};
use exact_core::loss::{Logits, LossError};
use proptest::prelude::*;

/// The promised absolute error, of entries and of their sum.
const ABSOLUTE: f64 = 1e-13;
/// The promised relative error of an entry above [`SMALLEST`].
const RELATIVE: f64 = 1e-9;
const SMALLEST: f64 = 1e-280;
const STEP: f64 = 1e-5;
const DIFFERENCE: f64 = 1e-8;

/// The rule that the sigmas call for.
fn rule(sigma: Sigma<'_, f64>) -> Rule {
    if matches!(sigma, Sigma::PerClass(_)) { Rule::wide() } else { Rule::precise::<f64>() }
}

fn distribution(mu: &[f64], sigma: Sigma<'_, f64>) -> Vec<f64> {
    let mut out = vec![0.0; mu.len()];
    let logits = Logits::new(mu, mu.len()).unwrap();
    predictive_distribution(logits, sigma, &rule(sigma), &mut out).unwrap();
    out
}

fn derivative(mu: &[f64], sigma: Sigma<'_, f64>, direction: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; mu.len()];
    let logits = Logits::new(mu, mu.len()).unwrap();
    predictive_distribution_derivative(logits, sigma, &rule(sigma), direction, &mut out).unwrap();
    out
}

/// The same probabilities, each from its own integral.
fn one_by_one(mu: &[f64], sigma: Sigma<'_, f64>) -> Vec<Probability<f64>> {
    let mut values = [Probability::default()];
    let mut grad = vec![0.0; mu.len()];
    let logits = Logits::new(mu, mu.len()).unwrap();
    let labels = 0..u32::try_from(mu.len()).unwrap();
    let metric = ExpectedAccuracy::new(rule(sigma));
    labels
        .map(|label| {
            metric.evaluate(logits, &[label], sigma, &mut values, &mut grad).unwrap();
            values[0]
        })
        .collect()
}

fn classes(spread: f64) -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<f64>)> {
    prop::collection::vec((-spread..spread, 0.6..2.0_f64, -1.0..1.0_f64), 2..20).prop_map(|classes| {
        let column = |f: &dyn Fn(&(f64, f64, f64)) -> f64| classes.iter().map(f).collect::<Vec<_>>();
        (column(&|c| c.0), column(&|c| c.1), column(&|c| c.2))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn entries_agree_with_their_own_integrals((mu, sigma, _) in classes(4.0), common in 0.05..3.0_f64) {
        for sigma in [Sigma::Common(common), Sigma::PerClass(&sigma)] {
            let found = distribution(&mu, sigma);
            let sum: f64 = found.iter().sum();
            prop_assert!((sum - 1.0).abs() < ABSOLUTE, "{sum}");
            for (p, expected) in found.iter().zip(one_by_one(&mu, sigma)) {
                prop_assert!((p - expected.p).abs() < ABSOLUTE, "{p} {expected:?}");
                prop_assert!((p - expected.p).abs() <= RELATIVE * expected.p.max(SMALLEST), "{p} {expected:?}");
            }
        }
    }

    #[test]
    fn derivative_agrees_with_central_differences((mu, sigma, direction) in classes(2.0)) {
        for sigma in [Sigma::Common(0.7), Sigma::PerSample(&[1.5]), Sigma::PerClass(&sigma)] {
            let found = derivative(&mu, sigma, &direction);
            let moved = |step: f64| {
                let mu: Vec<f64> = mu.iter().zip(&direction).map(|(mu, v)| mu + step * v).collect();
                distribution(&mu, sigma)
            };
            let (up, down) = (moved(STEP), moved(-STEP));
            for (class, found) in found.iter().enumerate() {
                prop_assert!((found - (up[class] - down[class]) / (2.0 * STEP)).abs() < DIFFERENCE);
            }
            prop_assert!(found.iter().sum::<f64>().abs() < ABSOLUTE);
        }
    }

    #[test]
    fn expected_cost_is_linear_in_the_costs_and_its_gradient_is_that_of_its_value(
        (mu, sigma, costs) in classes(2.0),
    ) {
        let (mut value, mut grad) = ([0.0], vec![0.0; mu.len()]);
        let rule = Rule::wide();
        let mut cost = |mu: &[f64]| {
            let logits = Logits::new(mu, mu.len()).unwrap();
            expected_cost(logits, &costs, Sigma::PerClass(&sigma), &rule, &mut value, &mut grad).unwrap();
            (value[0], grad.clone())
        };
        let (value, grad) = cost(&mu);
        let p = distribution(&mu, Sigma::PerClass(&sigma));
        let expected: f64 = p.iter().zip(&costs).map(|(p, cost)| p * cost).sum();
        prop_assert!((value - expected).abs() < ABSOLUTE);
        for class in 0..mu.len() {
            let (mut up, mut down) = (mu.clone(), mu.clone());
            up[class] += STEP;
            down[class] -= STEP;
            let slope = (cost(&up).0 - cost(&down).0) / (2.0 * STEP);
            prop_assert!((grad[class] - slope).abs() < DIFFERENCE);
        }
    }

    #[test]
    fn finite_inputs_give_probabilities(
        classes in prop::collection::vec((-45.0..37.0_f64, any::<bool>(), -44.0..37.0_f64), 1..7),
    ) {
        let sigma: Vec<f64> = classes.iter().map(|class| 10.0_f64.powf(class.2)).collect();
        let mu: Vec<f64> =
            classes.iter().map(|class| if class.1 { 1.0 } else { -1.0 } * 10.0_f64.powf(class.0)).collect();
        for sigma in [Sigma::Common(sigma[0]), Sigma::PerClass(&sigma)] {
            let p = distribution(&mu, sigma);
            prop_assert!(p.iter().all(|p| p.is_finite() && *p >= 0.0), "{p:?}");
            prop_assert!(derivative(&mu, sigma, &mu).iter().all(|slope| slope.is_finite()));
        }
    }
}

#[test]
fn tiny_entries_keep_their_digits() {
    // Class 0 against class 1 alone: Φ(-d / √2), down to where it underflows.
    for difference in [8.0, 20.0, 35.0, 50.0] {
        let p = distribution(&[0.0, difference], Sigma::Common(1.0))[0];
        let expected = exact_core::normal::log_cdf(-difference / std::f64::consts::SQRT_2);
        assert!((p.ln() / expected - 1.0).abs() < 1e-12, "{difference}: {}", p.ln());
    }
    assert!(distribution(&[0.0, 1000.0, 1.0], Sigma::Common(1.0))[0] < SMALLEST);
}

#[test]
fn many_classes_sum_to_one() {
    for (n_classes, scale) in [(1, 1.0), (100, 3.0), (1000, 1.0), (1000, 10.0), (5000, 0.0)] {
        let mu: Vec<f64> = (0..n_classes).map(|class| scale * (f64::from(class) * 0.7).sin()).collect();
        let p = distribution(&mu, Sigma::Common(1.0));
        let sum: f64 = p.iter().sum();
        assert!((sum - 1.0).abs() < ABSOLUTE, "{n_classes} {scale}: {:e}", sum - 1.0);
    }
}

#[test]
fn a_batch_equals_its_rows_and_single_precision_is_rounded_once() {
    let n_classes = 7;
    let mu: Vec<f32> = (0..37 * n_classes).map(|i| ((i * i) as f32 * 0.3).sin() * 2.0).collect();
    let sigma: Vec<f32> = (0..37).map(|i| 0.25 + 0.125 * (i % 5) as f32).collect();
    let mut found = vec![0.0; mu.len()];
    let logits = Logits::new(&mu, n_classes).unwrap();
    let rule = Rule::precise::<f64>();
    predictive_distribution(logits, Sigma::PerSample(&sigma), &rule, &mut found).unwrap();
    for (row, found) in found.chunks(n_classes).enumerate() {
        let mu: Vec<f64> = mu[row * n_classes..][..n_classes].iter().map(|mu| f64::from(*mu)).collect();
        let expected = distribution(&mu, Sigma::Common(f64::from(sigma[row])));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(*found, *expected as f32);
        }
    }
}

#[test]
fn zero_one_costs_give_the_expected_error() {
    let mu = [0.3, -0.2, 1.1, 0.4];
    let (mut value, mut grad) = ([0.0_f64], [0.0_f64; 4]);
    let logits = Logits::new(&mu, 4).unwrap();
    let rule = Rule::precise::<f64>();
    expected_cost(logits, &[1.0, 1.0, 0.0, 1.0], Sigma::Common(0.8), &rule, &mut value, &mut grad).unwrap();
    let mut values = [Probability::default()];
    let mut expected = [0.0; 4];
    ExpectedAccuracy::precise::<f64>()
        .evaluate(logits, &[2], Sigma::Common(0.8), &mut values, &mut expected)
        .unwrap();
    assert!((value[0] - values[0].one_minus_p).abs() < ABSOLUTE);
    assert!(grad.iter().zip(&expected).all(|(found, expected)| (found + expected).abs() < ABSOLUTE));
}

#[test]
fn lengths_that_do_not_match_are_refused() {
    let logits = Logits::new(&[0.0, 1.0], 2).unwrap();
    let rule = Rule::training();
    let sigma = Sigma::Common(1.0);
    let refused = |result: Result<(), LossError>, what: &str| match result.unwrap_err() {
        LossError::SamplesLength { what: found, .. } => assert_eq!(found, what),
        other => panic!("{other}"),
    };
    refused(predictive_distribution(logits, sigma, &rule, &mut [0.0]), "output");
    refused(predictive_distribution_derivative(logits, sigma, &rule, &[0.0], &mut [0.0; 2]), "direction");
    refused(expected_cost(logits, &[0.0], sigma, &rule, &mut [0.0], &mut [0.0; 2]), "costs");
    refused(expected_cost(logits, &[0.0; 2], sigma, &rule, &mut [0.0; 2], &mut [0.0; 2]), "values");
    let error = predictive_distribution(logits, Sigma::Common(-1.0), &rule, &mut [0.0; 2]).unwrap_err();
    assert!(matches!(error, LossError::Setting { name: "sigma", .. }));
}
