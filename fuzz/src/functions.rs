//! Functions of numbers, settings, and what is applied to whole batches.

use exact_core::gradient_normalizer::GradientNormalizer;
use exact_core::logit_normalization::{STD_FLOOR, backward, normalize};
use exact_core::schedule::Schedule;
use exact_core::{Real, Rule, normal};

use crate::check;
use crate::input::Input;

pub fn normal<T: Real>(input: &mut Input<'_>) {
    let x = input.number::<T>();
    let results = [normal::cdf, normal::survival, normal::pdf, normal::log_cdf, normal::inverse_mills_ratio];
    let results = results.map(|function| function(x));
    if !check::are_moderate(&[x]) {
        return;
    }
    check::finite("a function of the normal distribution", &results);
    let [cdf, survival, pdf, log_cdf, ratio] = results.map(T::to_f64);
    assert!((0.0..=1.0).contains(&cdf) && (0.0..=1.0).contains(&survival), "{x}: {cdf} {survival}");
    assert!((cdf + survival - 1.0).abs() <= 4.0 * T::EPSILON.to_f64(), "{x}: {cdf} {survival}");
    for (in_place, scalar) in [
        (normal::cdf_in_place as fn(&mut [T]), cdf),
        (normal::log_cdf_in_place, log_cdf),
        (normal::inverse_mills_ratio_in_place, ratio),
    ] {
        let mut values = [x; 17];
        in_place(&mut values);
        let tolerance = 8.0 * T::EPSILON.to_f64() * scalar.abs() + 1e-34;
        assert!(values.iter().all(|value| (value.to_f64() - scalar).abs() <= tolerance), "{x}: {values:?}");
    }
    assert!((0.0..=0.399).contains(&pdf) && log_cdf <= 0.0 && ratio >= 0.0, "{x}: {pdf} {log_cdf} {ratio}");
}

/// Rules, schedules and the gradient normaliser.
pub fn settings<T: Real>(input: &mut Input<'_>) {
    let (nodes, truncation) = (input.below(1030), input.setting());
    let rule = Rule::new(nodes, truncation);
    let usable = (4..=1024).contains(&nodes) && (1.0..=100.0).contains(&truncation);
    assert_eq!(rule.is_ok(), usable, "{nodes} {truncation}");
    if let Ok(rule) = rule {
        let sum: f64 = rule.nodes().iter().map(|node| node.weight).sum();
        assert!((sum - 2.0).abs() < 1e-11, "{nodes}: {sum}");
        assert!(rule.nodes().is_sorted_by(|a, b| a.position < b.position));
    }

    let (start, end) = (input.setting(), input.setting());
    let positive = |value: f64| value > 0.0 && value.is_finite();
    for (schedule, usable) in [
        (Schedule::constant(start), positive(start)),
        (Schedule::geometric(start, end), positive(start) && positive(end)),
        (Schedule::cosine(start, end), positive(start) && positive(end)),
        (Schedule::steps(start, end, 3), positive(start) && positive(end)),
    ] {
        assert_eq!(schedule.is_ok(), usable, "{start} {end}");
        if let Ok(schedule) = schedule {
            let (step, steps) = (input.below(1000), input.below(1000));
            let value = schedule.value(step, steps);
            let (low, high) = (start.min(end), start.max(end));
            let inside = value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9);
            assert!(inside || schedule.value(0, 1) == value, "{schedule:?} at {step} of {steps}: {value}");
        }
    }

    let mut normalizer = GradientNormalizer::new();
    for _ in 0..=input.below(3) {
        let len = input.below(40);
        let mut gradient = input.numbers::<T>(len);
        if input.chance(4) && len > 0 {
            gradient[0] = input.not_finite();
            let bits = |gradient: &[T]| gradient.iter().map(|g| g.to_f64().to_bits()).collect::<Vec<_>>();
            let before = bits(&gradient);
            normalizer.normalize(&mut gradient);
            assert_eq!(before, bits(&gradient), "a gradient that is not finite is left as it is");
        } else {
            normalizer.normalize(&mut gradient);
            check::finite("normalised gradient", &gradient);
        }
    }
}

pub fn logit_normalization<T: Real>(input: &mut Input<'_>) {
    let (n, n_classes) = (1 + input.below(40), 1 + input.below(40));
    let logits = input.numbers::<T>(n * n_classes);
    let mut weights: Option<Vec<T>> =
        input.chance(2).then(|| input.numbers(n).into_iter().map(T::abs).collect());
    let mut normalized = vec![T::INFINITY; logits.len()];
    let misfit = match (input.below(10), &mut weights) {
        (8, _) => normalized.pop().is_some(),
        (9, Some(weights)) => weights.pop().is_some(),
        _ => false,
    };
    let weights = weights.as_deref();
    let outcome = normalize(&logits, n_classes, weights, &mut normalized);
    assert_eq!(outcome.is_err(), misfit, "{outcome:?}");
    let Ok(statistics) = outcome else { return };
    let mut gradient = input.numbers(logits.len());
    let moderate = [logits.as_slice(), gradient.as_slice(), weights.unwrap_or_default()]
        .into_iter()
        .all(check::are_moderate::<T>);
    let outcome = backward(&normalized, &statistics, n_classes, weights, &mut gradient);
    assert!(outcome.is_ok(), "{outcome:?}");
    if moderate {
        check::finite("statistics", &[statistics.mean, statistics.std, statistics.total_weight]);
        assert!(statistics.std.to_f64() >= STD_FLOOR * (1.0 - 1e-6), "{statistics:?}");
        check::finite("normalised logits", &normalized);
        // A gradient of 1e30 over the smallest standard deviation is more than f32 holds.
        if T::MAX.to_f64() > 1e300 {
            check::finite("gradient through normalisation", &gradient);
        }
    }
}
