//! Kinds of files that hold arrays.

use std::path::Path;

use crate::Source;

/// A kind of file that holds arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArrayFormat {
    Npy,
    Npz,
    Safetensors,
    Parquet,
}

impl ArrayFormat {
    /// The format that the name of a source says.
    pub fn of(source: &Source) -> Option<Self> {
        match Path::new(source.name()).extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "npy" => Some(Self::Npy),
            "npz" => Some(Self::Npz),
            "safetensors" => Some(Self::Safetensors),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// That this crate was built without the feature which reads the format.
    #[cfg(not(feature = "parquet"))]
    pub fn not_built_in(self, source: &Source) -> crate::DataError {
        let (format, feature) = match self {
            Self::Npy => ("NPY files", "arrays"),
            Self::Npz => ("NPZ files", "arrays"),
            Self::Safetensors => ("safetensors files", "arrays"),
            Self::Parquet => ("Parquet files", "parquet"),
        };
        crate::DataError::NotBuiltIn { file: source.name().into(), format, feature }
    }
}
