//! The predictive distribution and expected cost.

use exact_core::Rule;
use exact_core::expected::{
    ExpectedAccuracy, Probability, Sigma, expected_cost, predictive_distribution,
    predictive_distribution_gradient,
};
use exact_core::loss::{Logits, LossError};
use proptest::prelude::*;

/// The promised absolute error, of entries and of their sum.
const ABSOLUTE: f64 = 1e-13;
/// The promised relative error of an entry above [`SMALLEST`].
const RELATIVE: f64 = 1e-9;
const SMALLEST: f64 = 1e-280;
/// The promised absolute error of probabilities and expected costs in `f32`, and of their gradients, for
/// costs in a range of at most 2 and sigmas of at least 1.
const SINGLE: f64 = 1e-6;
const SINGLE_GRADIENT: f64 = 2.0 * 3e-6;
const STEP: f64 = 1e-5;
const DIFFERENCE: f64 = 1e-8;

fn distribution(mu: &[f64], sigma: Sigma<'_, f64>) -> Vec<f64> {
    let mut out = vec![0.0; mu.len()];
    let logits = Logits::new(mu, mu.len()).unwrap();
    predictive_distribution(logits, sigma, &Rule::precise::<f64>(), &mut out).unwrap();
    out
}

fn derivative(mu: &[f64], sigma: Sigma<'_, f64>, direction: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; mu.len()];
    let logits = Logits::new(mu, mu.len()).unwrap();
    predictive_distribution_gradient(logits, sigma, &Rule::precise::<f64>(), direction, &mut out, None)
        .unwrap();
    out
}

/// The same probabilities, each from its own integral.
fn one_by_one(mu: &[f64], sigma: Sigma<'_, f64>) -> Vec<Probability<f64>> {
    let mut values = [Probability::default()];
    let mut grad = vec![0.0; mu.len()];
    let logits = Logits::new(mu, mu.len()).unwrap();
    let labels = 0..u32::try_from(mu.len()).unwrap();
    let metric = ExpectedAccuracy::new(Rule::precise::<f64>());
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
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn entries_agree_with_their_own_integrals((mu, sigma, _) in classes(4.0), common in 0.05..3.0_f64) {
        for sigma in [Sigma::Common(common), Sigma::PerClass(&sigma)] {
            let found = distribution(&mu, sigma);
            let sum: f64 = found.iter().sum();
            prop_assert!((sum - 1.0).abs() < ABSOLUTE, "{sum}");
            for (p, expected) in found.iter().zip(one_by_one(&mu, sigma)) {
                prop_assert!((p - expected.p).abs() < ABSOLUTE, "{p} {expected:?}");
                let bound = RELATIVE * expected.p.max(SMALLEST);
                prop_assert!((p - expected.p).abs() <= bound, "{p} {expected:?}");
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
    fn sigma_gradients_agree_with_central_differences((mu, sigmas, cotangent) in classes(2.0)) {
        for sigma in [Sigma::Common(0.7), Sigma::PerSample(&[1.5]), Sigma::PerClass(&sigmas)] {
            let rule = Rule::precise::<f64>();
            let logits = Logits::new(&mu, mu.len()).unwrap();
            let values = match sigma {
                Sigma::Common(sigma) => vec![sigma],
                Sigma::PerSample(sigmas) | Sigma::PerClass(sigmas) => sigmas.to_vec(),
            };
            let (mut grad, mut found) = (vec![0.0; mu.len()], vec![f64::NAN; values.len()]);
            predictive_distribution_gradient(logits, sigma, &rule, &cotangent, &mut grad, Some(&mut found))
                .unwrap();
            for (at, found) in found.iter().enumerate() {
                let value = |step: f64| -> f64 {
                    let mut moved = values.clone();
                    moved[at] += step;
                    let moved = match sigma {
                        Sigma::Common(_) => Sigma::Common(moved[0]),
                        Sigma::PerSample(_) => Sigma::PerSample(&moved),
                        Sigma::PerClass(_) => Sigma::PerClass(&moved),
                    };
                    distribution(&mu, moved).iter().zip(&cotangent).map(|(p, k)| p * k).sum()
                };
                let slope = (value(STEP) - value(-STEP)) / (2.0 * STEP);
                prop_assert!((found - slope).abs() < DIFFERENCE, "{found} {slope}");
            }
        }
    }

    #[test]
    fn training_in_single_precision_agrees_with_double(
        (mu, sigma, costs) in classes(4.0),
        scale in 0.01..10.0_f64,
    ) {
        let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<_>>();
        let double = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let mu32 = single(&mu.iter().map(|mu| mu * scale).collect::<Vec<_>>());
        // Sigmas that differ by a factor of less than 2.
        let sigma32 = single(&sigma.iter().map(|sigma| 0.75 + 0.5 * sigma).collect::<Vec<_>>());
        let costs32 = single(&costs);
        let (mu, sigma, costs) = (double(&mu32), double(&sigma32), double(&costs32));
        let n = mu.len();
        let logits = Logits::new(&mu, n).unwrap();
        for (sigma, sigma32) in [
            (Sigma::Common(1.0), Sigma::Common(1.0)),
            (Sigma::PerClass(&sigma), Sigma::PerClass(&sigma32)),
        ] {
            let n_sigmas = if matches!(sigma, Sigma::PerClass(_)) { n } else { 1 };
            let mut expected = (distribution(&mu, sigma), [0.0], vec![0.0; n], vec![0.0; n_sigmas]);
            let (_, value, grad, sigma_grad) = &mut expected;
            let rule = Rule::precise::<f64>();
            expected_cost(logits, &costs, sigma, &rule, value, grad, Some(sigma_grad)).unwrap();
            let check = |found: &[f32], expected: &[f64], tolerance: f64| {
                let mut pairs = found.iter().zip(expected);
                pairs.all(|(found, expected)| (f64::from(*found) - expected).abs() < tolerance)
            };
            // In f32 arithmetic, for f32 logits and for f64 logits.
            let (mut p, mut value, mut grad, mut sigma_grad) =
                (vec![0.0; n], [0.0], vec![0.0; n], vec![0.0; n_sigmas]);
            let training = Rule::training();
            let logits32 = Logits::new(&mu32, n).unwrap();
            predictive_distribution(logits32, sigma32, &training, &mut p).unwrap();
            let outputs = (&mut value, &mut grad, Some(&mut sigma_grad[..]));
            expected_cost(logits32, &costs32, sigma32, &training, outputs.0, outputs.1, outputs.2).unwrap();
            prop_assert!(check(&p, &expected.0, SINGLE), "{p:?} {:?}", expected.0);
            prop_assert!((p.iter().map(|p| f64::from(*p)).sum::<f64>() - 1.0).abs() < SINGLE);
            prop_assert!(check(&value, &expected.1, SINGLE), "{value:?} {:?}", expected.1);
            prop_assert!(check(&grad, &expected.2, SINGLE_GRADIENT), "{grad:?} {:?}", expected.2);
            prop_assert!(check(&sigma_grad, &expected.3, SINGLE_GRADIENT), "{sigma_grad:?} {:?}", expected.3);
            let mut rounded = vec![0.0; n];
            predictive_distribution(logits, sigma, &training, &mut rounded).unwrap();
            prop_assert_eq!(single(&rounded), p);
        }
    }

    #[test]
    fn expected_cost_is_linear_in_the_costs_and_its_gradient_is_that_of_its_value(
        (mu, sigma, costs) in classes(2.0),
    ) {
        let (mut value, mut grad) = ([0.0], vec![0.0; mu.len()]);
        let rule = Rule::precise::<f64>();
        let mut cost = |mu: &[f64]| {
            let logits = Logits::new(mu, mu.len()).unwrap();
            let sigma = Sigma::PerClass(&sigma);
            expected_cost(logits, &costs, sigma, &rule, &mut value, &mut grad, None).unwrap();
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
            // A common sigma, one that f32 holds.
            let single: Vec<f32> = mu.iter().map(|mu| *mu as f32).collect();
            let (mut p, mut slopes, mut sigma_slope) = (single.clone(), single.clone(), [0.0]);
            let logits = Logits::new(&single, single.len()).unwrap();
            let (sigma, rule) = (Sigma::Common((classes[0].2.exp() as f32).max(1e-44)), Rule::training());
            predictive_distribution(logits, sigma, &rule, &mut p).unwrap();
            prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{p:?}");
            let slope = Some(&mut sigma_slope[..]);
            predictive_distribution_gradient(logits, sigma, &rule, &single, &mut slopes, slope).unwrap();
            prop_assert!(slopes.iter().chain(&sigma_slope).all(|slope| slope.is_finite()), "{slopes:?}");
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
fn the_slopes_of_a_cost_keep_their_digits_where_the_best_class_is_almost_certain() {
    // Two classes that cost a and b: b + (a - b) Φ(-d / √2), along the first mean.
    for difference in [3.0_f64, 5.0] {
        let (mut value, mut grad) = ([0.0], [0.0; 2]);
        let (means, costs) = ([-difference, 0.0], [1000.25, 1000.0]);
        let logits = Logits::new(&means, 2).unwrap();
        let rule = Rule::precise::<f64>();
        expected_cost(logits, &costs, Sigma::Common(1.0), &rule, &mut value, &mut grad, None).unwrap();
        let x = difference / std::f64::consts::SQRT_2;
        assert!((value[0] - 1000.0 - 0.25 * exact_core::normal::cdf(-x)).abs() < 2e-13, "{}", value[0]);
        let slope = 0.25 * exact_core::normal::pdf(x) / std::f64::consts::SQRT_2;
        for found in [grad[0], -grad[1]] {
            assert!((found / slope - 1.0).abs() < 1e-10, "{found:e} {slope:e}");
        }
    }
}

#[test]
fn constant_costs_have_no_slope_and_one_class_is_certain() {
    let (mut value, mut grad, mut sigma_grad) = ([0.0_f32; 1], [1.0_f32; 3], [1.0]);
    let logits = Logits::new(&[0.5, -0.25, 3.0], 3).unwrap();
    let (sigma, rule) = (Sigma::Common(0.3), Rule::training());
    expected_cost(logits, &[7.5; 3], sigma, &rule, &mut value, &mut grad, Some(&mut sigma_grad)).unwrap();
    assert_eq!((value, grad, sigma_grad), ([7.5], [0.0; 3], [0.0]));
    let logits = Logits::new(&[0.5], 1).unwrap();
    predictive_distribution(logits, sigma, &rule, &mut grad[..1]).unwrap();
    assert_eq!(grad[0], 1.0);
}

#[test]
fn zero_one_costs_give_the_expected_error() {
    let mu = [0.3, -0.2, 1.1, 0.4];
    let (mut value, mut grad) = ([0.0_f64], [0.0_f64; 4]);
    let logits = Logits::new(&mu, 4).unwrap();
    let rule = Rule::precise::<f64>();
    expected_cost(logits, &[1.0, 1.0, 0.0, 1.0], Sigma::Common(0.8), &rule, &mut value, &mut grad, None)
        .unwrap();
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
        LossError::Length { what: found, .. } => assert_eq!(found, what),
        other => panic!("{other}"),
    };
    refused(predictive_distribution(logits, sigma, &rule, &mut [0.0]), "output");
    let gradient = |cotangent: &[f64], grad: &mut [f64], sigma_grad: &mut [f64]| {
        predictive_distribution_gradient(logits, sigma, &rule, cotangent, grad, Some(sigma_grad))
    };
    refused(gradient(&[0.0], &mut [0.0; 2], &mut [0.0]), "cotangent");
    refused(gradient(&[0.0; 2], &mut [0.0], &mut [0.0]), "gradient");
    refused(gradient(&[0.0; 2], &mut [0.0; 2], &mut [0.0; 2]), "sigma gradient");
    let cost = |costs: &[f64], values: &mut [f64]| {
        expected_cost(logits, costs, sigma, &rule, values, &mut [0.0; 2], None)
    };
    refused(cost(&[0.0], &mut [0.0]), "costs");
    refused(cost(&[0.0; 2], &mut [0.0; 2]), "values");
    for value in [f64::NAN, f64::INFINITY] {
        let error = gradient(&[0.0, value], &mut [0.0; 2], &mut [0.0]).unwrap_err();
        assert!(matches!(error, LossError::Setting { name: "cotangent", .. }), "{error}");
        let error = cost(&[value, 0.0], &mut [0.0]).unwrap_err();
        assert!(matches!(error, LossError::Setting { name: "cost", .. }), "{error}");
    }
    let error = predictive_distribution(logits, Sigma::Common(-1.0), &rule, &mut [0.0; 2]).unwrap_err();
    assert!(matches!(error, LossError::Setting { name: "sigma", .. }));
}
