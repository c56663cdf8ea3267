//! Tables: named columns of numbers or categories, with the source line of each row.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, Float64Array, LargeStringArray, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::DataType;
use arrow_select::take::take_record_batch;

use crate::error::{Place, Warning};
use crate::origin::Origin;
use crate::profile::{ColumnProfile, Reading};
use crate::{ColumnKind, CsrMatrix, DataError, FileForm};

/// A table in Arrow's memory format: columns of numbers and of dates, in seconds since the beginning of 1970,
/// are `Float64`, those of categories and texts `Dictionary(UInt32, LargeUtf8)`; missing values are nulls.
///
/// # Example
/// ```
/// use exact_data::{ReadOptions, Source, Table};
/// let source = Source::bytes("cars.csv", b"doors,colour\n2,red\n4,\n".as_slice());
/// let table = Table::read(&source, &ReadOptions::default())?;
/// assert_eq!((table.n_rows(), table.n_columns()), (2, 2));
/// assert_eq!(table.line(1), 3);
/// assert_eq!(table.record_batch().column(1).null_count(), 1);
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    batch: RecordBatch,
    origin: Origin,
    parts: Parts,
}

/// What a table has beside its columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub target: Option<String>,
    pub missing: Vec<String>,
    pub form: FileForm,
    pub readings: Vec<ReadColumn>,
    pub profiles: Vec<ColumnProfile>,
    pub warnings: Vec<Warning>,
    pub weights: Option<Vec<f64>>,
    pub groups: Option<Vec<u32>>,
    pub ids: Vec<(String, Vec<String>)>,
    pub sparse: Option<CsrMatrix<'static>>,
}

/// A column and how its cells were read.
#[derive(Debug, Clone)]
pub(crate) struct ReadColumn {
    pub column: String,
    pub reading: Reading,
    /// The texts that are missing values in it alone.
    pub strays: Vec<String>,
}

/// The values of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column<'a> {
    Numeric(&'a Float64Array),
    Categorical(Categories<'a>),
}

/// A dictionary column: the code of each row and the texts that codes stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Categories<'a> {
    codes: &'a UInt32Array,
    texts: &'a LargeStringArray,
}

impl<'a> Categories<'a> {
    /// The texts of all codes; a text may stand twice, and need not occur in any row.
    pub(crate) fn texts(self) -> impl Iterator<Item = &'a str> {
        (0..self.texts.len()).map(move |code| self.texts.value(code))
    }

    /// The code of each row, `None` where it is missing.
    pub(crate) fn codes(self) -> impl Iterator<Item = Option<usize>> {
        self.codes
            .iter()
            .map(move |code| code.map(|code| code as usize).filter(|&code| self.texts.is_valid(code)))
    }

    /// The text of a code.
    pub(crate) fn text(self, code: usize) -> &'a str {
        self.texts.value(code)
    }
}

impl Table {
    /// A table of a record batch, for data that does not come from a file. `name` stands for the file in
    /// messages, and the rows count as lines from 1.
    ///
    /// # Errors
    /// [`DataError`] if the batch has no rows, a column name is empty or not unique, a column is neither
    /// `Float64` nor `Dictionary(UInt32, LargeUtf8)`, or a number is not finite.
    pub fn from_record_batch(name: &str, batch: RecordBatch) -> Result<Self, DataError> {
        let lines = (1..=batch.num_rows() as u64).collect();
        let names: Vec<&str> =
            batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
        check_names(name, &names)?;
        let mut table =
            Self { name: name.into(), batch, origin: Origin::new(name, lines), parts: Parts::default() };
        if table.n_rows() == 0 {
            return Err(DataError::NoRows { file: table.name });
        }
        let mut readings = Vec::new();
        for column in table.column_names() {
            let kind = table.kind(column)?;
            readings.push(ReadColumn {
                column: column.into(),
                reading: Reading::plain(kind),
                strays: Vec::new(),
            });
            let Column::Numeric(values) = table.column(column)? else { continue };
            let unusable = |value: Option<f64>| value.is_some_and(|value| !value.is_finite());
            if let Some(row) = values.iter().position(unusable) {
                let value = values.value(row).to_string();
                return Err(DataError::NotFinite { place: table.place(row, column), value });
            }
        }
        table.parts.readings = readings;
        Ok(table)
    }

    pub(crate) fn from_parts(name: String, batch: RecordBatch, origin: Origin, parts: Parts) -> Self {
        Self { name, batch, origin, parts }
    }

    /// The name of the source: the file's path, or what it was called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The number of columns, the target included.
    pub fn n_columns(&self) -> usize {
        self.batch.num_columns()
    }

    /// The names of the columns, the target included.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.batch.schema_ref().fields().iter().map(|field| field.name().as_str())
    }

    /// What a column holds.
    ///
    /// # Errors
    /// [`DataError::NoSuchColumn`].
    pub fn kind(&self, column: &str) -> Result<ColumnKind, DataError> {
        Ok(match self.column(column)? {
            Column::Numeric(_) => ColumnKind::Numeric,
            Column::Categorical(_) => ColumnKind::Categorical,
        })
    }

    /// The target column, if one was named on reading. It is no feature.
    pub fn target(&self) -> Option<&str> {
        self.parts.target.as_deref()
    }

    /// The tokens that were read as missing values in every column.
    pub fn missing(&self) -> &[String] {
        &self.parts.missing
    }

    /// How the file was written.
    pub fn form(&self) -> &FileForm {
        &self.parts.form
    }

    /// What each column was taken for, and why, in the order of the file.
    pub fn profiles(&self) -> &[ColumnProfile] {
        &self.parts.profiles
    }

    /// What reading noticed: columns that were left out, texts that count as missing.
    pub fn warnings(&self) -> &[Warning] {
        &self.parts.warnings
    }

    /// The sample weights, `[n_rows]`, if a column of them was named.
    pub fn weights(&self) -> Option<&[f64]> {
        self.parts.weights.as_deref()
    }

    /// The group of each row, `[n_rows]`, if a column of them was named: numbers from 0 on.
    pub fn groups(&self) -> Option<&[u32]> {
        self.parts.groups.as_deref()
    }

    /// The columns that are kept beside the predictions: names and values, `[n_rows]`.
    pub fn ids(&self) -> &[(String, Vec<String>)] {
        &self.parts.ids
    }

    /// The columns of a sparse file, named by their number.
    pub fn sparse(&self) -> Option<&CsrMatrix<'static>> {
        self.parts.sparse.as_ref()
    }

    /// The columns of the features, with how they were read: all but the target.
    pub(crate) fn features(&self) -> Result<Vec<(&str, &Reading, Column<'_>)>, DataError> {
        let mut features = Vec::with_capacity(self.n_columns());
        for (ReadColumn { column, reading, .. }, array) in
            self.parts.readings.iter().zip(self.batch.columns())
        {
            if self.target() != Some(column) {
                let values = view(array).ok_or_else(|| self.unsupported_type(column, array))?;
                features.push((column.as_str(), reading, values));
            }
        }
        Ok(features)
    }

    /// The texts that are missing values in one column of numbers or dates alone.
    pub(crate) fn missing_in(&self) -> Vec<(String, Vec<String>)> {
        let strays = self.parts.readings.iter().filter(|column| !column.strays.is_empty());
        strays.map(|column| (column.column.clone(), column.strays.clone())).collect()
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        self.parts.warnings.push(warning);
    }

    /// The columns as Arrow arrays.
    pub fn record_batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// The source line of a row, counted from 1.
    ///
    /// # Panics
    /// If `row` is not below the number of rows.
    pub fn line(&self, row: usize) -> u64 {
        self.origin.line(row)
    }

    /// The rows with the given numbers, in that order, with their source lines.
    ///
    /// # Panics
    /// If a number is not below the number of rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let numbers: UInt64Array = rows.iter().map(|&row| row as u64).collect();
        let batch = take_record_batch(&self.batch, &numbers).expect("each number is one of a row");
        let Parts { weights, groups, .. } = &self.parts;
        let parts = Parts {
            weights: weights.as_ref().map(|weights| rows.iter().map(|&row| weights[row]).collect()),
            groups: groups.as_ref().map(|groups| rows.iter().map(|&row| groups[row]).collect()),
            ids: self
                .parts
                .ids
                .iter()
                .map(|(name, ids)| (name.clone(), rows.iter().map(|&row| ids[row].clone()).collect()))
                .collect(),
            sparse: self.parts.sparse.as_ref().map(|sparse| sparse.select(rows)),
            ..self.parts.clone()
        };
        Self { name: self.name.clone(), batch, origin: self.origin.select(rows), parts }
    }

    pub(crate) fn place(&self, row: usize, column: &str) -> Place {
        self.origin.place(row, column)
    }

    pub(crate) fn column(&self, name: &str) -> Result<Column<'_>, DataError> {
        let array = self.batch.column_by_name(name).ok_or_else(|| self.no_such_column(name))?;
        view(array).ok_or_else(|| self.unsupported_type(name, array))
    }

    fn unsupported_type(&self, column: &str, array: &ArrayRef) -> DataError {
        let (file, column, found) = (self.name.clone(), column.into(), array.data_type().to_string());
        DataError::UnsupportedType { file, column, found }
    }

    pub(crate) fn no_such_column(&self, column: &str) -> DataError {
        let columns = self.column_names().map(String::from).collect();
        DataError::NoSuchColumn { file: self.name.clone(), column: column.into(), columns }
    }

    pub(crate) fn categorical(&self, name: &str) -> Result<Categories<'_>, DataError> {
        match self.column(name)? {
            Column::Categorical(categories) => Ok(categories),
            Column::Numeric(_) => Err(self.wrong_kind(name, ColumnKind::Numeric, ColumnKind::Categorical)),
        }
    }

    pub(crate) fn wrong_kind(&self, column: &str, found: ColumnKind, expected: ColumnKind) -> DataError {
        DataError::WrongKind { file: self.name.clone(), column: column.into(), found, expected }
    }
}

/// Checks that each column has a name of its own.
pub(crate) fn check_names(file: &str, names: &[&str]) -> Result<(), DataError> {
    let mut seen = std::collections::HashMap::new();
    for (at, &name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(DataError::UnnamedColumn { file: file.into(), position: at + 1 });
        }
        if let Some(first) = seen.insert(name, at) {
            return Err(DataError::DuplicateColumn {
                file: file.into(),
                column: name.into(),
                first: first + 1,
                second: at + 1,
            });
        }
    }
    Ok(())
}

fn view(array: &ArrayRef) -> Option<Column<'_>> {
    match array.data_type() {
        DataType::Float64 => array.as_primitive_opt::<Float64Type>().map(Column::Numeric),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_dictionary_opt::<UInt32Type>()?;
            let texts = dictionary.values().as_string_opt::<i64>()?;
            Some(Column::Categorical(Categories { codes: dictionary.keys(), texts }))
        }
        _ => None,
    }
}
