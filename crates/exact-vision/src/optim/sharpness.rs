//! Sharpness-aware minimisation: the gradient at the worst weights nearby.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::gradients::norm;
use crate::VisionError;

/// How far, and in what measure, weights are moved uphill before the gradient is taken that moves them
/// downhill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Sharpness {
    /// SAM: `ε = ρ g / ‖g‖`.
    ///
    /// # References
    /// Foret, Kleiner, Mobahi and Neyshabur, *Sharpness-Aware Minimization for Efficiently Improving
    /// Generalization*, arXiv 2010.01412, equation 2 with `p = 2`.
    Sam {
        /// The length of the move.
        rho: f64,
    },
    /// ASAM: `ε = ρ T² g / ‖T g‖` with `T = |w| + 0.01` for each weight, and 1 for parameters that are
    /// vectors (biases, and what normalisation is scaled by).
    ///
    /// # References
    /// Kwon, Kim, Park and Choi, *ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of
    /// Deep Neural Networks*, arXiv 2102.11600, equation 9 with `p = 2` and `η = 0.01`. `Deviation:` its code
    /// also adapts to the scale of normalisation.
    Asam {
        /// The length of the move, in units of the weights.
        rho: f64,
    },
}

/// What is added to the absolute weights of ASAM.
const ETA: f64 = 0.01;

impl Sharpness {
    /// The length of the move.
    pub fn rho(self) -> f64 {
        match self {
            Self::Sam { rho } | Self::Asam { rho } => rho,
        }
    }

    /// The module at `w + ε`. Where the gradient is 0, `w` itself.
    ///
    /// # Errors
    /// [`VisionError::Device`] if the device fails.
    pub(super) fn ascend<M: Module>(self, module: M, gradients: &GradientsParams) -> Result<M, VisionError> {
        let adaptive = matches!(self, Self::Asam { .. });
        let mut squares = Squares { gradients, adaptive, sums: Vec::new() };
        module.visit(&mut squares);
        let norm = norm(squares.sums)?;
        if norm == 0.0 {
            return Ok(module);
        }
        Ok(module.map(&mut Ascent { gradients, adaptive, factor: self.rho() / norm }))
    }
}

/// `T x`.
fn adapted<const D: usize>(adaptive: bool, weights: Tensor<D>, x: Tensor<D>) -> Tensor<D> {
    if adaptive && D >= 2 { x * (weights.abs() + ETA) } else { x }
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    adaptive: bool,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let scaled = adapted(self.adaptive, param.val().inner(), gradient);
            self.sums.push(scaled.square().sum());
        }
    }
}

struct Ascent<'a> {
    gradients: &'a GradientsParams,
    adaptive: bool,
    factor: f64,
}

impl ModuleMapper for Ascent<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.get::<D>(param.id) else {
            return param;
        };
        param.map(|tensor| {
            let weights = tensor.clone().inner();
            let once = adapted(self.adaptive, weights.clone(), gradient);
            let move_uphill = adapted(self.adaptive, weights, once).mul_scalar(self.factor);
            // Detached rather than made anew, so that the tensor keeps its way of checkpointing gradients.
            let moved = (tensor.clone().detach() + move_uphill).detach();
            moved.set_require_grad(tensor.is_require_grad())
        })
    }
}
