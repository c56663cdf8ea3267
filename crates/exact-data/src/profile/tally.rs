//! What the cells of a column are, counted.

use std::collections::HashSet;

use crate::cells::Cells;

/// Distinct numbers that are counted; a column with more has many.
const MOST_DISTINCT: usize = 100_000;

/// The evidence on which the kind of a column is decided.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    pub rows: usize,
    /// Cells that are plainly numbers.
    pub numbers: usize,
    /// Cells that are empty.
    pub empty: usize,
    /// The distinct numbers; `None` if there are more than are counted.
    pub distinct_numbers: Option<usize>,
    /// Whether all numbers are whole.
    pub whole: bool,
    /// The least and the largest number.
    pub range: Option<(f64, f64)>,
    /// Whether each number is one more than the one before it.
    pub consecutive: bool,
    /// The first number that is not finite, with its row.
    pub not_finite: Option<(usize, f64)>,
    /// The distinct texts.
    pub texts: Vec<DistinctText<'a>>,
}

/// A distinct text of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct DistinctText<'a> {
    pub text: &'a str,
    /// Its code among the column's texts.
    pub code: u32,
    pub count: usize,
    /// The first row that has it.
    pub row: usize,
}

impl<'a> Tally<'a> {
    pub fn of(cells: &'a Cells) -> Self {
        let mut texts: Vec<DistinctText<'a>> = cells
            .texts()
            .iter()
            .zip(0..)
            .map(|(text, code)| DistinctText { text, code, count: 0, row: usize::MAX })
            .collect();
        let (mut numbers, mut whole, mut consecutive) = (0, true, true);
        let (mut not_finite, mut last) = (None, None);
        let (mut least, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut distinct = Some(HashSet::with_hasher(hashbrown::DefaultHashBuilder::default()));
        cells.visit(
            |row, number| {
                numbers += 1;
                whole = whole && number.fract() == 0.0;
                (least, largest) = (least.min(number), largest.max(number));
                consecutive = consecutive && last.is_none_or(|last| number == last + 1.0);
                last = Some(number);
                if !number.is_finite() && not_finite.is_none() {
                    not_finite = Some((row, number));
                }
                if let Some(seen) = &mut distinct {
                    seen.insert((number + 0.0).to_bits());
                    if seen.len() > MOST_DISTINCT {
                        distinct = None;
                    }
                }
            },
            |row, code| {
                let text = &mut texts[code as usize];
                text.count += 1;
                text.row = text.row.min(row);
            },
        );
        texts.retain(|text| text.count > 0);
        let in_texts: usize = texts.iter().map(|text| text.count).sum();
        Self {
            rows: cells.len(),
            numbers,
            empty: cells.len() - numbers - in_texts,
            distinct_numbers: distinct.map(|distinct| distinct.len()),
            whole: whole && numbers > 0,
            range: (numbers > 0).then_some((least, largest)),
            consecutive: consecutive && numbers > 1,
            not_finite,
            texts,
        }
    }

    /// The distinct values, numbers and texts; `None` if they are too many to count.
    pub fn distinct(&self) -> Option<usize> {
        self.distinct_numbers.map(|numbers| numbers + self.texts.len())
    }
}
