//! Writing files whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::DataError;

/// Writes a file whole or not at all: to a temporary file in the same folder, which takes the place of `path`
/// once it is complete and on disk. On any error, what stood at `path` is untouched and the temporary file is
/// removed.
///
/// A link is followed; a device or a pipe is written to directly.
///
/// # Errors
/// [`DataError::Write`].
///
/// # Example
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("answer.txt");
/// exact_data::write_atomically(&path, |file| write!(file, "42"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), DataError> {
    replace(path, write).map_err(|error| DataError::Write { path: path.into(), error })
}

/// Checks that [`write_atomically`] could write `path` now, so that a long computation need not end in an
/// error. What stands there is left as it is.
///
/// # Errors
/// [`DataError::Write`].
pub fn check_writable(path: &Path) -> Result<(), DataError> {
    let check = || match path.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => File::options().write(true).open(path).map(drop),
        _ => temporary_file(folder_of(path)).map(drop),
    };
    check().map_err(|error| DataError::Write { path: path.into(), error })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file that goes when it is dropped. That of `tempfile` itself would tell its name in every error, and
/// the user knows the file under another one.
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    // With the permissions of any new file.
    let create = |path: &Path| File::options().write(true).create_new(true).open(path);
    tempfile::Builder::new().prefix(".exact-").make_in(folder, create)
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let path = &path.canonicalize().unwrap_or_else(|_| path.into());
    let existing = path.metadata().ok();
    match &existing {
        Some(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Some(metadata) if !metadata.is_file() => {
            let mut file = File::options().write(true).open(path)?;
            return write(&mut file).and_then(|()| file.flush());
        }
        _ => {}
    }
    let temporary = temporary_file(folder_of(path))?;
    let mut file = BufWriter::new(temporary.as_file());
    write(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(existing) = existing {
        file.set_permissions(existing.permissions())?;
    }
    file.sync_all()?;
    temporary.persist(path)?;
    Ok(())
}
