//! Expected top-k accuracy against the reference values, and its properties.

use crate::common::{Worst, cases, largest, largest_difference};
use exact_core::expected::{ExpectedAccuracy, ExpectedTopK, Probability, Sigma};
use exact_core::loss::{Logits, LossError};
use exact_core::{Real, Rule};
use proptest::prelude::*;

/// What is promised in `f64`.
const P_ABSOLUTE: f64 = 2e-15;
const P_RELATIVE: f64 = 3e-13;
const COMPLEMENT_RELATIVE: f64 = 1e-13;
const GRADIENT: f64 = 9e-13;
const SIGMA_GRADIENT: f64 = 9e-13;
/// The logarithm of the smallest number that keeps its digits.
const LOG_FLOOR: f64 = -690.0;
/// Agreement of sums and of two routes to the same number.
const ROUNDING: f64 = 1e-13;
const STEP: f64 = 1e-5;
const DIFFERENCE: f64 = 1e-8;

struct Evaluation {
    value: Probability<f64>,
    grad: Vec<f64>,
    sigma_grad: Vec<f64>,
}

fn evaluate<T: Real>(
    metric: &ExpectedTopK,
    mu: &[T],
    label: u32,
    sigma: Sigma<'_, T>,
) -> (Probability<T>, Vec<T>, Vec<T>) {
    let mut values = [Probability::default()];
    let (mut grad, mut sigma_grad) = (vec![T::ZERO; mu.len()], vec![T::ZERO; mu.len()]);
    let logits = Logits::new(mu, mu.len()).unwrap();
    metric
        .evaluate_with_sigma_gradient(logits, &[label], sigma, &mut values, &mut grad, Some(&mut sigma_grad))
        .unwrap();
    (values[0], grad, sigma_grad)
}

fn precise(k: usize, mu: &[f64], label: usize, sigma: Sigma<'_, f64>) -> Evaluation {
    let metric = ExpectedTopK::precise::<f64>(k).unwrap();
    let (value, grad, sigma_grad) = evaluate(&metric, mu, u32::try_from(label).unwrap(), sigma);
    Evaluation { value, grad, sigma_grad }
}

/// All cases, of which those with `k = 1` must agree too.
#[test]
fn reference_values() {
    let mut worst = Worst::default();
    let mut count = 0;
    for case in cases().iter().filter(|case| case.k > 1 || case.mu.len() <= 100) {
        let (mu, sigma) = case.inputs::<f64>();
        let metric = ExpectedTopK::precise::<f64>(case.k).unwrap();
        let sigma = case.sigma(&sigma);
        let (value, grad, sigma_grad) = evaluate(&metric, &mu, case.label, sigma);
        let rounding = |log: f64| log.abs() * f64::EPSILON;
        worst.note("P", (value.p - case.log_p.exp()).abs(), P_ABSOLUTE, case);
        worst.note("1 - P", (value.one_minus_p - case.log_one_minus_p.exp()).abs(), P_ABSOLUTE, case);
        let log_error = (value.log_p - case.log_p).abs() / case.log_p.abs().max(1.0);
        worst.note("log P", log_error, P_RELATIVE, case);
        if case.log_p > LOG_FLOOR {
            let error = (value.p.ln() - case.log_p).abs() - rounding(case.log_p);
            worst.note("P, relative", error, P_RELATIVE, case);
        }
        if case.log_one_minus_p > LOG_FLOOR {
            let error =
                (value.one_minus_p.ln() - case.log_one_minus_p).abs() - rounding(case.log_one_minus_p);
            worst.note("1 - P, relative", error, COMPLEMENT_RELATIVE, case);
        }
        if case.grad_log_scale > LOG_FLOOR {
            let scale = case.grad_log_scale.exp();
            let error = largest_difference(&grad, scale, &case.grad) / largest(&case.grad);
            worst.note("gradient", error - rounding(case.grad_log_scale), GRADIENT, case);
            let dsigma = case.dsigma.values();
            let found = if dsigma.len() == 1 { &[value.dsigma][..] } else { &sigma_grad };
            let error = largest_difference(found, scale, dsigma) / case.dsigma_size().max(f64::MIN_POSITIVE);
            worst.note("sigma gradient", error - rounding(case.grad_log_scale), SIGMA_GRADIENT, case);
        }
        let log_scale = case.grad_log_scale - case.log_p;
        if log_scale > LOG_FLOOR {
            let (_, grad, _) = evaluate(&metric.of_logarithm(), &mu, case.label, sigma);
            let error = largest_difference(&grad, log_scale.exp(), &case.grad) / largest(&case.grad);
            worst.note("gradient of log P", error - 2.0 * rounding(case.log_p), GRADIENT, case);
        }
        count += usize::from(case.k > 1);
    }
    worst.check(count);
}

fn sample() -> impl Strategy<Value = (Vec<f64>, usize, f64)> {
    (prop::collection::vec(-4.0..4.0_f64, 2..9), any::<prop::sample::Index>(), 0.3..3.0_f64)
        .prop_map(|(mu, label, sigma)| (mu.clone(), label.index(mu.len()), sigma))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn probabilities_of_all_labels_sum_to_k((mu, _, sigma) in sample(), k in 1_usize..9) {
        let sum: f64 = (0..mu.len()).map(|label| precise(k, &mu, label, Sigma::Common(sigma)).value.p).sum();
        let expected = k.min(mu.len()) as f64;
        prop_assert!((sum - expected).abs() < ROUNDING * expected, "{sum}");
    }

    #[test]
    fn top_one_is_expected_accuracy((mu, label, sigma) in sample()) {
        let found = precise(1, &mu, label, Sigma::Common(sigma));
        let mut values = [Probability::default()];
        let mut grad = vec![0.0; mu.len()];
        let logits = Logits::new(&mu, mu.len()).unwrap();
        let labels = [u32::try_from(label).unwrap()];
        ExpectedAccuracy::precise::<f64>()
            .evaluate(logits, &labels, Sigma::Common(sigma), &mut values, &mut grad)
            .unwrap();
        prop_assert!((found.value.log_p - values[0].log_p).abs() < ROUNDING * values[0].log_p.abs());
        prop_assert!((found.value.one_minus_p / values[0].one_minus_p - 1.0).abs() < 2.0 * ROUNDING);
        let size = largest(&grad);
        for (found, expected) in found.grad.iter().zip(&grad) {
            prop_assert!((found - expected).abs() < 5.0 * ROUNDING * size);
        }
        prop_assert!((found.value.dsigma - values[0].dsigma).abs() < 100.0 * ROUNDING * size);
    }

    #[test]
    fn increases_with_k((mu, label, sigma) in sample()) {
        let at = |k: usize| precise(k, &mu, label, Sigma::Common(sigma)).value;
        for k in 1..mu.len() {
            let (fewer, more) = (at(k), at(k + 1));
            // Equal where 1 - P underflows.
            prop_assert!(more.log_p >= fewer.log_p && more.one_minus_p <= fewer.one_minus_p);
        }
    }

    #[test]
    fn gradients_agree_with_central_differences(
        (mu, label, _) in sample(),
        sigma in prop::collection::vec(0.7..1.5_f64, 9),
        k in 2_usize..5,
    ) {
        let sigma = &sigma[..mu.len()];
        let found = precise(k, &mu, label, Sigma::PerClass(sigma));
        for class in 0..mu.len() {
            let by_mean = |step: f64| {
                let mut mu = mu.clone();
                mu[class] += step;
                precise(k, &mu, label, Sigma::PerClass(sigma)).value.p
            };
            let by_sigma = |step: f64| {
                let mut sigma = sigma.to_vec();
                sigma[class] += step;
                precise(k, &mu, label, Sigma::PerClass(&sigma)).value.p
            };
            let slope = |f: &dyn Fn(f64) -> f64| (f(STEP) - f(-STEP)) / (2.0 * STEP);
            prop_assert!((found.grad[class] - slope(&by_mean)).abs() < DIFFERENCE);
            prop_assert!((found.sigma_grad[class] - slope(&by_sigma)).abs() < DIFFERENCE);
        }
    }

    #[test]
    fn finite_inputs_give_finite_outputs(
        mu in prop::collection::vec((-45.0..37.0_f64, any::<bool>(), -44.0..37.0_f64), 2..7),
        label in any::<prop::sample::Index>(),
        k in 1_usize..4,
    ) {
        let sigma: Vec<f64> = mu.iter().map(|class| 10.0_f64.powf(class.2)).collect();
        let mu: Vec<f64> =
            mu.iter().map(|class| if class.1 { 1.0 } else { -1.0 } * 10.0_f64.powf(class.0)).collect();
        let label = label.index(mu.len());
        for sigma in [Sigma::Common(sigma[0]), Sigma::PerClass(&sigma)] {
            let Evaluation { value, grad, sigma_grad } = precise(k, &mu, label, sigma);
            let all = [value.p, value.one_minus_p, value.log_p, value.dsigma];
            prop_assert!(
                all.iter().chain(&grad).chain(&sigma_grad).all(|v| v.is_finite()),
                "{value:?} {grad:?} {sigma_grad:?}"
            );
        }
    }
}

#[test]
fn certain_when_k_reaches_the_number_of_classes() {
    for k in [3, 4, 100] {
        let found = precise(k, &[5.0, -5.0, 0.0], 1, Sigma::Common(1.0));
        assert_eq!(found.value, Probability { p: 1.0, one_minus_p: 0.0, log_p: 0.0, dsigma: 0.0 });
        assert_eq!(found.grad, [0.0; 3]);
    }
}

#[test]
fn single_precision_is_computed_in_double() {
    let (mu, sigma) = ([0.5_f32, 1.25, -0.75, 2.0], 0.5_f32);
    let single = ExpectedTopK::precise::<f64>(2).unwrap();
    let (value, grad, _) = evaluate(&single, &mu, 0, Sigma::Common(sigma));
    let expected = precise(2, &mu.map(f64::from), 0, Sigma::Common(0.5));
    assert_eq!(value.p, expected.value.p as f32);
    assert!(grad.iter().zip(&expected.grad).all(|(found, expected)| *found == *expected as f32));
}

#[test]
fn a_k_of_zero_is_refused() {
    let error = ExpectedTopK::new(0, Rule::training()).unwrap_err();
    assert!(matches!(error, LossError::Setting { name: "k", .. }), "{error}");
}
