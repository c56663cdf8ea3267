//! Integers as cells.

use crate::cells::{Cells, TooManyTexts};

/// The largest integer up to which a float has all of them.
const LARGEST: u64 = 1 << 53;

/// Appends an integer: a number if a float holds it exactly, and otherwise its digits, since then it tells
/// rows or things apart, and is no quantity.
pub(super) fn push_integer(cells: &mut Cells, integer: i128) -> Result<(), TooManyTexts> {
    if integer.unsigned_abs() <= u128::from(LARGEST) {
        cells.push_number(integer as f64);
        Ok(())
    } else {
        cells.push_text(&integer.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Cell;

    #[test]
    fn integers_that_are_no_floats_stay_apart() {
        let mut cells = Cells::default();
        for integer in [-3, 1 << 53, (1 << 53) + 1, (1 << 53) + 2] {
            push_integer(&mut cells, integer).unwrap();
        }
        let (first, second) = ("9007199254740993", "9007199254740994");
        let expected =
            [Cell::Number(-3.0), Cell::Number((1_u64 << 53) as f64), Cell::Text(first), Cell::Text(second)];
        assert_eq!(cells.iter().collect::<Vec<_>>(), expected);
    }
}
