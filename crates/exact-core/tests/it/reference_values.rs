//! Expected accuracy against every top-1 case of the reference values.

use crate::common::{Case, Worst, cases, largest, largest_difference};
use exact_core::expected::{ExpectedAccuracy, Probability};
use exact_core::loss::Logits;
use exact_core::{Real, Rule};

/// Errors that a precision promises.
struct Tolerance {
    p_absolute: f64,
    p_relative: f64,
    complement_relative: f64,
    /// Of log P, relative to the larger of 1 and its size.
    log_p: f64,
    /// Of the gradient's largest entry.
    gradient: f64,
    /// Of [`Case::dsigma_size`].
    dsigma: f64,
    /// Of the gradient of log P, of its largest entry.
    log_gradient: f64,
    /// P, 1 - P and the gradient's size are compared above the logarithm of this.
    log_floor: f64,
}

/// The quadrature's own error, which stays below what is promised for up to 20,000 classes.
const DOUBLE: Tolerance = Tolerance {
    p_absolute: 2e-15,
    p_relative: 3e-13,
    complement_relative: 1e-13,
    log_p: 3e-13,
    gradient: 9e-13,
    dsigma: 9e-13,
    log_gradient: 9e-13,
    log_floor: -690.0,
};

/// The quadrature's error with that of `f32` arithmetic, which is the larger part of it. Measured, worst: P
/// 1.1e-7 and 8e-7 relative, 1 - P 5e-7, gradient 1.1e-6.
const SINGLE: Tolerance = Tolerance {
    p_absolute: 2e-7,
    p_relative: 3e-6,
    complement_relative: 1.1e-6,
    log_p: 3e-7,
    gradient: 2e-6,
    dsigma: 2e-6,
    log_gradient: 2e-6,
    log_floor: -60.0,
};

/// With a sigma per class, the integrand of the sigma gradient is wider than γ: cutting γ at e^-13 costs
/// 1.1e-5 (at e^-16, 2.4e-6). The arithmetic costs 2.0e-6 in the gradient, far in the tails.
const SINGLE_PER_CLASS: Tolerance = Tolerance { gradient: 3e-6, dsigma: 1.5e-5, ..SINGLE };

/// The reference's logarithms are rounded to `f64`, which limits comparisons of what lies `log_size` from 1.
fn rounding(log_size: f64) -> f64 {
    log_size.abs() * f64::EPSILON
}

fn compare<T: Real>(case: &Case, rule: &Rule, tolerance: &Tolerance, worst: &mut Worst) {
    let n_classes = case.mu.len();
    let (mu, sigma) = case.inputs::<T>();
    let logits = Logits::new(&mu, n_classes).unwrap();
    let mut values = [Probability::default()];
    let (mut grad, mut sigma_grad) = (vec![T::ZERO; n_classes], vec![T::ZERO; n_classes]);
    let metric = ExpectedAccuracy::new(rule.clone());
    let labels = [case.label];
    let sigma = case.sigma(&sigma);
    metric
        .evaluate_with_sigma_gradient(logits, &labels, sigma, &mut values, &mut grad, Some(&mut sigma_grad))
        .unwrap();
    let value = values[0];
    let (p, complement) = (value.p.to_f64(), value.one_minus_p.to_f64());
    worst.note("P", (p - case.log_p.exp()).abs(), tolerance.p_absolute, case);
    worst.note("1 - P", (complement - case.log_one_minus_p.exp()).abs(), tolerance.p_absolute, case);
    if case.log_p > tolerance.log_floor {
        let error = (p.ln() - case.log_p).abs() - rounding(case.log_p);
        worst.note("P, relative", error, tolerance.p_relative, case);
    }
    if case.log_one_minus_p > tolerance.log_floor {
        let error = (complement.ln() - case.log_one_minus_p).abs() - rounding(case.log_one_minus_p);
        worst.note("1 - P, relative", error, tolerance.complement_relative, case);
    }
    if case.log_p.min(case.log_one_minus_p).max(case.grad_log_scale) > tolerance.log_floor {
        let scale = case.grad_log_scale.exp();
        let error = largest_difference(&grad, scale, &case.grad) / largest(&case.grad);
        worst.note("gradient", error - rounding(case.grad_log_scale), tolerance.gradient, case);
        let dsigma = case.dsigma.values();
        let found = if dsigma.len() == 1 { &[value.dsigma][..] } else { &sigma_grad };
        let error = largest_difference(found, scale, dsigma) / case.dsigma_size().max(f64::MIN_POSITIVE);
        worst.note("sigma gradient", error - rounding(case.grad_log_scale), tolerance.dsigma, case);
    }

    metric.of_logarithm().evaluate(logits, &labels, sigma, &mut values, &mut grad).unwrap();
    let error = (values[0].log_p.to_f64() - case.log_p).abs() / case.log_p.abs().max(1.0);
    worst.note("log P", error, tolerance.log_p, case);
    let log_scale = case.grad_log_scale - case.log_p;
    if log_scale > tolerance.log_floor {
        let error = largest_difference(&grad, log_scale.exp(), &case.grad) / largest(&case.grad);
        worst.note("gradient of log P", error - 2.0 * rounding(case.log_p), tolerance.log_gradient, case);
    }
}

fn check<T: Real>(rule: &Rule, tolerance: &Tolerance, select: impl Fn(&Case) -> bool) {
    let mut worst = Worst::default();
    let mut count = 0;
    for case in cases().iter().filter(|case| case.k == 1 && select(case)) {
        compare::<T>(case, rule, tolerance, &mut worst);
        count += 1;
    }
    worst.check(count);
}

#[test]
fn double_precision_with_one_sigma() {
    check::<f64>(&Rule::precise::<f64>(), &DOUBLE, |case| case.sigma.values().len() == 1);
}

#[test]
fn double_precision_with_a_sigma_per_class() {
    check::<f64>(&Rule::precise::<f64>(), &DOUBLE, |case| case.sigma.values().len() > 1);
}

#[test]
fn single_precision_with_one_sigma() {
    check::<f32>(&Rule::precise::<f32>(), &SINGLE, |case| case.sigma.values().len() == 1);
}

#[test]
fn single_precision_with_a_sigma_per_class() {
    check::<f32>(&Rule::precise::<f32>(), &SINGLE_PER_CLASS, |case| case.sigma.values().len() > 1);
}
