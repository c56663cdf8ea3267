//! How to mend what is wrong with data.

use std::io;

use super::DataError;
use crate::message::{did_you_mean, first, list, list_option, shell_word};

const COST_MATRIX: &str = "a cost matrix has a row for each class, named in the first column, a column of \
                           numbers for each, and perhaps one called `reject`";

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
    #[allow(clippy::too_many_lines, reason = "a list of cases")]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { error, .. } => return read_hint(error),
            Self::Write { path, error } => return write_hint(path, error),
            Self::EmptyFile { .. } | Self::NoRows { .. } => {
                "the first line names the columns, each further line is a row".into()
            }
            Self::RaggedRow { .. } => {
                "put quotes around a field that contains the delimiter; or name the delimiter \
                 (`--delimiter`), or the lines above the header (`--skip`), if they were taken for others"
                    .into()
            }
            Self::UnnamedColumn { .. } => {
                "the first line must name each column (`--skip=1` leaves it out if it is a title, \
                 `--no-header` if it is a row)"
                    .into()
            }
            Self::DuplicateColumn { .. } => {
                "the first line must name each column, and each differently (`--no-header` if it is a row)"
                    .into()
            }
            Self::NoSuchColumn { column, columns, .. } => match with_comma(column, columns) {
                Some(name) => {
                    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
                    format!("a name with a comma stands in double quotes: {}", shell_word(&quoted))
                }
                None => column_hint(std::slice::from_ref(column), columns),
            },
            Self::MissingColumns { missing, columns, .. } => column_hint(missing, columns),
            Self::ConflictingKinds { column, .. } => format!("name `{column}` in one place only"),
            Self::WrongKind { .. } => {
                "read the table with the options of the fitted encoder, and its target as the target".into()
            }
            Self::NotUtf8 { guess, .. } | Self::NotEncoded { guess, .. } => encoding_hint(*guess),
            Self::FieldTooLong { .. } => "is a quote not closed, or the delimiter another one?".into(),
            Self::NotANumber { value, .. } => format!(
                "if it stands for a missing value, leave the field empty or name it (`{}`); if the column is \
                 not numeric, declare it categorical before training",
                list_option("missing", value)
            ),
            Self::NotFinite { value, .. } => format!(
                "leave the field empty if the value is missing, or name the token as missing (`{}`)",
                list_option("missing", value)
            ),
            Self::TooLarge { .. } => "is the value, or its unit, right?".into(),
            Self::MissingTarget { .. } => "fill in the label or remove the row".into(),
            Self::UnseenLabel { label, classes, .. } => {
                let near = did_you_mean(std::slice::from_ref(label), classes);
                format!("{near}the classes are {}", list(classes))
            }
            Self::UniqueTarget { .. } => "a target has classes, which several rows share".into(),
            Self::UnclosedQuote { .. } => {
                "close it, or write a quote within quotes twice; elsewhere a field may not begin with one"
                    .into()
            }
            Self::OneClass { .. } => "is this the target column?".into(),
            Self::NotADate { value, .. } => format!(
                "if it stands for a missing value, leave the field empty or name it (`{}`)",
                list_option("missing", value)
            ),
            Self::ContinuousTarget { column, .. } => {
                format!("if each number is a class, say so: `{}`", list_option("categorical", column))
            }
            Self::BadWeight { .. } => "weights are numbers from 0 on, one for each row and not all 0".into(),
            Self::BadCost { .. } | Self::MissingCosts { .. } => COST_MATRIX.into(),
            Self::NotSparse { .. } => "give a file of the same format, like libsvm's".into(),
            Self::NoUsableColumn { left_out, .. } => {
                let left_out: Vec<String> = left_out.iter().map(ToString::to_string).collect();
                format!("a usable column has at least two different values{}", first_causes(&left_out))
            }
            Self::TooFewGroups { .. } => "use as many folds as there are groups, or fewer".into(),
            Self::MissingGroup { .. } => {
                "name the group in each row; a row that is alone has a name of its own".into()
            }
            Self::TooFewRows { .. } => "use fewer folds or more rows".into(),
            Self::TooManyCategories { .. } => "remove the column".into(),
            Self::BadArray { .. } => {
                "each array must have one row per sample: numbers or texts [n], or numbers [n, d]".into()
            }
            Self::NotBuiltIn { feature, .. } => format!("build with the feature `{feature}` of exact-data"),
            Self::UnknownFormat { mend, .. } | Self::BadLine { mend, .. } => (*mend).into(),
            Self::DamagedFile { .. } => {
                "is the file of the format that its name says? if so, write it again".into()
            }
            Self::Bomb { .. } => "if the table is really so large, unpack it and read the file in it".into(),
            Self::SeveralMembers { .. } => "unpack it, and name one of the files in it".into(),
            Self::NoMember { .. } => "put the table into it, or name another file".into(),
            Self::Encrypted { .. } => "save it without a password".into(),
            Self::NoSuchEncoding { label, known } => {
                let near = did_you_mean(std::slice::from_ref(label), known);
                format!("{near}an encoding is named like `windows-1252`, `latin1` or `shift_jis`")
            }
            Self::LineTooLong { .. } => "is the file a text, and its lines ended?".into(),
            Self::BadColumn { .. } => {
                "save the file without the column, or with one number or text a row in it".into()
            }
            Self::NoSuchSheet { sheet, sheets, .. } => {
                let near = did_you_mean(std::slice::from_ref(sheet), sheets);
                format!("{near}the sheets are {}", list(sheets))
            }
            Self::MixedColumns { .. } => {
                "files that are one table must have the same columns, in any order".into()
            }
            Self::NoFiles { folder: true, .. } => {
                "name its files: in a folder, only those with the extension of a table are read".into()
            }
            Self::NoFiles { folder: false, .. } => {
                "`*` and `?` stand for any characters of a name, `**` for any folders".into()
            }
            Self::BadPattern { .. } => "put brackets around a character that stands for itself: `[[]`".into(),
            Self::UnsupportedType { .. }
            | Self::LabelOutOfRange { .. }
            | Self::Setting { .. }
            | Self::Inconsistent { .. }
            | Self::GroupCount { .. }
            | Self::TensorFile { .. } => return None,
        };
        Some(hint)
    }
}

/// The column of whose name a list between commas made several, of which one is this.
fn with_comma<'a>(part: &str, columns: &'a [String]) -> Option<&'a String> {
    columns.iter().find(|name| name.contains(',') && name.split(',').any(|other| other.trim() == part.trim()))
}

/// What was left out and why, behind a hint.
fn first_causes(left_out: &[String]) -> String {
    const SHOWN: usize = 5;
    if left_out.is_empty() { String::new() } else { format!("; {}", first(SHOWN, left_out, String::clone)) }
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

fn encoding_hint(guess: Option<&str>) -> String {
    match guess {
        Some(guess) => {
            format!("name its encoding, perhaps `--encoding={guess}`, or save the file as UTF-8")
        }
        None => "name its encoding with `--encoding`, or save the file as UTF-8".into(),
    }
}
