//! The sampling estimators against closed forms and a quadrature written here, within their own standard
//! errors.

use exact_core::Real;
use exact_core::estimator::{EstimatedLoss, Estimator, Genz, MonteCarlo, Sequence};
use exact_core::loss::{Exact, Logits, Loss, LossError, Samples};
use exact_core::normal::{cdf, pdf, survival};

/// Estimates are compared with the truth within this many standard errors of their mean over streams.
const STANDARD_ERRORS: f64 = 5.0;
/// Rounding in `f32`, relative, of products of many factors.
const SINGLE: f64 = 2e-5;

/// P, 1 - P, the gradient and dP/dsigma, by the trapezoid rule on `φ(z) Π Φ(z + d_i)` with 4001 nodes on
/// [-10, 10].
fn quadrature(logits: &[f64], label: usize, sigma: f64) -> Vec<f64> {
    let nodes = 4001;
    let step = 20.0 / f64::from(nodes - 1);
    let rivals: Vec<usize> = (0..logits.len()).filter(|&class| class != label).collect();
    let limit = |rival: usize| (logits[label] - logits[rival]) / sigma;
    let (mut p, mut lost) = (0.0, 0.0);
    let (mut gradient, mut dsigma) = (vec![0.0; logits.len()], 0.0);
    for node in 0..nodes {
        let z = f64::from(node) * step - 10.0;
        let mass = step * pdf(z);
        let (mut inside, mut outside) = (1.0, 0.0);
        for &rival in &rivals {
            outside += inside * survival(z + limit(rival));
            inside *= cdf(z + limit(rival));
        }
        p += mass * inside;
        lost += mass * outside;
        for &rival in &rivals {
            let others = rivals.iter().filter(|&&other| other != rival);
            let others: f64 = others.map(|&other| cdf(z + limit(other))).product();
            let slope = mass * pdf(z + limit(rival)) * others / sigma;
            gradient[rival] -= slope;
            gradient[label] += slope;
            dsigma -= slope * limit(rival);
        }
    }
    [vec![p, lost], gradient, vec![dsigma]].concat()
}

fn flat<T: Real>(
    estimator: &dyn Estimator<T>,
    logits: &[f64],
    label: usize,
    sigma: f64,
    stream: u64,
) -> Vec<f64> {
    let logits: Vec<T> = logits.iter().map(|&logit| T::from_f64(logit)).collect();
    let mut gradient = vec![T::from_f64(f64::NAN); logits.len()];
    let estimate = estimator.estimate(&logits, label, sigma, stream, &mut gradient).unwrap();
    let gradient = gradient.iter().map(|slope| slope.to_f64()).collect();
    [vec![estimate.p, estimate.one_minus_p], gradient, vec![estimate.dsigma]].concat()
}

/// Mean over streams and its standard error, for each of the values of [`flat`].
fn mean<T: Real>(
    estimator: &dyn Estimator<T>,
    logits: &[f64],
    label: usize,
    sigma: f64,
    streams: u64,
) -> Vec<(f64, f64)> {
    let runs: Vec<_> = (0..streams).map(|stream| flat(estimator, logits, label, sigma, stream)).collect();
    let n = streams as f64;
    let moments = |at: usize| {
        let mean = runs.iter().map(|run| run[at]).sum::<f64>() / n;
        let variance = runs.iter().map(|run| (run[at] - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt())
    };
    (0..runs[0].len()).map(moments).collect()
}

/// Logits, label, sigma: equal, mixed, confident, badly wrong, tied; from 2 to 18 classes, in samples that do
/// not fill the lanes.
fn problems() -> Vec<(Vec<f64>, usize, f64)> {
    vec![
        (vec![0.3, -0.4], 0, 0.5),
        (vec![0.0; 3], 1, 1.0),
        (vec![0.5, -1.0, 1.25, 0.5, -0.75], 2, 0.8),
        (vec![6.0, 0.5, -1.0, 1.0, 0.0], 0, 1.0),
        (vec![-2.0, 0.5, 1.0, 0.0], 0, 0.7),
        ((0..18).map(|i| (f64::from(i) * 2.4).sin()).collect(), 7, 1.5),
    ]
}

fn assert_unbiased<T: Real>(estimator: &dyn Estimator<T>, streams: u64, rounding: f64) {
    for (logits, label, sigma) in problems() {
        let truth = quadrature(&logits, label, sigma);
        for (at, ((mean, error), truth)) in
            mean(estimator, &logits, label, sigma, streams).into_iter().zip(truth).enumerate()
        {
            assert!(
                (mean - truth).abs() <= STANDARD_ERRORS * error + rounding * truth.abs().max(1e-6),
                "{} {logits:?} {label} value {at}: {mean} ± {error}, not {truth}",
                estimator.name()
            );
        }
    }
}

#[test]
fn genz_is_unbiased() {
    assert_unbiased::<f64>(&Genz::new(20, 1).unwrap(), 500, 1e-12);
    assert_unbiased::<f32>(&Genz::new(20, 1).unwrap(), 500, SINGLE);
}

#[test]
fn randomised_genz_is_unbiased() {
    assert_unbiased::<f64>(&Genz::new(20, 2).unwrap().with_sequence(Sequence::QuasiRandom), 500, 1e-12);
    assert_unbiased::<f32>(&Genz::new(20, 2).unwrap().with_sequence(Sequence::QuasiRandom), 500, SINGLE);
}

#[test]
fn monte_carlo_is_unbiased() {
    assert_unbiased::<f64>(&MonteCarlo::new(2000, 3).unwrap(), 100, 1e-12);
    assert_unbiased::<f32>(&MonteCarlo::new(2000, 3).unwrap(), 100, SINGLE);
}

#[test]
fn genz_converges_with_samples() {
    let (logits, label, sigma) = &problems()[5];
    let truth = quadrature(logits, *label, *sigma);
    let quasi = |samples| Genz::new(samples, 4).unwrap().with_sequence(Sequence::QuasiRandom);
    let error = |genz: Genz| {
        let runs = mean::<f64>(&genz, logits, *label, *sigma, 40);
        runs[0].1 * 40.0_f64.sqrt() / truth[0]
    };
    let plain = [16, 1024].map(|samples| error(Genz::new(samples, 4).unwrap()));
    let ratio = plain[0] / plain[1];
    assert!((4.0..16.0).contains(&ratio), "64 times the samples, 8 times the accuracy; found {ratio}");
    assert!(error(quasi(1024)) < 0.5 * plain[1], "{} {}", error(quasi(1024)), plain[1]);
}

#[test]
fn two_classes_need_no_sampling() {
    for (difference, sigma) in [(0.7, 0.5), (-3.0, 1.0), (8.0, 0.4), (-20.0, 1.0)] {
        let d: f64 = difference / sigma / 2.0_f64.sqrt();
        let slope = pdf(d) / (2.0_f64.sqrt() * sigma);
        let golden = [cdf(d), survival(d), -slope, slope, -slope * difference / sigma];
        let genz = Genz::new(1, 0).unwrap();
        for (found, tolerance) in [
            (flat::<f64>(&genz, &[0.0, difference], 1, sigma, 0), 1e-12),
            (flat::<f32>(&genz, &[0.0, difference], 1, sigma, 0), SINGLE),
        ] {
            for (found, golden) in found.iter().zip(golden) {
                // Beyond the range of `f32`.
                let rounding = if tolerance == SINGLE { 1e-35 } else { 0.0 };
                let error = (found - golden).abs();
                assert!(error < tolerance * golden.abs() + rounding, "{difference}: {found} {golden}");
            }
        }
    }
}

#[test]
fn small_probabilities_are_not_clipped() {
    // Φ(-10/√2)-like: 5 classes, the label 10 sigmas behind one and level with none.
    let logits = [0.0, 10.0, 9.0, 9.5, 10.0];
    let truth = quadrature(&logits, 0, 1.0);
    let (found, error) = mean::<f64>(&Genz::new(64, 5).unwrap(), &logits, 0, 1.0, 400)[0];
    assert!(truth[0] < 1e-15 && (found - truth[0]).abs() < STANDARD_ERRORS * error, "{found} {}", truth[0]);
    assert!(error < 0.1 * found);
}

#[test]
fn logarithms_are_of_the_smaller_side() {
    let genz = Genz::new(1, 0).unwrap();
    let estimate = |difference: f64| genz.estimate(&[difference, 0.0], 0, 1.0, 0, &mut [0.0_f64; 2]).unwrap();
    let won = estimate(20.0);
    assert_eq!(won.log_p, -won.one_minus_p);
    assert_eq!(estimate(-20.0).log_p, estimate(-20.0).p.ln());
}

#[test]
fn distant_classes_can_be_left_out() {
    let mut logits: Vec<f64> = (0..20).map(|i| -f64::from(i) * 2.0).collect();
    logits[3] = 0.5;
    let truth = quadrature(&logits, 0, 0.5);
    let genz = Genz::new(16, 6).unwrap().with_nearest_classes(4).unwrap();
    let runs = mean::<f64>(&genz, &logits, 0, 0.5, 500);
    assert!((runs[0].0 - truth[0]).abs() < STANDARD_ERRORS * runs[0].1 + 1e-6, "{:?} {}", runs[0], truth[0]);
    let kept = runs[2..22].iter().filter(|slope| slope.0 != 0.0).count();
    assert_eq!(kept, 5);
    assert!(runs[2 + 3].0 < 0.0, "the nearest class is kept");
}

fn assert_finite<T: Real>(rounding: f64)
where
    Genz: Estimator<T>,
    MonteCarlo: Estimator<T>,
{
    let estimators: [Box<dyn Estimator<T>>; 3] = [
        Box::new(Genz::new(20, 0).unwrap()),
        Box::new(Genz::new(20, 0).unwrap().with_sequence(Sequence::QuasiRandom)),
        Box::new(MonteCarlo::new(20, 0).unwrap()),
    ];
    for estimator in &estimators {
        for logits in [vec![1e30, -1e30, 0.0], vec![-1e30, 1e30, 1e30], vec![0.0; 1000], vec![3.0]] {
            for sigma in [1e-12, 1.0, 1e12] {
                let found = flat(estimator.as_ref(), &logits, 0, sigma, 0);
                assert!(found.iter().all(|value| value.is_finite()), "{} {logits:?}", estimator.name());
                assert!((found[0] + found[1] - 1.0).abs() < rounding);
            }
        }
        assert_eq!(flat(estimator.as_ref(), &[3.0], 0, 1.0, 0), [1.0, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn extremes_are_finite() {
    assert_finite::<f64>(1e-12);
    assert_finite::<f32>(SINGLE);
}

#[test]
fn unusable_arguments_are_refused() {
    assert!(matches!(Genz::new(0, 0), Err(LossError::Setting { name: "samples", .. })));
    assert!(matches!(MonteCarlo::new(0, 0), Err(LossError::Setting { name: "samples", .. })));
    let genz = Genz::new(1, 0).unwrap();
    assert!(genz.clone().with_nearest_classes(0).is_err());
    let estimate = |logits: &[f64], label, sigma, length| {
        genz.estimate(logits, label, sigma, 0, &mut vec![0.0_f64; length]).unwrap_err()
    };
    assert_eq!(estimate(&[], 0, 1.0, 0), LossError::Empty);
    assert!(matches!(estimate(&[0.0, f64::NAN], 0, 1.0, 2), LossError::Logit { class: 1, .. }));
    assert!(matches!(estimate(&[0.0, 1.0], 2, 1.0, 2), LossError::Label { label: 2, .. }));
    assert!(matches!(estimate(&[0.0, 1.0], 1, 0.0, 2), LossError::Setting { name: "sigma", .. }));
    assert!(matches!(estimate(&[0.0, 1.0], 1, 1.0, 3), LossError::GradientLength { found: 3, expected: 2 }));
}

/// 300 rows of 7 classes.
fn batch() -> (Vec<f64>, Vec<u32>) {
    let logits = (0..2100).map(|i| (f64::from(i) * 0.37).sin() * 2.0).collect();
    (logits, (0..300).map(|row| row % 7).collect())
}

#[test]
fn the_loss_is_near_the_exact_one_and_each_step_differs() {
    let (logits, labels) = batch();
    let rows = Logits::new(&logits, 7).unwrap();
    let mut exact_grad = vec![0.0; logits.len()];
    let exact = Exact::new(0.6).unwrap().evaluate(rows, &labels, None, &mut exact_grad).unwrap();
    let loss = EstimatedLoss::new(Genz::new(64, 9).unwrap(), 0.6).unwrap();
    let mut grad = vec![0.0; logits.len()];
    let value = loss.evaluate(rows, &labels, None, &mut grad).unwrap();
    assert!((value - exact).abs() < 3e-3, "{value} {exact}");
    let distance: f64 = grad.iter().zip(&exact_grad).map(|(a, b)| (a - b).powi(2)).sum();
    let size: f64 = exact_grad.iter().map(|slope| slope * slope).sum();
    assert!(distance < 0.01 * size, "{}", distance / size);
    let next = loss.at_step(1).evaluate(rows, &labels, None, &mut grad).unwrap();
    assert_ne!(value, next);
}

#[test]
fn the_loss_does_not_depend_on_the_number_of_threads() {
    let (logits, labels) = batch();
    let loss = EstimatedLoss::new(Genz::new(16, 9).unwrap(), 0.6).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut grad = vec![0.0; logits.len()];
        let samples = Samples::mean(Logits::new(&logits, 7).unwrap(), &labels, None).unwrap();
        let sum = pool.install(|| loss.evaluate_samples(samples, &[], &mut grad)).unwrap();
        (sum, grad)
    };
    assert_eq!(run(1), run(3));
}
