//! Embeddings as a file of arrays.

use std::io::{self, Write as _};
use std::iter::repeat;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::formats::npy::MAGIC;
use crate::{DataError, write_atomically};

/// Writes features of samples and the names of their classes as an NPZ file with the arrays `x`,
/// `[n, n_features]`, and `label`, `[n]`, whole or not at all.
///
/// # Errors
/// [`DataError::Inconsistent`] if there are no features or not so many of each class name, and
/// [`DataError::Write`].
///
/// # Example
/// ```
/// use exact_data::{ReadOptions, Source, Table, write_embeddings};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("embeddings.npz");
/// write_embeddings(&path, &[1.0, 2.0, 3.0, 4.0], 2, &["cat", "dog"])?;
/// let table = Table::read(&Source::file(&path)?, &ReadOptions::with_target("label"))?;
/// assert_eq!(table.column_names().collect::<Vec<_>>(), ["x_0", "x_1", "label"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_embeddings(
    path: &Path,
    features: &[f32],
    n_features: usize,
    labels: &[&str],
) -> Result<(), DataError> {
    let n = labels.len();
    if n == 0 || n_features == 0 || n.checked_mul(n_features) != Some(features.len()) {
        let problem = format!("has {} values, which are not {n} x {n_features}", features.len());
        return Err(DataError::Inconsistent { what: "array of embeddings", problem });
    }
    let longest = labels.iter().map(|label| label.chars().count()).fold(1, usize::max);
    write_atomically(path, |file| {
        let mut archive = ZipWriter::new_stream(file);
        start(&mut archive, "x", "<f4", &format!("({n}, {n_features})"))?;
        for row in features.chunks_exact(n_features) {
            let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
            archive.write_all(&bytes)?;
        }
        start(&mut archive, "label", &format!("<U{longest}"), &format!("({n},)"))?;
        for label in labels {
            let points = label.chars().map(u32::from).chain(repeat(0)).take(longest);
            let bytes: Vec<u8> = points.flat_map(u32::to_le_bytes).collect();
            archive.write_all(&bytes)?;
        }
        archive.finish()?;
        Ok(())
    })
}

/// Begins an array of the archive with its head, which fills up multiples of 64 bytes.
fn start<W: io::Write + io::Seek>(
    archive: &mut ZipWriter<W>,
    name: &str,
    kind: &str,
    shape: &str,
) -> io::Result<()> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    archive.start_file(format!("{name}.npy"), options)?;
    let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let before = MAGIC.len() + 4;
    let length = (before + head.len() + 1).next_multiple_of(64) - before;
    archive.write_all(MAGIC)?;
    archive.write_all(&[1, 0])?;
    archive.write_all(&(length as u16).to_le_bytes())?;
    writeln!(archive, "{head:<0$}", length - 1)
}
