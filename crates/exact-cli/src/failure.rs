//! What a person sees when a command fails.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use exact_data::DataError;
use exact_images::ImageError;
use exact_linear::LinearError;

/// The exit code of every failure.
pub(crate) const FAILURE: u8 = 2;

/// An error of the command line itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// A result would take the place of an input or of another result.
    #[error("{name} would overwrite {}, which is {owner}", path.display())]
    Overwrites { name: String, owner: String, path: PathBuf },
    /// A model is no text that can be printed.
    #[error("--out -: a model is a file, and is not printed")]
    ModelToStdout,
    /// What should be a model is a table.
    #[error("{} is a table, not a model", path.display())]
    TableForModel { path: PathBuf },
    /// What should be a file, or a word that stands for one, is neither.
    #[error("--class-weight {}: there is no such file", path.display())]
    NoClassWeights { path: PathBuf },
    /// A request of `exact integrate` cannot be read or answered.
    #[error("{place}: {problem}")]
    Request { place: String, problem: String, hint: &'static str },
    /// It is not said what to predict.
    #[error("which column of {file} is to be predicted?")]
    NoTarget { file: String, columns: Vec<String> },
    /// Several data sets of a folder cannot be used.
    #[error("{} data sets cannot be used:\n  {}", problems.len(), problems.join("\n  "))]
    DataSets { problems: Vec<String> },
    /// A data set is in more files than can be told apart.
    #[error("the data set `{set}` has several tables: {}", files.join(", "))]
    SeveralTables { set: String, files: Vec<String> },
    /// A data set has rows to test on alone.
    #[error("the data set `{set}` has {}, but no table `train` beside it", test.display())]
    NoTrainingTable { set: String, test: PathBuf },
    /// The scores of other programs cannot be used.
    #[error("{place}: {problem}")]
    Scores { place: String, problem: String, hint: String },
    /// Classes are left out of a method that needs them all.
    #[error("--nearest-classes is for the methods genz and genz-quasi alone")]
    NearestClasses,
    /// The commands on images are a part of the build that has to be asked for.
    #[cfg(not(feature = "vision"))]
    #[error("this `exact` was built without networks for images")]
    WithoutVision,
    /// Some images cannot be read, and the others were predicted, if there are any.
    #[cfg(feature = "vision")]
    #[error("{unread} of {images} images cannot be read")]
    UnreadImages { unread: usize, images: usize },
    /// More classes are asked for than there are.
    #[cfg(feature = "vision")]
    #[error("--top {top}: the network has {classes} classes")]
    Top { top: usize, classes: usize },
    /// There is nothing to predict.
    #[cfg(feature = "vision")]
    #[error("no images are named")]
    NoImages,
    /// A linear classifier cannot be the last layer of a network.
    #[cfg(feature = "vision")]
    #[error("{} is no last layer of this network: {problem}", path.display())]
    Head { path: PathBuf, problem: String },
}

impl CommandError {
    fn hint(&self) -> String {
        let hint = match self {
            Self::NoTarget { columns, .. } => {
                return format!(
                    "name it with --target; the columns are {}",
                    exact_data::message::list(columns)
                );
            }
            Self::Scores { hint, .. } => return hint.clone(),
            Self::DataSets { .. } => "mend them, or take them out of the folder",
            Self::SeveralTables { .. } => "leave one of them, or give each set a folder of its own",
            Self::NoTrainingTable { .. } => "name the table with all rows, or those to train on, `train`",
            Self::Overwrites { .. } => "name another file",
            Self::ModelToStdout => "name a file, as `--out model.safetensors`",
            Self::TableForModel { .. } => "the model comes first, then tables",
            Self::NoClassWeights { .. } => {
                "did you mean `balanced`? else name a file of classes and their weights"
            }
            Self::Request { hint, .. } => hint,
            Self::NearestClasses => "leave the option out, or name one of these with --method",
            #[cfg(not(feature = "vision"))]
            Self::WithoutVision => {
                "build them in, in the repository: `cargo install --path crates/exact-cli --features vision`"
            }
            #[cfg(feature = "vision")]
            Self::UnreadImages { .. } => {
                "what is wrong with each is said above; mend them, or leave them out"
            }
            #[cfg(feature = "vision")]
            Self::Top { .. } => "ask for fewer",
            #[cfg(feature = "vision")]
            Self::NoImages => "the list on standard input needs a path in each line",
            #[cfg(feature = "vision")]
            Self::Head { .. } => {
                "train it with `exact fit` on what `exact vision embed` wrote of this network"
            }
        };
        hint.into()
    }
}

/// Prints `error: …` and hints to standard error. A reader that went away, as in `exact … | head`, is no
/// failure.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(is_broken_pipe) {
        return ExitCode::SUCCESS;
    }
    let (message, hint) = message_of(error);
    let mut stderr = io::stderr().lock();
    // Nothing is left to tell if standard error is closed as well.
    let _ = writeln!(stderr, "error: {message}");
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
    ExitCode::from(FAILURE)
}

/// An error among others: what is wrong, and how to mend it.
pub(crate) fn described(error: &anyhow::Error) -> String {
    match message_of(error) {
        (message, Some(hint)) => format!("{message} ({hint})"),
        (message, None) => message,
    }
}

/// What an error and its causes say, and the first hint of how to mend it.
fn message_of(error: &anyhow::Error) -> (String, Option<String>) {
    let mut messages: Vec<String> = Vec::new();
    let mut hint = None;
    for cause in error.chain() {
        let message = cause.to_string();
        // Errors that name their cause, or wrap another error transparently, have said this.
        if !messages.last().is_some_and(|last| last.ends_with(&message)) {
            messages.push(message);
        }
        hint = hint.or_else(|| hint_of(cause));
    }
    (messages.join(": "), hint)
}

fn hint_of(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    let data = cause.downcast_ref::<DataError>().and_then(DataError::hint);
    let images = || cause.downcast_ref::<ImageError>().and_then(ImageError::hint);
    let linear = || cause.downcast_ref::<LinearError>().and_then(LinearError::hint);
    let command = || cause.downcast_ref::<CommandError>().map(CommandError::hint);
    data.or_else(images).or_else(linear).or_else(|| vision_hint(cause)).or_else(command)
}

#[cfg(feature = "vision")]
fn vision_hint(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    cause.downcast_ref::<exact_vision::VisionError>().and_then(exact_vision::VisionError::hint)
}

#[cfg(not(feature = "vision"))]
fn vision_hint(_: &(dyn std::error::Error + 'static)) -> Option<String> {
    None
}

fn is_broken_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints what is being done to standard error.
#[cfg(feature = "vision")]
pub(crate) fn note(message: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// Prints `warning: …` to standard error.
pub(crate) fn warn(message: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "warning: {message}");
}
