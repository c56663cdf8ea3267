//! Blocks of indicators: the categories of a column, or where a number is missing.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Columns;
use crate::error::Warning;
use crate::labels::sort_names;
use crate::table::Categories;
use crate::typed::canonical;
use crate::{ColumnKind, DataError, Features, Table};

/// A block of indicators, with the mean and the standard deviation of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Block {
    pub column: String,
    pub indicators: Indicators,
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Indicators {
    /// One per category, then one for the missing value if training has it.
    Categories { categories: Vec<String>, missing: bool },
    /// One that says where a numeric column has no value.
    NumberMissing,
}

impl Indicators {
    pub fn len(&self) -> usize {
        match self {
            Self::Categories { categories, missing } => categories.len() + usize::from(*missing),
            Self::NumberMissing => 1,
        }
    }
}

impl Block {
    /// A block whose indicators are 1 in `counts` of `n_rows` rows.
    pub fn new(column: &str, indicators: Indicators, counts: &[usize], n_rows: usize) -> Self {
        let mean: Vec<f64> = counts.iter().map(|&count| count as f64 / n_rows as f64).collect();
        let std = mean.iter().map(|mean| (mean * (1.0 - mean)).sqrt()).collect();
        Self { column: column.into(), indicators, mean, std }
    }

    pub fn kind(&self) -> ColumnKind {
        match self.indicators {
            Indicators::Categories { .. } => ColumnKind::Categorical,
            Indicators::NumberMissing => ColumnKind::Numeric,
        }
    }

    /// The code of each row; values without an indicator are warned of.
    pub fn codes(
        &self,
        table: &Table,
        columns: &Columns<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<u32>, DataError> {
        let Indicators::Categories { categories, missing } = &self.indicators else {
            let values = columns.numbers(&self.column)?;
            return Ok(values
                .iter()
                .map(|value| if value.is_none() { 0 } else { Features::ABSENT })
                .collect());
        };
        let values = columns.categories(&self.column)?;
        let mut known: HashMap<String, u32> = HashMap::with_capacity(categories.len());
        for (category, code) in categories.iter().zip(0..) {
            known.entry(canonical(category)).or_insert(code);
        }
        let code_of: Vec<u32> =
            values.texts().map(|text| known.get(text).copied().unwrap_or(Features::ABSENT)).collect();
        let missing = if *missing { categories.len() as u32 } else { Features::ABSENT };
        let (mut unseen, mut first) = (0, None);
        let mut codes = Vec::with_capacity(table.n_rows());
        for (row, code) in values.codes().enumerate() {
            let known = code.map_or(missing, |code| code_of[code]);
            if known == Features::ABSENT {
                unseen += 1;
                first = first.or(Some((row, code)));
            }
            codes.push(known);
        }
        if let Some((row, code)) = first {
            let example = code.map_or(String::new(), |code| values.text(code).into());
            let (column, line) = (self.column.clone(), table.line(row));
            warnings.push(Warning::UnseenCategories { column, count: unseen, example, line });
        }
        Ok(codes)
    }
}

/// The categories that occur, sorted, how often each does, followed by how often the value is missing if it
/// is.
pub(super) fn count_categories(values: Categories<'_>) -> (Vec<String>, Vec<usize>, bool) {
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
