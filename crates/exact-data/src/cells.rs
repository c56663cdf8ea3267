//! The cells of a column as a file has them, before it is known what they mean.

use crate::DataError;
use crate::error::Place;
use crate::plain_number::plain_number;
use crate::texts::Texts;

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A number, never NaN. In a column of moments, seconds since the beginning of 1970.
    Number(f64),
    /// A text that is not plainly a number, without white space around it, and not empty.
    Text(&'a str),
}

/// Eight bytes a cell: a number as it is, and what is none as one of the values of NaN.
#[derive(Clone, Copy)]
struct Slot(u64);

const EMPTY: u64 = 0x7ffc_0000_0000_0000;
/// With the code of the text in the lower half.
const TEXT: u64 = 0x7ffd_0000_0000_0000;

/// A column of cells; equal texts are kept once.
#[derive(Clone, Default)]
pub(crate) struct Cells {
    slots: Vec<Slot>,
    texts: Texts,
    /// Whether the numbers are moments, as in files that have a type for dates.
    pub moments: bool,
}

/// More distinct texts than there are codes.
#[derive(Debug)]
pub(crate) struct TooManyTexts;

impl TooManyTexts {
    /// The error of a file.
    #[allow(clippy::unused_self, reason = "it is turned into the error")]
    pub fn at(self, place: Place) -> DataError {
        DataError::TooManyCategories { place }
    }
}

impl Cells {
    /// Without cells yet, and with room for some.
    pub fn with_capacity(cells: usize) -> Self {
        Self { slots: Vec::with_capacity(cells), ..Self::default() }
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn push_empty(&mut self) {
        self.slots.push(Slot(EMPTY));
    }

    /// Appends a number; NaN is an empty cell.
    pub fn push_number(&mut self, number: f64) {
        self.slots.push(Slot(if number.is_nan() { EMPTY } else { number.to_bits() }));
    }

    /// Appends a text as it is, without white space around it; what is left empty is an empty cell.
    pub fn push_text(&mut self, text: &str) -> Result<(), TooManyTexts> {
        let text = text.trim();
        let slot = if text.is_empty() {
            EMPTY
        } else {
            TEXT | u64::from(self.texts.intern(text).ok_or(TooManyTexts)?)
        };
        self.slots.push(Slot(slot));
        Ok(())
    }

    /// Appends the text of a field, which is a number if it is plainly one.
    pub fn push_field(&mut self, text: &str) -> Result<(), TooManyTexts> {
        match plain_number(text.trim().as_bytes()) {
            Some(number) => {
                self.slots.push(Slot(number.to_bits()));
                Ok(())
            }
            None => match formula_text(text.trim()) {
                Some(text) => self.push_field(text),
                None => self.push_text(text),
            },
        }
    }

    /// Empties the cells that hold one of these numbers, as what stands for a missing value.
    pub fn clear_numbers(&mut self, numbers: &[f64]) {
        for slot in &mut self.slots {
            if slot.code().is_none() && slot.0 != EMPTY && numbers.contains(&f64::from_bits(slot.0)) {
                *slot = Slot(EMPTY);
            }
        }
    }

    /// Takes the last cell away.
    pub fn pop(&mut self) {
        self.slots.pop();
    }

    /// Whether a cell is a number.
    pub fn has_numbers(&self) -> bool {
        self.iter().any(|cell| matches!(cell, Cell::Number(_)))
    }

    /// Appends the cells of another column. What the numbers of one are decides if the other has none; where
    /// both have some, they are the same.
    pub fn append(&mut self, other: Self) -> Result<(), TooManyTexts> {
        let moments = match (self.moments, other.moments) {
            (true, false) => self.has_numbers() || !other.has_numbers(),
            (false, true) => !self.has_numbers(),
            (same, _) => same,
        };
        if self.slots.is_empty() && self.texts.len() == 0 {
            *self = Self { moments, ..other };
            return Ok(());
        }
        self.moments = moments;
        if other.texts.len() == 0 {
            self.slots.extend_from_slice(&other.slots);
            return Ok(());
        }
        let codes: Option<Vec<u32>> = other.texts.iter().map(|text| self.texts.intern(text)).collect();
        let codes = codes.ok_or(TooManyTexts)?;
        self.slots.extend(other.slots.into_iter().map(|slot| match slot.code() {
            Some(code) => Slot(TEXT | u64::from(codes[code as usize])),
            None => slot,
        }));
        Ok(())
    }

    /// The cell of a row.
    pub fn get(&self, row: usize) -> Cell<'_> {
        self.cell(self.slots[row])
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = Cell<'_>> {
        self.slots.iter().map(|&slot| self.cell(slot))
    }

    /// The distinct texts.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The numbers, with what `text` makes of the code of a text, and NaN for empty cells. Takes no memory
    /// beside that of the cells.
    pub fn into_numbers(self, text: impl Fn(u32) -> f64) -> Vec<f64> {
        let number = |slot: Slot| match slot.code() {
            Some(code) => text(code),
            None if slot.0 == EMPTY => f64::NAN,
            None => f64::from_bits(slot.0),
        };
        self.slots.into_iter().map(number).collect()
    }

    /// The code of each cell's text, `None` for cells that are none.
    pub fn codes(&self) -> impl Iterator<Item = Option<u32>> {
        self.slots.iter().map(|slot| slot.code())
    }

    /// Calls `number`, or `text` with its code, for each cell that is not empty, in order.
    pub fn visit(&self, mut number: impl FnMut(usize, f64), mut text: impl FnMut(usize, u32)) {
        for (row, &slot) in self.slots.iter().enumerate() {
            match slot.code() {
                Some(code) => text(row, code),
                None if slot.0 == EMPTY => {}
                None => number(row, f64::from_bits(slot.0)),
            }
        }
    }

    fn cell(&self, slot: Slot) -> Cell<'_> {
        match slot.code() {
            Some(code) => Cell::Text(self.texts.text(code)),
            None if slot.0 == EMPTY => Cell::Empty,
            None => Cell::Number(f64::from_bits(slot.0)),
        }
    }
}

/// The text of a formula that is but a text, as `="1.2"`, which spreadsheets take for no number.
fn formula_text(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("=\"")?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(inner)
}

impl Slot {
    /// The code of a text.
    fn code(self) -> Option<u32> {
        (self.0 & TEXT == TEXT && self.0 >> 63 == 0).then_some(self.0 as u32)
    }
}

impl std::fmt::Debug for Cells {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_were() {
        let mut cells = Cells::default();
        for text in ["1.50", " red ", "", "-3", "=\"007\"", "red"] {
            cells.push_field(text).unwrap();
        }
        cells.push_number(f64::NAN);
        cells.push_number(f64::NEG_INFINITY);
        let mut other = Cells::default();
        other.push_field("blue").unwrap();
        other.push_field("red").unwrap();
        cells.append(other).unwrap();
        let expected = [
            Cell::Number(1.5),
            Cell::Text("red"),
            Cell::Empty,
            Cell::Number(-3.0),
            Cell::Text("007"),
            Cell::Text("red"),
            Cell::Empty,
            Cell::Number(f64::NEG_INFINITY),
            Cell::Text("blue"),
            Cell::Text("red"),
        ];
        assert_eq!(cells.iter().collect::<Vec<_>>(), expected);
        assert_eq!(cells.texts().len(), 3);
        let numbers = cells.into_numbers(f64::from);
        assert_eq!(numbers[..2], [1.5, 0.0]);
        assert!(numbers[2].is_nan());
    }

    #[test]
    fn what_has_numbers_says_whether_they_are_moments() {
        let cells = |moments, fields: &[&str]| {
            let mut cells = Cells { moments, ..Cells::default() };
            for field in fields {
                cells.push_field(field).unwrap();
            }
            cells
        };
        for without in [&[][..], &[""], &["noon"]] {
            for moments in [false, true] {
                let (no_number, number) = (cells(!moments, without), cells(moments, &["1"]));
                for (first, second) in [(&no_number, &number), (&number, &no_number)] {
                    let mut joined = first.clone();
                    joined.append(second.clone()).unwrap();
                    assert_eq!(joined.moments, moments, "{first:?} and {second:?}");
                }
            }
        }
    }
}
