//! Costs of predictions, from a file.

use std::collections::HashMap;

use crate::cells::Cell;
use crate::error::Place;
use crate::formats;
use crate::raw_table::{RawColumn, RawTable};
use crate::typed::canonical;
use crate::{DataError, FileForm, LabelEncoder, Source};

/// The column of the costs of predicting no class.
const REJECT: &str = "reject";

/// What each prediction costs a row of each class.
///
/// # Example
/// ```
/// use exact_data::{CostMatrix, LabelEncoder, ReadOptions, Source, Table};
///
/// let source = Source::bytes("rows.csv", b"x,label\n1,ham\n2,spam\n".as_slice());
/// let table = Table::read(&source, &ReadOptions::with_target("label"))?;
/// let (labels, _) = LabelEncoder::fit(&table, "label")?;
/// let text = "label,spam,ham,reject\nspam,0,1,0.5\nham,10,0,0.5\n";
/// let source = Source::bytes("costs.csv", text.as_bytes());
/// let costs = CostMatrix::read(&source, &labels)?;
/// // In the order of the classes, ham and spam.
/// assert_eq!(costs.values(), [0.0, 10.0, 0.5, 1.0, 0.0, 0.5]);
/// # Ok::<(), exact_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CostMatrix(Vec<f64>);

impl CostMatrix {
    /// That of a file with a row for each class, which its first column names, and a column for each class
    /// that can be predicted, in any order. One more column, `reject`, has the costs of predicting no class.
    ///
    /// # Errors
    /// [`DataError`] if a class lacks a row or a column, has two, or is none of the labels, or a cost is
    /// missing or no finite number.
    pub fn read(source: &Source<'_>, labels: &LabelEncoder) -> Result<Self, DataError> {
        let RawTable { columns, origin, .. } =
            formats::read_all(std::slice::from_ref(source), &FileForm::default())?;
        let file = origin.name();
        let mut columns = columns.into_iter();
        let names = columns.next().ok_or_else(|| DataError::NoRows { file: file.clone() })?;
        let classes = labels.classes();
        let codes: HashMap<String, usize> = classes.iter().map(|class| canonical(class)).zip(0..).collect();
        let code = |class: String, place: Place| match codes.get(&class) {
            Some(&code) => Ok(code),
            None => Err(DataError::UnseenLabel { place, label: class, classes: classes.to_vec() }),
        };

        let mut row_of = vec![None; classes.len()];
        for (row, cell) in names.cells.iter().enumerate() {
            let class = match cell {
                Cell::Empty => String::new(),
                Cell::Number(number) => canonical(&number.to_string()),
                Cell::Text(text) => canonical(text),
            };
            let place = origin.place(row, &names.name);
            if row_of[code(class, place.clone())?].replace(row).is_some() {
                return Err(DataError::BadCost { place, problem: "is of a class that stands twice".into() });
            }
        }
        // The columns of the classes, then that of no class.
        let mut column_of: Vec<Option<RawColumn>> = (0..=classes.len()).map(|_| None).collect();
        for column in columns {
            let class = canonical(&column.name);
            let place = Place { source: file.clone(), line: 1, column: column.name.clone() };
            let code = if class == REJECT && !codes.contains_key(REJECT) {
                classes.len()
            } else {
                code(class, place.clone())?
            };
            if column_of[code].replace(column).is_some() {
                return Err(DataError::BadCost { place, problem: "is of a class that stands twice".into() });
            }
        }
        let missing = |what: &'static str, is_missing: &dyn Fn(usize) -> bool| {
            let missing: Vec<String> = (0..classes.len())
                .filter(|&class| is_missing(class))
                .map(|class| classes[class].clone())
                .collect();
            let file = file.clone();
            if missing.is_empty() { Ok(()) } else { Err(DataError::MissingCosts { file, what, missing }) }
        };
        missing("row", &|class| row_of[class].is_none())?;
        missing("column", &|class| column_of[class].is_none())?;
        let columns: Vec<RawColumn> = column_of.into_iter().flatten().collect();
        let cost = |row: usize, RawColumn { name, cells }: &RawColumn| {
            let bad = |problem| Err(DataError::BadCost { place: origin.place(row, name), problem });
            match cells.get(row) {
                Cell::Number(cost) if cost.is_finite() => Ok(cost),
                Cell::Number(cost) => bad(format!("is {cost}, no finite number")),
                Cell::Text(text) => bad(format!("is `{text}`, no finite number")),
                Cell::Empty => bad("is missing".into()),
            }
        };
        let costs =
            row_of.into_iter().flatten().flat_map(|row| columns.iter().map(move |column| (row, column)));
        Ok(Self(costs.map(|(row, column)| cost(row, column)).collect::<Result<_, _>>()?))
    }

    /// The costs `[n_classes, n_classes]`, of each label the predictions, or `[n_classes, n_classes + 1]`
    /// where the last are those of predicting no class.
    pub fn values(&self) -> &[f64] {
        &self.0
    }
}
