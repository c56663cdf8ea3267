//! The state of a network in a file of `PyTorch`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use pytorch_reader::{DType, PytorchError, PytorchReader};
use safetensors::SafeTensors;

use crate::VisionError;
use crate::file::{StoredTensor, Tensors, Values};

/// What batch normalisation counts in training, and nothing reads.
const COUNT: &str = "num_batches_tracked";

/// Reads the tensors of a network from `.safetensors`, or from `.pt` and `.pth`, of which no code is run. The
/// network is where the tensor `head` is, which may be below other names, such as `state_dict` and `module`:
/// its tensors have their names behind them, and what lies elsewhere is left alone.
///
/// # Errors
/// [`VisionError::Read`] and [`VisionError::File`].
pub(super) fn read(path: &Path, head: &str) -> Result<Tensors, VisionError> {
    let unread = |error| VisionError::Read { path: path.into(), error };
    let tensors = if is_safetensors(path).map_err(unread)? {
        safetensors(&fs::read(path).map_err(unread)?, head)
    } else {
        match PytorchReader::new(path) {
            Ok(reader) => checkpoint(&reader, head),
            Err(PytorchError::Io(error)) if !is_of_contents(&error) => return Err(unread(error)),
            Err(error) => {
                Err(format!("it is neither a whole safetensors file nor a checkpoint of PyTorch ({error})"))
            }
        }
    };
    tensors.map_err(|problem| VisionError::File { path: path.into(), problem })
}

/// Whether an error is about what a file holds, and not about reading it.
fn is_of_contents(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// Whether a file begins as safetensors do: with the length of its header, in 8 bytes, and the header, which
/// is an object of JSON.
fn is_safetensors(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(9).read_to_end(&mut start)?;
    Ok(start.get(8) == Some(&b'{'))
}

fn safetensors(bytes: &[u8], head: &str) -> Result<Tensors, String> {
    let stored = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("it is not a whole safetensors file ({error})"))?;
    let prefix = prefix(stored.names().into_iter(), head)?;
    let tensors = stored.iter().filter_map(|(name, tensor)| Some((own_name(name, &prefix)?, name, tensor)));
    tensors.map(|(own, name, tensor)| Ok((own, StoredTensor::of_view(name, &tensor)?))).collect()
}

fn checkpoint(reader: &PytorchReader, head: &str) -> Result<Tensors, String> {
    let prefix = prefix(reader.tensors().keys().map(String::as_str), head)?;
    let tensors =
        reader.tensors().iter().filter_map(|(name, tensor)| Some((own_name(name, &prefix)?, name, tensor)));
    tensors
        .map(|(own, name, tensor)| {
            if tensor.dtype() != DType::F32 {
                return Err(format!("its tensor '{name}' is {:?}, expected F32", tensor.dtype()));
            }
            let bytes = tensor.read().map_err(|error| error.to_string())?;
            let values = bytes.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect();
            Ok((own, StoredTensor { shape: tensor.shape().to_vec(), values: Values::Floats(values) }))
        })
        .collect()
}

/// What stands before the name of the tensor `head`.
fn prefix<'a>(names: impl Iterator<Item = &'a str>, head: &str) -> Result<String, String> {
    let is_prefix = |prefix: &&str| prefix.is_empty() || prefix.ends_with('.');
    let mut prefixes: Vec<&str> =
        names.filter_map(|name| name.strip_suffix(head)).filter(is_prefix).collect();
    prefixes.sort_unstable();
    match prefixes.as_slice() {
        [] => Err(format!("it has no tensor '{head}'")),
        [prefix] => Ok((*prefix).to_owned()),
        [first, second, ..] => {
            Err(format!("it holds several networks: it has a tensor '{first}{head}' and '{second}{head}'"))
        }
    }
}

/// The name of a tensor in the network, if it is of the network.
fn own_name(name: &str, prefix: &str) -> Option<String> {
    name.strip_prefix(prefix).filter(|own| !own.ends_with(COUNT)).map(str::to_owned)
}
