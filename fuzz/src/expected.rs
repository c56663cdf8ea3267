//! Expected metrics.

use exact_core::Real;
use exact_core::expected::{
    ExpectedAccuracy, ExpectedTopK, Probability, balanced_weights, expected_cost, expected_macro_f1,
    predictive_distribution, predictive_distribution_gradient,
};
use exact_core::loss::{ExpectedCost, Logits, Loss, Samples};

use crate::check;
use crate::input::{Batch, Input, Sigmas, nan};

/// Classes times k that a sample of expected top-k accuracy may have, so that a call takes milliseconds.
const MAX_TOP_K_WORK: usize = 100;
/// Logits of a batch under a cost matrix, which is the square of the classes.
const MAX_COST_LOGITS: usize = 200;
/// The ratio of a row's sigmas up to which the default rules see every step of the integrand.
const MAX_RATIO: f64 = 16.0;
/// The sum of a predictive distribution where the rule is one of the defaults and sigmas differ by a factor
/// of at most 2.
const SUM: f64 = 1e-12;

/// Values, gradients and the sigmas' gradients.
struct Results<T> {
    values: Vec<Probability<T>>,
    sigma_grad: Option<Vec<T>>,
    usable: bool,
}

impl<T: Real> Results<T> {
    fn new(input: &mut Input<'_>, batch: &Batch<T>, sigma: &Sigmas<T>) -> Self {
        let nan = nan();
        let empty = Probability { p: nan, one_minus_p: nan, log_p: nan, dsigma: nan };
        let mut values = vec![empty; batch.n];
        let mut sigma_grad = input.chance(2).then(|| vec![nan; batch.n * batch.n_classes]);
        let mut usable = batch.usable && sigma.usable;
        match (input.below(20), &mut sigma_grad) {
            (18, _) => values.push(empty),
            (19, Some(grad)) => grad.push(nan),
            _ => return Self { values, sigma_grad, usable },
        }
        usable = false;
        Self { values, sigma_grad, usable }
    }

    /// Only ranges can be checked where the rule is not one of the defaults, or too coarse for the row's
    /// sigmas.
    fn check(&self, batch: &Batch<T>, sigma: &Sigmas<T>, default_rule: bool, bounded: bool) {
        let rows = batch.grad.chunks(batch.n_classes).zip(&batch.labels);
        for (row, (value, (grad, &label))) in self.values.iter().zip(rows).enumerate() {
            let (least, most) = sigma.range(row, batch.n_classes);
            let resolved = default_rule && most / least <= MAX_RATIO;
            check::probability(value, resolved);
            check::finite("gradient", grad);
            if resolved {
                check::signs(grad, label as usize);
            }
            if bounded && !sigma.is_per_class() {
                let bound = check::STEEPEST / least * (1.0 + check::SLACK);
                for (class, slope) in grad.iter().enumerate().filter(|&(class, _)| class != label as usize) {
                    let steep = -slope.to_f64() > bound;
                    assert!(!steep, "sample {row}, class {class}: {slope} is beyond {bound}");
                }
            }
        }
        if let Some(grad) = &self.sigma_grad
            && sigma.is_per_class()
        {
            check::finite("gradient of the sigmas", grad);
        }
    }
}

pub fn accuracy<T: Real>(input: &mut Input<'_>) {
    let mut batch = Batch::<T>::new(input, usize::MAX);
    let sigma = Sigmas::new(input, batch.n, batch.n_classes);
    let (rule, default_rule) = input.rule::<T>();
    let mut metric = ExpectedAccuracy::new(rule);
    let margin = input.margin();
    if let Some(margin) = margin {
        let with_margin = metric.clone().with_margin(margin);
        assert_eq!(with_margin.is_ok(), !margin.is_nan());
        metric = with_margin.unwrap_or(metric);
    }
    let logarithm = input.chance(3);
    if logarithm {
        metric = metric.of_logarithm();
    }
    // Below a margin of many sigmas under 0, every class of thousands is far ahead, and log P underflows.
    let default_rule = default_rule && margin.is_none_or(|margin| margin >= 0.0);
    let mut results = Results::new(input, &batch, &sigma);
    let outcome = Logits::new(&batch.logits, batch.n_classes).and_then(|logits| {
        metric.evaluate_with_sigma_gradient(
            logits,
            &batch.labels,
            sigma.get(),
            &mut results.values,
            &mut batch.grad,
            results.sigma_grad.as_deref_mut(),
        )
    });
    assert_eq!(outcome.is_ok(), results.usable, "{outcome:?}");
    if outcome.is_ok() && batch.is_moderate() && sigma.is_moderate() {
        results.check(&batch, &sigma, default_rule, default_rule && !logarithm);
    }
}

pub fn top_k<T: Real>(input: &mut Input<'_>) {
    let k = input.below(8);
    let mut batch = Batch::<T>::new(input, MAX_TOP_K_WORK / k.max(1));
    let sigma = Sigmas::new(input, batch.n, batch.n_classes);
    let (rule, default_rule) = input.rule::<T>();
    let k = if input.chance(10) { usize::MAX } else { k };
    let metric = ExpectedTopK::new(k, rule);
    assert_eq!(metric.is_ok(), k > 0);
    let Ok(mut metric) = metric else { return };
    let margin = input.margin();
    if let Some(margin) = margin {
        let with_margin = metric.clone().with_margin(margin);
        assert_eq!(with_margin.is_ok(), !margin.is_nan());
        metric = with_margin.unwrap_or(metric);
    }
    if input.chance(3) {
        metric = metric.of_logarithm();
    }
    // Below a margin of many sigmas under 0, every class of thousands is far ahead, and log P underflows.
    let default_rule = default_rule && margin.is_none_or(|margin| margin >= 0.0);
    let mut results = Results::new(input, &batch, &sigma);
    let outcome = Logits::new(&batch.logits, batch.n_classes).and_then(|logits| {
        metric.evaluate_with_sigma_gradient(
            logits,
            &batch.labels,
            sigma.get(),
            &mut results.values,
            &mut batch.grad,
            results.sigma_grad.as_deref_mut(),
        )
    });
    assert_eq!(outcome.is_ok(), results.usable, "{outcome:?}");
    if outcome.is_ok() && batch.is_moderate() && sigma.is_moderate() {
        results.check(&batch, &sigma, default_rule, false);
    }
}

/// The predictive distribution, its derivative, and expected cost.
pub fn distribution<T: Real>(input: &mut Input<'_>) {
    let batch = Batch::<T>::new(input, usize::MAX);
    let (n, n_classes) = (batch.n, batch.n_classes);
    let sigma = Sigmas::new(input, n, n_classes);
    let (rule, default_rule) = input.rule::<T>();
    let Ok(logits) = Logits::new(&batch.logits, n_classes) else { return };
    let mut out = batch.grad.clone();
    let usable = sigma.usable && logits.values().len() == n * n_classes && out.len() == n * n_classes;
    let outcome = predictive_distribution(logits, sigma.get(), &rule, &mut out);
    assert_eq!(outcome.is_ok(), usable, "{outcome:?}");
    let precise = default_rule && rule.truncation() > 30.0;
    let even = |row| {
        let (least, most) = sigma.range(row, n_classes);
        precise && most / least <= 2.0
    };
    let moderate = sigma.is_moderate() && batch.is_moderate();
    if usable && moderate {
        check::finite("predictive distribution", &out);
        let rounding = SUM.max(T::EPSILON.to_f64()) * (1.0 + 0.01 * n_classes as f64);
        for (row, p) in out.chunks(n_classes).enumerate() {
            assert!(!default_rule || p.iter().all(|p| *p >= T::ZERO), "{p:?}");
            let sum: f64 = p.iter().map(|p| p.to_f64()).sum();
            assert!(!even(row) || (sum - 1.0).abs() <= rounding, "sample {row} sums to {sum}");
        }
    }

    let mut costs = input.numbers::<T>(n * n_classes);
    let missing = input.chance(10);
    if missing {
        costs.pop();
    }
    let usable = usable && !missing;
    let outcome = predictive_distribution_gradient(logits, sigma.get(), &rule, &costs, &mut out, None);
    assert_eq!(outcome.is_ok(), usable, "{outcome:?}");
    let mut values = vec![nan(); n];
    let mut grad = batch.grad.clone();
    let outcome = expected_cost(logits, &costs, sigma.get(), &rule, &mut values, &mut grad, None);
    assert_eq!(outcome.is_ok(), usable, "{outcome:?}");
    if !usable || !moderate || !check::are_moderate(&costs) {
        return;
    }
    check::finite("derivative of the predictive distribution", &out);
    check::finite("expected cost", &values);
    assert!(
        grad.iter().zip(&out).all(|(a, b)| a == b),
        "the gradient of the cost is the derivative along it"
    );
    for (row, ((value, slopes), costs)) in
        values.iter().zip(out.chunks(n_classes)).zip(costs.chunks(n_classes)).enumerate()
    {
        if even(row) {
            let size = costs.iter().fold(0.0, |size: f64, cost| size.max(cost.to_f64().abs()));
            assert!(value.to_f64().abs() <= size * (1.0 + check::SLACK), "sample {row}: {value}");
            let steepest = 2.0 * check::STEEPEST * size / sigma.range(row, n_classes).0 * n_classes as f64;
            for slope in slopes {
                let steep = slope.to_f64().abs() > steepest * (1.0 + check::SLACK);
                assert!(!steep, "sample {row}: slope {slope} is beyond {steepest}");
            }
        }
    }
}

/// What belongs to a whole batch: balanced weights, macro-F1 and the loss under a cost matrix.
pub fn batch<T: Real>(input: &mut Input<'_>) {
    let mut batch = Batch::<T>::new(input, MAX_COST_LOGITS);
    let sigma = Sigmas::new(input, batch.n, batch.n_classes);
    let (rule, default_rule) = input.rule::<T>();
    let (n, n_classes) = (batch.n, batch.n_classes);

    let balanced = balanced_weights::<T>(&batch.labels, n_classes, None);
    assert_eq!(balanced.is_ok(), batch.labels.iter().all(|&label| (label as usize) < n_classes));
    if let Ok(balanced) = balanced {
        // Each class that occurs has the same total, and the mean is 1.
        let mut totals = vec![0.0; n_classes];
        for (weight, &label) in balanced.iter().zip(&batch.labels) {
            totals[label as usize] += weight.to_f64();
        }
        totals.retain(|total| *total > 0.0);
        let share = balanced.len() as f64 / totals.len() as f64;
        let rounding = T::EPSILON.to_f64() + (balanced.len() + 2) as f64 * f64::EPSILON;
        let even = |total: &f64| (total / share - 1.0).abs() <= rounding;
        assert!(totals.iter().all(even), "balanced weights sum to {totals:?} instead of {share}");
    }

    let weights = batch.weights.as_deref();
    let samples = || {
        let logits = Logits::new(&batch.logits, n_classes)?;
        Samples::sum(logits, &batch.labels, weights)
    };
    let mut costs: Vec<f64> = input.numbers(n_classes * n_classes);
    let missing = input.chance(10);
    if missing {
        costs.push(0.0);
    }
    let cost = ExpectedCost::new(&costs, n_classes, 1.0);
    assert_eq!(cost.is_ok(), !missing || n_classes == 1, "{:?}", cost.err());
    if let Ok(cost) = cost
        && costs.len() == n_classes * n_classes
    {
        let outcome = samples().and_then(|samples| cost.evaluate_samples(samples, &[], &mut batch.grad));
        assert_eq!(outcome.is_ok(), batch.usable, "{outcome:?}");
        if let Ok(sum) = outcome
            && batch.is_moderate()
            && costs.iter().all(|cost| check::are_moderate(&[T::from_f64(*cost)]))
        {
            check::finite("expected cost of a batch", &[sum.value]);
            check::finite("gradient of the expected cost of a batch", &batch.grad);
            let largest = costs.iter().fold(0.0, |size: f64, cost| size.max(cost.abs()));
            let total =
                weights.map_or(n as f64, |weights| weights.iter().map(|weight| weight.to_f64()).sum());
            let bound = largest * total * (1.0 + check::SLACK);
            assert!(sum.value.to_f64().abs() <= bound, "expected cost {} is beyond {bound}", sum.value);
        }
    }

    let outcome =
        samples().and_then(|samples| expected_macro_f1(samples, sigma.get(), &rule, &mut batch.grad, None));
    let weighted = weights.is_none_or(|weights| weights.iter().any(|weight| *weight > T::ZERO));
    assert_eq!(outcome.is_ok(), batch.usable && sigma.usable && weighted, "{outcome:?}");
    if let Ok(value) = outcome
        && default_rule
        && batch.is_moderate()
        && sigma.is_moderate()
    {
        let value = value.to_f64();
        assert!((-check::SLACK..=1.0 + check::SLACK).contains(&value), "macro-F1 of {n} samples is {value}");
        check::finite("gradient of macro-F1", &batch.grad);
    }
}
