//! What the optimiser moves.

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use crate::VisionError;
use crate::batches::Batch;
use crate::loss::Criterion;
use crate::models::Network;

/// A network and a criterion, whose sigma may be learned.
#[derive(Module, Debug)]
pub(crate) struct Trainee {
    pub network: Network,
    pub criterion: Criterion,
}

impl Trainee {
    /// Parameters are numbered in order, so that the state of the optimiser, which goes by their numbers, can
    /// be taken up.
    pub fn new(network: Network, criterion: Criterion) -> Self {
        Self { network, criterion }.map(&mut Numbering { next: 1 })
    }

    /// The loss of a batch and the gradient.
    ///
    /// # Errors
    /// [`VisionError::Loss`] if a logit is not finite, [`VisionError::Device`] if the device fails.
    pub fn evaluate(&self, batch: &Batch, device: &Device) -> Result<(f32, GradientsParams), VisionError> {
        let logits = self.network.forward(batch.images(device));
        let targets = batch.targets(device);
        let loss = match batch.mixed_targets(device) {
            None => self.criterion.forward(logits, targets)?,
            Some((others, share)) => {
                let own = self.criterion.forward(logits.clone(), targets)?;
                own * share + self.criterion.forward(logits, others)? * (1.0 - share)
            }
        };
        let gradients = GradientsParams::from_grads(loss.backward(), self);
        Ok((loss.try_into_scalar()?, gradients))
    }
}

/// Numbers parameters in the order of the module.
struct Numbering {
    next: u64,
}

impl ModuleMapper for Numbering {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = ParamId::from(self.next);
        self.next += 1;
        Param::initialized(id, param.val())
    }
}
