//! The gradient of a whole network as one vector.

use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::VisionError;

/// The Euclidean norm over the gradients of all parameters.
///
/// # Errors
/// [`VisionError::Device`] if the device fails.
pub fn global_norm<M: Module>(module: &M, gradients: &GradientsParams) -> Result<f64, VisionError> {
    let mut squares = Squares { gradients, sums: Vec::new() };
    module.visit(&mut squares);
    norm(squares.sums)
}

/// The root of the sum of `[1]` tensors, read from the device at once.
pub(super) fn norm(squares: Vec<Tensor<1>>) -> Result<f64, VisionError> {
    if squares.is_empty() {
        return Ok(0.0);
    }
    let squares: Vec<f32> = Tensor::cat(squares, 0).try_into_vec_as()?;
    Ok(squares.into_iter().map(f64::from).sum::<f64>().sqrt())
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sums.push(gradient.square().sum());
        }
    }
}

/// Multiplies the gradients of all parameters.
pub(super) fn scale<M: Module>(module: &M, gradients: &mut GradientsParams, factor: f64) {
    module.visit(&mut Scale { gradients, factor });
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

/// The gradients of all parameters, parted by their shares of the learning rate, in the order of the module;
/// the share is 1 where there is none.
pub(super) fn by_rate<M: Module>(
    module: &M,
    gradients: GradientsParams,
    rates: &HashMap<ParamId, f64>,
) -> Vec<(f64, GradientsParams)> {
    if rates.is_empty() {
        return vec![(1.0, gradients)];
    }
    let mut parting = Parting { gradients, rates, parts: Vec::new() };
    module.visit(&mut parting);
    parting.parts
}

struct Parting<'a> {
    gradients: GradientsParams,
    rates: &'a HashMap<ParamId, f64>,
    parts: Vec<(f64, GradientsParams)>,
}

impl ModuleVisitor for Parting<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let rate = self.rates.get(&param.id).copied().unwrap_or(1.0);
        let part = self.parts.iter().position(|(other, _)| *other == rate);
        let part = part.unwrap_or_else(|| {
            self.parts.push((rate, GradientsParams::new()));
            self.parts.len() - 1
        });
        self.parts[part].1.register(param.id, gradient);
    }
}
