//! Cells into values, once it is decided what a column is.

use std::sync::Arc;

use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, LargeStringArray, UInt32Array};

use crate::cells::{Cell, Cells};
use crate::profile::{Decision, Reading};
use crate::texts::Texts;

/// The values of a column: `Float64` for numbers and moments, else a dictionary of texts.
pub(crate) fn values(cells: Cells, decision: &Decision, reading: &Reading) -> ArrayRef {
    match reading {
        Reading::Number(_) | Reading::Date(_) => Arc::new(numbers(cells, decision, reading)),
        Reading::Category => Arc::new(texts(&cells, decision, |text| category(text).into_owned())),
        Reading::Text => Arc::new(texts(&cells, decision, ToString::to_string)),
    }
}

fn numbers(cells: Cells, decision: &Decision, reading: &Reading) -> Float64Array {
    let of_text: Vec<f64> = cells
        .texts()
        .iter()
        .zip(&decision.is_missing)
        .map(|(text, &missing)| if missing { f64::NAN } else { reading.number(text).unwrap_or(f64::NAN) })
        .collect();
    let numbers = cells.into_numbers(|code| of_text[code as usize]);
    if numbers.iter().any(|number| number.is_nan()) {
        let nulls = numbers.iter().map(|number| !number.is_nan()).collect::<Vec<bool>>().into();
        return Float64Array::new(numbers.into(), Some(nulls));
    }
    numbers.into()
}

fn texts(cells: &Cells, decision: &Decision, name: impl Fn(&str) -> String) -> DictionaryArray<UInt32Type> {
    let mut names = Texts::default();
    let new =
        |names: &mut Texts, text: &str| names.intern(text).expect("there are no more texts than cells had");
    let mut code_of: Vec<Option<u32>> = vec![None; decision.is_missing.len()];
    let mut codes = Vec::with_capacity(cells.len());
    for (row, code) in cells.codes().enumerate() {
        codes.push(match code {
            Some(code) if decision.is_missing[code as usize] => None,
            Some(code) => {
                let known = &mut code_of[code as usize];
                Some(*known.get_or_insert_with(|| new(&mut names, &name(cells.texts().text(code)))))
            }
            None => match cells.get(row) {
                Cell::Number(number) => Some(new(&mut names, &number_name(number, cells.moments))),
                Cell::Empty | Cell::Text(_) => None,
            },
        });
    }
    let texts: LargeStringArray = names.iter().map(Some).collect();
    DictionaryArray::new(UInt32Array::from(codes), Arc::new(texts))
}

/// The name of a number among categories: the shortest text that stands for it, as `3` for 3.0.
fn number_name(number: f64, moments: bool) -> String {
    match chrono::DateTime::from_timestamp(number.floor() as i64, 0) {
        Some(moment) if moments && number.rem_euclid(86400.0) == 0.0 => moment.format("%Y-%m-%d").to_string(),
        Some(moment) if moments => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
        _ => (number + 0.0).to_string(),
    }
}

/// The name of a category: the text, but for the two truth values, which formats and languages write in
/// several ways.
pub(crate) fn category(text: &str) -> std::borrow::Cow<'_, str> {
    for value in ["true", "false"] {
        if text.eq_ignore_ascii_case(value) {
            return value.into();
        }
    }
    text.into()
}

/// The name under which a category is looked up, whatever wrote it: that of its value if it is a number.
pub(crate) fn canonical(text: &str) -> String {
    match crate::plain_number::plain_number(text.as_bytes()) {
        Some(number) => number_name(number, false),
        None => category(text).into_owned(),
    }
}
