//! The decision what a column is.

use std::collections::HashSet;

use super::column_profile::ColumnProfile;
use super::date_format::{DateFormat, DateOrder};
use super::missing_tokens;
use super::number_format::NumberFormat;
use super::reading::Reading;
use super::tally::{DistinctText, Tally};
use crate::cells::Cells;
use crate::error::{Place, Warning};
use crate::message::shorten;
use crate::origin::Origin;
use crate::{ColumnKind, DataError};

/// What is known of a file beside its cells.
#[derive(Debug, Clone)]
pub(crate) struct Conventions<'a> {
    /// Tokens that stand for a missing value in every column.
    pub missing: &'a [String],
    /// Those of them that are numbers.
    pub missing_numbers: &'a [f64],
    /// Texts that stand for one in a column of numbers or dates alone.
    pub missing_in: &'a [(String, Vec<String>)],
    /// The classes of the target, if they are known.
    pub classes: &'a [String],
    pub decimal: Option<char>,
    /// Whether a comma in a number that may be either is the decimal separator.
    pub prefers_comma: bool,
    pub date_order: Option<DateOrder>,
    pub origin: &'a Origin,
}

/// How a column is read, and what is to be known about it.
#[derive(Debug)]
pub(crate) struct Decision {
    /// `None` if it is left out.
    pub reading: Option<Reading>,
    /// Whether the text of a code is a missing value.
    pub is_missing: Vec<bool>,
    pub profile: ColumnProfile,
    /// The texts among numbers or dates that count as missing, the most frequent ones first.
    pub strays: Vec<String>,
    pub warning: Option<Warning>,
}

/// A number or a date among so many texts that are neither is an exception, not the rule.
const RULE: usize = 4;
/// Fewer different values than this, with texts among them, are codes.
const FEWEST_NUMBERS: usize = 5;
/// Rows from which on it tells something that nearly all of them differ.
const MANY_ROWS: usize = 20;
/// The words of a text that is no name.
const WORDS: f64 = 3.0;
/// Digits of the shortest code; days and months have fewer.
const CODE_DIGITS: usize = 3;
/// Categories from which on they are many, if they are many for the rows too.
const MANY_CATEGORIES: usize = 50;
/// As many rows have a category, at the least, where it tells something.
const ROWS_OF_CATEGORY: usize = 5;
/// Strays that are remembered for further data.
const MOST_STRAYS: usize = 100;

/// Decides what a column is; `declared` is its kind if that is given.
///
/// # Errors
/// [`DataError`] if a number is not finite, or a column that is declared numeric has a text that is none.
pub(crate) fn decide(
    name: &str,
    cells: &Cells,
    declared: Option<ColumnKind>,
    conventions: &Conventions<'_>,
) -> Result<Decision, DataError> {
    let column = Column::new(name, cells, conventions);
    match declared {
        Some(ColumnKind::Numeric) => column.declared_numeric(),
        Some(kind @ (ColumnKind::Categorical | ColumnKind::Text)) => {
            let note = format!("declared {kind}");
            Ok(column.texts(Reading::plain(kind), note))
        }
        _ if cells.moments => Ok(column.dates(DateFormat::typed(), false)),
        _ => column.inferred(),
    }
}

/// Reads a column as it was read in training: in the known format, or in the one that the column has if that
/// fits better.
///
/// # Errors
/// [`DataError`] if a number is not finite, or too many texts are none.
pub(crate) fn decide_known(
    name: &str,
    cells: &Cells,
    reading: &Reading,
    conventions: &Conventions<'_>,
) -> Result<Decision, DataError> {
    let mut column = Column::new(name, cells, conventions);
    match reading {
        Reading::Number(_) | Reading::Date(_) => column.know_strays(),
        Reading::Category | Reading::Text => {}
    }
    match reading {
        Reading::Category | Reading::Text => Ok(column.texts(reading.clone(), "as in training".into())),
        Reading::Number(format) => {
            let own = column.number_format(&column.present);
            let better = column.parsed(|text| own.parse(text)) > column.parsed(|text| format.parse(text));
            let format = if better { own } else { format.clone() };
            column.known_numbers(Reading::Number(format))
        }
        Reading::Date(format) => {
            let parsed = column.parsed(|text| format.parse(text));
            let own = column.date_format(&column.present).map(|(own, _)| own);
            let format = own.filter(|own| column.parsed(|text| own.parse(text)) > parsed);
            let format = format.unwrap_or_else(|| match reading {
                Reading::Date(format) => format.clone(),
                _ => DateFormat::typed(),
            });
            column.known_numbers(Reading::Date(format))
        }
    }
}

/// Reads the labels: categories, among which the usual tokens for missing values are missing unless the
/// column is declared categorical, or they are known to be classes.
pub(crate) fn decide_labels(
    name: &str,
    cells: &Cells,
    declared: bool,
    conventions: &Conventions<'_>,
) -> Decision {
    let mut column = Column::new(name, cells, conventions);
    let may_be_a_class = |text: &str| {
        missing_tokens::may_be_a_class(text) || conventions.classes.iter().any(|class| class == text)
    };
    if !declared {
        for text in column.usual.iter().filter(|text| !may_be_a_class(text.text)) {
            column.is_missing[text.code as usize] = true;
        }
    }
    column.texts(Reading::Category, "the target".into())
}

/// A column with its evidence.
struct Column<'a> {
    name: &'a str,
    conventions: &'a Conventions<'a>,
    tally: Tally<'a>,
    /// Texts that are neither declared missing nor usually are.
    present: Vec<DistinctText<'a>>,
    /// Texts that usually stand for a missing value.
    usual: Vec<DistinctText<'a>>,
    is_missing: Vec<bool>,
}

impl<'a> Column<'a> {
    fn new(name: &'a str, cells: &'a Cells, conventions: &'a Conventions<'a>) -> Self {
        let tally = Tally::of(cells);
        let mut is_missing = vec![false; cells.texts().len()];
        let (mut present, mut usual) = (Vec::new(), Vec::new());
        for text in &tally.texts {
            if conventions.missing.iter().any(|token| token == text.text) {
                is_missing[text.code as usize] = true;
            } else if missing_tokens::is_usual(text.text) {
                usual.push(*text);
            } else {
                present.push(*text);
            }
        }
        Self { name, conventions, tally, present, usual, is_missing }
    }

    /// Takes what was missing in training for missing, however often it occurs.
    fn know_strays(&mut self) {
        let known = self.conventions.missing_in.iter().find(|(column, _)| column == self.name);
        let Some((_, strays)) = known else { return };
        let is_known = |text: &DistinctText<'_>| strays.iter().any(|stray| stray == text.text);
        let (known, present): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.present).into_iter().partition(is_known);
        self.present = present;
        self.usual.extend(known);
    }

    fn inferred(self) -> Result<Decision, DataError> {
        if self.tally.numbers == 0 && self.present.is_empty() && !self.usual.is_empty() {
            return Ok(self.texts(Reading::Category, String::new()));
        }
        let format = self.number_format(&self.present);
        if let Some(code) = self.code_with_zero(&format)
            && !self.nearly_all_differ()
        {
            return Ok(self.codes(code));
        }
        let are_codes = self.has_codes_beyond_floats();
        let number = |text: &str| format.parse(text).filter(|_| !(are_codes && is_long_code(text)));
        if self.is_rule(number, self.tally.numbers, self.tally.distinct_numbers) {
            return self.numbers(format, true);
        }
        if self.tally.numbers == 0
            && let Some((format, ambiguous)) = self.date_format(&self.present)
            && self.is_rule(|text| format.parse(text), 0, Some(0))
        {
            return Ok(self.dates(format, ambiguous));
        }
        Ok(self.names())
    }

    /// Whether there are whole numbers of so many digits that floats do not tell a tenth of them apart.
    fn has_codes_beyond_floats(&self) -> bool {
        let long = self.present.iter().filter(|text| is_long_code(text.text));
        let floats: Vec<u64> =
            long.filter_map(|text| text.text.parse().ok()).map(|float: f64| float.to_bits()).collect();
        10 * floats.iter().collect::<HashSet<_>>().len() < 9 * floats.len()
    }

    /// A text with a leading zero, if all that is no exception are whole numbers of as many digits: codes.
    fn code_with_zero(&self, format: &NumberFormat) -> Option<&'a str> {
        let is_digits = |text: &&DistinctText<'_>| text.text.bytes().all(|byte| byte.is_ascii_digit());
        let code = self.present.iter().filter(is_digits).find(|text| text.text.starts_with('0'))?.text;
        let power = |digits: usize| i32::try_from(digits).map_or(f64::INFINITY, |digits| 10_f64.powi(digits));
        let as_wide = |(least, largest)| least >= power(code.len() - 1) && largest < power(code.len());
        let is_fixed = code.len() >= CODE_DIGITS
            && (self.tally.numbers == 0 || self.tally.whole)
            && self.tally.range.is_none_or(as_wide)
            && self.present.iter().filter(is_digits).all(|text| text.text.len() == code.len())
            && self.present.iter().all(|text| is_digits(&text) || format.parse(text.text).is_none());
        let of_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then_some(0.0);
        (is_fixed && self.is_rule(of_digits, self.tally.numbers, self.tally.distinct_numbers)).then_some(code)
    }

    /// Whether most of the column can be parsed, beside `further` values that are known to be.
    fn is_rule(
        &self,
        parse: impl Fn(&str) -> Option<f64>,
        further: usize,
        further_distinct: Option<usize>,
    ) -> bool {
        let (mut parsed, mut distinct, mut strays, mut distinct_strays) =
            (further, further_distinct.unwrap_or(MANY_ROWS), 0, 0);
        let mut infinite = 0;
        for text in &self.present {
            if parse(text.text).is_some() {
                parsed += text.count;
                distinct += 1;
            } else if is_not_finite(text.text) {
                infinite += text.count;
            } else {
                strays += text.count;
                distinct_strays += 1;
            }
        }
        match distinct_strays {
            // Infinity alone is a name.
            0 => parsed > 0 || infinite == 0,
            _ if distinct < FEWEST_NUMBERS => false,
            // A token of the file's own for what is missing may be frequent.
            1 => parsed >= strays,
            _ => parsed >= RULE * strays,
        }
    }

    fn number_format(&self, texts: &[DistinctText<'_>]) -> NumberFormat {
        let texts: Vec<(&str, usize)> = texts.iter().map(|text| (text.text, text.count)).collect();
        let Conventions { prefers_comma, decimal, .. } = *self.conventions;
        NumberFormat::infer(&texts, self.tally.numbers > 0, prefers_comma, decimal)
    }

    fn date_format(&self, texts: &[DistinctText<'_>]) -> Option<(DateFormat, bool)> {
        let texts: Vec<(&str, usize)> = texts.iter().map(|text| (text.text, text.count)).collect();
        DateFormat::infer(&texts, self.conventions.date_order)
    }

    /// The cells whose text can be parsed.
    fn parsed(&self, parse: impl Fn(&str) -> Option<f64>) -> usize {
        self.present.iter().filter(|text| parse(text.text).is_some()).map(|text| text.count).sum()
    }

    /// The first text that cannot be parsed.
    fn first_stray(&self, reading: &Reading) -> Option<DistinctText<'a>> {
        let stray = |text: &&DistinctText<'a>| reading.number(text.text).is_none();
        self.present.iter().filter(stray).min_by_key(|text| text.row).copied()
    }

    fn place(&self, row: usize) -> Place {
        self.conventions.origin.place(row, self.name)
    }

    fn check_finite(&self) -> Result<(), DataError> {
        if let Some((row, value)) = self.tally.not_finite {
            return Err(DataError::NotFinite { place: self.place(row), value: value.to_string() });
        }
        let infinite =
            self.present.iter().filter(|text| is_not_finite(text.text)).min_by_key(|text| text.row);
        match infinite {
            Some(text) => Err(DataError::NotFinite { place: self.place(text.row), value: text.text.into() }),
            None => Ok(()),
        }
    }

    fn declared_numeric(self) -> Result<Decision, DataError> {
        self.check_finite()?;
        let format = self.number_format(&self.present);
        if let Some(stray) = self.first_stray(&Reading::Number(format.clone())) {
            return Err(DataError::NotANumber { place: self.place(stray.row), value: stray.text.into() });
        }
        self.numbers(format, false)
    }

    /// Further data: strays are tolerated where they are exceptions.
    fn known_numbers(self, reading: Reading) -> Result<Decision, DataError> {
        self.check_finite()?;
        let parsed = self.tally.numbers + self.parsed(|text| reading.number(text));
        let texts: usize = self.present.iter().map(|text| text.count).sum();
        let strays = texts + self.tally.numbers - parsed;
        if strays > 0
            && parsed < RULE * strays
            && let Some(stray) = self.first_stray(&reading)
        {
            let (place, value) = (self.place(stray.row), stray.text.into());
            return Err(match reading {
                Reading::Date(format) => DataError::NotADate { place, value, format: format.to_string() },
                _ => DataError::NotANumber { place, value },
            });
        }
        Ok(self.with_numbers(reading, "as in training".into(), None))
    }

    fn numbers(self, format: NumberFormat, inferred: bool) -> Result<Decision, DataError> {
        self.check_finite()?;
        if inferred && let Some(reason) = self.row_number(&format) {
            return Ok(self.identifier(reason));
        }
        let texts: Vec<(&str, usize)> = self.present.iter().map(|text| (text.text, text.count)).collect();
        let ambiguous = self.conventions.decimal.is_none() && format.is_ambiguous(&texts);
        let written = format.to_string();
        let mut note = if written.is_empty() { "numbers".to_string() } else { format!("numbers: {written}") };
        if !inferred {
            note = format!("declared numeric; {note}");
        }
        let other = if format.decimal == ',' { "." } else { "," };
        let warning = ambiguous.then(|| Warning::AmbiguousNumbers {
            column: self.name.into(),
            example: texts[0].0.into(),
            taken: if format.decimal == ',' { "decimals" } else { "thousands" },
            option: format!("--decimal={other}"),
        });
        Ok(self.with_numbers(Reading::Number(format), note, warning))
    }

    fn dates(self, format: DateFormat, ambiguous: bool) -> Decision {
        let note = format!("dates: {format}");
        let texts: Vec<(&str, usize)> = self.present.iter().map(|text| (text.text, text.count)).collect();
        let is_doubtful = format.is_doubtful(&texts);
        let warning = (ambiguous || is_doubtful).then(|| {
            let (column, example) = (self.name.into(), self.present[0].text.into());
            let format = format.to_string();
            if is_doubtful {
                Warning::DoubtfulDates { column, example, format }
            } else {
                Warning::AmbiguousDates { column, example, format }
            }
        });
        self.with_numbers(Reading::Date(format), note, warning)
    }

    /// Numbers or dates, with the strays among them as missing values.
    fn with_numbers(mut self, reading: Reading, mut note: String, warning: Option<Warning>) -> Decision {
        let usual = std::mem::take(&mut self.usual);
        // What usually is missing may yet be a value, as `nan` in a format with units.
        for text in &usual {
            self.is_missing[text.code as usize] = true;
        }
        let mut missing_as: Vec<&str> = usual.iter().map(|text| text.text).collect();
        if let Reading::Number(format) = &reading
            && !self.conventions.missing_numbers.is_empty()
        {
            let tokens = self.conventions.missing_numbers;
            let is_token = |text: &DistinctText<'_>| {
                format.parse(text.text).is_some_and(|number| tokens.contains(&number))
            };
            let (named, present): (Vec<_>, Vec<_>) = self.present.into_iter().partition(is_token);
            self.present = present;
            for text in named {
                self.is_missing[text.code as usize] = true;
            }
        }
        let first_stray = self.first_stray(&reading);
        let remembered = self.strays(&reading);
        let (mut strays, mut numbers) = (0, self.tally.numbers);
        for text in &self.present {
            if reading.number(text.text).is_none() {
                strays += text.count;
                self.is_missing[text.code as usize] = true;
                if missing_as.len() < 3 {
                    missing_as.push(text.text);
                }
            } else {
                numbers += text.count;
            }
        }
        if !missing_as.is_empty() {
            let tokens: Vec<String> = missing_as.iter().map(|text| format!("`{}`", shorten(text))).collect();
            note = format!("{note}; missing where {}", tokens.join(", "));
        }
        let warning = match first_stray {
            Some(stray) => Some(Warning::Strays {
                column: self.name.into(),
                count: strays,
                rows: self.tally.rows,
                example: stray.text.into(),
                line: self.conventions.origin.line(stray.row),
                kind: reading.kind(),
            }),
            None => warning,
        };
        let decision = self.done(Some(reading), numbers, note, warning);
        Decision { strays: remembered, ..decision }
    }

    /// The texts that cannot be parsed, the most frequent ones first.
    fn strays(&self, reading: &Reading) -> Vec<String> {
        let is_stray = |text: &&DistinctText<'_>| reading.number(text.text).is_none();
        let mut strays: Vec<&DistinctText<'_>> = self.present.iter().filter(is_stray).collect();
        strays.sort_by_key(|text| (std::cmp::Reverse(text.count), text.row));
        strays.into_iter().take(MOST_STRAYS).map(|text| text.text.into()).collect()
    }

    /// The values, texts that usually are missing among them, and how many are different.
    fn counts(&self) -> (usize, usize) {
        let texts: usize = self.present.iter().chain(&self.usual).map(|text| text.count).sum();
        let values = self.tally.numbers + texts;
        let different = self.present.len() + self.usual.len() + self.tally.distinct_numbers.unwrap_or(values);
        (values, different)
    }

    /// Whether the values tell so many rows apart that they are no categories.
    fn nearly_all_differ(&self) -> bool {
        let (values, different) = self.counts();
        let needed = if is_called_identifier(self.name) { values / 2 } else { values - values / 10 };
        values >= MANY_ROWS && different >= needed
    }

    /// Texts that are neither numbers nor dates.
    fn names(self) -> Decision {
        let (values, different) = self.counts();
        if !self.nearly_all_differ() {
            let warning = self.many_categories(different, values);
            let numbers = self.tally.numbers;
            return self.done(Some(Reading::Category), numbers, "categories".into(), warning);
        }
        let texts = self.present.iter().chain(&self.usual);
        let words: usize = texts.map(|text| text.text.split_whitespace().count()).sum();
        if words as f64 >= WORDS * self.present.len() as f64 {
            let note = format!("free text, {different} different in {values} rows: left out");
            let warning = Warning::FreeText { column: self.name.into(), distinct: different, rows: values };
            let numbers = self.tally.numbers;
            let mut decision = self.done(None, numbers, note, Some(warning));
            decision.profile.kind = ColumnKind::Text;
            return decision;
        }
        self.identifier(format!("{different} different values in {values} rows"))
    }

    /// That few rows share a category, as of numbers in several units.
    fn many_categories(&self, different: usize, values: usize) -> Option<Warning> {
        let example = self.present.iter().min_by_key(|text| text.row)?;
        (different > MANY_CATEGORIES && different * ROWS_OF_CATEGORY > values).then(|| {
            Warning::ManyCategories {
                column: self.name.into(),
                distinct: different,
                rows: values,
                example: example.text.into(),
            }
        })
    }

    /// Categories, though they could be read as numbers.
    fn codes(self, example: &str) -> Decision {
        let note = format!("codes of {} digits: categories", example.len());
        let warning = Warning::Codes { column: self.name.into(), example: example.into() };
        let numbers = self.tally.numbers;
        self.done(Some(Reading::Category), numbers, note, Some(warning))
    }

    /// Why numbers are those of rows, if they are.
    fn row_number(&self, format: &NumberFormat) -> Option<String> {
        let tally = &self.tally;
        let rows = tally.rows;
        if rows < MANY_ROWS || tally.empty > 0 || !self.usual.is_empty() || format.affix.is_some() {
            return None;
        }
        let counts_rows = tally.numbers == rows && tally.consecutive && self.present.is_empty();
        if counts_rows && (is_called_identifier(self.name) || is_called_row_number(self.name)) {
            return Some("the numbers of the rows, one after the other".into());
        }
        let different = tally.distinct()?;
        let whole = (tally.whole || tally.numbers == 0)
            && self.present.iter().all(|text| text.text.bytes().all(|byte| byte.is_ascii_digit()));
        (whole && different == rows && is_called_identifier(self.name))
            .then(|| format!("{different} different whole numbers in {rows} rows"))
    }

    fn identifier(self, reason: String) -> Decision {
        let note = format!("an identifier, {reason}: left out");
        let numbers = self.tally.numbers;
        let numeric = numbers == self.tally.rows;
        let warning = Warning::Identifier { column: self.name.into(), reason, numeric };
        let mut decision = self.done(None, numbers, note, Some(warning));
        decision.profile.kind = ColumnKind::Identifier;
        decision
    }

    fn texts(self, reading: Reading, note: String) -> Decision {
        let numbers = self.tally.numbers;
        self.done(Some(reading), numbers, note, None)
    }

    fn done(
        self,
        reading: Option<Reading>,
        numbers: usize,
        mut note: String,
        warning: Option<Warning>,
    ) -> Decision {
        let tally = &self.tally;
        let missing_texts: usize = tally
            .texts
            .iter()
            .filter(|text| self.is_missing[text.code as usize])
            .map(|text| text.count)
            .sum();
        let missing = tally.empty + missing_texts;
        let is_value = |text: &&DistinctText<'_>| !self.is_missing[text.code as usize];
        let distinct =
            tally.distinct_numbers.map(|numbers| numbers + tally.texts.iter().filter(is_value).count());
        // A missing value is one more category, and the mean of a column of numbers.
        let as_category = matches!(reading, Some(Reading::Category)) && missing > 0;
        if missing == tally.rows {
            note = "no values: left out".into();
        } else if reading.is_some() && distinct == Some(1) && !as_category {
            note = "the same value in each row: left out".into();
        }
        let profile = ColumnProfile {
            name: self.name.into(),
            kind: reading.as_ref().map_or(ColumnKind::Identifier, Reading::kind),
            rows: tally.rows,
            numbers,
            texts: tally.rows - missing - numbers.min(tally.rows - missing),
            missing,
            distinct,
            note,
        };
        Decision { reading, is_missing: self.is_missing, profile, strays: Vec::new(), warning }
    }
}

/// Whether a text is a whole number of more digits than a float holds.
fn is_long_code(text: &str) -> bool {
    const DIGITS: usize = 15;
    text.len() > DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is infinity, or a number that is too large for a float.
fn is_not_finite(text: &str) -> bool {
    text.parse().is_ok_and(|value: f64| value.is_infinite())
}

/// Whether a name says that the column identifies rows: `id`, `customer_id`, `PatientID`, `index`.
fn is_called_identifier(name: &str) -> bool {
    const WORDS: [&str; 8] = ["id", "ids", "index", "uuid", "guid", "identifier", "rowid", "key"];
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
        before = c;
    }
    words.iter().any(|word| WORDS.contains(&word.as_str()))
}

/// Whether a name says that the column numbers the rows: `row`, `No.`, `#`, pandas' `Unnamed: 0`.
fn is_called_row_number(name: &str) -> bool {
    const NAMES: [&str; 8] = ["", "row", "rows", "nr", "no", "n", "num", "number"];
    let plain = name.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    NAMES.contains(&plain.as_str()) || plain.starts_with("unnamed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_identifiers() {
        for name in ["id", "ID", "customer_id", "PatientId", "row index", "userID"] {
            assert!(is_called_identifier(name), "{name}");
        }
        for name in ["idle", "width", "humidity", "paid", "keyboard"] {
            assert!(!is_called_identifier(name), "{name}");
        }
        for name in ["#", "No.", "row", "Unnamed: 0"] {
            assert!(is_called_row_number(name), "{name}");
        }
        assert!(!is_called_row_number("noise"));
    }
}
