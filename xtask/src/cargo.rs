//! Running cargo from the root of the workspace.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
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

/// A release build without link-time optimisation, which takes minutes, for programs that are run and not measured.
pub fn without_lto(mut build: Command) -> Command {
    build.env("CARGO_PROFILE_RELEASE_LTO", "off");
    build
}

/// Builds `exact` for checks and returns where it is.
pub fn build_exact() -> Result<PathBuf> {
    run(without_lto(cargo(&["build", "--release", "--locked", "--package", "exact-cli"])))?;
    Ok(target_directory().join("release").join(format!("exact{}", env::consts::EXE_SUFFIX)))
}

/// Where cargo puts what it builds.
pub fn target_directory() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program of the nightly toolchain, to be started in the root of the workspace.
pub fn nightly(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]).arg(program).current_dir(root());
    // Otherwise programs that look for cargo find the one that runs this program.
    command.env_remove("CARGO");
    command
}

/// Checks that there is a nightly toolchain.
///
/// # Errors
/// If there is none, with the command that installs it.
pub fn require_nightly() -> Result<()> {
    let status = nightly("rustc").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    ensure!(
        status.is_ok_and(|status| status.success()),
        "there is no nightly toolchain, which sanitizers and libFuzzer need\nhint: install it with `rustup toolchain install nightly --profile minimal`"
    );
    Ok(())
}

/// Runs a command to its end.
///
/// # Errors
/// If the command cannot be started or does not succeed.
pub fn run(mut command: Command) -> Result<()> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words: Vec<_> =
        std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy()).collect();
    let shown = words.join(" ");
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
