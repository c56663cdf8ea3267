//! What a person sees when arguments cannot be understood.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use exact_data::message::shell_word;

use crate::arguments::Arguments;
use crate::failure::FAILURE;

/// Prints arguments that cannot be understood as other errors are printed, or the help that was asked for.
pub(crate) fn report(mut error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help and version are results.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let has_hint = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .any(|kind| error.get(kind).is_some());
    if error.kind() == ErrorKind::UnknownArgument
        && !has_hint
        && let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
    {
        // That of clap, to put the value behind `--`, does not help where options follow or take the value.
        let hint = value_hint(argument);
        error.remove(ContextKind::Suggested);
        if let Some(hint) = hint {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(hint)]));
        }
    }
    let text = error.render().to_string().replace("\n  tip: ", "\nhint: ");
    let _ = write!(io::stderr().lock(), "{text}");
    ExitCode::from(FAILURE)
}

/// How to type an argument that begins with a dash and was meant as a value, if it may have been: as that of
/// the option before it, or as a file.
fn value_hint(argument: &str) -> Option<String> {
    let words: Vec<String> = std::env::args_os().map(OsString::into_string).collect::<Result<_, _>>().ok()?;
    words.windows(2).zip(0..).find_map(|(pair, at)| {
        let [before, value] = pair else { return None };
        // Of `-xyz`, clap names `-x`.
        if !value.starts_with(argument) {
            return None;
        }
        let of_option = before.starts_with("--").then(|| (at..at + 2, format!("{before}={value}")));
        let file = (!value.starts_with("--")).then(|| (at + 1..at + 2, format!("./{value}")));
        let (_, typed) = of_option.into_iter().chain(file).find(|(places, typed)| {
            let mut words = words.clone();
            words.splice(places.clone(), [typed.clone()]);
            is_understood(&words)
        })?;
        Some(format!("to pass `{value}` as a value, use `{}`", shell_word(&typed)))
    })
}

/// Whether words are arguments, but perhaps not all.
fn is_understood(words: &[String]) -> bool {
    Arguments::try_parse_from(words).err().is_none_or(|error| {
        matches!(error.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict)
    })
}
