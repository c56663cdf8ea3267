//! The encoding of a table, fitted on the training data and stored with the model.

use std::collections::{HashMap, HashSet};

use arrow_array::Array;
use serde::{Deserialize, Serialize};

use crate::error::Warning;
use crate::labels::sort_names;
use crate::plan::{Columns, ReadOptions};
use crate::standardisation::Standardisation;
use crate::table::{Categories, Column};
use crate::{ColumnKind, DataError, Features, Layout, Table};

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
}

/// A block of indicators, with the mean and the standard deviation of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Block {
    column: String,
    indicators: Indicators,
    mean: Vec<f64>,
    std: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Indicators {
    /// One per category, then one for the missing value if training has it.
    Categories { categories: Vec<String>, missing: bool },
    /// One that says where a numeric column has no value.
    NumberMissing,
}

impl Indicators {
    fn len(&self) -> usize {
        match self {
            Self::Categories { categories, missing } => categories.len() + usize::from(*missing),
            Self::NumberMissing => 1,
        }
    }
}

impl Encoder {
    /// Fits the encoding to the features of a training table; its target column is left out.
    ///
    /// # Errors
    /// [`DataError::NoUsableColumn`] if all columns are constant or empty.
    pub fn fit(table: &Table, options: &EncoderOptions) -> Result<(Self, Vec<Warning>), DataError> {
        let mut encoder =
            Self { dense: Vec::new(), blocks: Vec::new(), missing_tokens: table.missing().to_vec() };
        let mut warnings = Vec::new();
        for name in table.column_names().filter(|&name| table.target() != Some(name)) {
            let column = name.to_string();
            let (empty, dropped) = match table.column(name)? {
                Column::Numeric(values) => {
                    let scale = Standardisation::of(values);
                    if let Some(Standardisation { mean, std }) = scale {
                        encoder.dense.push(StandardisedColumn { column: column.clone(), mean, std });
                    }
                    let empty = values.null_count() == values.len();
                    if options.missing_indicator && values.null_count() > 0 && !empty {
                        let counts = [values.null_count()];
                        let block = Block::new(name, Indicators::NumberMissing, &counts, values.len());
                        encoder.blocks.push(block);
                    }
                    (empty, scale.is_none())
                }
                Column::Categorical(values) => {
                    let (categories, counts, missing) = count_categories(values);
                    let empty = categories.is_empty();
                    let indicators = Indicators::Categories { categories, missing };
                    let constant = indicators.len() < 2;
                    if !constant {
                        encoder.blocks.push(Block::new(name, indicators, &counts, table.n_rows()));
                    }
                    (empty, constant)
                }
            };
            match (empty, dropped) {
                (true, _) => warnings.push(Warning::EmptyColumn { column }),
                (false, true) => warnings.push(Warning::ConstantColumn { column }),
                (false, false) => {}
            }
        }
        if encoder.n_columns() == 0 {
            return Err(DataError::NoUsableColumn { file: table.name().into() });
        }
        Ok((encoder, warnings))
    }

    /// Encodes a table that has the columns of the training table, of the same kinds; others are ignored.
    ///
    /// # Errors
    /// [`DataError`] if columns are missing or of another kind, or a value is too far from those of training
    /// to be standardised.
    pub fn transform(&self, table: &Table) -> Result<Features, DataError> {
        self.check_columns(table)?;
        let dense = self.standardise(table)?;
        let n_blocks = self.blocks.len();
        let mut codes = vec![Features::ABSENT; table.n_rows() * n_blocks];
        for (at, block) in self.blocks.iter().enumerate() {
            for (row, code) in block.codes(table)?.into_iter().enumerate() {
                codes[row * n_blocks + at] = code;
            }
        }
        Features::new(table.n_rows(), dense, codes, self.layout())
    }

    /// The names of the encoded columns: `age`, `workclass=Private`, `workclass=<missing>`, `age is missing`.
    pub fn column_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.dense.iter().map(|dense| dense.column.clone()).collect();
        for Block { column, indicators, .. } in &self.blocks {
            match indicators {
                Indicators::NumberMissing => names.push(format!("{column} is missing")),
                Indicators::Categories { categories, missing } => {
                    names.extend(categories.iter().map(|category| format!("{column}={category}")));
                    names.extend(missing.then(|| format!("{column}=<missing>")));
                }
            }
        }
        names
    }

    /// The numeric columns, which are the first of the encoded ones.
    pub fn standardised_columns(&self) -> &[StandardisedColumn] {
        &self.dense
    }

    /// The number of encoded columns.
    pub fn n_columns(&self) -> usize {
        self.dense.len() + self.blocks.iter().map(|block| block.mean.len()).sum::<usize>()
    }

    /// The columns of a table that are used, with their kinds.
    pub fn columns(&self) -> Vec<(String, ColumnKind)> {
        let numeric = self.dense.iter().map(|dense| (&dense.column, ColumnKind::Numeric));
        let blocks = self.blocks.iter().map(|block| (&block.column, block.kind()));
        let mut seen = HashSet::new();
        let used = numeric.chain(blocks).filter(|(column, _)| seen.insert(*column));
        used.map(|(column, kind)| (column.clone(), kind)).collect()
    }

    /// How to read further data for this encoder: its columns with their kinds, and the tokens that are
    /// missing values. Name the target in them to read labels as well.
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions {
            missing: self.missing_tokens.clone(),
            columns: Columns::Known(self.columns()),
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
        for StandardisedColumn { column, mean, std } in &self.dense {
            if !seen.insert(column) {
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
        Ok(())
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::dense(self.dense.len());
        for Block { mean, std, .. } in &self.blocks {
            layout.indicator_mean.extend(mean);
            layout.indicator_std.extend(std);
            layout.block_offsets.push(layout.indicator_mean.len());
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

    fn standardise(&self, table: &Table) -> Result<Vec<f64>, DataError> {
        // Columns are written to rows in pieces that stay in the cache.
        const ROWS: usize = 256;
        let (n_rows, n_dense) = (table.n_rows(), self.dense.len());
        let mut columns = Vec::with_capacity(n_dense);
        for dense in &self.dense {
            columns.push((dense, table.numeric(&dense.column)?));
        }
        let mut standardised = vec![0.0; n_rows * n_dense];
        for start in (0..n_rows).step_by(ROWS) {
            for (at, (dense, values)) in columns.iter().enumerate() {
                for row in start..n_rows.min(start + ROWS) {
                    if values.is_null(row) {
                        continue;
                    }
                    let value = (values.value(row) - dense.mean) / dense.std;
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

impl Block {
    /// A block whose indicators are 1 in `counts` of `n_rows` rows.
    fn new(column: &str, indicators: Indicators, counts: &[usize], n_rows: usize) -> Self {
        let mean: Vec<f64> = counts.iter().map(|&count| count as f64 / n_rows as f64).collect();
        let std = mean.iter().map(|mean| (mean * (1.0 - mean)).sqrt()).collect();
        Self { column: column.into(), indicators, mean, std }
    }

    fn kind(&self) -> ColumnKind {
        match self.indicators {
            Indicators::Categories { .. } => ColumnKind::Categorical,
            Indicators::NumberMissing => ColumnKind::Numeric,
        }
    }

    /// The code of each row.
    fn codes(&self, table: &Table) -> Result<Vec<u32>, DataError> {
        Ok(match &self.indicators {
            Indicators::NumberMissing => {
                let values = table.numeric(&self.column)?;
                (0..values.len()).map(|row| if values.is_null(row) { 0 } else { Features::ABSENT }).collect()
            }
            Indicators::Categories { categories, missing } => {
                let values = table.categorical(&self.column)?;
                let known: HashMap<&str, u32> = categories.iter().map(String::as_str).zip(0..).collect();
                let lookup = |text: &str| known.get(text).copied().unwrap_or(Features::ABSENT);
                let code_of: Vec<u32> = values.texts().map(lookup).collect();
                let missing = if *missing { categories.len() as u32 } else { Features::ABSENT };
                values.codes().map(|code| code.map_or(missing, |code| code_of[code])).collect()
            }
        })
    }
}

/// The categories that occur, sorted, how often each does, followed by how often the value is missing if it
/// is.
fn count_categories(values: Categories<'_>) -> (Vec<String>, Vec<usize>, bool) {
    let mut count_of = vec![0; values.texts().count()];
    let mut missing = 0;
    for code in values.codes() {
        *code.map_or(&mut missing, |code| &mut count_of[code]) += 1;
    }
    let mut total: HashMap<&str, usize> = HashMap::new();
    for (text, count) in values.texts().zip(count_of).filter(|(_, count)| *count > 0) {
        *total.entry(text).or_default() += count;
    }
    let mut categories: Vec<String> = total.keys().map(ToString::to_string).collect();
    sort_names(&mut categories);
    let mut counts: Vec<usize> = categories.iter().map(|category| total[category.as_str()]).collect();
    counts.extend((missing > 0).then_some(missing));
    (categories, counts, missing > 0)
}
