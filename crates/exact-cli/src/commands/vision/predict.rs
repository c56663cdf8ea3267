//! `exact vision predict`.

use std::io::{self, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use exact_data::write_atomically;
use exact_images::{ImageFiles, ImageWarning};
use exact_vision::{ImageClassifier, Predictions, default_device};

use super::super::predict::io_error;
use super::test_images;
use crate::arguments::vision::Predict;
use crate::failure::{CommandError, warn};
use crate::output::{NamedFile, check_outputs, write_stdout};
use crate::progress::PredictionBar;

/// Images that are read and classified at once: never more are in memory.
const BATCH: usize = 128;

/// Stands for a list of paths on standard input.
const STDIN: &str = "-";

pub(super) fn run(arguments: &Predict) -> anyhow::Result<()> {
    let out = arguments.out.as_deref().filter(|path| path.as_os_str() != STDIN);
    let mut inputs: Vec<NamedFile<'_>> = vec![("the model", Some(arguments.model.as_path()))];
    let files = files(&arguments.paths)?;
    inputs.extend(files.paths().iter().map(|path| ("an image", Some(path.as_path()))));
    check_outputs(&inputs, &[("--out", out)])?;
    let classifier = ImageClassifier::load(&arguments.model, &default_device()?)?;
    let classes = classifier.class_names();
    let top = arguments.top.map_or(1, NonZero::get);
    if top > classes.len() {
        return Err(CommandError::Top { top, classes: classes.len() }.into());
    }
    let columns = Columns { classes, top, proba: arguments.proba };
    if arguments.paths.is_empty() {
        let predictions = classifier.predict(&test_images(&classifier, &arguments.data)?)?;
        return written(out, |csv| {
            csv.write_record(columns.names(false))?;
            Ok(columns.write(csv, None, &predictions)?)
        });
    }
    files.warnings().iter().for_each(warn);
    let mut tally = Tally::default();
    let bar = PredictionBar::new(files.paths().len(), out.is_some());
    written(out, |csv| {
        for paths in files.paths().chunks(BATCH) {
            let decoded = ImageFiles::decode(paths, classifier.channels(), classifier.image_size())?;
            let mut read = Vec::new();
            for (path, outcome) in paths.iter().zip(decoded.outcomes) {
                match outcome {
                    Ok(picture) => {
                        tally.converted += usize::from(picture.is_grey == (classifier.channels() == 3));
                        tally.animated.extend(picture.is_animated.then_some(path.as_path()));
                        read.push(path.as_path());
                    }
                    Err(error) if arguments.strict => return Err(error.into()),
                    Err(error) => {
                        bar.warn(error);
                        tally.unread += 1;
                    }
                }
            }
            if let Some(images) = decoded.images {
                if tally.predicted == 0 {
                    csv.write_record(columns.names(true))?;
                }
                columns.write(csv, Some(&read), &classifier.predict(&images)?)?;
                tally.predicted += read.len();
            }
            bar.advance(paths.len());
        }
        // Nothing is written, then.
        if tally.predicted == 0 { Err(tally.unread().into()) } else { Ok(()) }
    })?;
    drop(bar);
    tally.warn(classifier.channels());
    if tally.unread > 0 { Err(tally.unread().into()) } else { Ok(()) }
}

/// The files that paths, folders, patterns and the list on standard input name.
fn files(paths: &[PathBuf]) -> anyhow::Result<ImageFiles> {
    let mut files = ImageFiles::default();
    for path in paths {
        if path.as_os_str() == STDIN {
            files.add_list("standard input", io::stdin().lock())?;
        } else {
            files.add(path)?;
        }
    }
    if files.paths().is_empty() && !paths.is_empty() {
        return Err(CommandError::NoImages.into());
    }
    Ok(files)
}

/// What there was to be said of images.
#[derive(Default)]
struct Tally<'a> {
    predicted: usize,
    unread: usize,
    converted: usize,
    animated: Vec<&'a Path>,
}

impl Tally<'_> {
    fn unread(&self) -> CommandError {
        CommandError::UnreadImages { unread: self.unread, images: self.unread + self.predicted }
    }

    fn warn(&self, channels: usize) {
        if self.converted > 0 {
            warn(ImageWarning::Converted { images: self.converted, grey: channels == 3 });
        }
        if let Some(example) = self.animated.first() {
            let example = example.display().to_string();
            warn(ImageWarning::Animated { images: self.animated.len(), example });
        }
    }
}

/// Writes CSV to a file, whole or not at all, or to standard output.
fn written(
    out: Option<&Path>,
    write: impl FnOnce(&mut csv::Writer<&mut dyn Write>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // What is no failure to write is told as it is.
    let mut failure = None;
    let write = |output: &mut dyn Write| -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(output);
        let result = write(&mut csv).map_err(|error| match error.downcast::<csv::Error>() {
            Ok(error) => io_error(error),
            Err(error) => {
                failure = Some(error);
                io::Error::other("the predictions are not complete")
            }
        });
        result.and_then(|()| csv.flush())
    };
    let result = match out {
        Some(path) => write_atomically(path, write).map_err(anyhow::Error::from),
        None => write_stdout(write),
    };
    match failure {
        Some(error) => Err(error),
        None => result,
    }
}

/// The columns of predictions.
struct Columns<'a> {
    classes: &'a [String],
    /// The classes of each image.
    top: usize,
    proba: bool,
}

impl Columns<'_> {
    fn names(&self, has_files: bool) -> Vec<String> {
        let mut names = Vec::new();
        names.extend(has_files.then(|| "file".to_owned()));
        names.extend(["prediction".into(), "confidence".into()]);
        for rank in 2..=self.top {
            names.extend([format!("prediction_{rank}"), format!("confidence_{rank}")]);
        }
        if self.proba {
            names.extend(self.classes.iter().map(|class| format!("p_{class}")));
        }
        names
    }

    /// Writes a row for each image.
    fn write(
        &self,
        csv: &mut csv::Writer<&mut dyn Write>,
        files: Option<&[&Path]>,
        predictions: &Predictions,
    ) -> csv::Result<()> {
        let rows = predictions.probabilities.chunks_exact(self.classes.len());
        for (row, (probabilities, &class)) in rows.zip(&predictions.classes).enumerate() {
            if let Some(files) = files {
                csv.write_field(files[row].to_string_lossy().as_bytes())?;
            }
            for class in self.best(class as usize, probabilities) {
                csv.write_field(&self.classes[class])?;
                csv.write_field(probabilities[class].to_string())?;
            }
            if self.proba {
                for probability in probabilities {
                    csv.write_field(probability.to_string())?;
                }
            }
            csv.write_record(None::<&[u8]>)?;
        }
        // Readers need not wait for the next images.
        Ok(csv.flush()?)
    }

    /// The classes with the largest probabilities, the predicted one first.
    fn best(&self, predicted: usize, probabilities: &[f64]) -> Vec<usize> {
        let mut others: Vec<usize> = (0..probabilities.len()).filter(|&class| class != predicted).collect();
        if self.top > 1 {
            others.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        }
        std::iter::once(predicted).chain(others).take(self.top).collect()
    }
}
