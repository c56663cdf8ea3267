//! The scores of other programs.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use exact_data::message::{did_you_mean, first, list, shorten};

use super::sets::DataSet;
use crate::failure::CommandError;

const COLUMNS: [&str; 4] = ["method", "set", "split", "score"];

/// A method that was not trained here.
pub(super) struct OtherMethod {
    pub name: String,
    /// Accuracies, `[set][split]`.
    pub accuracies: Vec<Vec<f64>>,
}

/// The methods of all files, in the order in which they first occur. `trained` are the names of others.
pub(super) fn read_all(
    paths: &[PathBuf],
    sets: &[DataSet],
    trained: &[String],
) -> anyhow::Result<Vec<OtherMethod>> {
    let mut scores = Scores { sets, trained, methods: Vec::new() };
    for path in paths {
        scores.read(path)?;
    }
    let files: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    scores.complete(&files.join(", "))
}

/// What has been read.
struct Scores<'a> {
    sets: &'a [DataSet],
    trained: &'a [String],
    /// Names and accuracies, `[set][split]`.
    methods: Vec<(String, Vec<Vec<Option<f64>>>)>,
}

/// A message on a line: what is wrong, and how to mend it.
type Problem = (String, String);

impl Scores<'_> {
    fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        let error = |place: String, (problem, hint): Problem| CommandError::Scores { place, problem, hint };
        let columns = format!("the columns are {}", COLUMNS.join(", "));
        let unreadable = |problem: csv::Error| error(name.clone(), (problem.to_string(), columns.clone()));
        let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
        let header = csv.headers().map_err(unreadable)?.clone();
        let mut positions = [0; COLUMNS.len()];
        for (position, column) in positions.iter_mut().zip(COLUMNS) {
            let found = header.iter().position(|name| name == column);
            let missing = || error(name.clone(), (format!("there is no column `{column}`"), columns.clone()));
            *position = found.ok_or_else(missing)?;
        }
        let mut lines = 0;
        for record in csv.records() {
            let record = record.map_err(unreadable)?;
            let line = record.position().map_or(0, csv::Position::line);
            let fields = positions.map(|position| record.get(position).unwrap_or_default());
            self.add(fields).map_err(|problem| error(format!("{name}, line {line}"), problem))?;
            lines += 1;
        }
        if lines == 0 {
            return Err(error(name.clone(), ("there are no scores".into(), columns)).into());
        }
        Ok(())
    }

    fn add(&mut self, [method, set, split, score]: [&str; 4]) -> Result<(), Problem> {
        if method.is_empty() {
            return Err(("the method has no name".into(), "give each method a name".into()));
        }
        if self.trained.iter().any(|loss| loss == method) {
            let hint = "give the method another name, or leave the loss out with --losses";
            return Err((format!("`{method}` is also a loss that is trained here"), hint.into()));
        }
        let set_at = self.sets.iter().position(|known| known.name == set).ok_or_else(|| {
            let names: Vec<String> = self.sets.iter().map(|set| set.name.clone()).collect();
            let near = did_you_mean(&[set.into()], &names);
            (format!("there is no data set `{}`", shorten(set)), format!("{near}there are {}", list(&names)))
        })?;
        let n_splits = self.sets[set_at].splits.len();
        let split_at =
            split.parse().ok().filter(|split| (1..=n_splits).contains(split)).ok_or_else(|| {
                let hint = "name as many with --splits as there were when the splits were written";
                (format!("there is no split `{}`, they are 1 to {n_splits}", shorten(split)), hint.into())
            })?;
        let accuracy = score.parse().ok().filter(|score| (0.0..=1.0).contains(score)).ok_or_else(|| {
            let problem = format!("the score `{}` is not a number between 0 and 1", shorten(score));
            (problem, "a score is a fraction of the test rows: 0.93, not 93".into())
        })?;
        let accuracies = self.accuracies_of(method);
        if accuracies[set_at][split_at - 1].replace(accuracy).is_some() {
            let problem = format!("`{method}` has two scores of split {split} of `{set}`");
            return Err((problem, "leave one of them out".into()));
        }
        Ok(())
    }

    /// The accuracies of a method, which may be new.
    fn accuracies_of(&mut self, method: &str) -> &mut Vec<Vec<Option<f64>>> {
        let at = self.methods.iter().position(|(name, _)| name == method).unwrap_or_else(|| {
            let none = self.sets.iter().map(|set| vec![None; set.splits.len()]).collect();
            self.methods.push((method.into(), none));
            self.methods.len() - 1
        });
        &mut self.methods[at].1
    }

    /// The methods, all of which must have all scores.
    fn complete(self, files: &str) -> anyhow::Result<Vec<OtherMethod>> {
        let mut missing = Vec::new();
        for (method, accuracies) in &self.methods {
            for (set, accuracies) in self.sets.iter().zip(accuracies) {
                for (split, _) in accuracies.iter().enumerate().filter(|(_, accuracy)| accuracy.is_none()) {
                    missing.push(format!("`{method}` on split {} of `{}`", split + 1, set.name));
                }
            }
        }
        if !missing.is_empty() {
            let problem = format!("no score of {}", first(3, &missing, String::clone));
            let hint = "each method needs a score of each split of each data set".into();
            return Err(CommandError::Scores { place: files.into(), problem, hint }.into());
        }
        let known = |accuracies: Vec<Vec<Option<f64>>>| {
            accuracies.into_iter().map(|splits| splits.into_iter().flatten().collect()).collect()
        };
        Ok(self
            .methods
            .into_iter()
            .map(|(name, accuracies)| OtherMethod { name, accuracies: known(accuracies) })
            .collect())
    }
}
