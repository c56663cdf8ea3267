//! The error bounds that the default rules document, on random and adversarial samples.

use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
use exact_core::loss::Logits;
use exact_core::{Real, Rule};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The bounds that [`Rule::training`] documents.
const TRAINING: Bounds = Bounds { p: 4e-7, p_relative: 4e-6, complement_relative: 4e-6, gradient: 4e-6 };
/// The bounds that [`Rule::precise`] documents for `f64`.
const PRECISE: Bounds = Bounds { p: 2e-15, p_relative: 3e-13, complement_relative: 1e-13, gradient: 9e-13 };

#[derive(Debug, Default)]
struct Bounds {
    /// Of P, absolute.
    p: f64,
    /// Of P, relative.
    p_relative: f64,
    /// Of 1 - P, relative.
    complement_relative: f64,
    /// Of a gradient entry, relative to the largest.
    gradient: f64,
}

/// Means in sigmas; the label is class 0.
struct Samples {
    random: ChaCha8Rng,
}

impl Samples {
    fn uniform(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// One to three groups of rivals, each with its own size, distance and spread.
    fn next(&mut self, max_classes: f64) -> Vec<f64> {
        let others = max_classes.powf(self.uniform()).round().max(1.0) as usize;
        let groups = 1 + (3.0 * self.uniform()) as usize;
        let mut means = vec![0.0];
        for group in 0..groups {
            let (distance, spread) = (self.between(-14.0, 14.0), 10.0_f64.powf(self.between(-3.0, 0.8)));
            let end = 1 + others * (group + 1) / groups;
            while means.len() < end {
                let normal = (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0;
                // Exact in `f32`, so that both precisions see the same sample, and within its range.
                let mean = (distance + spread * normal).clamp(-17.0, 60.0);
                means.push(f64::from(mean as f32));
            }
        }
        means
    }
}

fn evaluate<T: Real>(means: &[f64], rule: &Rule) -> (Probability<T>, Vec<f64>) {
    let means: Vec<T> = means.iter().map(|&mean| T::from_f64(mean)).collect();
    let (mut values, mut grad) = ([Probability::default()], vec![T::ZERO; means.len()]);
    ExpectedAccuracy::new(rule.clone())
        .evaluate(
            Logits::new(&means, means.len()).unwrap(),
            &[0],
            Sigma::Common(T::ONE),
            &mut values,
            &mut grad,
        )
        .unwrap();
    (values[0], grad.iter().map(|g| g.to_f64()).collect())
}

/// The largest errors of `rule` in precision `T` over `count` samples.
fn worst<T: Real>(rule: &Rule, count: usize, max_classes: f64, smallest: f64) -> Bounds {
    let mut samples = Samples { random: ChaCha8Rng::seed_from_u64(1) };
    let reference_rule = Rule::new(400, 40.0).unwrap();
    let mut worst = Bounds::default();
    for _ in 0..count {
        let means = samples.next(max_classes);
        let (found, grad) = evaluate::<T>(&means, rule);
        let (expected, expected_grad) = evaluate::<f64>(&means, &reference_rule);
        let (p, complement) = (found.p.to_f64(), found.one_minus_p.to_f64());
        worst.p = worst.p.max((p - expected.p).abs());
        if expected.p > smallest {
            worst.p_relative = worst.p_relative.max((p / expected.p - 1.0).abs());
        }
        if expected.one_minus_p > smallest {
            worst.complement_relative =
                worst.complement_relative.max((complement / expected.one_minus_p - 1.0).abs());
        }
        let size = expected_grad.iter().fold(0.0, |size: f64, g| size.max(g.abs()));
        if size > smallest {
            for (g, expected) in grad.iter().zip(&expected_grad) {
                worst.gradient = worst.gradient.max((g - expected).abs() / size);
            }
        }
    }
    worst
}

fn check(name: &str, worst: &Bounds, bounds: &Bounds) {
    println!("{name}: {worst:?}");
    assert!(worst.p <= bounds.p, "{name}: P, {worst:?}");
    assert!(worst.p_relative <= bounds.p_relative, "{name}: P, relative, {worst:?}");
    assert!(worst.complement_relative <= bounds.complement_relative, "{name}: 1 - P, relative, {worst:?}");
    assert!(worst.gradient <= bounds.gradient, "{name}: gradient, {worst:?}");
}

#[test]
fn training_rule_keeps_its_bounds() {
    let rule = Rule::training();
    check("few classes", &worst::<f32>(&rule, 3000, 30.0, 1e-30), &TRAINING);
    check("many classes", &worst::<f32>(&rule, 40, 20_000.0, 1e-30), &TRAINING);
    check("f64 logits", &worst::<f64>(&rule, 300, 1000.0, 1e-30), &TRAINING);
}

#[test]
fn precise_rule_keeps_its_bounds() {
    let rule = Rule::precise::<f64>();
    check("few classes", &worst::<f64>(&rule, 3000, 30.0, 1e-290), &PRECISE);
    check("many classes", &worst::<f64>(&rule, 40, 20_000.0, 1e-290), &PRECISE);
}
