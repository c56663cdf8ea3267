//! Files into tables: format → cells → profile → values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float64Type;
use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use rayon::prelude::*;

use crate::cells::Cells;
use crate::error::Warning;
use crate::message::count;
use crate::plain_number::plain_number;
use crate::plan::{Plan, plan};
use crate::profile::{ColumnProfile, Conventions, Decision, Reading, decide, decide_known, decide_labels};
use crate::raw_table::{RawColumn, RawTable};
use crate::table::{Parts, ReadColumn};
use crate::{ColumnKind, Columns, DataError, ReadOptions, Source, Table, formats, typed};

/// A target with more different numbers than this is asked whether it is one of classes.
const CONTINUOUS_FRACTIONS: usize = 20;
const CONTINUOUS_INTEGERS: usize = 100;

/// A column once it has been decided what it is.
struct Typed {
    plan: Plan,
    profile: ColumnProfile,
    reading: Option<Reading>,
    values: Option<ArrayRef>,
    /// The column as it is, if it is kept beside the predictions.
    id: Option<Vec<String>>,
    /// The texts that were missing values in it alone.
    strays: Vec<String>,
    warning: Option<Warning>,
}

impl Table {
    /// Reads a table. What the file is follows from its content, then from its name; each feature of this
    /// crate adds formats.
    ///
    /// What each column is follows from its values, unless it is declared: see [`Table::profiles`] and
    /// [`Table::warnings`].
    ///
    /// # Errors
    /// [`DataError`]: each way in which a file can fail to be a table is one of its variants.
    pub fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Self, DataError> {
        Self::read_all(std::slice::from_ref(source), options)
    }

    /// Reads several files as one table; all have the same columns, in any order.
    ///
    /// # Errors
    /// As [`Table::read`], and [`DataError::MixedColumns`] if columns differ.
    pub fn read_all(sources: &[Source<'_>], options: &ReadOptions) -> Result<Self, DataError> {
        let raw = formats::read_all(sources, &options.form)?;
        Self::of_cells(raw, options)
    }

    pub(crate) fn of_cells(raw: RawTable, options: &ReadOptions) -> Result<Self, DataError> {
        let is_row =
            raw.has_header && matches!(options.columns, Columns::Infer(_)) && header_is_row(&raw.columns);
        let RawTable { columns, origin, sparse, has_semicolons, .. } = raw;
        let name = origin.name();
        let header: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let plans = plan(&name, &header, options)?;
        if origin.n_rows() == 0 {
            return Err(DataError::NoRows { file: name });
        }
        let numbers = options.missing.iter().filter_map(|token| plain_number(token.as_bytes()));
        let missing_numbers: Vec<f64> = numbers.collect();
        let conventions = Conventions {
            missing: &options.missing,
            missing_numbers: &missing_numbers,
            missing_in: &options.missing_in,
            classes: &options.classes,
            decimal: options.form.decimal,
            prefers_comma: has_semicolons,
            date_order: options.date_order,
            origin: &origin,
        };
        let decided: Vec<Result<Typed, DataError>> = columns
            .into_par_iter()
            .zip(plans)
            .map(|(column, plan)| type_column(column, plan, &conventions))
            .collect();
        let mut parts = Parts::default();
        parts.warnings.extend(is_row.then(|| Warning::HeaderLikeRow { names: header.clone() }));
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for typed in decided {
            let Typed { plan, profile, reading, values, id, strays, warning } = typed?;
            parts.warnings.extend(warning);
            let column = profile.name.clone();
            parts.ids.extend(id.map(|id| (column.clone(), id)));
            match (&plan, values) {
                (Plan::Weight, Some(values)) => {
                    parts.weights = Some(weights(&values, &column, &origin)?);
                }
                (Plan::Group, Some(values)) => parts.groups = Some(groups(&values, &column, &origin)?),
                (Plan::Id, _) | (_, None) => {}
                (_, Some(values)) => {
                    if matches!(plan, Plan::Target { .. }) {
                        parts.target = Some(column.clone());
                    }
                    fields.push(Field::new(&column, values.data_type().clone(), true));
                    arrays.push(values);
                    parts.readings.extend(reading.map(|reading| ReadColumn { column, reading, strays }));
                }
            }
            if plan != Plan::Ignore {
                parts.profiles.push(profile);
            }
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(origin.n_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &rows)
            .map_err(|error| DataError::Inconsistent { what: "table", problem: error.to_string() })?;
        parts.missing.clone_from(&options.missing);
        parts.form = options.form.clone();
        parts.sparse = sparse;
        let may_lack_labels = matches!(options.columns, Columns::Infer(_)) || parts.target.is_some();
        let table = Self::from_parts(name, batch, origin, parts);
        if may_lack_labels { table.without_missing_labels() } else { Ok(table) }
    }

    /// Without the rows that have no label.
    fn without_missing_labels(self) -> Result<Self, DataError> {
        let Some(target) = self.target().map(String::from) else { return Ok(self) };
        let labelled: Vec<usize> = {
            let codes = self.categorical(&target)?.codes().enumerate();
            codes.filter_map(|(row, code)| code.map(|_| row)).collect()
        };
        let (rows, kept) = (self.n_rows(), labelled.len());
        if kept == rows {
            return Ok(self);
        }
        let mut labelled_rows = vec![false; rows];
        for &row in &labelled {
            labelled_rows[row] = true;
        }
        let first = labelled_rows.iter().position(|labelled| !labelled).unwrap_or(0);
        if kept == 0 {
            return Err(DataError::MissingTarget { place: self.place(first, &target) });
        }
        let line = self.line(first);
        let mut table = self.select(&labelled);
        table.warn(Warning::MissingLabels { column: target, count: rows - kept, line });
        Ok(table)
    }
}

fn type_column(column: RawColumn, plan: Plan, conventions: &Conventions<'_>) -> Result<Typed, DataError> {
    let RawColumn { name, mut cells } = column;
    let id = match plan {
        Plan::Id | Plan::Known { id: true, .. } => Some(copied(&name, &cells, conventions)?),
        _ => None,
    };
    if !cells.moments && !conventions.missing_numbers.is_empty() {
        cells.clear_numbers(conventions.missing_numbers);
    }
    let decision = match &plan {
        Plan::Ignore => {
            let decision = decide(&name, &Cells::default(), Some(ColumnKind::Categorical), conventions)?;
            let Decision { profile, .. } = decision;
            let (reading, values, strays, warning) = (None, None, Vec::new(), None);
            return Ok(Typed { plan, profile, reading, values, id, strays, warning });
        }
        Plan::Infer => decide(&name, &cells, None, conventions)?,
        Plan::Declared(kind) => decide(&name, &cells, Some(*kind), conventions)?,
        Plan::Known { reading, .. } => decide_known(&name, &cells, reading, conventions)?,
        Plan::Weight => decide(&name, &cells, Some(ColumnKind::Numeric), conventions)?,
        Plan::Group | Plan::Id => decide(&name, &cells, Some(ColumnKind::Text), conventions)?,
        Plan::Target { declared } => {
            let decision = decide_labels(&name, &cells, *declared, conventions);
            if !declared && conventions.classes.is_empty() {
                check_classes(&decision.profile, &cells, conventions)?;
            }
            decision
        }
    };
    let values = decision.reading.as_ref().map(|reading| typed::values(cells, &decision, reading));
    let Decision { reading, mut profile, strays, warning, .. } = decision;
    match plan {
        Plan::Weight => profile.note = "sample weights".into(),
        Plan::Group => profile.note = "groups of the cross-validation".into(),
        Plan::Id => profile.note = "kept beside the predictions".into(),
        _ => {}
    }
    Ok(Typed { plan, profile, reading, values, id, strays, warning })
}

/// A column as it is, with what stands for a missing value.
fn copied(name: &str, cells: &Cells, conventions: &Conventions<'_>) -> Result<Vec<String>, DataError> {
    let verbatim = Conventions { missing: &[], ..conventions.clone() };
    let decision = decide(name, cells, Some(ColumnKind::Text), &verbatim)?;
    Ok(names(&typed::values(cells.clone(), &decision, &Reading::Text)))
}

/// Whether the names of columns look like a row: all are numbers, or each is one of a column of numbers, or
/// stands among the texts of its column.
fn header_is_row(columns: &[RawColumn]) -> bool {
    let is_number = |column: &RawColumn| plain_number(column.name.as_bytes()).is_some();
    let is_value = |column: &RawColumn| {
        let is_text = || column.cells.texts().iter().any(|text| text == column.name);
        if is_number(column) { column.cells.has_numbers() } else { is_text() }
    };
    columns.len() > 1 && (columns.iter().all(is_number) || columns.iter().all(is_value))
}

/// Refuses a target that looks continuous.
fn check_classes(
    profile: &ColumnProfile,
    cells: &Cells,
    conventions: &Conventions<'_>,
) -> Result<(), DataError> {
    if profile.texts > 0 {
        return Ok(());
    }
    let mut whole = true;
    cells.visit(|_, number| whole &= number.fract() == 0.0, |_, _| {});
    let distinct = profile.distinct.unwrap_or(profile.numbers);
    let many = if whole { CONTINUOUS_INTEGERS } else { CONTINUOUS_FRACTIONS };
    if distinct > many && 2 * distinct > profile.numbers || (!whole && distinct > CONTINUOUS_INTEGERS) {
        let (file, column) = (conventions.origin.name(), profile.name.clone());
        let values = format!("{} in {}", count(distinct, "different number"), count(profile.numbers, "row"));
        return Err(DataError::ContinuousTarget { file, column, values });
    }
    Ok(())
}

/// Sample weights, checked.
fn weights(values: &ArrayRef, column: &str, origin: &crate::origin::Origin) -> Result<Vec<f64>, DataError> {
    let values = values.as_primitive::<Float64Type>();
    if let Some(row) = (0..values.len()).find(|&row| values.is_null(row)) {
        return Err(DataError::BadWeight { place: origin.place(row, column), problem: "is missing".into() });
    }
    if let Some(row) = values.values().iter().position(|&weight| weight < 0.0) {
        let problem = format!("is {}, below 0", values.value(row));
        return Err(DataError::BadWeight { place: origin.place(row, column), problem });
    }
    if values.values().iter().all(|&weight| weight == 0.0) {
        let problem = "is 0, and so are all others".into();
        return Err(DataError::BadWeight { place: origin.place(0, column), problem });
    }
    Ok(values.values().to_vec())
}

/// The group of each row, numbered in the order of their first rows.
fn groups(values: &ArrayRef, column: &str, origin: &crate::origin::Origin) -> Result<Vec<u32>, DataError> {
    let mut numbers = HashMap::new();
    let number = |(row, name): (usize, String)| {
        if name.is_empty() {
            return Err(DataError::MissingGroup { place: origin.place(row, column) });
        }
        let next = numbers.len() as u32;
        Ok(*numbers.entry(name).or_insert(next))
    };
    names(values).into_iter().enumerate().map(number).collect()
}

/// The texts of an identifier, empty where it is missing.
fn names(values: &ArrayRef) -> Vec<String> {
    let dictionary = values.as_dictionary::<arrow_array::types::UInt32Type>();
    let texts = dictionary.values().as_string::<i64>();
    let name = |code: Option<u32>| code.map_or(String::new(), |code| texts.value(code as usize).to_string());
    dictionary.keys().iter().map(name).collect()
}
