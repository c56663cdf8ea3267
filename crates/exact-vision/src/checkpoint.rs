//! Checkpoints: a run as it is after an epoch.

use std::path::Path;

use burn::tensor::Bytes;
use exact_eval::record::TrainingRecord;
use serde::{Deserialize, Serialize};

use crate::classifier::Description;
use crate::file::{self, StoredTensor, Values};
use crate::optim::Optimizer;
use crate::trainee::Trainee;
use crate::{Recipe, VisionError};

const FORMAT: &str = "exact-learn checkpoint of image training";
/// The name of the tensor of the optimiser's state.
const OPTIMIZER: &str = "optimizer";

/// What goes on after an interruption.
pub(crate) struct Checkpoint {
    pub trainee: Trainee,
    pub optimizer: Optimizer,
    pub record: TrainingRecord,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    recipe: Recipe,
    description: Description,
    record: TrainingRecord,
    mean_norm: Option<f64>,
}

/// Writes a checkpoint whole or not at all.
pub(crate) fn write(
    path: &Path,
    recipe: &Recipe,
    description: &Description,
    checkpoint: &Checkpoint,
) -> Result<(), VisionError> {
    let mut tensors = file::tensors_of(&checkpoint.trainee)?;
    let (state, mean_norm) = checkpoint.optimizer.state();
    let state = state.map_err(|error| VisionError::File { path: path.into(), problem: error.to_string() })?;
    let state = StoredTensor { shape: vec![state.len()], values: Values::Bytes(state.to_vec()) };
    tensors.insert(OPTIMIZER.into(), state);
    let contents = Contents {
        recipe: recipe.clone(),
        description: description.clone(),
        record: checkpoint.record.clone(),
        mean_norm,
    };
    file::write(path, FORMAT, &contents, &tensors)
}

/// Reads the checkpoint of this recipe and these images into a trainee and an optimiser that are new.
pub(crate) fn read(
    path: &Path,
    recipe: &Recipe,
    description: &Description,
    trainee: Trainee,
    optimizer: Optimizer,
) -> Result<Checkpoint, VisionError> {
    let fail = |problem: String| VisionError::File { path: path.into(), problem };
    let (contents, mut tensors) = file::read::<Contents>(path, FORMAT)?;
    if contents.description.model != description.model {
        let (found, expected) = (contents.description.model, description.model);
        return Err(fail(format!("it is of the network {found}, expected {expected}")));
    }
    if contents.description != *description {
        return Err(fail("it is of other images: their number, shape, classes or pixels differ".into()));
    }
    if contents.recipe != *recipe {
        return Err(fail(
            "it is of another recipe: a run is taken up with the settings that it began with".into(),
        ));
    }
    let Some(StoredTensor { values: Values::Bytes(state), .. }) = tensors.remove(OPTIMIZER) else {
        return Err(fail("it has no state of the optimiser".into()));
    };
    let trainee = file::load_tensors(trainee, tensors).map_err(fail)?;
    let optimizer = optimizer.with_state(Bytes::from_bytes_vec(state), contents.mean_norm);
    let optimizer = optimizer.map_err(|error| fail(error.to_string()))?;
    Ok(Checkpoint { trainee, optimizer, record: contents.record })
}
