//! `exact completions`.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, Completions};
use crate::output::print;

pub(crate) fn run(arguments: &Completions) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "exact", &mut script);
    print(String::from_utf8(script)?.trim_end())
}
