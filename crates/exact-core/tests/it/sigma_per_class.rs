//! Expected accuracy with a sigma per class, ratios up to 64, against a brute-force integral.

use exact_core::expected::{
    ExpectedAccuracy, ExpectedTopK, Probability, Sigma, predictive_distribution,
    predictive_distribution_gradient,
};
use exact_core::loss::Logits;
use exact_core::normal::{log_cdf, pdf};
use exact_core::{Real, Rule};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[derive(Debug, Clone)]
struct Sample {
    means: Vec<f64>,
    sigmas: Vec<f64>,
    label: usize,
}

/// P, 1 - P and the gradients with respect to the means and sigmas.
#[derive(Debug, Clone)]
struct Result {
    p: f64,
    one_minus_p: f64,
    log_p: f64,
    grad: Vec<f64>,
    sigma_grad: Vec<f64>,
}

impl Sample {
    /// Exact in `f32`, so that both precisions see the same sample.
    fn random(random: &mut ChaCha8Rng, ratio: f64) -> Self {
        let mut uniform = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let n_classes = 3 + (10.0 * uniform()) as usize;
        let spread = 10.0_f64.powf(1.5 * uniform() - 0.5);
        let mut sample = Self { means: Vec::new(), sigmas: Vec::new(), label: 0 };
        for _ in 0..n_classes {
            let normal = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            sample.means.push(f64::from((spread * normal) as f32));
            sample.sigmas.push(f64::from(ratio.powf(uniform()) as f32));
        }
        sample.label = (uniform() * n_classes as f64) as usize;
        sample
    }

    /// Panels that end where a class's factor changes, with many nodes on each.
    fn by_brute_force(&self) -> Result {
        let Self { means, sigmas, label } = self;
        let others: Vec<usize> = (0..means.len()).filter(|class| class != label).collect();
        let scale = |i: usize| sigmas[*label] / sigmas[i];
        let shift = |i: usize| (means[*label] - means[i]) / sigmas[i];
        let mut ends: Vec<f64> = (-78..=78).map(|i| 0.5 * f64::from(i)).collect();
        for &i in &others {
            ends.extend((-14..=14).map(|m| (3.0 * f64::from(m) - shift(i)) / scale(i)));
        }
        ends.retain(|end| end.abs() <= 39.0);
        ends.sort_by(f64::total_cmp);
        let rule = Rule::new(24, 30.0).unwrap();
        let (mut p, mut one_minus_p) = (0.0, 0.0);
        let (mut grad, mut sigma_grad) = (vec![0.0; means.len()], vec![0.0; means.len()]);
        for panel in ends.windows(2) {
            let half_width = 0.5 * (panel[1] - panel[0]);
            for node in rule.nodes() {
                let z = 0.5 * (panel[0] + panel[1]) + node.position * half_width;
                let weight = node.weight * half_width * pdf(z);
                let x: Vec<f64> = others.iter().map(|&i| scale(i) * z + shift(i)).collect();
                let log_f: f64 = x.iter().map(|&x| log_cdf(x)).sum();
                p += weight * log_f.exp();
                one_minus_p -= weight * log_f.exp_m1();
                for (&i, &x) in others.iter().zip(&x) {
                    let slope = weight * (log_f - log_cdf(x) - 0.5 * x * x).exp() * pdf(0.0) / sigmas[i];
                    grad[i] -= slope;
                    grad[*label] += slope;
                    sigma_grad[i] -= slope * x;
                    sigma_grad[*label] += slope * z;
                }
            }
        }
        Result { p, one_minus_p, log_p: p.ln(), grad, sigma_grad }
    }

    fn evaluate<T: Real>(&self, metric: &Metric) -> Result {
        let n_classes = self.means.len();
        let convert = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>();
        let (means, sigmas) = (convert(&self.means), convert(&self.sigmas));
        let mut values = [Probability::default()];
        let (mut grad, mut sigma_grad) = (vec![T::ZERO; n_classes], vec![T::ZERO; n_classes]);
        let (logits, labels) = (Logits::new(&means, n_classes).unwrap(), [self.label as u32]);
        let (sigma, out) = (Sigma::PerClass(&sigmas), Some(sigma_grad.as_mut_slice()));
        match metric {
            Metric::Accuracy(metric) => {
                metric.evaluate_with_sigma_gradient(logits, &labels, sigma, &mut values, &mut grad, out)
            }
            Metric::TopK(metric) => {
                metric.evaluate_with_sigma_gradient(logits, &labels, sigma, &mut values, &mut grad, out)
            }
        }
        .unwrap();
        Result {
            p: values[0].p.to_f64(),
            one_minus_p: values[0].one_minus_p.to_f64(),
            log_p: values[0].log_p.to_f64(),
            grad: grad.iter().map(|g| g.to_f64()).collect(),
            sigma_grad: sigma_grad.iter().map(|g| g.to_f64()).collect(),
        }
    }
}

enum Metric {
    Accuracy(ExpectedAccuracy),
    TopK(ExpectedTopK),
}

#[derive(Debug, Clone, Copy, Default)]
struct Errors {
    p: f64,
    p_relative: f64,
    complement_relative: f64,
    log_p: f64,
    gradient: f64,
    sigma_gradient: f64,
}

impl Errors {
    fn of(found: &Result, expected: &Result, smallest: f64) -> Self {
        let rows = |found: &[f64], expected: &[f64]| {
            let size = expected.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
            let pairs = found.iter().zip(expected);
            let error = pairs.fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
            if size > smallest { error / size } else { 0.0 }
        };
        let relative = |a: f64, b: f64| if b > smallest { (a / b - 1.0).abs() } else { 0.0 };
        Self {
            p: (found.p - expected.p).abs(),
            p_relative: relative(found.p, expected.p),
            complement_relative: relative(found.one_minus_p, expected.one_minus_p),
            log_p: if expected.p > smallest { (found.log_p - expected.log_p).abs() } else { 0.0 },
            gradient: rows(&found.grad, &expected.grad),
            sigma_gradient: rows(&found.sigma_grad, &expected.sigma_grad),
        }
    }

    fn values(self) -> [f64; 6] {
        let Self { p, p_relative, complement_relative, log_p, gradient, sigma_gradient } = self;
        [p, p_relative, complement_relative, log_p, gradient, sigma_gradient]
    }

    fn from_values([p, p_relative, complement_relative, log_p, gradient, sigma_gradient]: [f64; 6]) -> Self {
        Self { p, p_relative, complement_relative, log_p, gradient, sigma_gradient }
    }
}

/// The largest errors over random samples.
fn worst<T: Real>(metric: &Metric, ratio: f64, smallest: f64) -> Errors {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut worst = [0.0_f64; 6];
    for _ in 0..120 {
        let sample = Sample::random(&mut random, ratio);
        let errors = Errors::of(&sample.evaluate::<T>(metric), &sample.by_brute_force(), smallest).values();
        for (worst, error) in worst.iter_mut().zip(errors) {
            assert!(!error.is_nan(), "{sample:?}");
            *worst = worst.max(error);
        }
    }
    Errors::from_values(worst)
}

fn check(name: &str, found: Errors, bounds: Errors) {
    println!("{name}: {found:?}");
    for (error, bound) in found.values().into_iter().zip(bounds.values()) {
        assert!(error <= bound, "{name}: {found:?}");
    }
}

const PRECISE: Errors = Errors {
    p: 4e-15,
    p_relative: 3e-13,
    complement_relative: 3e-13,
    log_p: 3e-13,
    gradient: 9e-13,
    sigma_gradient: 9e-13,
};

#[test]
fn precise_accuracy() {
    for ratio in [1.5, 2.0, 4.0, 16.0, 64.0] {
        let metric = Metric::Accuracy(ExpectedAccuracy::precise::<f64>());
        check(&format!("ratio {ratio}"), worst::<f64>(&metric, ratio, 1e-250), PRECISE);
    }
}

#[test]
fn precise_top_one() {
    for ratio in [1.5, 4.0, 64.0] {
        let metric = Metric::TopK(ExpectedTopK::precise::<f64>(1).unwrap());
        check(&format!("ratio {ratio}"), worst::<f64>(&metric, ratio, 1e-250), PRECISE);
    }
}

/// The truncation of the rule costs most of the sigma gradient's error.
#[test]
fn single_precision() {
    let bounds = Errors {
        p: 4e-7,
        p_relative: 1e-5,
        complement_relative: 1e-5,
        log_p: 1e-5,
        gradient: 1e-5,
        sigma_gradient: 4e-5,
    };
    for ratio in [2.0, 8.0, 64.0] {
        let metric = Metric::Accuracy(ExpectedAccuracy::precise::<f32>());
        check(&format!("ratio {ratio}"), worst::<f32>(&metric, ratio, 1e-30), bounds);
    }
}

#[test]
fn one_class_is_almost_certain_of_its_score() {
    let sample = Sample { means: vec![-2.334, 2.075, 3.178], sigmas: vec![0.01353, 27.71, 29.19], label: 2 };
    let metric = Metric::Accuracy(ExpectedAccuracy::precise::<f64>());
    check("steep", Errors::of(&sample.evaluate::<f64>(&metric), &sample.by_brute_force(), 1e-250), PRECISE);
}

/// The largest difference of a class's probability, and of the slopes of the label's, in a distribution.
fn worst_of_distribution<T: Real>(ratio: f64) -> [f64; 3] {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut worst = [0.0_f64; 3];
    for _ in 0..120 {
        let sample = Sample::random(&mut random, ratio);
        let n_classes = sample.means.len();
        let convert = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>();
        let (means, sigmas) = (convert(&sample.means), convert(&sample.sigmas));
        let (logits, sigma) = (Logits::new(&means, n_classes).unwrap(), Sigma::PerClass(&sigmas));
        let rule = Rule::precise::<T>();
        let mut p = vec![T::ZERO; n_classes];
        predictive_distribution(logits, sigma, &rule, &mut p).unwrap();
        let mut cotangent = vec![T::ZERO; n_classes];
        cotangent[sample.label] = T::ONE;
        let (mut grad, mut sigma_grad) = (p.clone(), p.clone());
        let out = Some(sigma_grad.as_mut_slice());
        predictive_distribution_gradient(logits, sigma, &rule, &cotangent, &mut grad, out).unwrap();
        let expected = sample.by_brute_force();
        worst[0] = worst[0].max((p[sample.label].to_f64() - expected.p).abs());
        let smallest = sample.sigmas.iter().fold(f64::INFINITY, |low: f64, &sigma| low.min(sigma));
        for class in 0..n_classes {
            let error = smallest * (grad[class].to_f64() - expected.grad[class]).abs();
            let sigma_error = smallest * (sigma_grad[class].to_f64() - expected.sigma_grad[class]).abs();
            worst[1] = worst[1].max(error);
            worst[2] = worst[2].max(sigma_error);
        }
    }
    worst
}

/// Absolute errors, slopes in units of the smallest sigma.
#[test]
fn distribution() {
    for ratio in [2.0, 4.0, 16.0, 64.0] {
        let (double, single) = (worst_of_distribution::<f64>(ratio), worst_of_distribution::<f32>(ratio));
        println!("ratio {ratio}: {double:?}, single precision {single:?}");
        assert!(double.iter().all(|error| *error < 1e-12), "ratio {ratio}: {double:?}");
        assert!(single.iter().all(|error| *error < 1e-5), "ratio {ratio}: {single:?}");
    }
}
