//! Properties of expected accuracy that hold for all means and sigmas.

use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
use exact_core::loss::Logits;
use exact_core::{Real, Rule};
use proptest::prelude::*;

/// Rounding error of sums of probabilities and of rescaled inputs.
const ROUNDING: f64 = 1e-13;
/// Of a central difference with step 1e-5, relative to the largest entry: truncation 1e-10 and rounding
/// 1e-11.
const DIFFERENCE: f64 = 1e-8;
const STEP: f64 = 1e-5;

/// One sample, with the gradients with respect to means and sigmas.
struct Evaluation<T> {
    value: Probability<T>,
    grad: Vec<T>,
    sigma_grad: Vec<T>,
}

fn evaluate<T: Real>(
    metric: &ExpectedAccuracy,
    mu: &[T],
    label: usize,
    sigma: Sigma<'_, T>,
) -> Evaluation<T> {
    let mut values = [Probability::default()];
    let (mut grad, mut sigma_grad) = (vec![T::ZERO; mu.len()], vec![T::ZERO; mu.len()]);
    let logits = Logits::new(mu, mu.len()).unwrap();
    let labels = [u32::try_from(label).unwrap()];
    metric
        .evaluate_with_sigma_gradient(logits, &labels, sigma, &mut values, &mut grad, Some(&mut sigma_grad))
        .unwrap();
    Evaluation { value: values[0], grad, sigma_grad }
}

fn precise() -> ExpectedAccuracy {
    ExpectedAccuracy::precise::<f64>()
}

fn p(mu: &[f64], label: usize, sigma: Sigma<'_, f64>) -> f64 {
    evaluate(&precise(), mu, label, sigma).value.p
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Means of 2 to 12 classes, a label among them, and a common sigma.
fn sample() -> impl Strategy<Value = (Vec<f64>, usize, f64)> {
    (prop::collection::vec(-4.0..4.0_f64, 2..12), any::<prop::sample::Index>(), 0.2..5.0_f64)
        .prop_map(|(mu, label, sigma)| (mu.clone(), label.index(mu.len()), sigma))
}

/// The same with a sigma per class, whose ratios stay within what the default rule covers.
fn sample_per_class() -> impl Strategy<Value = (Vec<f64>, usize, Vec<f64>)> {
    (prop::collection::vec((-4.0..4.0_f64, 0.6..2.0_f64), 2..12), any::<prop::sample::Index>()).prop_map(
        |(classes, label)| {
            let (mu, sigma): (Vec<_>, Vec<_>) = classes.into_iter().unzip();
            let label = label.index(mu.len());
            (mu, label, sigma)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn probabilities_of_all_labels_sum_to_one((mu, _, sigma) in sample()) {
        let sum: f64 = (0..mu.len()).map(|label| p(&mu, label, Sigma::Common(sigma))).sum();
        prop_assert!((sum - 1.0).abs() < ROUNDING, "{sum}");
    }

    #[test]
    fn probabilities_of_all_labels_sum_to_one_with_a_sigma_per_class((mu, _, sigma) in sample_per_class()) {
        let sum: f64 = (0..mu.len()).map(|label| p(&mu, label, Sigma::PerClass(&sigma))).sum();
        prop_assert!((sum - 1.0).abs() < ROUNDING, "{sum}");
    }

    #[test]
    fn increases_in_the_label_and_decreases_in_every_other_mean(
        (mu, label, sigma) in sample(),
        rise in 1e-3..2.0_f64,
    ) {
        let before = evaluate(&precise(), &mu, label, Sigma::Common(sigma));
        for class in 0..mu.len() {
            let mut raised = mu.clone();
            raised[class] += rise;
            let after = evaluate(&precise(), &raised, label, Sigma::Common(sigma)).value;
            if class == label {
                prop_assert!(after.log_p >= before.value.log_p);
                prop_assert!(after.one_minus_p <= before.value.one_minus_p);
                prop_assert!(before.grad[class] >= 0.0);
            } else {
                prop_assert!(after.log_p <= before.value.log_p * (1.0 - 1e-14));
                prop_assert!(before.grad[class] <= 0.0);
            }
        }
    }

    #[test]
    fn depends_on_differences_alone((mu, label, sigma) in sample(), offset in -64_i32..64) {
        // Both are multiples of 2^-20, so that the offset changes no difference by rounding.
        let mu: Vec<f64> = mu.iter().map(|mu| (mu * 1_048_576.0).round() / 1_048_576.0).collect();
        let moved: Vec<f64> = mu.iter().map(|mu| mu + f64::from(offset)).collect();
        let (a, b) = (
            evaluate(&precise(), &mu, label, Sigma::Common(sigma)),
            evaluate(&precise(), &moved, label, Sigma::Common(sigma)),
        );
        prop_assert_eq!(a.value, b.value);
        prop_assert_eq!(a.grad, b.grad);
    }

    #[test]
    fn does_not_depend_on_the_order_of_classes(
        (mu, label, sigma) in sample_per_class(),
        turn in 0_usize..12,
    ) {
        let turn = turn % mu.len();
        let (mut mu_turned, mut sigma_turned) = (mu.clone(), sigma.clone());
        mu_turned.rotate_left(turn);
        sigma_turned.rotate_left(turn);
        let a = evaluate(&precise(), &mu, label, Sigma::PerClass(&sigma));
        let label_turned = (label + mu.len() - turn) % mu.len();
        let mut b = evaluate(&precise(), &mu_turned, label_turned, Sigma::PerClass(&sigma_turned));
        prop_assert!((a.value.log_p - b.value.log_p).abs() < ROUNDING * a.value.log_p.abs().max(1.0));
        b.grad.rotate_right(turn);
        b.sigma_grad.rotate_right(turn);
        let (size, sigma_size) = (largest(&a.grad), largest(&a.sigma_grad));
        for class in 0..mu.len() {
            prop_assert!((a.grad[class] - b.grad[class]).abs() <= ROUNDING * size);
            prop_assert!((a.sigma_grad[class] - b.sigma_grad[class]).abs() <= 10.0 * ROUNDING * sigma_size);
        }
    }

    #[test]
    fn does_not_depend_on_the_unit((mu, label, sigma) in sample_per_class(), power in -40_i32..40) {
        // Powers of two leave all digits as they are.
        let unit = f64::from(power).exp2();
        let a = evaluate(&precise(), &mu, label, Sigma::PerClass(&sigma));
        let scale = |values: &[f64]| values.iter().map(|value| value * unit).collect::<Vec<_>>();
        let b = evaluate(&precise(), &scale(&mu), label, Sigma::PerClass(&scale(&sigma)));
        prop_assert_eq!(a.value, b.value);
        prop_assert_eq!(a.grad, scale(&b.grad));
        prop_assert_eq!(a.sigma_grad, scale(&b.sigma_grad));
    }

    #[test]
    fn gradient_agrees_with_central_differences((mu, label, sigma) in sample()) {
        let found = evaluate(&precise(), &mu, label, Sigma::Common(sigma));
        let size = largest(&found.grad).max(1e-3);
        for class in 0..mu.len() {
            let (mut up, mut down) = (mu.clone(), mu.clone());
            up[class] += STEP;
            down[class] -= STEP;
            let (up, down) = (p(&up, label, Sigma::Common(sigma)), p(&down, label, Sigma::Common(sigma)));
            prop_assert!((found.grad[class] - (up - down) / (2.0 * STEP)).abs() < DIFFERENCE * size.max(1.0));
        }
        let at = |sigma| p(&mu, label, Sigma::Common(sigma));
        let (up, down) = (at(sigma + STEP), at(sigma - STEP));
        prop_assert!((found.value.dsigma - (up - down) / (2.0 * STEP)).abs() < DIFFERENCE);
        let sum: f64 = found.grad.iter().sum();
        prop_assert!(sum.abs() < ROUNDING);
    }

    #[test]
    fn gradient_agrees_with_central_differences_with_a_sigma_per_class(
        (mu, label, sigma) in sample_per_class(),
    ) {
        let found = evaluate(&precise(), &mu, label, Sigma::PerClass(&sigma));
        for class in 0..mu.len() {
            let moved = |step: f64| {
                let mut mu = mu.clone();
                mu[class] += step;
                p(&mu, label, Sigma::PerClass(&sigma))
            };
            let widened = |step: f64| {
                let mut sigma = sigma.clone();
                sigma[class] += step;
                p(&mu, label, Sigma::PerClass(&sigma))
            };
            let by_mean = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let by_sigma = (widened(STEP) - widened(-STEP)) / (2.0 * STEP);
            prop_assert!((found.grad[class] - by_mean).abs() < DIFFERENCE);
            prop_assert!((found.sigma_grad[class] - by_sigma).abs() < DIFFERENCE);
        }
    }

    #[test]
    fn gradient_of_the_logarithm_is_the_gradient_over_p((mu, label, sigma) in sample()) {
        let a = evaluate(&precise(), &mu, label, Sigma::Common(sigma));
        let b = evaluate(&precise().of_logarithm(), &mu, label, Sigma::Common(sigma));
        prop_assert_eq!(a.value.log_p, b.value.log_p);
        let size = largest(&b.grad);
        for (a_class, b_class) in a.grad.iter().zip(&b.grad) {
            prop_assert!((a_class / a.value.p - b_class).abs() <= ROUNDING * size);
        }
        prop_assert!((a.value.dsigma / a.value.p - b.value.dsigma).abs() <= ROUNDING * size * 20.0);
    }

    #[test]
    fn a_margin_clips_the_differences((mu, label, sigma) in sample(), margin in 0.0..4.0_f64) {
        let metric = precise().with_margin(margin).unwrap();
        let found = evaluate(&metric, &mu, label, Sigma::Common(sigma));
        // A delta is clipped by raising the other mean.
        let clipped: Vec<f64> = mu.iter().map(|other| mu[label] - (mu[label] - other).min(margin)).collect();
        let expected = evaluate(&precise(), &clipped, label, Sigma::Common(sigma));
        let size = found.value.log_p.abs().max(1.0);
        prop_assert!((found.value.log_p - expected.value.log_p).abs() < ROUNDING * size);
        let mut sum = 0.0;
        for class in (0..mu.len()).filter(|&class| class != label) {
            let free = if mu[label] - mu[class] <= margin { expected.grad[class] } else { 0.0 };
            prop_assert!((found.grad[class] - free).abs() < ROUNDING);
            sum -= free;
        }
        prop_assert!((found.grad[label] - sum).abs() < ROUNDING);
    }

    #[test]
    fn a_batch_equals_its_rows_bit_for_bit(
        rows in prop::collection::vec(
            (prop::collection::vec(-30.0..30.0_f32, 5), 0_u32..5, 0.1..3.0_f32),
            1..40,
        ),
    ) {
        let mu: Vec<f32> = rows.iter().flat_map(|row| row.0.clone()).collect();
        let labels: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let sigma: Vec<f32> = rows.iter().map(|row| row.2).collect();
        let metric = ExpectedAccuracy::new(Rule::training());
        let mut values = vec![Probability::default(); rows.len()];
        let mut grad = vec![0.0; mu.len()];
        let logits = Logits::new(&mu, 5).unwrap();
        metric.evaluate(logits, &labels, Sigma::PerSample(&sigma), &mut values, &mut grad).unwrap();
        for (i, (mu, label, sigma)) in rows.iter().enumerate() {
            let single = evaluate(&metric, mu, *label as usize, Sigma::Common(*sigma));
            prop_assert_eq!(single.value, values[i]);
            prop_assert_eq!(&single.grad, &grad[5 * i..5 * i + 5]);
        }
    }

    #[test]
    fn a_class_sigma_much_smaller_than_the_labels_is_a_constant_score(delta in -6.0..6.0_f64) {
        // Two classes: P = Φ(delta / √(1 + sigma²)); in f32 the difference is thousands of the class's own
        // sigmas. Rounding delta costs delta² / 2 roundings.
        let expected = exact_core::normal::cdf(delta);
        let sigma = [1.0_f32, 1e-4];
        let metric = ExpectedAccuracy::precise::<f32>();
        let found = evaluate(&metric, &[delta as f32, 0.0], 0, Sigma::PerClass(&sigma));
        prop_assert!((found.value.p.to_f64() - expected).abs() < 5e-6 * expected);
    }

    #[test]
    fn finite_inputs_give_finite_outputs(
        mu in prop::collection::vec(-45.0..37.0_f64, 1..20),
        signs in prop::collection::vec(any::<bool>(), 20),
        sigma in prop::collection::vec(-44.0..37.0_f64, 20),
        label in any::<prop::sample::Index>(),
    ) {
        // Magnitudes from 1e-45 to 1e37, of either sign.
        let mu: Vec<f64> = mu.iter().zip(&signs).map(|(power, sign)| {
            10.0_f64.powf(*power) * if *sign { 1.0 } else { -1.0 }
        }).collect();
        let label = label.index(mu.len());
        let sigma: Vec<f64> = sigma[..mu.len()].iter().map(|power| 10.0_f64.powf(*power)).collect();
        assert_finite(&mu, label, &sigma);
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<_>>();
        assert_finite(&single(&mu), label, &single(&sigma));
    }
}

fn assert_finite<T: Real>(mu: &[T], label: usize, sigma: &[T]) {
    for metric in [ExpectedAccuracy::precise::<T>(), ExpectedAccuracy::precise::<T>().of_logarithm()] {
        for sigma in [Sigma::Common(sigma[0]), Sigma::PerClass(sigma)] {
            let Evaluation { value, grad, sigma_grad } = evaluate(&metric, mu, label, sigma);
            let Probability { p, one_minus_p, log_p, dsigma } = value;
            let all = [p, one_minus_p, log_p, dsigma];
            assert!(
                all.iter().chain(&grad).chain(&sigma_grad).all(|v| v.is_finite()),
                "{value:?} {grad:?} {sigma_grad:?} for {mu:?}, label {label}, {sigma:?}"
            );
            assert!(p >= T::ZERO && p <= T::ONE && one_minus_p >= T::ZERO && one_minus_p <= T::ONE);
            assert!(log_p <= T::ZERO, "{value:?} {mu:?} {sigma:?} {label}");
        }
    }
}
