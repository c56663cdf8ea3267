//! Tables as Weka has them: ARFF, the attribute-relation file format.
//!
//! Declarations of the columns, `@attribute NAME TYPE`, stand above `@data` and the rows. A row is a value
//! for each column, or in braces the index and the value of those that are not zero or the first of their
//! values.
//! Reference: Weka, "Attribute-Relation File Format".

use std::borrow::Cow;

use super::lines::Lines;
use crate::cells::Cells;
use crate::error::Place;
use crate::message::shorten;
use crate::raw_table::{RawColumn, RawTable};
use crate::{DataError, FileForm, Source};

const MEND: &str = "a column is declared like `@attribute colour {red, blue}` or `@attribute 'a name' \
                    numeric`, and a row is `red, 1.5` or `{1 1.5}`";

/// What a column holds.
enum Kind {
    Number,
    Text,
    /// One of these.
    Nominal(Vec<String>),
}

struct Attribute {
    name: String,
    kind: Kind,
    cells: Cells,
}

/// A value, and whether it stands in quotes.
#[derive(Debug, PartialEq)]
struct Token<'a> {
    text: Cow<'a, str>,
    quoted: bool,
}

/// Reads the rows.
pub(super) fn read(source: &Source, form: &FileForm) -> Result<RawTable, DataError> {
    let mut reader = Reader { file: source.name(), attributes: Vec::new(), lines: Vec::new() };
    let mut text = Lines::open(source, form)?;
    let mut in_data = false;
    while let Some((line, content)) = text.next()? {
        if content.starts_with('%') {
            continue;
        }
        let read = if in_data {
            reader.row(line, content)
        } else {
            reader
                .declaration(content)
                .map(|ends| in_data = ends)
                .map_err(|problem| reader.bad(line, problem))
        };
        read?;
    }
    let columns = reader.attributes.into_iter();
    let columns = columns.map(|Attribute { name, cells, .. }| RawColumn { name, cells }).collect();
    RawTable::new(source.name(), columns, reader.lines)
}

struct Reader<'a> {
    file: &'a str,
    attributes: Vec<Attribute>,
    lines: Vec<u64>,
}

impl Reader<'_> {
    fn bad(&self, line: u64, problem: String) -> DataError {
        DataError::BadLine { file: self.file.into(), line, problem, mend: MEND }
    }

    /// Reads a line above the rows; returns whether they begin below it.
    fn declaration(&mut self, content: &str) -> Result<bool, String> {
        let (keyword, rest) = content.split_once(|c: char| c.is_whitespace()).unwrap_or((content, ""));
        match keyword.to_ascii_lowercase().as_str() {
            // Columns by their part are declarations of KEEL.
            "@relation" | "@inputs" | "@input" | "@outputs" | "@output" => Ok(false),
            "@attribute" => {
                let (name, kind) = token(rest, |c| c.is_whitespace() || c == '{')?;
                let name = name.text.into_owned();
                let kind = kind_of(kind.trim())?;
                self.attributes.push(Attribute { name, kind, cells: Cells::default() });
                Ok(false)
            }
            "@data" if self.attributes.is_empty() => Err("no column is declared above the rows".into()),
            "@data" => Ok(true),
            _ => Err(format!("`{}` is no declaration", shorten(content))),
        }
    }

    fn row(&mut self, line: u64, content: &str) -> Result<(), DataError> {
        let expected = self.attributes.len();
        if let Some(pairs) = content.strip_prefix('{') {
            let pairs = pairs.strip_suffix('}').ok_or_else(|| "a brace is not closed".into());
            let values = pairs.and_then(|pairs| sparse_row(pairs, expected));
            let values = values.map_err(|problem| self.bad(line, problem))?;
            for (attribute, value) in self.attributes.iter_mut().zip(values) {
                match value {
                    Some(value) => attribute.push(self.file, line, &value)?,
                    None => attribute.push_absent(self.file, line)?,
                }
            }
        } else {
            let values = dense_row(content, expected).map_err(|problem| self.bad(line, problem))?;
            if values.len() != expected {
                let (file, found) = (self.file.into(), values.len());
                return Err(DataError::RaggedRow { file, line, found, expected });
            }
            for (attribute, value) in self.attributes.iter_mut().zip(values) {
                attribute.push(self.file, line, &value)?;
            }
        }
        self.lines.push(line);
        Ok(())
    }
}

impl Attribute {
    fn push(&mut self, file: &str, line: u64, value: &Token) -> Result<(), DataError> {
        let text = value.text.as_ref();
        if !value.quoted && (text == "?" || text.is_empty()) {
            self.cells.push_empty();
            return Ok(());
        }
        let place = || Place { source: file.into(), line, column: self.name.clone() };
        let pushed = match &self.kind {
            Kind::Number => {
                let number = text.trim().parse();
                let none = |_| DataError::NotANumber { place: place(), value: text.into() };
                self.cells.push_number(number.map_err(none)?);
                Ok(())
            }
            Kind::Text => self.cells.push_field(text),
            Kind::Nominal(values) if values.iter().any(|value| value == text) => self.cells.push_text(text),
            Kind::Nominal(_) => {
                let problem =
                    format!("`{}` is none of the values of column `{}`", shorten(text), shorten(&self.name));
                return Err(DataError::BadLine { file: file.into(), line, problem, mend: MEND });
            }
        };
        pushed.map_err(|error| error.at(place()))
    }

    /// Appends what is left out of a row in braces.
    fn push_absent(&mut self, file: &str, line: u64) -> Result<(), DataError> {
        let pushed = match &self.kind {
            Kind::Number => {
                self.cells.push_number(0.0);
                Ok(())
            }
            Kind::Text => self.cells.push_text(""),
            Kind::Nominal(values) => self.cells.push_text(values.first().map_or("", String::as_str)),
        };
        let place = || Place { source: file.into(), line, column: self.name.clone() };
        pushed.map_err(|error| error.at(place()))
    }
}

fn kind_of(text: &str) -> Result<Kind, String> {
    if let Some(values) = text.strip_prefix('{') {
        let values = values.strip_suffix('}').ok_or("a brace is not closed")?;
        let values = separated(values, |c| c == ',')?;
        return Ok(Kind::Nominal(values.into_iter().map(|value| value.text.into_owned()).collect()));
    }
    // A range may stand behind the type of a number, and a pattern behind that of a date.
    let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    match word.to_ascii_lowercase().as_str() {
        "numeric" | "real" | "integer" => Ok(Kind::Number),
        "string" | "date" => Ok(Kind::Text),
        _ => Err(format!("`{}` is no type of a column that is read", shorten(text))),
    }
}

/// The values of a row, which are separated by commas, or else by white space.
fn dense_row(content: &str, expected: usize) -> Result<Vec<Token<'_>>, String> {
    let by_comma = separated(content, |c| c == ',');
    if by_comma.as_ref().is_ok_and(|values| values.len() == expected) {
        return by_comma;
    }
    match separated(content, char::is_whitespace) {
        Ok(values)
            if values.len() == expected
                && values.iter().all(|value| value.quoted || !value.text.contains(',')) =>
        {
            Ok(values)
        }
        _ => by_comma,
    }
}

/// The values of a row of pairs of index and value, `None` for those that are left out.
fn sparse_row(pairs: &str, expected: usize) -> Result<Vec<Option<Token<'_>>>, String> {
    let mut values: Vec<Option<Token>> = (0..expected).map(|_| None).collect();
    let mut rest = pairs.trim();
    while !rest.is_empty() {
        let (index, behind) = rest
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("`{}` is no pair of index and value", shorten(rest)))?;
        let slot = index.parse().ok().and_then(|index: usize| values.get_mut(index));
        let slot = slot.ok_or_else(|| format!("`{}` is no index of a column", shorten(index)))?;
        let (value, behind) = token(behind, |c| c == ',')?;
        if slot.replace(value).is_some() {
            return Err(format!("the index {index} occurs twice"));
        }
        rest = behind.strip_prefix(',').unwrap_or(behind).trim();
    }
    Ok(values)
}

/// All values of a text.
fn separated(text: &str, separates: impl Fn(char) -> bool + Copy) -> Result<Vec<Token<'_>>, String> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let (value, behind) = token(rest, separates)?;
        values.push(value);
        let mut behind = behind.chars();
        match behind.next() {
            Some(_) => rest = behind.as_str(),
            None => return Ok(values),
        }
    }
}

/// The value at the beginning of a text, and what stands behind it: nothing, or a separator.
fn token(text: &str, separates: impl Fn(char) -> bool) -> Result<(Token<'_>, &str), String> {
    let text = text.trim_start();
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) else {
        let end = text.find(separates).unwrap_or(text.len());
        let value = Token { text: text[..end].trim_end().into(), quoted: false };
        return Ok((value, &text[end..]));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => {
                value.push(match character {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
                escaped = false;
            }
            '\\' => escaped = true,
            _ if character == quote => {
                let behind = &text[at + 1..];
                // White space may itself separate.
                let behind = if behind.starts_with(&separates) { behind } else { behind.trim_start() };
                if !behind.is_empty() && !behind.starts_with(&separates) {
                    return Err(format!("a quote is closed before `{}`", shorten(behind)));
                }
                return Ok((Token { text: value.into(), quoted: true }, behind));
            }
            _ => value.push(character),
        }
    }
    Err("a quote is not closed".into())
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::cells::Cell::{Empty, Number, Text};

    const HEAD: &str = "% made\n@RELATION cars\n\n@attribute doors INTEGER\n@attribute 'the colour' {red, \
                        'light blue',\"a,b\"}\n@Attribute note string\n@attribute sold date \
                                       \"yyyy-MM-dd\"\n@DATA\n";

    fn table(rows: &str) -> Result<RawTable, DataError> {
        read(&Source::bytes("cars", format!("{HEAD}{rows}").into_bytes()), &FileForm::default())
    }

    #[test]
    fn dense_and_sparse_rows() {
        let rows =
            "2, red,'it\\'s', \"2020-01-01\"\n%\n?,'light blue',?,?\n4\t'a,b'\tno\t?\n{0 3, 2 'x, y'}\n{}\n";
        let table = table(rows).unwrap();
        let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["doors", "the colour", "note", "sold"]);
        let cells = |at: usize| table.columns[at].cells.iter().collect::<Vec<_>>();
        assert_eq!(cells(0), [Number(2.0), Empty, Number(4.0), Number(3.0), Number(0.0)]);
        assert_eq!(cells(1), [Text("red"), Text("light blue"), Text("a,b"), Text("red"), Text("red")]);
        assert_eq!(cells(2), [Text("it's"), Empty, Text("no"), Text("x, y"), Empty]);
        assert_eq!(cells(3), [Text("2020-01-01"), Empty, Empty, Empty, Empty]);
        assert_eq!([0, 1, 4].map(|row| table.origin.line(row)), [9, 11, 14]);
    }

    #[test]
    fn what_is_no_row_is_refused_with_its_line() {
        for (row, message) in [
            ("1,red", "cars, line 9: the row has 2 fields, the header has 4"),
            ("x,red,a,b", "cars, line 9, column `doors`: `x` is not a number"),
            ("1,green,a,b", "cars, line 9: `green` is none of the values of column `the colour`"),
            ("1,red,'a,b", "cars, line 9: a quote is not closed"),
            ("1,'red'a,b,c", "cars, line 9: a quote is closed before `a,b,c`"),
            ("{4 1}", "cars, line 9: `4` is no index of a column"),
            ("{0 1, 0 2}", "cars, line 9: the index 0 occurs twice"),
            ("{0 1", "cars, line 9: a brace is not closed"),
        ] {
            assert_eq!(table(row).unwrap_err().to_string(), message);
        }
        let declared = |text: &str| {
            let source = Source::bytes("t.arff", text.as_bytes());
            read(&source, &FileForm::default()).unwrap_err().to_string()
        };
        assert_eq!(declared("@relation x\n@data\n"), "t.arff, line 2: no column is declared above the rows");
        assert_eq!(
            declared("@relation x\n@attribute a relational\n"),
            "t.arff, line 2: `relational` is no type of a column that is read"
        );
        assert_eq!(declared("@relation x\n1,2\n"), "t.arff, line 2: `1,2` is no declaration");
    }
}
