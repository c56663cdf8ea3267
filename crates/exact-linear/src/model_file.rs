//! The model file: weights and biases as a file of tensors.

use std::collections::BTreeMap;

use exact_data::{read_tensors, write_tensors};
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::LinearError;

const WEIGHTS: &str = "weights";
const BIASES: &str = "biases";

/// The tensors: weights, row-major, and biases.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contents {
    pub shape: [usize; 2],
    pub weights: Vec<f64>,
    pub biases: Vec<f64>,
}

/// The bytes of a file; `format` says what is described. The same model gives the same bytes.
pub(crate) fn write(
    format: &str,
    description: &impl Serialize,
    contents: &Contents,
) -> Result<Vec<u8>, LinearError> {
    let fail = |problem: String| LinearError::ModelFile { file: "the model".into(), problem };
    let (weights, biases) = (to_bytes(&contents.weights), to_bytes(&contents.biases));
    let view = |shape: &[usize], bytes| {
        TensorView::new(Dtype::F64, shape.to_vec(), bytes).map_err(|error| fail(error.to_string()))
    };
    let tensors = BTreeMap::from([
        (WEIGHTS, view(&contents.shape, &weights)?),
        (BIASES, view(&[contents.biases.len()], &biases)?),
    ]);
    write_tensors(format, description, &tensors).map_err(|error| fail(error.to_string()))
}

/// The description and tensors of the bytes of a file of this format, or what is wrong with it.
pub(crate) fn read<D: DeserializeOwned>(format: &str, bytes: &[u8]) -> Result<(D, Contents), String> {
    let (description, tensors) = read_tensors(format, bytes).map_err(|error| error.to_string())?;
    let tensor = |name: &str, dimensions: usize| {
        let tensor = tensors.get(name).ok_or_else(|| format!("it has no tensor '{name}'"))?;
        if tensor.dtype() != Dtype::F64 || tensor.shape().len() != dimensions {
            let (dtype, shape) = (tensor.dtype(), tensor.shape());
            return Err(format!(
                "its tensor '{name}' is {dtype:?} of shape {shape:?}, expected F64 of {dimensions} dimensions"
            ));
        }
        Ok(tensor)
    };
    let (weights, biases) = (tensor(WEIGHTS, 2)?, tensor(BIASES, 1)?);
    let shape = [weights.shape()[0], weights.shape()[1]];
    Ok((
        description,
        Contents { shape, weights: from_bytes(weights.data()), biases: from_bytes(biases.data()) },
    ))
}

fn to_bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}
