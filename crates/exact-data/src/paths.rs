//! The files that a command line names: paths, patterns of paths, and folders.

use std::fs;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::formats::has_table_extension;

/// The files of paths and patterns, in the order in which they are named.
///
/// A path of a file stands for itself. A folder stands for the files in it and in folders below it whose
/// names have the extension of a table, compressed or not, sorted; what is hidden or begins with `_`, as
/// marks of completion do, is none. A name with `*`, `?` or `[` is a pattern, unless there is a file of that
/// name, and stands for all that it matches, sorted; `**` stands for any number of folders.
///
/// # Errors
/// [`DataError::NoFiles`] if a pattern matches nothing or a folder holds no table, [`DataError::BadPattern`],
/// and [`DataError::Read`] if a folder cannot be read. Whether a path exists is seen when it is read.
///
/// # Example
/// ```
/// use exact_data::expand;
///
/// let folder = tempfile::tempdir()?;
/// for name in ["b.csv.gz", "a.csv", "_SUCCESS", ".c.csv", "notes.md"] {
///     std::fs::write(folder.path().join(name), "x\n1\n")?;
/// }
/// let expected = ["a.csv", "b.csv.gz"].map(|name| folder.path().join(name));
/// let path = folder.path().display().to_string();
/// assert_eq!(expand(&[path.clone()])?, expected);
/// assert_eq!(expand(&[format!("{path}/*.csv*")])?, expected);
/// assert!(expand(&[format!("{path}/*.parquet")]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn expand(patterns: &[String]) -> Result<Vec<PathBuf>, DataError> {
    let mut files = Vec::new();
    for pattern in patterns {
        let path = Path::new(pattern);
        if !path.exists() && pattern.contains(['*', '?', '[']) {
            let matches = matching(pattern)?;
            for path in &matches {
                expand_path(path, &mut files)?;
            }
            if matches.is_empty() {
                return Err(DataError::NoFiles { pattern: pattern.clone(), folder: false });
            }
        } else {
            expand_path(path, &mut files)?;
        }
    }
    Ok(files)
}

/// The files and folders that a pattern with `*`, `?`, `[` or `**` matches, sorted; nothing that is hidden
/// unless the pattern says so.
///
/// # Errors
/// [`DataError::BadPattern`], and [`DataError::Read`] if a folder cannot be read.
pub fn matching(pattern: &str) -> Result<Vec<PathBuf>, DataError> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let matches = glob::glob_with(pattern, options)
        .map_err(|error| DataError::BadPattern { pattern: pattern.into(), problem: error.msg })?;
    let unreadable = |error: glob::GlobError| DataError::Read {
        file: error.path().display().to_string(),
        error: error.into(),
    };
    matches.map(|path| path.map_err(unreadable)).collect()
}

fn expand_path(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    if !path.is_dir() {
        files.push(path.into());
        return Ok(());
    }
    let before = files.len();
    collect(path, files)?;
    if files.len() == before {
        return Err(DataError::NoFiles { pattern: path.display().to_string(), folder: true });
    }
    files[before..].sort();
    Ok(())
}

/// Adds the tables of a folder and of those below it.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let failed = |error| DataError::Read { file: folder.display().to_string(), error };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if has_table_extension(&name) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_patterns_and_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("year=2020/month=1")).unwrap();
        fs::create_dir_all(path("_temporary")).unwrap();
        for name in ["year=2020/month=1/b.parquet", "a.parquet", "_temporary/c.parquet", "d[1].csv"] {
            fs::write(path(name), "").unwrap();
        }
        let text = |name: &str| path(name).display().to_string();
        let all = ["a.parquet", "d[1].csv", "year=2020/month=1/b.parquet"].map(path);
        assert_eq!(expand(&[text("")]).unwrap(), all);
        assert_eq!(expand(&[text("**/*.parquet")]).unwrap().len(), 3);
        assert_eq!(expand(&[text("d[1].csv"), text("absent.csv")]).unwrap().len(), 2);
        let error = expand(&[text("_temporary/../*.xlsx")]).unwrap_err();
        assert!(matches!(error, DataError::NoFiles { folder: false, .. }), "{error}");
        assert!(matches!(expand(&[text("***")]), Err(DataError::BadPattern { .. })));
        fs::create_dir(path("empty")).unwrap();
        assert!(matches!(expand(&[text("empty")]), Err(DataError::NoFiles { folder: true, .. })));
    }
}
