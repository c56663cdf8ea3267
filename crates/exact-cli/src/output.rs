//! Results on standard output and in files.

use std::io::{self, Write as _};
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use exact_data::write_atomically;
use serde::Serialize;

/// Prints text to standard output.
pub(crate) fn print(text: impl std::fmt::Display) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// Prints one JSON object on one line.
pub(crate) fn print_json(record: &impl Serialize) -> anyhow::Result<()> {
    print(serde_json::to_string(record)?)
}

/// Writes a file whole or not at all.
pub(crate) fn write_file(path: &Path, contents: &str) -> anyhow::Result<()> {
    Ok(write_atomically(path, |file| file.write_all(contents.as_bytes()))?)
}

/// A table whose first column is text and whose other columns are numbers.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A rate in percent.
pub(crate) fn percent(rate: f64) -> String {
    format!("{:.2}", rate * 100.0)
}
