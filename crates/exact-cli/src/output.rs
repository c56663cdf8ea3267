//! Results on standard output and in files.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context as _;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use exact_data::{check_writable, write_atomically};
#[cfg(feature = "vision")]
use exact_eval::record::Spread;
use serde::Serialize;

use crate::failure::CommandError;

/// Writes to standard output, through a buffer.
pub(crate) fn write_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    write(&mut stdout).and_then(|()| stdout.flush()).context("cannot write to standard output")
}

/// Prints text to standard output.
pub(crate) fn print(text: impl fmt::Display) -> anyhow::Result<()> {
    write_stdout(|stdout| writeln!(stdout, "{text}"))
}

/// Prints one JSON object on one line.
pub(crate) fn print_json(record: &impl Serialize) -> anyhow::Result<()> {
    print(serde_json::to_string(record)?)
}

/// Writes a file whole or not at all.
pub(crate) fn write_file(path: &Path, contents: &str) -> anyhow::Result<()> {
    Ok(write_atomically(path, |file| file.write_all(contents.as_bytes()))?)
}

/// A file of a command: what it is called in messages, and its path if it was named.
pub(crate) type NamedFile<'a> = (&'static str, Option<&'a Path>);

/// Checks before long work that its results can be written, and that none takes the place of an input or of
/// another result.
pub(crate) fn check_outputs(inputs: &[NamedFile<'_>], outputs: &[NamedFile<'_>]) -> anyhow::Result<()> {
    let mut taken: Vec<(&str, &Path)> = Vec::new();
    taken.extend(inputs.iter().filter_map(|&(name, path)| Some((name, path?))));
    for &(name, path) in outputs {
        let Some(path) = path else { continue };
        if let Some((owner, _)) = taken.iter().find(|(_, other)| is_same_file(path, other)) {
            let (name, owner, path) = (name.into(), (*owner).into(), path.into());
            return Err(CommandError::Overwrites { name, owner, path }.into());
        }
        check_writable(path)?;
        taken.push((name, path));
    }
    Ok(())
}

/// Devices and pipes are not overwritten.
fn is_same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b && a.is_file(),
        _ => a == b,
    }
}

/// How a column of a printed table is aligned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Align {
    Text,
    Number,
}

/// The most characters of a line.
const WIDTH: u16 = 100;
/// The characters between two columns.
const SPACE: usize = 3;

/// A table with a header whose texts are wrapped, so that it fits a terminal.
pub(crate) fn wrapped_table<const N: usize>(header: [(&str, Align); N], rows: Vec<[String; N]>) -> Table {
    let mut table = table(header, rows);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    // Names are not broken.
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

/// A table with a header.
pub(crate) fn table<'a, R: IntoIterator<Item = String>>(
    header: impl AsRef<[(&'a str, Align)]>,
    rows: Vec<R>,
) -> Table {
    let header = header.as_ref();
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header.iter().map(|(name, _)| name));
    table.add_rows(rows);
    for (column, (_, align)) in table.column_iter_mut().zip(header) {
        column.set_cell_alignment(match align {
            Align::Text => CellAlignment::Left,
            Align::Number => CellAlignment::Right,
        });
    }
    table
}

/// A column of a wide table: its header and its cells.
pub(crate) type NumberColumn<'a> = (&'a str, Vec<String>);

/// A table of many columns of numbers as several below each other, so that they fit a terminal; each begins
/// with the names of the rows.
pub(crate) fn wide_tables(corner: &str, names: &[String], columns: &[NumberColumn<'_>]) -> Vec<Table> {
    let width = |header: &str, cells: &[String]| {
        let widths = cells.iter().map(String::as_str).chain([header]).map(|text| text.chars().count());
        widths.max().unwrap_or(0) + SPACE
    };
    let room = usize::from(WIDTH).saturating_sub(width(corner, names) + 1);
    let (mut tables, mut rest) = (Vec::new(), columns);
    while !rest.is_empty() {
        let mut used = 0;
        let fits = rest.iter().take_while(|(header, cells)| {
            used += width(header, cells);
            used <= room
        });
        let (shown, others) = rest.split_at(fits.count().max(1));
        let header: Vec<(&str, Align)> = std::iter::once((corner, Align::Text))
            .chain(shown.iter().map(|&(header, _)| (header, Align::Number)))
            .collect();
        let row = |(row, name): (usize, &String)| {
            std::iter::once(name.clone()).chain(shown.iter().map(move |(_, cells)| cells[row].clone()))
        };
        tables.push(table(header, names.iter().enumerate().map(row).collect()));
        rest = others;
    }
    tables
}

/// Text in lines that fit a terminal.
pub(crate) fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= usize::from(WIDTH) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines.join("\n")
}

/// The mean of rates in percent, with the standard deviation if there are several.
#[cfg(feature = "vision")]
pub(crate) fn percent_spread(spread: Option<Spread>, count: usize) -> String {
    match spread {
        Some(Spread { mean, std }) if count > 1 => format!("{} ± {}", percent(mean), percent(std)),
        Some(Spread { mean, .. }) => percent(mean),
        None => String::new(),
    }
}

/// A rate in percent.
pub(crate) fn percent(rate: f64) -> String {
    format!("{:.2}", rate * 100.0)
}
