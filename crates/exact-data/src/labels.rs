//! Labels: the classes of a target column and their codes.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::error::Warning;
use crate::typed::canonical;
use crate::{DataError, Table};

/// The classes of a target column, in the order of their codes: sorted by value if all names are numbers,
/// else by their bytes.
///
/// # Example
/// ```
/// use exact_data::{LabelEncoder, ReadOptions, Source, Table};
/// let source = Source::bytes("wine.csv", b"hue,label\n1,10\n2,9\n3,10\n4,9\n".as_slice());
/// let table = Table::read(&source, &ReadOptions::with_target("label"))?;
/// let (labels, _warnings) = LabelEncoder::fit(&table, "label")?;
/// assert_eq!(labels.classes(), ["9", "10"]);
/// assert_eq!(labels.transform(&table, "label")?, [1, 0, 1, 0]);
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelEncoder {
    classes: Vec<String>,
}

/// A target with so many classes, of one row each, is none.
const MANY_CLASSES: usize = 20;
/// Classes of one row that are warned of one by one.
const MOST_ALONE: usize = 5;

impl LabelEncoder {
    /// The classes of a column, which must be categorical (the target always is), with a warning for each
    /// class of a single row, and for classes that differ only in case or white space.
    ///
    /// # Errors
    /// [`DataError`] if there is no such column, it is numeric, a value is missing, or all are equal or all
    /// different.
    pub fn fit(table: &Table, column: &str) -> Result<(Self, Vec<Warning>), DataError> {
        let values = table.categorical(column)?;
        // Each class with its first row and its number of rows.
        let mut found: HashMap<&str, (usize, usize)> = HashMap::new();
        for (row, code) in values.codes().enumerate() {
            let code = code.ok_or_else(|| DataError::MissingTarget { place: table.place(row, column) })?;
            found.entry(values.text(code)).or_insert((row, 0)).1 += 1;
        }
        if found.is_empty() {
            return Err(DataError::NoRows { file: table.name().into() });
        }
        let mut classes: Vec<String> = found.keys().map(ToString::to_string).collect();
        sort_names(&mut classes);
        if let [class] = classes.as_slice() {
            let (file, class) = (table.name().into(), class.clone());
            return Err(DataError::OneClass { file, column: column.into(), class });
        }
        if classes.len() == table.n_rows() && classes.len() >= MANY_CLASSES {
            return Err(DataError::UniqueTarget { file: table.name().into(), column: column.into() });
        }
        let mut warnings = Vec::new();
        let mut alone: Vec<(&String, usize)> = Vec::new();
        let mut folded: HashMap<String, &str> = HashMap::new();
        for class in &classes {
            let (row, count) = found[class.as_str()];
            if count == 1 {
                alone.push((class, row));
            }
            let plain = class.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            if let Some(first) = folded.insert(plain, class) {
                let (column, first, second) = (column.into(), first.into(), class.clone());
                warnings.push(Warning::SimilarClasses { column, first, second });
            }
        }
        if alone.len() > MOST_ALONE {
            let classes = alone.into_iter().map(|(class, _)| class.clone()).collect();
            warnings.push(Warning::ClassesWithOneRow { column: column.into(), classes });
        } else {
            warnings.extend(alone.into_iter().map(|(class, row)| Warning::ClassWithOneRow {
                column: column.into(),
                class: class.clone(),
                line: table.line(row),
            }));
        }
        Ok((Self { classes }, warnings))
    }

    /// The code of each row's label.
    ///
    /// # Errors
    /// [`DataError`] if there is no such column, it is numeric, a value is missing, or a label is none of the
    /// classes.
    pub fn transform(&self, table: &Table, column: &str) -> Result<Vec<u32>, DataError> {
        let values = table.categorical(column)?;
        let mut known: HashMap<String, u32> = HashMap::new();
        for (class, code) in self.classes.iter().zip(0..) {
            known.entry(canonical(class)).or_insert(code);
        }
        let code_of: Vec<Option<u32>> = values.texts().map(|text| known.get(text).copied()).collect();
        let encode = |(row, code): (usize, Option<usize>)| {
            let place = || table.place(row, column);
            let code = code.ok_or_else(|| DataError::MissingTarget { place: place() })?;
            code_of[code].ok_or_else(|| DataError::UnseenLabel {
                place: place(),
                label: values.text(code).into(),
                classes: self.classes.clone(),
            })
        };
        values.codes().enumerate().map(encode).collect()
    }

    /// A table without the rows whose label is none of the classes, of which it has a warning then; all of
    /// them if no label is a class.
    ///
    /// # Errors
    /// [`DataError`] if there is no such column, or it is numeric.
    pub fn without_unseen(&self, table: Table, column: &str) -> Result<Table, DataError> {
        let known: HashSet<String> = self.classes.iter().map(|class| canonical(class)).collect();
        let (mut seen, mut unseen, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        let values = table.categorical(column)?;
        for (row, code) in values.codes().enumerate() {
            match code.map(|code| values.text(code)).filter(|label| !known.contains(*label)) {
                Some(label) => {
                    unseen.push(row);
                    labels.push(label.to_string());
                }
                None => seen.push(row),
            }
        }
        if seen.is_empty() || unseen.is_empty() {
            return Ok(table);
        }
        sort_names(&mut labels);
        labels.dedup();
        let (column, line) = (column.into(), table.line(unseen[0]));
        let mut table = table.select(&seen);
        table.warn(Warning::UnseenLabels { column, labels, count: unseen.len(), line });
        Ok(table)
    }

    /// The classes, in the order of their codes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// Checks an encoder that was deserialised: at least 2 classes, each once.
    ///
    /// # Errors
    /// [`DataError::Inconsistent`].
    pub fn validate(&self) -> Result<(), DataError> {
        let distinct: HashSet<&String> = self.classes.iter().collect();
        let problem = if self.classes.len() < 2 {
            "has fewer than 2 classes"
        } else if distinct.len() < self.classes.len() {
            "has a class that stands twice"
        } else {
            return Ok(());
        };
        Err(DataError::Inconsistent { what: "label encoder", problem: problem.into() })
    }
}

/// Sorts names by value if all are numbers, else by their bytes.
///
/// # Example
/// ```
/// let mut names = ["10".to_string(), "9".into()];
/// exact_data::sort_names(&mut names);
/// assert_eq!(names, ["9", "10"]);
/// ```
pub fn sort_names(names: &mut [String]) {
    let numbers: Option<HashMap<String, f64>> =
        names.iter().map(|name| Some((name.clone(), name.parse().ok()?))).collect();
    match numbers {
        // "1" and "1.0" are different names of equal value.
        Some(value_of) => names.sort_by(|a, b| value_of[a].total_cmp(&value_of[b]).then_with(|| a.cmp(b))),
        None => names.sort(),
    }
}
