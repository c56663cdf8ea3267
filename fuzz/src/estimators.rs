//! The sampling estimators.

use exact_core::estimator::{Estimator, Genz, MonteCarlo, Sequence};

use crate::check;
use crate::input::Input;

/// Estimates depend on few samples here; what they must satisfy does not.
const MAX_SAMPLES: usize = 40;

/// Genz's estimator; `None` if the settings are refused, as they must be.
pub fn genz(input: &mut Input<'_>) -> Option<Genz> {
    let (samples, seed) = (input.below(MAX_SAMPLES), input.seed());
    let genz = Genz::new(samples, seed);
    assert_eq!(genz.is_ok(), samples > 0);
    let mut genz = genz.ok()?;
    if input.chance(2) {
        genz = genz.with_sequence(Sequence::QuasiRandom);
    }
    if input.chance(2) {
        let classes = input.below(20);
        let nearest = genz.with_nearest_classes(classes);
        assert_eq!(nearest.is_ok(), classes > 0);
        genz = nearest.ok()?;
    }
    Some(genz)
}

pub fn monte_carlo(input: &mut Input<'_>) -> Option<MonteCarlo> {
    let (samples, seed) = (input.below(MAX_SAMPLES), input.seed());
    let monte_carlo = MonteCarlo::new(samples, seed);
    assert_eq!(monte_carlo.is_ok(), samples > 0);
    monte_carlo.ok()
}

pub fn estimate(input: &mut Input<'_>) {
    let estimator: Option<Box<dyn Estimator<f64>>> = if input.chance(2) {
        genz(input).map(|genz| Box::new(genz) as Box<dyn Estimator<f64>>)
    } else {
        monte_carlo(input).map(|monte_carlo| Box::new(monte_carlo) as Box<dyn Estimator<f64>>)
    };
    let Some(estimator) = estimator else { return };
    let n_classes = if input.chance(4) { input.below(100) } else { input.below(8) };
    let mut logits = input.numbers::<f64>(n_classes);
    let finite = !(n_classes > 0 && input.chance(10));
    if !finite {
        logits[0] = input.not_finite();
    }
    let label = if input.chance(10) { usize::MAX } else { input.below(n_classes.max(1)) };
    let sigma = if input.chance(8) { input.setting() } else { input.positive() };
    let length = n_classes + usize::from(input.chance(10));
    let mut gradient = vec![f64::NAN; length];
    let outcome = estimator.estimate(&logits, label, sigma, input.seed(), &mut gradient);
    let usable = finite && label < n_classes && sigma > 0.0 && sigma.is_finite() && length == n_classes;
    assert_eq!(outcome.is_ok(), usable, "{outcome:?}");
    if let Ok(estimate) = outcome {
        let (p, rest) = (estimate.p, estimate.one_minus_p);
        assert!((0.0..=1.0).contains(&p) && (0.0..=1.0).contains(&rest), "{estimate:?}");
        assert!((p + rest - 1.0).abs() <= 1e-12, "{estimate:?}");
        // Minus infinity where the estimate of P is 0.
        assert!(estimate.log_p <= 0.0 && (estimate.log_p.exp() - p).abs() <= 1e-12, "{estimate:?}");
        if check::are_moderate(&logits) && check::are_moderate(&[sigma]) {
            check::finite("dP/dsigma", &[estimate.dsigma]);
            check::finite("gradient of an estimate", &gradient);
        }
    }
}
