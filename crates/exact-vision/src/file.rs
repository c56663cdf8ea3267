//! Files of the tensors of modules.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use exact_data::{read_tensors, write_atomically, write_tensors};
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::VisionError;

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredTensor {
    pub shape: Vec<usize>,
    pub values: Values,
}

impl StoredTensor {
    /// A tensor of a safetensors file.
    ///
    /// # Errors
    /// Numbers that are neither `F32` nor `U8`, in words.
    pub fn of_view(name: &str, view: &TensorView<'_>) -> Result<Self, String> {
        let values = match view.dtype() {
            Dtype::F32 => {
                let floats = view.data().as_chunks::<4>().0.iter();
                Values::Floats(floats.map(|bytes| f32::from_le_bytes(*bytes)).collect())
            }
            Dtype::U8 => Values::Bytes(view.data().to_vec()),
            other => return Err(format!("its tensor '{name}' is {other:?}, expected F32 or U8")),
        };
        Ok(Self { shape: view.shape().to_vec(), values })
    }

    /// The values of a tensor of a module.
    pub fn floats(&self) -> &[f32] {
        match &self.values {
            Values::Floats(values) => values,
            Values::Bytes(_) => unreachable!("modules here have no tensors of bytes"),
        }
    }

    /// Whether there is no NaN or infinity.
    pub fn is_finite(&self) -> bool {
        match &self.values {
            Values::Floats(values) => values.iter().all(|value| value.is_finite()),
            Values::Bytes(_) => true,
        }
    }
}

/// The values of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    Floats(Vec<f32>),
    Bytes(Vec<u8>),
}

/// Tensors by name.
pub(crate) type Tensors = HashMap<String, StoredTensor>;

/// Writes a file whole or not at all.
pub(crate) fn write(
    path: &Path,
    format: &str,
    description: &impl Serialize,
    tensors: &Tensors,
) -> Result<(), VisionError> {
    let fail = |problem: String| VisionError::File { path: path.into(), problem };
    let bytes: Vec<(&String, &StoredTensor, Vec<u8>)> =
        tensors.iter().map(|(name, tensor)| (name, tensor, tensor.values.to_bytes())).collect();
    let mut views = BTreeMap::new();
    for (name, tensor, bytes) in &bytes {
        let view = TensorView::new(tensor.values.dtype(), tensor.shape.clone(), bytes);
        views.insert(name.as_str(), view.map_err(|error| fail(error.to_string()))?);
    }
    let bytes = write_tensors(format, description, &views).map_err(|error| fail(error.to_string()))?;
    Ok(write_atomically(path, |file| file.write_all(&bytes))?)
}

/// The description and the tensors of a file of this format.
pub(crate) fn read<D: DeserializeOwned>(path: &Path, format: &str) -> Result<(D, Tensors), VisionError> {
    let fail = |problem: String| VisionError::File { path: path.into(), problem };
    let bytes = fs::read(path).map_err(|error| VisionError::Read { path: path.into(), error })?;
    let (description, tensors) = read_tensors(format, &bytes).map_err(|error| fail(error.to_string()))?;
    let stored = |(name, view): (String, TensorView<'_>)| {
        let tensor = StoredTensor::of_view(&name, &view)?;
        Ok((name, tensor))
    };
    let tensors = tensors.into_iter().map(stored).collect::<Result<_, String>>().map_err(fail)?;
    Ok((description, tensors))
}

impl Values {
    fn dtype(&self) -> Dtype {
        match self {
            Self::Floats(_) => Dtype::F32,
            Self::Bytes(_) => Dtype::U8,
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Floats(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

/// A list in JSON.
pub(crate) fn json<T: Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).expect("every list of strings or numbers can be written in JSON")
}

/// All floats of a module by the paths of their fields, running statistics among them.
///
/// # Errors
/// [`VisionError::Device`] if the device fails.
pub(crate) fn tensors_of<M: Module>(module: &M) -> Result<Tensors, VisionError> {
    // Running statistics are brought up to date by this alone.
    let _ = module.valid();
    let mut collection = Collection { path: Vec::new(), tensors: Ok(Tensors::new()) };
    module.visit(&mut collection);
    collection.tensors
}

struct Collection {
    path: Vec<String>,
    tensors: Result<Tensors, VisionError>,
}

impl ModuleVisitor for Collection {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Ok(tensors) = &mut self.tensors else { return };
        let (shape, values) = (param.shape().dims::<D>().to_vec(), param.val().try_into_vec_as::<f32>());
        match values {
            Ok(values) => {
                tensors.insert(self.path.join("."), StoredTensor { shape, values: Values::Floats(values) });
            }
            Err(error) => self.tensors = Err(error.into()),
        }
    }
}

/// The numbers and paths of all float parameters of a module, in its order.
pub(crate) fn names_of<M: Module>(module: &M) -> Vec<(ParamId, String)> {
    let mut names = Names { path: Vec::new(), names: Vec::new() };
    module.visit(&mut names);
    names.names
}

struct Names {
    path: Vec<String>,
    names: Vec<(ParamId, String)>,
}

impl ModuleVisitor for Names {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.names.push((param.id, self.path.join(".")));
    }
}

/// Gives a module the stored values of all its floats.
///
/// # Errors
/// A tensor that is missing, of another shape or not of the module, in words.
pub(crate) fn load_tensors<M: Module>(module: M, tensors: Tensors) -> Result<M, String> {
    let mut loading = Loading { path: Vec::new(), tensors, problem: None };
    let module = module.map(&mut loading);
    if let Some(problem) = loading.problem {
        return Err(problem);
    }
    match loading.tensors.keys().min() {
        Some(name) => Err(format!("its tensor '{name}' is not of this network")),
        None => Ok(module),
    }
}

struct Loading {
    path: Vec<String>,
    tensors: Tensors,
    problem: Option<String>,
}

impl ModuleMapper for Loading {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (name, shape) = (self.path.join("."), param.lazy_shape().dims::<D>());
        match self.tensors.remove(&name) {
            Some(StoredTensor { shape: stored, values: Values::Floats(values) }) if stored == shape => param
                .map(|tensor| {
                    let loaded = Tensor::from_data(TensorData::new(values, shape), &tensor.device());
                    loaded.set_require_grad(tensor.is_require_grad())
                }),
            found => {
                let problem = match found {
                    Some(found) => {
                        format!(
                            "its tensor '{name}' has shape {:?}, expected {shape:?} of floats",
                            found.shape
                        )
                    }
                    None => format!("it has no tensor '{name}'"),
                };
                self.problem.get_or_insert(problem);
                param
            }
        }
    }
}
