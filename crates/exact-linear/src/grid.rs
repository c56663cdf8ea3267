//! The settings that selection chooses from.

use exact_core::loss::{Hyperparameters, LossKind, LossSettings, RandomScores};
use exact_eval::record::Selected;

use crate::LinearError;
use crate::settings::Settings;

/// Coefficients of the L2 penalty, from the strongest.
pub(crate) const L2_STRENGTHS: [f64; 5] = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5];
/// Sigmas and temperatures in units of the logits' standard deviation.
const SCALES: [f64; 7] = [1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03];
/// Temperatures above the logits' standard deviation, for relaxations that are flat beyond one temperature.
const WIDE_SCALES: [f64; 2] = [4.0, 2.0];
/// Margins of the EXACT loss in the same units.
const MARGINS: [Option<f64>; 3] = [None, Some(0.5), Some(0.1)];
const HINGE_MARGINS: [f64; 2] = [1.0, 5.0];
const POLY1_EPSILONS: [f64; 3] = [1.0, 2.0, 4.0];

/// What stochastic gradient descent, which takes longer, chooses from.
const SGD_L2_STRENGTHS: [f64; 2] = [1e-3, 1e-5];
const LEARNING_RATES: [f64; 3] = [1e-2, 1e-1, 1.0];
const SGD_MARGINS: [Option<f64>; 2] = [None, Some(0.5)];
const SGD_TEMPERATURES: [f64; 3] = [2.0, 0.5, 0.1];
/// Sigma over training, in units of the logits' standard deviation, as in the paper.
const FIRST_SIGMA: f64 = 10.0;
const LAST_SIGMA: f64 = 0.01;

/// How settings are tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Method {
    /// By L-BFGS from the solution of cross-entropy with this one of [`L2_STRENGTHS`].
    Lbfgs { strength: usize },
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
    /// The record of these settings.
    pub fn record(&self) -> Selected {
        let Settings { loss, l2, .. } = &self.settings;
        let Hyperparameters { sigma, margin, temperature, epsilon, .. } = Hyperparameters::of(loss);
        let learning_rate = match self.method {
            Method::Lbfgs { .. } => None,
            Method::Sgd { learning_rate } => Some(learning_rate),
        };
        Selected { l2: *l2, sigma, margin, temperature, epsilon, learning_rate }
    }
}

/// Those of L-BFGS, the most regular first.
pub(crate) fn lbfgs(kind: LossKind) -> Result<Vec<Candidate>, LinearError> {
    let plain = Hyperparameters::default();
    let numbers = match kind {
        LossKind::CrossEntropy => vec![plain],
        LossKind::Probit => vec![Hyperparameters { sigma: Some(1.0), ..plain }],
        LossKind::Exact => MARGINS
            .iter()
            .flat_map(|&margin| SCALES.map(|sigma| Hyperparameters { sigma: Some(sigma), margin, ..plain }))
            .collect(),
        LossKind::Hinge => {
            HINGE_MARGINS.map(|margin| Hyperparameters { margin: Some(margin), ..plain }).into()
        }
        LossKind::Sigmoid | LossKind::BetaBernoulli | LossKind::Polynomial => SCALES
            .iter()
            .chain(&WIDE_SCALES)
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
    for (strength, l2) in L2_STRENGTHS.into_iter().enumerate() {
        for numbers in &numbers {
            let settings = Settings::new(numbers.settings(kind)?, l2);
            grid.push(Candidate { settings, method: Method::Lbfgs { strength } });
        }
    }
    Ok(grid)
}

/// Those of stochastic gradient descent.
pub(crate) fn sgd(kind: LossKind) -> Result<Vec<Candidate>, LinearError> {
    let plain = Hyperparameters::default();
    let numbers = match kind {
        LossKind::CrossEntropy => vec![plain],
        LossKind::Probit => vec![Hyperparameters { sigma: Some(1.0), ..plain }],
        LossKind::Exact => {
            let sigma = Some(LAST_SIGMA);
            SGD_MARGINS.map(|margin| Hyperparameters { sigma, margin, ..plain }).into()
        }
        LossKind::Hinge => vec![Hyperparameters { margin: Some(1.0), ..plain }],
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
    let mut grid = Vec::new();
    for numbers in numbers {
        let loss = match numbers.settings(kind)? {
            LossSettings::Exact(scores) => {
                LossSettings::Exact(RandomScores { first_sigma: FIRST_SIGMA, ..scores })
            }
            loss => loss,
        };
        for l2 in SGD_L2_STRENGTHS {
            for learning_rate in LEARNING_RATES {
                let settings = Settings::new(loss.clone(), l2);
                grid.push(Candidate { settings, method: Method::Sgd { learning_rate } });
            }
        }
    }
    Ok(grid)
}

fn poly1_epsilons() -> Vec<Hyperparameters> {
    POLY1_EPSILONS.map(|epsilon| Hyperparameters { epsilon: Some(epsilon), ..Default::default() }).into()
}
