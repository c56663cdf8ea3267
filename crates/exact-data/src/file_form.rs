//! The form of a file, where its content does not say it.

use serde::{Deserialize, Serialize};

/// How a file is written, beside what its content tells. A model keeps that of its training table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FileForm {
    /// The delimiter of a text; `None` to detect it.
    pub delimiter: Option<u8>,
    /// Whether the first line of a text, or the first row of a sheet, names the columns. They are numbered
    /// from 1 where it does not.
    pub header: bool,
    /// Lines above the header of a text, or rows above that of a sheet, that are no part of the table.
    pub skip: usize,
    /// The character with which lines begin that are no part of a text.
    pub comment: Option<u8>,
    /// The encoding of a text by its name in the WHATWG's Encoding Standard, like `windows-1252`; `None` for
    /// UTF-8, or UTF-16 that a byte order mark or every second byte gives away.
    pub encoding: Option<String>,
    /// The decimal separator of numbers, a point or a comma; `None` to infer it for each column.
    pub decimal: Option<char>,
    /// The sheet of a workbook; the first by default.
    pub sheet: Option<String>,
}

impl Default for FileForm {
    fn default() -> Self {
        Self {
            delimiter: None,
            header: true,
            skip: 0,
            comment: None,
            encoding: None,
            decimal: None,
            sheet: None,
        }
    }
}
