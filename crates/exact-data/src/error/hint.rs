//! How to mend what is wrong with data.

use std::io;

use super::DataError;
use crate::message::{did_you_mean, list, shorten};

impl DataError {
    /// How to mend it, where that can be said.
    ///
    /// ```
    /// let error = exact_data::DataError::NoSuchColumn {
    ///     file: "cars.csv".into(),
    ///     column: "colour".into(),
    ///     columns: vec!["doors".into(), "color".into()],
    /// };
    /// assert_eq!(error.to_string(), "cars.csv has no column `colour`");
    /// assert_eq!(error.hint().unwrap(), "did you mean `color`? the columns are `doors`, `color`");
    /// ```
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { error, .. } => return read_hint(error),
            Self::Write { path, error } => return write_hint(path, error),
            Self::EmptyFile { .. } | Self::NoRows { .. } => {
                "the first line names the columns, each further line is a row".into()
            }
            Self::RaggedRow { .. } => {
                "put quotes around a field that contains the delimiter, or name the delimiter if it was \
                 taken for another"
                    .into()
            }
            Self::DuplicateColumn { .. } | Self::UnnamedColumn { .. } => {
                "the first line must name each column, and each differently".into()
            }
            Self::NoSuchColumn { column, columns, .. } => column_hint(std::slice::from_ref(column), columns),
            Self::MissingColumns { missing, columns, .. } => column_hint(missing, columns),
            Self::ConflictingKinds { column, .. } => format!("name `{column}` in one place only"),
            Self::WrongKind { .. } => {
                "read the table with the options of the fitted encoder, and its target as the target".into()
            }
            Self::NotUtf8 { .. } => "save the file as UTF-8".into(),
            Self::FieldTooLong { .. } => "is a quote not closed, or the delimiter another one?".into(),
            Self::NotANumber { value, .. } => format!(
                "if it stands for a missing value, leave the field empty or name it (`--missing {}`); if the \
                 column is not numeric, declare it categorical before training",
                shorten(value)
            ),
            Self::NotFinite { value, .. } => format!(
                "leave the field empty if the value is missing, or name the token as missing \
                 (`--missing {}`)",
                shorten(value)
            ),
            Self::TooLarge { .. } => "is the value, or its unit, right?".into(),
            Self::MissingTarget { .. } => "fill in the label or remove the row".into(),
            Self::UnseenLabel { label, classes, .. } => {
                let near = did_you_mean(std::slice::from_ref(label), classes);
                format!("{near}the classes are {}", list(classes))
            }
            Self::OneClass { .. } => "is this the target column?".into(),
            Self::ClassWithOneRow { .. } => {
                "add rows of the class, merge it with another one, or remove the row".into()
            }
            Self::NoUsableColumn { .. } => "a usable column has at least two different values".into(),
            Self::TooFewRows { .. } => "use fewer folds or more rows".into(),
            Self::TooManyCategories { .. } => "remove the column".into(),
            Self::ArrayFile { .. } => {
                "is the file of the format that its name says? if so, write it again".into()
            }
            Self::BadArray { .. } => {
                "each array must have one row per sample: numbers or texts [n], or numbers [n, d]".into()
            }
            Self::NotBuiltIn { feature, .. } => format!("build with the feature `{feature}` of exact-data"),
            Self::UnsupportedType { .. }
            | Self::LabelOutOfRange { .. }
            | Self::Setting { .. }
            | Self::Inconsistent { .. }
            | Self::TensorFile { .. } => return None,
        };
        Some(hint)
    }
}

fn read_hint(error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Some("the compressed file is cut short; copy it again".into()),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            Some("the compressed file is damaged; copy it again".into())
        }
        _ => None,
    }
}

fn write_hint(path: &std::path::Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
            Some(format!("the folder {} does not exist", folder.display()))
        }
        io::ErrorKind::PermissionDenied => Some("choose a folder that you may write to".into()),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Some("make room there, or choose another disk; what stood there before is untouched".into())
        }
        _ => None,
    }
}

fn column_hint(wanted: &[String], columns: &[String]) -> String {
    format!("{}the columns are {}", did_you_mean(wanted, columns), list(columns))
}
