//! The encoding of a table, fitted on the training data and stored with the model.

mod block;
mod columns;
mod dates;
mod sparse;
mod words;

use std::collections::HashSet;

use arrow_array::{Array as _, Float64Array};
use serde::{Deserialize, Serialize};

use self::block::{Block, Indicators, count_categories};
use self::columns::Columns;
use self::sparse::SparseColumns;
use self::words::Words;
use crate::error::Warning;
use crate::plan::{Columns as ColumnsToRead, ReadOptions};
use crate::profile::{DatePart, Reading};
use crate::standardisation::Standardisation;
use crate::table::Column;
use crate::{CsrMatrix, DataError, Features, FileForm, Layout, Table};

/// How to encode a table.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EncoderOptions {
    /// Whether a numeric column with missing values gets an indicator column that says where they are.
    pub missing_indicator: bool,
}

/// The encoding of a table: everything that turns columns into [`Features`], fitted on the training data.
///
/// - A numeric column is standardised with the mean and the population standard deviation of the training
///   rows; a missing value is replaced by the mean, before the standard deviation is taken.
/// - A categorical column becomes one indicator per category of the training data, and one for the missing
///   value if it occurs there. A category that does not, or a missing value where training has none, has no
///   indicator: all of the block are 0 ([`Features::ABSENT`]). Indicators are standardised as numbers are.
/// - A column of dates becomes its time, a number, and the month, the weekday and the hour where these come
///   round in the training data.
/// - A column of text becomes the TF-IDF weights of its words, and the columns of a sparse file stay sparse.
/// - Columns that are constant or empty in the training data are dropped, with a [`Warning`].
///
/// # Example
/// ```
/// use exact_data::{Encoder, EncoderOptions, ReadOptions, Source, Table};
/// let source = Source::bytes("cars.csv", b"doors,colour\n2,red\n4,\n".as_slice());
/// let table = Table::read(&source, &ReadOptions::default())?;
/// let (encoder, warnings) = Encoder::fit(&table, &EncoderOptions::default())?;
/// assert!(warnings.is_empty());
/// assert_eq!(encoder.column_names(), ["doors", "colour=red", "colour=<missing>"]);
/// assert_eq!(encoder.transform(&table)?.row(0), [-1.0, 1.0, -1.0]);
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    dense: Vec<StandardisedColumn>,
    blocks: Vec<Block>,
    missing_tokens: Vec<String>,
    /// The texts that were missing values in one column alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing_in: Vec<(String, Vec<String>)>,
    /// How the columns are read. Files of before there were readings have none: it follows from the kind.
    #[serde(default)]
    readings: Vec<(String, Reading)>,
    #[serde(default)]
    form: FileForm,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    words: Vec<Words>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sparse: Option<SparseColumns>,
}

/// A numeric column, which becomes the feature `(value - mean) / std`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StandardisedColumn {
    /// Its name.
    pub column: String,
    /// The mean of the training rows.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
    /// The part of a date that it is of; none for a number, or for the time as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<DatePart>,
}

impl Encoder {
    /// Fits the encoding to the features of a training table; its target column is left out.
    ///
    /// # Errors
    /// [`DataError::NoUsableColumn`] if all columns are constant or empty.
    pub fn fit(table: &Table, options: &EncoderOptions) -> Result<(Self, Vec<Warning>), DataError> {
        let mut encoder = Self {
            dense: Vec::new(),
            blocks: Vec::new(),
            missing_tokens: table.missing().to_vec(),
            missing_in: table.missing_in(),
            readings: Vec::new(),
            form: table.form().clone(),
            words: Vec::new(),
            sparse: table.sparse().map(SparseColumns::fit),
        };
        let mut warnings = Vec::new();
        for (name, reading, values) in table.features()? {
            let (empty, used) = match values {
                Column::Numeric(values) => {
                    let used = encoder.fit_numbers(name, reading, values);
                    let empty = values.null_count() == values.len();
                    if options.missing_indicator && values.null_count() > 0 && !empty {
                        let counts = [values.null_count()];
                        encoder.blocks.push(Block::new(
                            name,
                            Indicators::NumberMissing,
                            &counts,
                            values.len(),
                        ));
                    }
                    (empty, used)
                }
                Column::Categorical(values) if *reading == Reading::Text => {
                    let words = Words::fit(name, values);
                    let used = words.n_words() > 0;
                    encoder.words.extend(used.then_some(words));
                    (false, used)
                }
                Column::Categorical(values) => {
                    let (categories, counts, missing) = count_categories(values);
                    let empty = categories.is_empty();
                    let indicators = Indicators::Categories { categories, missing };
                    let used = indicators.len() >= 2;
                    if used {
                        encoder.blocks.push(Block::new(name, indicators, &counts, table.n_rows()));
                    }
                    (empty, used)
                }
            };
            let column = name.to_string();
            match (empty, used) {
                (true, _) => warnings.push(Warning::EmptyColumn { column }),
                (false, false) => warnings.push(Warning::ConstantColumn { column }),
                (false, true) => encoder.readings.push((column, reading.clone())),
            }
        }
        if encoder.n_columns() == 0 {
            let is_left_out =
                |warning: &&Warning| matches!(warning, Warning::Identifier { .. } | Warning::FreeText { .. });
            let read = table.warnings().iter().filter(is_left_out).cloned();
            let left_out = read.chain(warnings).collect();
            return Err(DataError::NoUsableColumn { file: table.name().into(), left_out });
        }
        Ok((encoder, warnings))
    }

    /// Standardises a column, and the parts of dates that come round; whether it is of use.
    fn fit_numbers(&mut self, name: &str, reading: &Reading, values: &Float64Array) -> bool {
        let mut used = false;
        let parts = match reading {
            Reading::Date(_) => dates::parts(values),
            _ => Vec::new(),
        };
        for part in std::iter::once(None).chain(parts.into_iter().map(Some)) {
            let of_part = part.map(|part| dates::part_of(values, part));
            if let Some(Standardisation { mean, std }) =
                Standardisation::of(of_part.as_ref().unwrap_or(values))
            {
                self.dense.push(StandardisedColumn { column: name.into(), mean, std, part });
                used = true;
            }
        }
        used
    }

    /// Encodes a table that has the columns of the training table, of the same kinds; others are ignored.
    ///
    /// # Errors
    /// [`DataError`] if columns are missing or of another kind, or a value is too far from those of training
    /// to be standardised.
    pub fn transform(&self, table: &Table) -> Result<Features, DataError> {
        Ok(self.transform_with_warnings(table)?.0)
    }

    /// The same, with a warning for each column that has values which training did not have.
    ///
    /// # Errors
    /// As [`Encoder::transform`].
    pub fn transform_with_warnings(&self, table: &Table) -> Result<(Features, Vec<Warning>), DataError> {
        self.check_columns(table)?;
        let columns = Columns::of(table)?;
        let dense = self.standardise(table, &columns)?;
        let n_blocks = self.blocks.len();
        let mut codes = vec![Features::ABSENT; table.n_rows() * n_blocks];
        let mut warnings = Vec::new();
        for (at, block) in self.blocks.iter().enumerate() {
            for (row, code) in block.codes(table, &columns, &mut warnings)?.into_iter().enumerate() {
                codes[row * n_blocks + at] = code;
            }
        }
        let features = Features::new(table.n_rows(), dense, codes, self.layout())?;
        Ok((features.with_sparse(self.sparse_part(table, &columns)?)?, warnings))
    }

    /// The words of the columns of text and the columns of a sparse file, side by side.
    fn sparse_part(
        &self,
        table: &Table,
        columns: &Columns<'_>,
    ) -> Result<Option<CsrMatrix<'static>>, DataError> {
        let mut parts = Vec::new();
        for words in &self.words {
            parts.push(words.transform(columns.categories(&words.column)?));
        }
        if let Some(sparse) = &self.sparse {
            parts.push(sparse.transform(table)?);
        }
        Ok(CsrMatrix::side_by_side(&parts))
    }

    /// The names of the encoded columns: `age`, `workclass=Private`, `workclass=<missing>`, `age is missing`.
    pub fn column_names(&self) -> Vec<String> {
        let name = |dense: &StandardisedColumn| match dense.part {
            Some(part) => format!("{}.{}", dense.column, part.name()),
            None => dense.column.clone(),
        };
        let mut names: Vec<String> = self.dense.iter().map(name).collect();
        for Block { column, indicators, .. } in &self.blocks {
            match indicators {
                Indicators::NumberMissing => names.push(format!("{column} is missing")),
                Indicators::Categories { categories, missing } => {
                    names.extend(categories.iter().map(|category| format!("{column}={category}")));
                    names.extend(missing.then(|| format!("{column}=<missing>")));
                }
            }
        }
        names.extend(self.words.iter().flat_map(Words::column_names));
        names.extend(self.sparse.iter().flat_map(SparseColumns::column_names));
        names
    }

    /// The numeric columns, which are the first of the encoded ones.
    pub fn standardised_columns(&self) -> &[StandardisedColumn] {
        &self.dense
    }

    /// The number of encoded columns.
    pub fn n_columns(&self) -> usize {
        self.dense.len()
            + self.blocks.iter().map(|block| block.mean.len()).sum::<usize>()
            + self.words.iter().map(Words::n_words).sum::<usize>()
            + self.sparse.as_ref().map_or(0, SparseColumns::n_columns)
    }

    /// The columns of a table that are used, and how they are read.
    pub fn columns(&self) -> Vec<(String, Reading)> {
        if !self.readings.is_empty() {
            return self.readings.clone();
        }
        let numeric = self.dense.iter().map(|dense| (&dense.column, crate::ColumnKind::Numeric));
        let blocks = self.blocks.iter().map(|block| (&block.column, block.kind()));
        let mut seen = HashSet::new();
        let used = numeric.chain(blocks).filter(|(column, _)| seen.insert(*column));
        used.map(|(column, kind)| (column.clone(), Reading::plain(kind))).collect()
    }

    /// How to read further data for this encoder: its columns as they were read in training, the tokens that
    /// are missing values, and the form of the training file. Name the target in them, and its classes, to
    /// read labels as well.
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions {
            form: self.form.clone(),
            missing: self.missing_tokens.clone(),
            missing_in: self.missing_in.clone(),
            columns: ColumnsToRead::Known(self.columns()),
            ..ReadOptions::default()
        }
    }

    /// Checks an encoder that was deserialised: that its parts fit together and its numbers are finite.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`].
    pub fn validate(&self) -> Result<(), DataError> {
        let fail = |column: &str, problem: &str| {
            let problem = format!("has a column `{column}` with {problem}");
            Err(DataError::Inconsistent { what: "encoder", problem })
        };
        if self.n_columns() == 0 {
            return Err(DataError::Inconsistent { what: "encoder", problem: "has no columns".into() });
        }
        let usable = |mean: f64, std: f64| mean.is_finite() && std.is_finite() && std > 0.0;
        let mut seen = HashSet::new();
        let mut seen_parts = HashSet::new();
        for StandardisedColumn { column, mean, std, part } in &self.dense {
            seen.insert(column);
            if !seen_parts.insert((column, part)) {
                return fail(column, "the name of another");
            }
            if !usable(*mean, *std) {
                return fail(column, "a mean or standard deviation that is not usable");
            }
        }
        let mut seen_blocks = HashSet::new();
        for Block { column, indicators, mean, std } in &self.blocks {
            let numeric = *indicators == Indicators::NumberMissing;
            if !seen_blocks.insert(column) || (!numeric && seen.contains(column)) {
                return fail(column, "the name of another");
            }
            if mean.len() != indicators.len() || std.len() != indicators.len() || mean.is_empty() {
                return fail(column, "means or standard deviations of another number than its indicators");
            }
            if !mean.iter().zip(std).all(|(&mean, &std)| usable(mean, std)) {
                return fail(column, "a mean or standard deviation that is not usable");
            }
            if let Indicators::Categories { categories, .. } = indicators
                && categories.iter().collect::<HashSet<_>>().len() != categories.len()
            {
                return fail(column, "a category that stands twice");
            }
        }
        for words in &self.words {
            if !words.is_valid() {
                return fail(&words.column, "words whose weights are not usable");
            }
        }
        if self.sparse.as_ref().is_some_and(|sparse| !sparse.is_valid()) {
            return fail("0", "a mean or standard deviation that is not usable");
        }
        Ok(())
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::dense(self.dense.len());
        for Block { mean, std, .. } in &self.blocks {
            layout.indicator_mean.extend(mean);
            layout.indicator_std.extend(std);
            layout.block_offsets.push(layout.indicator_mean.len());
        }
        for words in &self.words {
            layout.sparse_mean.resize(layout.sparse_mean.len() + words.n_words(), 0.0);
            layout.sparse_std.resize(layout.sparse_std.len() + words.n_words(), 1.0);
        }
        if let Some(sparse) = &self.sparse {
            layout.sparse_mean.extend(sparse.mean());
            layout.sparse_std.extend(sparse.std());
        }
        layout
    }

    fn check_columns(&self, table: &Table) -> Result<(), DataError> {
        let present: HashSet<&str> = table.column_names().collect();
        let used = self.columns().into_iter().map(|(column, _)| column);
        let missing: Vec<String> = used.filter(|column| !present.contains(column.as_str())).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let columns = table.column_names().map(String::from).collect();
        Err(DataError::MissingColumns { file: table.name().into(), missing, columns })
    }

    fn standardise(&self, table: &Table, by_name: &Columns<'_>) -> Result<Vec<f64>, DataError> {
        // Columns are written to rows in pieces that stay in the cache.
        const ROWS: usize = 256;
        let (n_rows, n_dense) = (table.n_rows(), self.dense.len());
        let mut columns = Vec::with_capacity(n_dense);
        for dense in &self.dense {
            columns.push((dense, by_name.numbers(&dense.column)?));
        }
        let mut standardised = vec![0.0; n_rows * n_dense];
        for start in (0..n_rows).step_by(ROWS) {
            for (at, (dense, values)) in columns.iter().enumerate() {
                for row in start..n_rows.min(start + ROWS) {
                    if values.is_null(row) {
                        continue;
                    }
                    let value = dense.part.map_or(Some(values.value(row)), |part| part.of(values.value(row)));
                    let value = (value.unwrap_or(f64::NAN) - dense.mean) / dense.std;
                    if !value.is_finite() {
                        let place = table.place(row, &dense.column);
                        return Err(DataError::TooLarge { place, value: values.value(row) });
                    }
                    standardised[row * n_dense + at] = value;
                }
            }
        }
        Ok(standardised)
    }
}
