//! Lists of image files and their labels.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use exact_data::{Columns, Declared, LabelEncoder, ReadOptions, Source, Table};

use crate::encoded::EncodedImage;
use crate::parts::{Part, Parts};
use crate::{ImageError, ImageWarning};

const FILE: &str = "file";
const LABEL: &str = "label";

/// The images of a list, whose paths are relative to a folder, or else to that of the list.
pub(crate) fn parts(list: &Path, folder: Option<&Path>) -> Result<Parts, ImageError> {
    let source = Source::file(list)?;
    let mut options = ReadOptions::with_target(LABEL);
    options.id = vec![FILE.into()];
    // Other columns are of no interest.
    let mut declared = Declared::default();
    declared.keep = vec![FILE.into()];
    options.columns = Columns::Infer(declared);
    let table = Table::read(&source, &options)?;
    let (encoder, warnings) = LabelEncoder::fit(&table, LABEL)?;
    let labels = encoder.transform(&table, LABEL)?;
    let warning = |warning: &exact_data::Warning| ImageWarning::Labels {
        file: source.name().into(),
        warning: warning.clone(),
    };
    let warnings = table.warnings().iter().chain(&warnings).map(warning).collect();
    let folder = folder.or(list.parent()).unwrap_or(Path::new("."));
    let files = table.ids().iter().flat_map(|(_, files)| files);
    let paths: Vec<PathBuf> = files.map(|file| folder.join(file)).collect();
    check(source.name(), &table, &paths)?;
    let images = paths.into_iter().map(EncodedImage::File).collect();
    let class_names = encoder.classes().to_vec();
    let train = Part { place: source.name().into(), class_names, images, labels };
    Ok(Parts { train, test: None, warnings })
}

/// Checks that each file is there, and named once.
fn check(list: &str, table: &Table, paths: &[PathBuf]) -> Result<(), ImageError> {
    let (mut missing, mut twice) = (Vec::new(), Vec::new());
    let mut seen = HashMap::new();
    for (row, path) in paths.iter().enumerate() {
        let (file, line) = (path.display().to_string(), table.line(row));
        match path.canonicalize() {
            Ok(real) if real.is_file() => {
                if let Some(before) = seen.insert(real, line) {
                    twice.push((file, before, line));
                }
            }
            _ => missing.push((file, line)),
        }
    }
    if !missing.is_empty() {
        return Err(ImageError::MissingFiles { list: list.into(), files: missing });
    }
    if !twice.is_empty() {
        return Err(ImageError::FilesTwice { list: list.into(), files: twice });
    }
    Ok(())
}
