//! Optimisers: steps from gradients to new weights.
//!
//! Learning rates follow a [`Schedule`](exact_core::schedule::Schedule): geometric, cosine or in steps, each
//! with a warm-up.

mod gradients;
mod sharpness;

use std::collections::HashMap;

use burn::module::{Module, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdamConfig, AdamWConfig, GradientsParams, LearningRate, ModuleOptimizer, Optimizer as BurnOptimizer,
    SgdConfig,
};
use burn::store::RecordError;
use burn::tensor::{Bytes, Device, Tensor};
use exact_core::gradient_normalizer::GradientNormalizer;
use serde::{Deserialize, Serialize};

pub use gradients::global_norm;
pub use sharpness::Sharpness;

use crate::VisionError;

/// How a gradient becomes a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Algorithm {
    /// Stochastic gradient descent: `v ← momentum v + g` and a step along `v`, or with Nesterov's momentum
    /// along `g + momentum v`. Weight decay is added to `g`.
    Sgd {
        /// The share of the velocity that is kept, from 0 to below 1.
        momentum: f64,
        /// Whether momentum is Nesterov's.
        nesterov: bool,
    },
    /// Adam with moments of 0.9 and 0.999 and ε of 1e-8. Weight decay is added to the gradient.
    Adam,
    /// Adam whose weight decay shrinks weights by themselves, in proportion to the learning rate.
    AdamW,
}

/// What is done to the length of the gradient of the whole network.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum GradientScaling {
    /// Nothing.
    #[default]
    Unscaled,
    /// A gradient whose [norm](global_norm) is larger is shortened to it.
    Clip {
        /// The largest norm.
        norm: f64,
    },
    /// The paper's [`GradientNormalizer`].
    Normalize,
}

/// The settings of an [`Optimizer`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OptimizerSettings {
    /// How a gradient becomes a step.
    pub algorithm: Algorithm,
    /// The strength of the decay of weights, from 0; vectors (biases, and what normalisation is scaled by) do
    /// not decay.
    pub weight_decay: f64,
    /// Whether and how the gradient is taken at the worst weights nearby.
    pub sharpness: Option<Sharpness>,
    /// What is done to the length of the gradient.
    pub gradient_scaling: GradientScaling,
}

impl Default for OptimizerSettings {
    /// Nesterov's momentum of 0.9, weight decay of 5e-4 and the paper's gradient normaliser, with which one
    /// learning rate suits every loss.
    fn default() -> Self {
        let algorithm = Algorithm::Sgd { momentum: 0.9, nesterov: true };
        let gradient_scaling = GradientScaling::Normalize;
        Self { algorithm, weight_decay: 5e-4, sharpness: None, gradient_scaling }
    }
}

impl OptimizerSettings {
    /// The paper's: momentum of 0.9, weight decay of 1e-4 and the gradient normaliser.
    pub fn paper() -> Self {
        Self {
            algorithm: Algorithm::Sgd { momentum: 0.9, nesterov: false },
            weight_decay: 1e-4,
            sharpness: None,
            gradient_scaling: GradientScaling::Normalize,
        }
    }

    /// The algorithm alone, without weight decay.
    pub fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, weight_decay: 0.0, sharpness: None, gradient_scaling: GradientScaling::Unscaled }
    }

    fn check(&self) -> Result<(), VisionError> {
        let setting = |name, expected, value| Err(VisionError::Setting { name, expected, value });
        if let Algorithm::Sgd { momentum, .. } = self.algorithm
            && !(0.0..1.0).contains(&momentum)
        {
            return setting("momentum", "from 0 to below 1", momentum);
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return setting("weight decay", "at least 0 and finite", self.weight_decay);
        }
        let positive = |value: f64| value > 0.0 && value.is_finite();
        if let Some(rho) = self.sharpness.map(Sharpness::rho)
            && !positive(rho)
        {
            return setting("rho", "positive and finite", rho);
        }
        if let GradientScaling::Clip { norm } = self.gradient_scaling
            && !positive(norm)
        {
            return setting("the norm that gradients are clipped at", "positive and finite", norm);
        }
        Ok(())
    }
}

/// An optimiser of any Burn module, with its state.
///
/// # Example
/// ```
/// use burn::module::Param;
/// use burn::optim::GradientsParams;
/// use burn::tensor::{Device, Tensor};
/// use exact_vision::optim::{Algorithm, Optimizer, OptimizerSettings};
///
/// let sgd = Algorithm::Sgd { momentum: 0.9, nesterov: false };
/// let mut optimizer = Optimizer::new(OptimizerSettings::new(sgd))?;
/// // Minimise w² from w = 1.
/// let weight = Tensor::<1>::from_floats([1.0], &Device::default().autodiff());
/// let mut module = Param::from_tensor(weight);
/// for _ in 0..2 {
///     let evaluate = |module: &Param<Tensor<1>>| {
///         let loss = module.val().square().sum();
///         let gradients = GradientsParams::from_grads(loss.backward(), module);
///         Ok((loss.try_into_scalar()?, gradients))
///     };
///     module = optimizer.step(module, 0.1, evaluate)?.0;
/// }
/// // 1 - 0.1 · 2 = 0.8, then 0.8 - 0.1 (0.9 · 2 + 1.6) = 0.46.
/// assert!((module.val().into_scalar::<f32>() - 0.46).abs() < 1e-6);
/// # Ok::<(), exact_vision::VisionError>(())
/// ```
#[derive(Clone)]
pub struct Optimizer {
    algorithm: ModuleOptimizer,
    sharpness: Option<Sharpness>,
    gradient_scaling: GradientScaling,
    normalizer: GradientNormalizer,
    /// The shares of the learning rate of parameters that do not have the whole.
    rates: HashMap<ParamId, f64>,
}

impl Optimizer {
    /// Before the first step.
    ///
    /// # Errors
    /// [`VisionError::Setting`] if a setting is outside its range.
    pub fn new(settings: OptimizerSettings) -> Result<Self, VisionError> {
        settings.check()?;
        Ok(Self {
            algorithm: algorithm(&settings),
            sharpness: settings.sharpness,
            gradient_scaling: settings.gradient_scaling,
            normalizer: GradientNormalizer::new(),
            rates: HashMap::new(),
        })
    }

    /// The same with parameters that have a share of the learning rate.
    pub(crate) fn with_rates(self, rates: HashMap<ParamId, f64>) -> Self {
        Self { rates, ..self }
    }

    /// One step: the module after it, and the loss before it. `evaluate` returns the loss of a module and the
    /// gradient; it is called once, or with [`Sharpness`] twice, for the same samples.
    ///
    /// # Errors
    /// Those of `evaluate`, and [`VisionError::Device`] if the device fails.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        learning_rate: LearningRate,
        mut evaluate: impl FnMut(&M) -> Result<(f32, GradientsParams), VisionError>,
    ) -> Result<(M, f32), VisionError> {
        let (loss, mut gradients) = evaluate(&module)?;
        if let Some(sharpness) = self.sharpness {
            gradients = evaluate(&sharpness.ascend(module.clone(), &gradients)?)?.1;
        }
        let factor = match self.gradient_scaling {
            GradientScaling::Unscaled => 1.0,
            GradientScaling::Clip { norm } => (norm / global_norm(&module, &gradients)?).min(1.0),
            GradientScaling::Normalize => 1.0 / self.normalizer.divisor(global_norm(&module, &gradients)?),
        };
        if factor != 1.0 {
            gradients::scale(&module, &mut gradients, factor);
        }
        let parts = gradients::by_rate(&module, gradients, &self.rates);
        let moved = parts
            .into_iter()
            .fold(module, |module, (share, part)| self.algorithm.step(learning_rate * share, module, part));
        Ok((moved, loss))
    }

    /// The state of the algorithm by the numbers of parameters, and the running mean of the normaliser.
    pub(crate) fn state(&self) -> (Result<Bytes, RecordError>, Option<f64>) {
        (self.algorithm.into_bytes(), self.normalizer.mean_norm())
    }

    /// The optimiser with the state of another of the same settings.
    pub(crate) fn with_state(self, state: Bytes, mean_norm: Option<f64>) -> Result<Self, RecordError> {
        let algorithm = self.algorithm.from_bytes(state)?;
        Ok(Self { algorithm, normalizer: GradientNormalizer::from_mean_norm(mean_norm), ..self })
    }
}

fn algorithm(settings: &OptimizerSettings) -> ModuleOptimizer {
    let decay = (settings.weight_decay > 0.0).then(|| WeightDecayConfig::new(settings.weight_decay as f32));
    match settings.algorithm {
        Algorithm::Sgd { momentum, nesterov } => {
            let momentum =
                MomentumConfig::new().with_momentum(momentum).with_dampening(0.0).with_nesterov(nesterov);
            let sgd = SgdConfig::new().with_momentum(Some(momentum));
            ByRank { matrices: sgd.clone().with_weight_decay(decay).build(), vectors: sgd.build() }.into()
        }
        Algorithm::Adam => {
            let adam = AdamConfig::new().with_epsilon(EPSILON);
            ByRank { matrices: adam.clone().with_weight_decay(decay).build(), vectors: adam.build() }.into()
        }
        Algorithm::AdamW => {
            let adam = AdamWConfig::new().with_epsilon(EPSILON);
            let matrices = adam.clone().with_weight_decay(settings.weight_decay as f32).build();
            ByRank { matrices, vectors: adam.with_weight_decay(0.0).build() }.into()
        }
    }
}

/// The smallest divisor of Adam's steps.
const EPSILON: f32 = 1e-8;

/// One algorithm with two settings: for parameters of rank 2 and more, and for vectors.
#[derive(Clone)]
struct ByRank<O> {
    matrices: O,
    vectors: O,
}

impl<O: BurnOptimizer> BurnOptimizer for ByRank<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let algorithm = if D >= 2 { &self.matrices } else { &self.vectors };
        algorithm.step(learning_rate, tensor, gradient, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}

#[cfg(test)]
mod tests;
