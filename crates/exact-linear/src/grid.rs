//! The settings that selection chooses from.

use std::ops::Range;

use exact_core::loss::{Hyperparameters, LossKind, LossSettings, RandomScores};
use exact_eval::record::Selected;

use crate::LinearError;
use crate::settings::Settings;
use crate::strength::{Penalty, Strength};
use crate::train_options::TrainOptions;

/// Sigmas and temperatures in units of the logits' standard deviation.
const SCALES: [f64; 14] = [20.0, 10.0, 4.0, 2.0, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005];
/// The sigmas that are always tried; others where the best is at an end of them.
const SIGMAS: Range<usize> = 4..11;
/// The temperatures, also those for relaxations that are flat beyond one temperature.
const TEMPERATURES: Range<usize> = 2..11;
/// Margins of the EXACT loss in the same units.
const MARGINS: [Option<f64>; 2] = [None, Some(0.5)];
const HINGE_MARGINS: [Option<f64>; 2] = [Some(1.0), Some(5.0)];
const POLY1_EPSILONS: [f64; 3] = [1.0, 2.0, 4.0];

/// What stochastic gradient descent, which takes longer, chooses from.
const SGD_L2_STRENGTHS: [f64; 2] = [1e-3, 1e-5];
const LEARNING_RATES: [f64; 3] = [1e-2, 1e-1, 1.0];
const SGD_MARGINS: [Option<f64>; 2] = [None, Some(0.5)];
const SGD_HINGE_MARGINS: [Option<f64>; 1] = [Some(1.0)];
const SGD_TEMPERATURES: [f64; 3] = [2.0, 0.5, 0.1];
/// Sigma over training, in units of the logits' standard deviation, as in the paper.
const FIRST_SIGMA: f64 = 10.0;
const LAST_SIGMA: f64 = 0.01;

/// How settings are tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Method {
    /// By L-BFGS from the solution of cross-entropy with this strength.
    Lbfgs { strength: Strength },
    /// By stochastic gradient descent, from small random weights and with this first learning rate.
    Sgd { learning_rate: f64 },
}

/// Settings to be tried.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub settings: Settings,
    pub method: Method,
}

impl Candidate {
    pub fn lbfgs(loss: LossSettings, strength: Strength, penalty: Penalty) -> Self {
        Self { settings: penalty.settings(loss), method: Method::Lbfgs { strength } }
    }

    /// The strength that L-BFGS starts from.
    pub fn strength(&self) -> Option<Strength> {
        match self.method {
            Method::Lbfgs { strength } => Some(strength),
            Method::Sgd { .. } => None,
        }
    }

    /// The same with the next larger and the next smaller sigma or temperature, where the loss has one that
    /// the scale of the weights does not absorb, and no sigmas were asked for.
    pub fn at_next_scales(&self, options: &TrainOptions) -> Result<Vec<Self>, LinearError> {
        let (loss, numbers) = (&self.settings.loss, Hyperparameters::of(&self.settings.loss));
        let scale = match loss.kind() {
            LossKind::Exact if options.sigmas.is_none() => numbers.sigma,
            LossKind::Sigmoid | LossKind::BetaBernoulli | LossKind::Polynomial => numbers.temperature,
            _ => None,
        };
        let at = scale.and_then(|scale| SCALES.iter().position(|&other| other == scale));
        let places = at.into_iter().flat_map(|at| [at.wrapping_sub(1), at + 1]);
        let scaled = |&scale: &f64| {
            let [sigma, temperature] =
                [numbers.sigma, numbers.temperature].map(|number| number.map(|_| scale));
            let loss = Hyperparameters { sigma, temperature, ..numbers }.settings(loss.kind())?;
            Ok(Self { settings: Settings { loss, ..self.settings.clone() }, method: self.method })
        };
        places.filter_map(|at| SCALES.get(at)).map(scaled).collect()
    }

    /// The record of these settings.
    pub fn record(&self) -> Selected {
        let Settings { loss, l2, l1, group_l1, .. } = &self.settings;
        let Hyperparameters { sigma, margin, temperature, epsilon, .. } = Hyperparameters::of(loss);
        let learning_rate = match self.method {
            Method::Lbfgs { .. } => None,
            Method::Sgd { learning_rate } => Some(learning_rate),
        };
        let [l1, group_l1] = [*l1, *group_l1].map(|rate| (rate > 0.0).then_some(rate));
        Selected { l2: *l2, l1, group_l1, sigma, margin, temperature, epsilon, learning_rate }
    }
}

/// Those of L-BFGS with these penalties and every so many-th sigma or temperature, the most regular first;
/// all sigmas and margins that were asked for.
pub(crate) fn lbfgs(
    kind: LossKind,
    penalties: &[(Strength, Penalty)],
    every: usize,
    options: &TrainOptions,
) -> Result<Vec<Candidate>, LinearError> {
    let plain = Hyperparameters::default();
    let numbers = match kind {
        LossKind::CrossEntropy => vec![plain],
        LossKind::Probit => scores(options.sigmas_or(&[1.0]), &[None]),
        LossKind::Exact => {
            let sigmas: Vec<f64> = SCALES[SIGMAS].iter().copied().step_by(every).collect();
            scores(options.sigmas_or(&sigmas), options.margins_or(&MARGINS))
        }
        LossKind::Hinge => hinge_margins(options.margins_or(&HINGE_MARGINS)),
        LossKind::Sigmoid | LossKind::BetaBernoulli | LossKind::Polynomial => SCALES[TEMPERATURES]
            .iter()
            .step_by(every)
            .map(|&scale| Hyperparameters { temperature: Some(scale), ..plain })
            .collect(),
        LossKind::Poly1 => poly1_epsilons(),
        LossKind::Focal
        | LossKind::TopK
        | LossKind::MacroF1
        | LossKind::ExpectedCost
        | LossKind::WeightedSum => return Err(LinearError::loss_not_offered(kind)),
    };
    let mut grid = Vec::new();
    for &(strength, penalty) in penalties {
        for numbers in &numbers {
            grid.push(Candidate::lbfgs(numbers.settings(kind)?, strength, penalty));
        }
    }
    Ok(grid)
}

/// Those of stochastic gradient descent, with all strengths, sigmas and margins that were asked for.
pub(crate) fn sgd(kind: LossKind, options: &TrainOptions) -> Result<Vec<Candidate>, LinearError> {
    let plain = Hyperparameters::default();
    let numbers = match kind {
        LossKind::CrossEntropy => vec![plain],
        LossKind::Probit => scores(options.sigmas_or(&[1.0]), &[None]),
        LossKind::Exact => scores(options.sigmas_or(&[LAST_SIGMA]), options.margins_or(&SGD_MARGINS)),
        LossKind::Hinge => hinge_margins(options.margins_or(&SGD_HINGE_MARGINS)),
        LossKind::Sigmoid | LossKind::BetaBernoulli | LossKind::Polynomial => {
            SGD_TEMPERATURES.map(|scale| Hyperparameters { temperature: Some(scale), ..plain }).into()
        }
        LossKind::Poly1 => poly1_epsilons(),
        LossKind::Focal
        | LossKind::TopK
        | LossKind::MacroF1
        | LossKind::ExpectedCost
        | LossKind::WeightedSum => return Err(LinearError::loss_not_offered(kind)),
    };
    let l2s = options.l2s.as_deref().unwrap_or(&SGD_L2_STRENGTHS);
    let mut grid = Vec::new();
    for numbers in numbers {
        let loss = match numbers.settings(kind)? {
            LossSettings::Exact(scores) => {
                let first_sigma = FIRST_SIGMA.max(scores.last_sigma);
                LossSettings::Exact(RandomScores { first_sigma, ..scores })
            }
            loss => loss,
        };
        for &l2 in l2s {
            for learning_rate in LEARNING_RATES {
                let settings = Settings::new(loss.clone(), l2);
                grid.push(Candidate { settings, method: Method::Sgd { learning_rate } });
            }
        }
    }
    Ok(grid)
}

/// Each margin with each sigma.
fn scores(sigmas: &[f64], margins: &[Option<f64>]) -> Vec<Hyperparameters> {
    let with_margin = |&margin: &Option<f64>| {
        let of = move |&sigma| Hyperparameters { sigma: Some(sigma), margin, ..Default::default() };
        sigmas.iter().map(of)
    };
    margins.iter().flat_map(with_margin).collect()
}

/// Those of the hinge loss, whose margin is 1 where it is `None`.
fn hinge_margins(margins: &[Option<f64>]) -> Vec<Hyperparameters> {
    let mut distinct = Vec::new();
    for margin in margins.iter().map(|margin| Some(margin.unwrap_or(1.0))) {
        if !distinct.contains(&margin) {
            distinct.push(margin);
        }
    }
    distinct.into_iter().map(|margin| Hyperparameters { margin, ..Default::default() }).collect()
}

fn poly1_epsilons() -> Vec<Hyperparameters> {
    POLY1_EPSILONS.map(|epsilon| Hyperparameters { epsilon: Some(epsilon), ..Default::default() }).into()
}
