//! Tensors of safetensors files.

use safetensors::{Dtype, SafeTensors};

use super::arrays::{Values, bad_array, columns, table};
use super::number_type::NumberType;
use crate::raw_table::RawTable;
use crate::{DataError, Source};

pub(super) fn read(source: &Source) -> Result<RawTable, DataError> {
    let (file, bytes) = (source.name(), source.read()?);
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| DataError::DamagedFile {
        file: file.into(),
        format: "safetensors",
        problem: error.to_string(),
    })?;
    let mut tensors = tensors.tensors();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut all = Vec::new();
    for (name, tensor) in tensors {
        let kind = kind_of(tensor.dtype()).ok_or_else(|| {
            let problem = format!("has values of the type {:?}, which is not read", tensor.dtype());
            bad_array(file, &name, problem)
        })?;
        all.extend(columns(file, &name, tensor.shape(), Values::Numbers(kind, tensor.data()))?);
    }
    table(file, all)
}

fn kind_of(kind: Dtype) -> Option<NumberType> {
    Some(match kind {
        Dtype::BOOL => NumberType::Bool,
        Dtype::I8 => NumberType::I8,
        Dtype::I16 => NumberType::I16,
        Dtype::I32 => NumberType::I32,
        Dtype::I64 => NumberType::I64,
        Dtype::U8 => NumberType::U8,
        Dtype::U16 => NumberType::U16,
        Dtype::U32 => NumberType::U32,
        Dtype::U64 => NumberType::U64,
        Dtype::F16 => NumberType::F16,
        Dtype::BF16 => NumberType::Bf16,
        Dtype::F32 => NumberType::F32,
        Dtype::F64 => NumberType::F64,
        _ => return None,
    })
}
