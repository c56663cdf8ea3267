//! The files of a folder or a tar archive.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use exact_data::{DataError, Source};

use crate::ImageError;

/// The files of a folder or an archive, by their names and sorted by them.
pub(crate) struct Files<'a> {
    pub folder: String,
    pub sources: Vec<(String, Source<'a>)>,
}

impl<'a> Files<'a> {
    /// The first of some files that is there.
    pub fn get(&self, names: &[&str]) -> Option<&Source<'a>> {
        let find = |name| self.sources.iter().find(|(file, _)| file == name).map(|(_, source)| source);
        names.iter().copied().find_map(find)
    }

    /// The files whose names begin and end so.
    pub fn matching(&self, start: &str, end: &str) -> impl Iterator<Item = &Source<'a>> {
        let matches = move |name: &str| name.starts_with(start) && name.ends_with(end);
        self.sources.iter().filter(move |(name, _)| matches(name)).map(|(_, source)| source)
    }

    /// That files are missing beside those that are there.
    pub fn incomplete(&self, missing: Vec<String>) -> ImageError {
        ImageError::IncompleteLayout { path: self.folder.clone().into(), missing }
    }
}

/// What systems put beside the files of users.
const OF_SYSTEMS: [&str; 4] = ["desktop.ini", "ehthumbs.db", "Thumbs.db", "__MACOSX"];

/// What a folder contains, sorted by name, without hidden files and those of systems.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let read = || {
        let paths = folder.read_dir()?.map(|entry| Ok(entry?.path()));
        paths.collect::<std::io::Result<Vec<PathBuf>>>()
    };
    let mut paths = read().map_err(|error| DataError::Read { file: folder.display().to_string(), error })?;
    paths.retain(|path| !is_hidden(&name_of(path)));
    paths.sort();
    Ok(paths)
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || OF_SYSTEMS.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of a tar archive, plain or compressed, whatever their folders.
pub(crate) fn unpack(archive: &Path) -> Result<Vec<(String, Source<'static>)>, ImageError> {
    let source = Source::file(archive)?;
    let content = source.open()?;
    let read = || {
        let mut files = Vec::new();
        for entry in tar::Archive::new(content).entries()? {
            let mut entry = entry?;
            let name = name_of(&entry.path()?);
            if entry.header().entry_type().is_file() && !is_hidden(&name) {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                let source = Source::bytes(&format!("{}/{name}", archive.display()), bytes);
                files.push((name, source));
            }
        }
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(files)
    };
    read().map_err(|error| DataError::Read { file: source.name().into(), error }.into())
}
