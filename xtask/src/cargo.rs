//! Running cargo from the root of the workspace.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The release that `deny.toml` is written for.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// The root of the workspace.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// The cargo that runs this program, to be started in the root of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a cargo command to its end.
///
/// # Errors
/// If the command cannot be started or does not succeed.
pub fn run(mut command: Command) -> Result<()> {
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    let shown = format!("cargo {}", arguments.join(" "));
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    ensure!(status.success(), "`{shown}` ended with {status}");
    Ok(())
}

/// Runs `cargo deny check CHECKS`, after installing cargo-deny where it is missing.
///
/// # Errors
/// If cargo-deny cannot be installed or finds something.
pub fn deny(checks: &[&str]) -> Result<()> {
    let mut probe = cargo(&["deny", "--version"]);
    let installed = probe.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success();
    if !installed {
        run(cargo(&["install", "cargo-deny", "--locked", "--version", CARGO_DENY_VERSION]))?;
    }
    let mut command = cargo(&["deny", "--locked", "check", "--hide-inclusion-graph"]);
    command.args(checks);
    run(command)
}
