//! Expected accuracy at the edges of its domain.

use exact_core::Rule;
use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
use exact_core::loss::{Logits, LossError};
use exact_core::normal;

/// Rounding in a closed form and in what it is compared with.
const CLOSED_FORM: f64 = 4e-15;

fn evaluate(mu: &[f64], label: u32, sigma: f64) -> Result<(Probability<f64>, Vec<f64>), LossError> {
    let mut values = [Probability::default()];
    let mut grad = vec![0.0; mu.len()];
    ExpectedAccuracy::precise::<f64>().evaluate(
        Logits::new(mu, mu.len())?,
        &[label],
        Sigma::Common(sigma),
        &mut values,
        &mut grad,
    )?;
    Ok((values[0], grad))
}

#[test]
fn a_single_class_always_wins() {
    let (value, grad) = evaluate(&[3.0], 0, 0.5).unwrap();
    assert_eq!(value, Probability { p: 1.0, one_minus_p: 0.0, log_p: 0.0, dsigma: 0.0 });
    assert_eq!(grad, [0.0]);
}

#[test]
fn two_classes_have_a_closed_form() {
    for delta in [-40.0, -5.0, -1.0, -1e-3, 0.0, 0.3, 2.0, 9.0, 40.0_f64] {
        let sigma = 2.0;
        let (value, grad) = evaluate(&[delta, 0.0], 0, sigma).unwrap();
        let x = delta / (sigma * std::f64::consts::SQRT_2);
        assert!((value.log_p / normal::log_cdf(x) - 1.0).abs() <= 1e-13);
        let relative = value.one_minus_p / normal::survival(x) - 1.0;
        assert!(relative.abs() <= 1e-13, "{delta}: {relative:e}");
        let slope = normal::pdf(x) / (sigma * std::f64::consts::SQRT_2);
        assert!((grad[0] - slope).abs() <= 1e-13 * slope && grad[1] == -grad[0]);
    }
}

#[test]
fn ties_share_the_probability() {
    for n_classes in [3, 10, 5000] {
        let (value, grad) = evaluate(&vec![0.25; n_classes], 1, 0.1).unwrap();
        let expected = 1.0 / n_classes as f64;
        assert!((value.p / expected - 1.0).abs() < 3e-13, "{n_classes}: {}", value.p);
        let others: Vec<f64> = grad.iter().copied().filter(|g| *g < 0.0).collect();
        assert_eq!(others.len(), n_classes - 1);
        assert!(others.iter().all(|g| *g == others[0]));
        assert!((grad[1] + others[0] * (n_classes - 1) as f64).abs() < 1e-12 * grad[1]);
    }
}

#[test]
fn five_thousand_classes_sum_to_one() {
    // Five distinct means of a thousand classes each.
    let mu: Vec<f64> = (0..5000).map(|class| f64::from(class % 5)).collect();
    let sum: f64 = (0..5).map(|label| 1000.0 * evaluate(&mu, label, 1.5).unwrap().0.p).sum();
    assert!((sum - 1.0).abs() < 1e-12, "{sum}");
}

#[test]
fn a_tiny_sigma_is_the_indicator_and_a_huge_one_is_uniform() {
    let mu = [1.0, 0.5, -2.0];
    let (value, grad) = evaluate(&mu, 0, 1e-30).unwrap();
    assert_eq!(value.p, 1.0);
    assert!(value.log_p > -1e-300 && value.one_minus_p < 1e-300 && grad.iter().all(|g| g.abs() < 1e-250));
    let (value, _) = evaluate(&mu, 1, 1e-30).unwrap();
    assert_eq!((value.p, value.one_minus_p), (0.0, 1.0));
    assert!(value.log_p < -1e11 && value.log_p.is_finite());
    let (value, grad) = evaluate(&mu, 1, 1e30).unwrap();
    assert!((value.p - 1.0 / 3.0).abs() < CLOSED_FORM);
    assert!(grad[1] > 0.0 && grad[1] < 1e-29);
}

#[test]
fn tails_keep_relative_accuracy() {
    // 1 - P of a label far ahead is close to the union bound of its two rivals.
    let (value, _) = evaluate(&[20.0, 0.0, 0.0], 0, 1.0).unwrap();
    let bound = 2.0 * normal::survival(20.0 / std::f64::consts::SQRT_2);
    assert_eq!(value.p, 1.0);
    assert!(value.one_minus_p < bound && value.one_minus_p > bound * (1.0 - 1e-10));
}

#[test]
fn a_label_far_behind_thousands_of_classes_has_a_finite_logarithm() {
    for (n_classes, distance) in [(3000, 1e3_f64), (3000, 2616.0), (20_000, 1e4)] {
        let mut mu = vec![distance; n_classes];
        mu[0] = 0.0;
        let (mut values, mut grad) = ([Probability::default()], vec![0.0; n_classes]);
        ExpectedAccuracy::precise::<f64>()
            .of_logarithm()
            .evaluate(Logits::new(&mu, n_classes).unwrap(), &[0], Sigma::Common(1.0), &mut values, &mut grad)
            .unwrap();
        // The label's own noise has to make up for about the whole distance.
        let log_p = -0.5 * distance * distance;
        assert!((values[0].log_p / log_p - 1.0).abs() < 0.01, "{n_classes} {distance}: {}", values[0].log_p);
        assert!((grad[0] / distance - 1.0).abs() < 0.01 && grad[1] < 0.0, "{}", grad[0]);
    }
}

#[test]
fn the_gradient_vanishes_where_the_difference_is_beyond_any_sigma() {
    let (value, grad) = evaluate(&[1e300, 0.0], 0, 1e-300).unwrap();
    assert_eq!((value.p, value.one_minus_p, value.dsigma), (1.0, 0.0, 0.0));
    assert_eq!(grad, [0.0, 0.0]);
}

#[test]
fn classes_that_cannot_matter_change_nothing() {
    let rivals = [0.3, -0.2, 0.1];
    let few: Vec<f64> = [0.5].into_iter().chain(rivals).collect();
    let mut many = few.clone();
    many.extend((0..5000).map(|class| -40.0 - f64::from(class)));
    let (value, grad) = evaluate(&many, 0, 1.0).unwrap();
    let (expected, expected_grad) = evaluate(&few, 0, 1.0).unwrap();
    assert!((value.p / expected.p - 1.0).abs() < CLOSED_FORM, "{} {}", value.p, expected.p);
    assert!((value.one_minus_p / expected.one_minus_p - 1.0).abs() < CLOSED_FORM);
    for (g, expected) in grad.iter().zip(&expected_grad) {
        assert!((g - expected).abs() < CLOSED_FORM);
    }
    assert!(grad[4..].iter().all(|g| *g == 0.0));
}

#[test]
fn unusable_inputs_are_refused_with_their_place() {
    assert_eq!(
        evaluate(&[0.0, 1.0], 2, 1.0).unwrap_err(),
        LossError::Label { row: 0, label: 2, n_classes: 2 }
    );
    for bad in [f64::INFINITY, f64::NEG_INFINITY] {
        let error = evaluate(&[0.0, bad], 0, 1.0).unwrap_err();
        assert_eq!(error, LossError::Logit { row: 0, class: 1, value: bad });
    }
    let error = evaluate(&[f64::NAN, 0.0], 0, 1.0).unwrap_err();
    assert!(matches!(error, LossError::Logit { row: 0, class: 0, value } if value.is_nan()));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = evaluate(&[0.0, 1.0], 0, bad).unwrap_err();
        assert!(matches!(error, LossError::Setting { name: "sigma", .. }), "{error}");
    }
    assert!(ExpectedAccuracy::new(Rule::training()).with_margin(f64::NAN).is_err());
}

#[test]
fn lengths_that_do_not_match_are_refused() {
    let logits = Logits::new(&[0.0, 1.0, 2.0, 3.0], 2).unwrap();
    let metric = ExpectedAccuracy::new(Rule::training());
    let mut values = [Probability::default(); 2];
    let mut grad = [0.0; 4];
    let samples = |what, found, expected| LossError::SamplesLength { what, found, expected };
    let mut run = |labels: &[u32], sigma, n_values: usize, n_grad: usize| {
        metric.evaluate(logits, labels, sigma, &mut values[..n_values], &mut grad[..n_grad]).unwrap_err()
    };
    let common = Sigma::Common(1.0);
    assert_eq!(run(&[0], common, 2, 4), samples("labels", 1, 2));
    assert_eq!(run(&[0, 0], common, 1, 4), samples("values", 1, 2));
    assert_eq!(run(&[0, 0], common, 2, 3), LossError::GradientLength { found: 3, expected: 4 });
    assert_eq!(run(&[0, 0], Sigma::PerSample(&[1.0]), 2, 4), samples("sigma", 1, 2));
    assert_eq!(run(&[0, 0], Sigma::PerClass(&[1.0; 3]), 2, 4), samples("sigma", 3, 4));
}

#[test]
fn a_sample_far_behind_does_not_depend_on_those_beside_it() {
    // The last class of the first sample, 2500 sigmas behind the nearest, does not matter; all classes of the
    // second do.
    let logits = [0.0, 1000.0, -1500.0, 0.0, 1.0, 2.0];
    let metric = ExpectedAccuracy::precise::<f64>().of_logarithm();
    let evaluate = |logits: &[f64]| {
        let n = logits.len() / 3;
        let mut values = vec![Probability::default(); n];
        let mut grad = vec![0.0; logits.len()];
        let logits = Logits::new(logits, 3).unwrap();
        metric.evaluate(logits, &vec![0; n], Sigma::Common(1.0), &mut values, &mut grad).unwrap();
        (values[0], grad[..3].to_vec())
    };
    let (alone, grad_alone) = evaluate(&logits[..3]);
    let (value, grad) = evaluate(&logits);
    assert_eq!((value, grad), (alone, grad_alone));
    let expected = normal::log_cdf(-1000.0 / std::f64::consts::SQRT_2);
    assert!((value.log_p / expected - 1.0).abs() < 1e-13, "{}", value.log_p);
}
