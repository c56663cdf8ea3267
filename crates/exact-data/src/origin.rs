//! Where the rows of a table come from.

use crate::error::Place;

/// The file and the line of each row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// What messages call the files.
    names: Vec<String>,
    /// The file of each row; none are kept while there is one file.
    files: Vec<u32>,
    lines: Vec<u64>,
}

impl Origin {
    pub fn new(name: &str, lines: Vec<u64>) -> Self {
        Self { names: vec![name.into()], files: Vec::new(), lines }
    }

    /// What the files are called together.
    pub fn name(&self) -> String {
        match self.names.as_slice() {
            [] => String::new(),
            [name] => name.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        }
    }

    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// The name of a row's file.
    pub fn file(&self, row: usize) -> &str {
        &self.names[self.files.get(row).map_or(0, |&file| file as usize)]
    }

    /// The line of a row, counted from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    pub fn place(&self, row: usize, column: &str) -> Place {
        Place { source: self.file(row).into(), line: self.lines[row], column: column.into() }
    }

    /// Appends the rows of another file.
    pub fn append(&mut self, other: Self) {
        self.files.resize(self.lines.len(), 0);
        let first = self.names.len() as u32;
        self.files
            .extend((0..other.lines.len()).map(|row| first + other.files.get(row).copied().unwrap_or(0)));
        self.names.extend(other.names);
        self.lines.extend(other.lines);
    }

    /// The rows with the given numbers.
    pub fn select(&self, rows: &[usize]) -> Self {
        let files = if self.files.is_empty() {
            Vec::new()
        } else {
            rows.iter().map(|&row| self.files[row]).collect()
        };
        Self { names: self.names.clone(), files, lines: rows.iter().map(|&row| self.lines[row]).collect() }
    }
}
