//! The splits as a file, for other programs.

use std::io::{self, Write};
use std::path::Path;

use exact_data::write_atomically;

use super::sets::DataSet;

/// Writes a line for each row that is tested on, with its label; all others are trained on.
pub(super) fn write(path: &Path, sets: &[DataSet]) -> anyhow::Result<()> {
    Ok(write_atomically(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        write_rows(&mut csv, sets).map_err(io::Error::from)?;
        csv.flush()
    })?)
}

fn write_rows(csv: &mut csv::Writer<impl Write>, sets: &[DataSet]) -> csv::Result<()> {
    csv.write_record(["set", "split", "row", "label"])?;
    for set in sets {
        let labels = set.labels.classes();
        for (number, split) in set.splits.iter().enumerate() {
            for &row in &split.test {
                let label = &labels[set.classes[row] as usize];
                csv.write_record([&set.name, &(number + 1).to_string(), &row.to_string(), label])?;
            }
        }
    }
    Ok(())
}
