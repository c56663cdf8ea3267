//! The model file: arrays of numbers with names, as a file of tensors.

use std::collections::BTreeMap;

use exact_data::{read_tensors, write_tensors};
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::LinearError;

/// An array of numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f64>,
}

/// Arrays by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tensors(BTreeMap<String, Tensor>);

impl Tensors {
    pub fn insert(&mut self, name: &str, shape: &[usize], values: Vec<f64>) {
        self.0.insert(name.into(), Tensor { shape: shape.into(), values });
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes an array of so many dimensions out, or says what is wrong with it.
    pub fn take<const N: usize>(&mut self, name: &str) -> Result<([usize; N], Vec<f64>), String> {
        let Tensor { shape, values } =
            self.0.remove(name).ok_or_else(|| format!("it has no tensor '{name}'"))?;
        let shape = <[usize; N]>::try_from(shape.as_slice())
            .map_err(|_| format!("its tensor '{name}' has the shape {shape:?}, expected {N} dimensions"))?;
        if !values.iter().all(|value| value.is_finite()) {
            return Err(format!("its tensor '{name}' has values that are not finite"));
        }
        Ok((shape, values))
    }
}

/// The bytes of a file; `format` says what is described. The same model gives the same bytes.
pub(crate) fn write(
    format: &str,
    description: &impl Serialize,
    tensors: &Tensors,
) -> Result<Vec<u8>, LinearError> {
    let fail = |problem: String| LinearError::ModelFile { file: "the model".into(), problem };
    let bytes: Vec<Vec<u8>> = tensors.0.values().map(|tensor| to_bytes(&tensor.values)).collect();
    let views = tensors.0.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let view = TensorView::new(Dtype::F64, tensor.shape.clone(), bytes);
        Ok((name.as_str(), view.map_err(|error| fail(error.to_string()))?))
    });
    let views: BTreeMap<&str, TensorView<'_>> = views.collect::<Result<_, LinearError>>()?;
    write_tensors(format, description, &views).map_err(|error| fail(error.to_string()))
}

/// The description and the arrays of the bytes of a file of this format, or what is wrong with it.
pub(crate) fn read<D: DeserializeOwned>(format: &str, bytes: &[u8]) -> Result<(D, Tensors), String> {
    let (description, views) = read_tensors(format, bytes).map_err(|error| error.to_string())?;
    let mut tensors = Tensors::default();
    for (name, view) in views {
        if view.dtype() != Dtype::F64 {
            return Err(format!("its tensor '{name}' is {:?}, expected F64", view.dtype()));
        }
        tensors.insert(&name, view.shape(), from_bytes(view.data()));
    }
    Ok((description, tensors))
}

fn to_bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}
