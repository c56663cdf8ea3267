//! The model file: safetensors, which hold no code, with one metadata entry of JSON and a checksum over both.

use std::collections::HashMap;
use std::fmt::Write as _;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::LinearError;

/// The metadata entry of the description.
const ENTRY: &str = "exact-learn";
/// Raised with every change that older readers would misread.
const VERSION: u32 = 1;
const WEIGHTS: &str = "weights";
const BIASES: &str = "biases";

/// The tensors: weights, row-major, and biases.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contents {
    pub shape: [usize; 2],
    pub weights: Vec<f64>,
    pub biases: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    /// SHA-256 of the description, the weights and the biases, in hexadecimal.
    sha256: String,
    /// JSON of the description.
    model: String,
}

/// The bytes of a file; `format` says what is described. The same model gives the same bytes.
pub(crate) fn write(
    format: &str,
    description: &impl Serialize,
    contents: &Contents,
) -> Result<Vec<u8>, LinearError> {
    let fail = |problem: String| LinearError::ModelFile { file: "the model".into(), problem };
    let model = serde_json::to_string(description).map_err(|error| fail(error.to_string()))?;
    let (weights, biases) = (to_bytes(&contents.weights), to_bytes(&contents.biases));
    let sha256 = checksum(&model, &weights, &biases);
    let header = Header { format: format.into(), version: VERSION, sha256, model };
    let header = serde_json::to_string(&header).map_err(|error| fail(error.to_string()))?;
    let view = |shape: &[usize], bytes| {
        TensorView::new(Dtype::F64, shape.to_vec(), bytes).map_err(|error| fail(error.to_string()))
    };
    let tensors =
        [(WEIGHTS, view(&contents.shape, &weights)?), (BIASES, view(&[contents.biases.len()], &biases)?)];
    serialize(tensors, Some(HashMap::from([(ENTRY.into(), header)]))).map_err(|error| fail(error.to_string()))
}

/// The description and tensors of the bytes of a file of this format, or what is wrong with it.
pub(crate) fn read<D: DeserializeOwned>(format: &str, bytes: &[u8]) -> Result<(D, Contents), String> {
    let foreign = |error: safetensors::SafeTensorError| {
        format!("it is not a whole safetensors file ({error}): it may be truncated or of another format")
    };
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(foreign)?;
    let entry = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let header = entry.ok_or_else(|| {
        format!("it is a safetensors file of another program: it has no metadata entry '{ENTRY}'")
    })?;
    let header: Header =
        serde_json::from_str(header).map_err(|error| format!("its metadata are damaged: {error}"))?;
    if header.format != format {
        return Err(format!("it holds '{}', expected '{format}'", header.format));
    }
    if header.version != VERSION {
        return Err(format!(
            "its format version is {}, this program reads version {VERSION}",
            header.version
        ));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(foreign)?;
    let tensor = |name: &str, dimensions: usize| {
        let tensor = tensors.tensor(name).map_err(|_| format!("it has no tensor '{name}'"))?;
        if tensor.dtype() != Dtype::F64 || tensor.shape().len() != dimensions {
            let (dtype, shape) = (tensor.dtype(), tensor.shape());
            return Err(format!(
                "its tensor '{name}' is {dtype:?} of shape {shape:?}, expected F64 of {dimensions} dimensions"
            ));
        }
        Ok(tensor)
    };
    let (weights, biases) = (tensor(WEIGHTS, 2)?, tensor(BIASES, 1)?);
    if checksum(&header.model, weights.data(), biases.data()) != header.sha256 {
        return Err("its checksum does not match its contents: the file was altered or damaged".into());
    }
    let description = serde_json::from_str(&header.model)
        .map_err(|error| format!("its description is damaged: {error}"))?;
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

fn checksum(model: &str, weights: &[u8], biases: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [model.as_bytes(), weights, biases] {
        // Lengths keep the parts apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
