//! Every loss.

use exact_core::Real;
use exact_core::estimator::{EstimatedLoss, Estimator, Genz, MonteCarlo};
use exact_core::loss::{
    BetaBernoulli, CrossEntropy, Exact, Focal, Hinge, Logits, Loss, LossError, MAX_PARAMETERS, MacroF1,
    OnRandomScores, Poly1, Polynomial, Probit, Samples, Sigmoid, TopK,
};

use crate::check;
use crate::estimators::{genz, monte_carlo};
use crate::input::{Batch, Input};

/// Logits of a batch for the estimators, which take time in the square of the classes.
const MAX_ESTIMATED: usize = 200;

/// A loss, or nothing where its settings are refused, which is checked.
struct Choice<T> {
    loss: Option<Box<dyn Loss<T>>>,
    moderate: bool,
}

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

/// What the constructor gave, if it agrees with what its documentation says of the setting.
fn checked<T: Real, L: Loss<T> + 'static>(
    loss: Result<L, LossError>,
    usable: bool,
) -> Option<Box<dyn Loss<T>>> {
    assert_eq!(loss.is_ok(), usable, "{:?}", loss.err());
    loss.ok().map(|loss| Box::new(loss) as Box<dyn Loss<T>>)
}

fn choose<T: Real>(input: &mut Input<'_>, which: usize) -> Choice<T>
where
    Genz: Estimator<T>,
    MonteCarlo: Estimator<T>,
{
    let setting = if input.chance(4) { input.setting() } else { input.positive::<f64>() };
    let positive = is_positive(setting);
    let margin = input.margin();
    let margin_usable = margin.is_none_or(|margin| margin >= 0.0);
    let smoothing = if input.chance(4) { setting } else { input.below(256) as f64 / 256.0 };
    let loss = match which {
        0 => checked(CrossEntropy::with_label_smoothing(smoothing), (0.0..1.0).contains(&smoothing)),
        1 => checked(Poly1::new(setting), setting >= -1.0 && setting.is_finite()),
        2 => checked(Hinge::new(setting), setting >= 0.0 && setting.is_finite()),
        3 => checked(Sigmoid::new(setting), positive),
        4 => checked(Polynomial::new(setting), positive),
        5 => checked(BetaBernoulli::new(setting), positive),
        6 | 7 => {
            let (rule, learned) = (input.rule::<T>().0, input.chance(2));
            let loss = Exact::new(1.0).and_then(|loss| loss.with_rule(rule).at_sigma(setting));
            let loss = loss.map(|loss| if learned { loss.with_learned_sigma() } else { loss });
            let loss = loss.and_then(|loss| match margin {
                Some(margin) => loss.with_margin(margin),
                None => Ok(loss),
            });
            checked(loss, positive && margin_usable)
        }
        8 | 9 => {
            let loss = Probit::new(setting).and_then(|loss| match margin {
                Some(margin) => loss.with_margin(margin),
                None => Ok(loss),
            });
            checked(loss, positive && margin_usable)
        }
        12 => checked(Focal::new(setting), setting >= 0.0 && setting.is_finite()),
        13 => {
            let k = input.below(6);
            checked(TopK::new(k, setting), positive && k > 0)
        }
        14 => checked(MacroF1::new(setting), positive),
        10 => genz(input).and_then(|genz| {
            checked(EstimatedLoss::new(genz, setting).map(|loss| loss.at_step(input.seed())), positive)
        }),
        _ => {
            monte_carlo(input).and_then(|estimator| checked(EstimatedLoss::new(estimator, setting), positive))
        }
    };
    Choice { loss, moderate: check::are_moderate(&[T::from_f64(setting)]) && T::from_f64(setting) != T::ZERO }
}

pub fn evaluate<T: Real>(input: &mut Input<'_>)
where
    Genz: Estimator<T>,
    MonteCarlo: Estimator<T>,
{
    let which = input.below(15);
    let choice = choose::<T>(input, which);
    let Some(loss) = choice.loss else { return };
    let mut batch =
        Batch::<T>::new(input, if matches!(which, 10 | 11 | 13) { MAX_ESTIMATED } else { usize::MAX });
    if let Some(weights) = &mut batch.weights
        && input.chance(8)
    {
        match input.below(4) {
            0 => weights.push(T::ONE),
            1 => weights[0] = -T::ONE,
            2 => weights[0] = input.not_finite(),
            _ => weights.fill(T::ZERO),
        }
        if weights.iter().any(|weight| *weight != T::ZERO) {
            batch.usable = false;
        }
    }
    let mean = input.chance(2);
    let weights = batch.weights.as_deref();
    let samples = Logits::new(&batch.logits, batch.n_classes).and_then(|logits| {
        if mean {
            Samples::mean(logits, &batch.labels, weights)
        } else {
            Samples::sum(logits, &batch.labels, weights)
        }
    });
    let mut parameters = loss.initial_parameters();
    let n_parameters = parameters.len();
    assert!(n_parameters <= MAX_PARAMETERS);
    if input.chance(2) {
        let count = if input.chance(8) { input.below(4) } else { parameters.len() };
        parameters = input.numbers(count);
    }
    // Parameters are logarithms of scales and of odds.
    let scales: Vec<T> = parameters.iter().map(|parameter| parameter.exp()).collect();
    let moderate =
        choice.moderate && batch.is_moderate() && check::are_moderate(&scales) && !scales.contains(&T::ZERO);
    let total: f64 = weights.map_or(1.0, |weights| weights.iter().map(|weight| weight.to_f64()).sum());
    let outcome = samples.and_then(|samples| loss.evaluate_samples(samples, &parameters, &mut batch.grad));
    let in_range = is_positive(T::from_f64(1.0 / total).to_f64());
    let usable = batch.usable && (!mean || in_range) && parameters.len() == n_parameters;
    assert_eq!(outcome.is_ok(), usable, "{}: {outcome:?}", loss.name());
    let Ok(sum) = outcome else { return };
    let name = loss.name();
    if moderate {
        check::finite(name, &[sum.value]);
        check::finite(name, &sum.parameters);
        check::finite(name, &batch.grad);
        // Poly-1 and smoothed cross-entropy have no lower bound.
        assert!(sum.value >= T::ZERO || which < 2, "{name}: {}", sum.value);
    }
}
