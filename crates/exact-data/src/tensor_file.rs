//! Files of tensors with a description: safetensors, which hold no code, with one metadata entry of JSON and
//! a checksum over all.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{SafeTensors, TensorView, serialize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::DataError;

/// The metadata entry of the description.
const ENTRY: &str = "exact-learn";
/// Raised with every change that older readers would misread.
const VERSION: u32 = 3;

/// How the files that [`write_tensors`] makes begin, behind the length of their header.
const BEGINNING: &[u8] = b"{\"__metadata__\":{\"exact-learn\":";

/// Whether bytes begin as a file of tensors with a description does.
pub fn begins_as_tensors(head: &[u8]) -> bool {
    head.get(8..).is_some_and(|header| header.starts_with(BEGINNING))
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    /// SHA-256 of the description and of each tensor's name and bytes, in the order of the names, in
    /// hexadecimal.
    sha256: String,
    /// JSON of the description.
    description: String,
}

/// The bytes of a file of tensors; `format` says what it holds. The same tensors and description give the
/// same bytes.
///
/// # Errors
/// [`DataError::TensorFile`] if the description is no JSON, or the tensors are too many for the format.
///
/// # Example
/// ```
/// use std::collections::BTreeMap;
///
/// use exact_data::{read_tensors, write_tensors};
/// use safetensors::tensor::{Dtype, TensorView};
///
/// let view = TensorView::new(Dtype::U8, vec![2], &[4, 2])?;
/// let bytes = write_tensors("answer", &"in two digits", &BTreeMap::from([("digits", view)]))?;
/// let (description, tensors): (String, _) = read_tensors("answer", &bytes)?;
/// assert_eq!((description.as_str(), tensors["digits"].data()), ("in two digits", [4, 2].as_slice()));
/// assert!(read_tensors::<String>("answer", &bytes[1..]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_tensors(
    format: &str,
    description: &impl Serialize,
    tensors: &BTreeMap<&str, TensorView<'_>>,
) -> Result<Vec<u8>, DataError> {
    let json = |error: serde_json::Error| DataError::TensorFile { problem: error.to_string() };
    let description = serde_json::to_string(description).map_err(json)?;
    let sha256 = checksum(&description, tensors);
    let header = Header { format: format.into(), version: VERSION, sha256, description };
    let header = serde_json::to_string(&header).map_err(json)?;
    serialize(tensors, Some(HashMap::from([(ENTRY.into(), header)])))
        .map_err(|error| DataError::TensorFile { problem: error.to_string() })
}

/// The description and the tensors of the bytes of a file that [`write_tensors`] wrote in this format.
///
/// # Errors
/// [`DataError::TensorFile`] if they are truncated, altered, of another format or version, or have another
/// description.
pub fn read_tensors<'a, D: DeserializeOwned>(
    format: &str,
    bytes: &'a [u8],
) -> Result<(D, BTreeMap<String, TensorView<'a>>), DataError> {
    parse(format, bytes).map_err(|problem| DataError::TensorFile { problem })
}

fn parse<'a, D: DeserializeOwned>(
    format: &str,
    bytes: &'a [u8],
) -> Result<(D, BTreeMap<String, TensorView<'a>>), String> {
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
    if !(1..=VERSION).contains(&header.version) {
        return Err(format!(
            "its format version is {}, this program reads versions up to {VERSION}",
            header.version
        ));
    }
    let tensors: BTreeMap<_, _> =
        SafeTensors::deserialize(bytes).map_err(foreign)?.tensors().into_iter().collect();
    if checksum(&header.description, &tensors) != header.sha256 {
        return Err("its checksum does not match its contents: the file was altered or damaged".into());
    }
    let description = serde_json::from_str(&header.description)
        .map_err(|error| format!("its description is damaged: {error}"))?;
    Ok((description, tensors))
}

fn checksum(description: &str, tensors: &BTreeMap<impl AsRef<str>, TensorView<'_>>) -> String {
    let mut hash = Sha256::new();
    let parts = tensors.iter().flat_map(|(name, tensor)| [name.as_ref().as_bytes(), tensor.data()]);
    for part in std::iter::once(description.as_bytes()).chain(parts) {
        // Lengths keep the parts apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hexadecimal(&hash.finalize())
}

/// Bytes in hexadecimal digits.
///
/// # Example
/// ```
/// assert_eq!(exact_data::hexadecimal(&[0, 255]), "00ff");
/// ```
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
    bytes.iter().flat_map(digits).collect()
}
