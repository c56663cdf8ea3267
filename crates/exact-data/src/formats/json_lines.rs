//! Objects of JSON as rows: one a line, or all in one array.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::integers::push_integer;
use super::lines::Lines;
use crate::cells::{Cells, TooManyTexts};
use crate::error::Place;
use crate::message::shorten;
use crate::raw_table::{RawColumn, RawTable};
use crate::{DataError, FileForm, Source};

const MEND: &str = "each row is one object of numbers, texts, true, false and null (not NaN), as pandas \
                    writes it with `to_json(path, orient=\"records\", lines=True)`";

/// Reads a text of one object a line.
pub(super) fn read_lines(source: &Source, form: &FileForm) -> Result<RawTable, DataError> {
    let mut rows = Rows::new(source.name());
    let mut lines = Lines::open(source, form)?;
    while let Some((number, line)) = lines.next()? {
        rows.line.set(number);
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let read = deserializer.deserialize_map(Object(&mut rows)).and_then(|()| deserializer.end());
        read.map_err(|error| rows.failure(&error, number))?;
    }
    rows.finish()
}

/// Reads an array of objects.
pub(super) fn read_array(source: &Source, form: &FileForm) -> Result<RawTable, DataError> {
    let mut rows = Rows::new(source.name());
    let text = source.open_text(form.encoding.as_deref())?;
    let text = Counted { reader: text, line: Rc::clone(&rows.line) };
    let mut deserializer = serde_json::Deserializer::from_reader(text);
    let read = deserializer.deserialize_seq(Array(&mut rows)).and_then(|()| deserializer.end());
    read.map_err(|error| {
        let line = error.line() as u64;
        if error.is_io() {
            DataError::reading(source.name(), error.into())
        } else {
            rows.failure(&error, line)
        }
    })?;
    rows.finish()
}

/// The rows that have been read.
struct Rows {
    file: String,
    columns: Vec<RawColumn>,
    positions: HashMap<String, usize>,
    /// The values of the row that is read, as many as there are columns.
    row: Vec<Value>,
    lines: Vec<u64>,
    /// The line that is read.
    line: Rc<Cell<u64>>,
    /// What is wrong, where the reader of JSON cannot say it.
    problem: Option<DataError>,
}

/// A value of a row.
#[derive(Clone)]
enum Value {
    Empty,
    Truth(bool),
    Integer(i128),
    Number(f64),
    Text(String),
    /// An array or an object.
    Nested,
}

impl Rows {
    fn new(file: &str) -> Self {
        Self {
            file: file.into(),
            columns: Vec::new(),
            positions: HashMap::new(),
            row: Vec::new(),
            lines: Vec::new(),
            line: Rc::new(Cell::new(1)),
            problem: None,
        }
    }

    /// Takes a value into the row; the last one of a key counts.
    fn set(&mut self, key: String, value: Value) {
        if let Some(&at) = self.positions.get(&key) {
            self.row[at] = value;
            return;
        }
        let mut cells = Cells::default();
        self.lines.iter().for_each(|_| cells.push_empty());
        self.columns.push(RawColumn { name: key.clone(), cells });
        self.row.push(value);
        self.positions.insert(key, self.row.len() - 1);
    }

    fn end_row(&mut self, line: u64) -> Result<(), DataError> {
        for (RawColumn { name, cells }, value) in self.columns.iter_mut().zip(&mut self.row) {
            let pushed = match std::mem::replace(value, Value::Empty) {
                Value::Nested => {
                    let problem = format!("`{}` is an array or an object, not one value", shorten(name));
                    return Err(DataError::BadLine { file: self.file.clone(), line, problem, mend: MEND });
                }
                value => value.push(cells),
            };
            let place = || Place { source: self.file.clone(), line, column: name.clone() };
            pushed.map_err(|error| error.at(place()))?;
        }
        self.lines.push(line);
        Ok(())
    }

    /// Why reading stopped.
    fn failure(&mut self, error: &serde_json::Error, line: u64) -> DataError {
        self.problem.take().unwrap_or_else(|| {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default();
            let problem = format!("{what}, at column {}", error.column());
            DataError::BadLine { file: self.file.clone(), line, problem, mend: MEND }
        })
    }

    fn finish(self) -> Result<RawTable, DataError> {
        RawTable::new(&self.file, self.columns, self.lines)
    }
}

impl Value {
    fn push(self, cells: &mut Cells) -> Result<(), TooManyTexts> {
        match self {
            Self::Empty | Self::Nested => cells.push_empty(),
            Self::Number(number) => cells.push_number(number),
            Self::Truth(truth) => return cells.push_text(if truth { "true" } else { "false" }),
            Self::Integer(integer) => return push_integer(cells, integer),
            Self::Text(text) => return cells.push_field(&text),
        }
        Ok(())
    }
}

/// An array of rows.
struct Array<'a>(&'a mut Rows);

impl<'de> Visitor<'de> for Array<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Object(self.0))?.is_some() {}
        Ok(())
    }
}

/// A row.
struct Object<'a>(&'a mut Rows);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let line = self.0.line.get();
        while let Some(key) = pairs.next_key()? {
            let value = pairs.next_value_seed(Scalar)?;
            self.0.set(key, value);
        }
        self.0.end_row(line).map_err(|problem| {
            let error = A::Error::custom(&problem);
            self.0.problem = Some(problem);
            error
        })
    }
}

/// The value of a cell.
struct Scalar;

impl<'de> DeserializeSeed<'de> for Scalar {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Empty)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Truth(truth))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer.into()))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Value, E> {
        Ok(Value::Integer(integer.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        while pairs.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Nested)
    }
}

/// A reader that counts lines. That of JSON takes one byte after the other, so the count is that of the value
/// which it has come to.
struct Counted<R> {
    reader: R,
    line: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let ends: u64 = buffer[..read].iter().map(|&byte| u64::from(byte == b'\n')).sum();
        self.line.set(self.line.get() + ends);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::cells::Cell::{Empty, Number, Text};

    fn table(text: &str) -> Result<RawTable, DataError> {
        read(&Source::bytes("t.json", text.as_bytes()), &FileForm::default())
    }

    #[test]
    fn rows_of_objects() {
        let lines = "{\"x\": 1, \"y\": \"a\"}\n\n{\"y\": \"2.5\", \"z\": true, \"x\": null, \"z\": false}\n\
                     {\"id\": 9007199254740993}\n";
        let array = format!("[\n{}]", lines.trim().replace("}\n", "},\n"));
        for (text, expected) in [(lines, [1, 3, 4]), (array.as_str(), [2, 4, 5])] {
            let table = table(text).unwrap();
            let columns: Vec<(&str, Vec<_>)> = table
                .columns
                .iter()
                .map(|column| (column.name.as_str(), column.cells.iter().collect()))
                .collect();
            assert_eq!(columns[0], ("x", vec![Number(1.0), Empty, Empty]));
            assert_eq!(columns[1], ("y", vec![Text("a"), Number(2.5), Empty]));
            assert_eq!(columns[2], ("z", vec![Empty, Text("false"), Empty]));
            assert_eq!(columns[3], ("id", vec![Empty, Empty, Text("9007199254740993")]));
            assert_eq!([0, 1, 2].map(|row| table.origin.line(row)), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_row_is_refused_with_its_line() {
        for (text, message) in [
            ("{\"x\": 1}\n{\"x\": [1]}", "t.json, line 2: `x` is an array or an object, not one value"),
            ("[{\"x\": 1},\n{\"x\": {}}]", "t.json, line 2: `x` is an array or an object, not one value"),
            ("{\"x\": 1}\n{\"x\": NaN}", "t.json, line 2: expected value, at column 7"),
            ("{\"x\": 1}\n3", "t.json, line 2: invalid type: integer `3`, expected an object, at column 1"),
            ("{\"x\": 1} {}", "t.json, line 1: trailing characters, at column 10"),
            (
                "[{\"x\": 1},\n3]",
                "t.json, line 2: invalid type: integer `3`, expected an object, at column 2",
            ),
            ("{\n\"x\": 1}", "t.json, line 1: EOF while parsing an object, at column 1"),
        ] {
            let error = table(text).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(error.hint().unwrap().contains("orient=\"records\""));
        }
    }
}
