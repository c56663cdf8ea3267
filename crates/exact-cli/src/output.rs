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
pub(crate) fn table<const N: usize>(header: [(&str, Align); N], rows: Vec<[String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header.map(|(name, _)| name));
    table.add_rows(rows);
    for (column, (_, align)) in table.column_iter_mut().zip(header) {
        column.set_cell_alignment(match align {
            Align::Text => CellAlignment::Left,
            Align::Number => CellAlignment::Right,
        });
    }
    table
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
