//! The losses by name, their hyper-parameters and the grids over which selection runs.

use std::fmt;
use std::str::FromStr;

use exact_core::loss::{
    BetaBernoulli, CrossEntropy, Hinge, Loss, LossError, Poly1, Polynomial, Probit, Sigmoid,
};
use exact_eval::record::Selected;

use crate::LinearError;
use crate::metric::Metric;

/// A loss that linear classifiers can be trained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossKind {
    /// Cross-entropy.
    CrossEntropy,
    /// Expected error, the EXACT loss.
    Exact,
    /// Minus the logarithm of expected accuracy.
    Probit,
    /// Multi-class hinge.
    Hinge,
    /// Sigmoid relaxation of the 0-1 loss.
    Sigmoid,
    /// Beta-Bernoulli relaxation of the 0-1 loss.
    BetaBernoulli,
    /// Polynomial relaxation of the 0-1 loss.
    Polynomial,
    /// Cross-entropy with a linear term in the label's probability.
    Poly1,
}

impl LossKind {
    /// All losses, in the order of comparisons.
    pub const ALL: [Self; 8] = [
        Self::CrossEntropy,
        Self::Exact,
        Self::Probit,
        Self::Hinge,
        Self::Sigmoid,
        Self::BetaBernoulli,
        Self::Polynomial,
        Self::Poly1,
    ];

    /// The name on the command line, in records and in model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::Exact => "exact",
            Self::Probit => "probit",
            Self::Hinge => "hinge",
            Self::Sigmoid => "sigmoid",
            Self::BetaBernoulli => "beta-bernoulli",
            Self::Polynomial => "polynomial",
            Self::Poly1 => "poly1",
        }
    }

    /// Whether the loss sees normalised logits: its sigma or temperature then has a meaning of its own, instead of
    /// being absorbed by the scale of the weights.
    pub(crate) fn is_normalized(self) -> bool {
        matches!(self, Self::Exact | Self::Sigmoid | Self::BetaBernoulli | Self::Polynomial)
    }

    /// Whether the loss is convex in the logits and smooth.
    pub(crate) fn is_convex(self) -> bool {
        matches!(self, Self::CrossEntropy | Self::Probit)
    }

    /// The hyper-parameters of the loss alone that stochastic gradient descent chooses from. The sigma of EXACT is the
    /// last one of its schedule.
    pub(crate) fn sgd_grid(self, last_sigma: f64) -> Vec<Settings> {
        let plain = Settings::default();
        match self {
            Self::CrossEntropy => vec![plain],
            Self::Probit => vec![Settings { sigma: Some(1.0), ..plain }],
            Self::Exact => {
                let sigma = Some(last_sigma);
                [None, Some(0.5)].map(|margin| Settings { sigma, margin, ..plain }).to_vec()
            }
            Self::Hinge => vec![Settings { margin: Some(1.0), ..plain }],
            Self::Sigmoid | Self::BetaBernoulli | Self::Polynomial => {
                [2.0, 0.5, 0.1].map(|scale| Settings { temperature: Some(scale), ..plain }).to_vec()
            }
            Self::Poly1 => {
                POLY1_EPSILONS.map(|epsilon| Settings { epsilon: Some(epsilon), ..plain }).to_vec()
            }
        }
    }

    /// The hyper-parameters to choose from, the most regular first.
    pub(crate) fn grid(self) -> Vec<Settings> {
        let mut grid = Vec::new();
        for l2 in L2_STRENGTHS {
            let plain = Settings { l2, ..Settings::default() };
            match self {
                Self::CrossEntropy => grid.push(plain),
                Self::Probit => grid.push(Settings { sigma: Some(1.0), ..plain }),
                Self::Exact => {
                    for margin in MARGINS {
                        grid.extend(SCALES.map(|sigma| Settings { sigma: Some(sigma), margin, ..plain }));
                    }
                }
                Self::Hinge => {
                    grid.extend(HINGE_MARGINS.map(|margin| Settings { margin: Some(margin), ..plain }));
                }
                Self::Sigmoid | Self::BetaBernoulli | Self::Polynomial => {
                    let scales = SCALES.iter().chain(&WIDE_SCALES);
                    grid.extend(scales.map(|&scale| Settings { temperature: Some(scale), ..plain }));
                }
                Self::Poly1 => {
                    grid.extend(POLY1_EPSILONS.map(|epsilon| Settings { epsilon: Some(epsilon), ..plain }));
                }
            }
        }
        grid
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LossKind {
    type Err = LinearError;

    fn from_str(name: &str) -> Result<Self, LinearError> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| LinearError::UnknownLoss {
            name: name.into(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

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

/// Hyper-parameters. A loss takes 1 for those that it has and that are `None` (no margin for EXACT), and does not look at
/// those that it does not have. Sigma, margin and temperature of losses on normalised logits (EXACT and the relaxations of
/// the 0-1 loss) are in units of the logits' standard deviation.
///
/// # Example
/// ```
/// let settings = exact_linear::Settings::new(1e-3).with_sigma(0.1).with_margin(0.5);
/// assert_eq!((settings.l2, settings.sigma), (1e-3, Some(0.1)));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The strength of the L2 penalty `l2 / 2 ‖weights‖²`, weights on standardised columns, beside the mean loss; at least
    /// 0. Losses on normalised logits take a tenth of it.
    pub l2: f64,
    /// The noise of EXACT and probit, positive.
    pub sigma: Option<f64>,
    /// The margin of EXACT and hinge, positive.
    pub margin: Option<f64>,
    /// The temperature of the relaxations of the 0-1 loss, positive.
    pub temperature: Option<f64>,
    /// The coefficient of the linear term of poly1.
    pub epsilon: Option<f64>,
    /// Steps of L-BFGS at most; 200 for cross-entropy and probit and 60 for other losses where it is `None`.
    pub max_iterations: Option<usize>,
    /// Of stochastic gradient descent.
    pub(crate) learning_rate: Option<f64>,
}

impl Settings {
    /// The strength of the L2 penalty alone.
    #[must_use]
    pub fn new(l2: f64) -> Self {
        Self { l2, ..Self::default() }
    }

    /// With [`Settings::sigma`].
    #[must_use]
    pub fn with_sigma(self, sigma: f64) -> Self {
        Self { sigma: Some(sigma), ..self }
    }

    /// With [`Settings::margin`].
    #[must_use]
    pub fn with_margin(self, margin: f64) -> Self {
        Self { margin: Some(margin), ..self }
    }

    /// With [`Settings::temperature`].
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        Self { temperature: Some(temperature), ..self }
    }

    /// With [`Settings::epsilon`].
    #[must_use]
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon: Some(epsilon), ..self }
    }

    /// With [`Settings::max_iterations`].
    #[must_use]
    pub fn with_max_iterations(self, iterations: usize) -> Self {
        Self { max_iterations: Some(iterations), ..self }
    }

    /// Checks what no loss checks.
    pub(crate) fn check(&self) -> Result<(), LossError> {
        if self.l2 >= 0.0 && self.l2.is_finite() {
            return Ok(());
        }
        Err(LossError::Setting { name: "l2", expected: "at least 0 and finite", value: self.l2 })
    }

    /// The loss with these hyper-parameters.
    pub(crate) fn loss(&self, kind: LossKind, metric: &Metric) -> Result<Box<dyn Loss<f64>>, LossError> {
        let sigma = self.sigma.unwrap_or(1.0);
        let temperature = self.temperature.unwrap_or(1.0);
        Ok(match kind {
            LossKind::CrossEntropy => Box::new(CrossEntropy::new()),
            LossKind::Exact => metric.loss(sigma, self.margin)?,
            LossKind::Probit => Box::new(Probit::new(sigma)?),
            LossKind::Hinge => Box::new(Hinge::new(self.margin.unwrap_or(1.0))?),
            LossKind::Sigmoid => Box::new(Sigmoid::new(temperature)?),
            LossKind::BetaBernoulli => Box::new(BetaBernoulli::new(temperature)?),
            LossKind::Polynomial => Box::new(Polynomial::new(temperature)?),
            LossKind::Poly1 => Box::new(Poly1::new(self.epsilon.unwrap_or(1.0))?),
        })
    }

    /// The coefficient of the penalty in the objective. The strength is that of the cross-entropy solution from which
    /// training starts; weights in units of the logits' standard deviation are penalised by a tenth of it, which was
    /// better than the whole and than nothing on eleven sets that are not among the bundled ones.
    pub(crate) fn penalty(&self, kind: LossKind) -> f64 {
        if kind.is_normalized() { 0.1 * self.l2 } else { self.l2 }
    }

    /// The record of these hyper-parameters.
    pub(crate) fn record(&self) -> Selected {
        let Self { l2, sigma, margin, temperature, epsilon, learning_rate, .. } = *self;
        Selected { l2, sigma, margin, temperature, epsilon, learning_rate }
    }
}
