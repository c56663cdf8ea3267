//! Parts of a table that are joined in the order of the text, in whatever order they are ready.

use std::collections::BTreeMap;

use super::header::Header;
use super::records::Part;
use crate::DataError;
use crate::cells::Cells;
use crate::error::Place;

/// The parts of a table that have been read.
pub(super) struct Join<'a> {
    name: &'a str,
    header: &'a Header,
    /// The parts up to the first that is not there yet.
    joined: Result<Part, DataError>,
    n_joined: usize,
    /// Those behind it.
    waiting: BTreeMap<usize, Result<Part, DataError>>,
}

impl<'a> Join<'a> {
    pub fn new(name: &'a str, header: &'a Header) -> Self {
        let cells = header.names.iter().map(|_| Cells::default()).collect();
        let joined = Ok(Part { cells, lines: Vec::new() });
        Self { name, header, joined, n_joined: 0, waiting: BTreeMap::new() }
    }

    /// Adds the part of a number.
    pub fn add(&mut self, number: usize, part: Result<Part, DataError>) {
        self.waiting.insert(number, part);
        while let Some(part) = self.waiting.remove(&self.n_joined) {
            self.n_joined += 1;
            if let Ok(joined) = &mut self.joined
                && let Err(error) = part.and_then(|part| append(joined, part, self.name, self.header))
            {
                self.joined = Err(error);
            }
        }
    }

    /// All parts, or the first error in the order of the text.
    pub fn finish(self) -> Result<Part, DataError> {
        self.joined
    }
}

fn append(joined: &mut Part, part: Part, name: &str, header: &Header) -> Result<(), DataError> {
    for ((cells, column), more) in joined.cells.iter_mut().zip(&header.names).zip(part.cells) {
        let line = part.lines.first().copied().unwrap_or(0);
        let place = || Place { source: name.into(), line, column: column.clone() };
        cells.append(more).map_err(|error| error.at(place()))?;
    }
    joined.lines.extend(part.lines);
    Ok(())
}
