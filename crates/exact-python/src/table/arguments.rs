//! How tables are to be read, as dictionaries from Python.

use exact_data::{Columns, DateOrder, Declared, FileForm, ReadOptions};
use pyo3::exceptions::PyValueError;
use pyo3::{FromPyObject, PyResult};

/// How to read a table that nothing is known of: the items of a dictionary.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct ReadingArgument {
    categorical: Vec<String>,
    numeric: Vec<String>,
    text: Vec<String>,
    drop: Vec<String>,
    keep: Vec<String>,
    missing: Vec<String>,
    weight: Option<String>,
    group: Option<String>,
    date_order: Option<String>,
    form: FormArgument,
}

/// How files are written, where their content does not say it: the items of a dictionary.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct FormArgument {
    delimiter: Option<String>,
    header: Option<bool>,
    skip: Option<usize>,
    comment: Option<String>,
    encoding: Option<String>,
    decimal: Option<String>,
    sheet: Option<String>,
}

impl ReadingArgument {
    /// The options of reading.
    ///
    /// # Errors
    /// A `ValueError` for what is none of the values that an option has.
    pub fn options(self) -> PyResult<ReadOptions> {
        let mut declared = Declared::default();
        declared.categorical = self.categorical;
        declared.numeric = self.numeric;
        declared.text = self.text;
        declared.drop = self.drop;
        declared.keep = self.keep;
        let mut options = ReadOptions::default();
        options.columns = Columns::Infer(declared);
        options.missing = self.missing;
        options.weight = self.weight;
        options.group = self.group;
        options.date_order = match self.date_order.as_deref() {
            None => None,
            Some("day-first") => Some(DateOrder::DayFirst),
            Some("month-first") => Some(DateOrder::MonthFirst),
            Some(other) => {
                let message = format!("date_order must be 'day-first' or 'month-first', got '{other}'");
                return Err(PyValueError::new_err(message));
            }
        };
        options.form = self.form.over(FileForm::default())?;
        Ok(options)
    }
}

impl FormArgument {
    /// A form that is known, with what is given in its place.
    ///
    /// # Errors
    /// A `ValueError` for a character that cannot have that role.
    pub fn over(self, known: FileForm) -> PyResult<FileForm> {
        let mut form = known;
        if let Some(delimiter) = self.delimiter {
            form.delimiter = Some(match delimiter.as_bytes() {
                [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => *byte,
                _ => return Err(refused("delimiter", "one ASCII character, no quote or end of a line")),
            });
        }
        if let Some(comment) = self.comment {
            form.comment = Some(match comment.as_bytes() {
                [byte] if byte.is_ascii_graphic() && *byte != b'"' => *byte,
                _ => return Err(refused("comment", "one ASCII character, no blank or quote")),
            });
        }
        if let Some(decimal) = self.decimal {
            form.decimal = Some(match decimal.as_str() {
                "." => '.',
                "," => ',',
                _ => return Err(refused("decimal", "a point or a comma")),
            });
        }
        form.header = self.header.unwrap_or(form.header);
        form.skip = self.skip.unwrap_or(form.skip);
        form.encoding = self.encoding.or(form.encoding);
        form.sheet = self.sheet.or(form.sheet);
        Ok(form)
    }
}

fn refused(option: &str, expected: &str) -> pyo3::PyErr {
    PyValueError::new_err(format!("form['{option}'] must be {expected}"))
}
