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

/// How the programs that checks run are built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As the tests are, of which next to nothing is built again.
    Dev,
    /// As programs are shipped.
    Dist,
}

impl Profile {
    /// Its name, for cargo and maturin.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Dist => "dist",
        }
    }

    /// The directory of its programs below the target directory.
    pub fn directory(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Dist => "dist",
        }
    }
}

/// The whole workspace: the networks are not built unless they are asked for.
pub const WORKSPACE: [&str; 4] = ["--workspace", "--features", "exact-cli/vision", "--locked"];

/// Builds `exact` with all of its commands and returns where it is.
///
/// # Errors
/// If it cannot be built.
pub fn build_exact(profile: Profile) -> Result<PathBuf> {
    let build = match profile {
        // With the tests, because cargo gives some dependencies more features for these: apart, they and all
        // that uses them would be compiled twice.
        Profile::Dev => {
            let mut build = cargo(&["build", "--lib", "--bins", "--tests", "--quiet"]);
            build.args(WORKSPACE);
            build
        }
        Profile::Dist => cargo(&[
            "build",
            "--profile",
            "dist",
            "--locked",
            "--package",
            "exact-cli",
            "--features",
            "vision",
        ]),
    };
    run(build)?;
    Ok(target_directory().join(profile.directory()).join(format!("exact{}", env::consts::EXE_SUFFIX)))
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
        "there is no nightly toolchain, which sanitizers and libFuzzer need\nhint: install it with \
         `rustup toolchain install nightly --profile minimal`"
    );
    Ok(())
}

/// Runs a command to its end.
///
/// # Errors
/// If the command cannot be started or does not succeed.
pub fn run(mut command: Command) -> Result<()> {
    let shown = shown(&command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    ensure!(status.success(), "`{shown}` ended with {status}");
    Ok(())
}

/// Runs a command to its end; returns what it writes to standard output, which an error shows.
///
/// # Errors
/// If the command cannot be started or does not succeed.
pub fn output(mut command: Command) -> Result<String> {
    let shown = shown(&command);
    command.stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start `{shown}`"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{text}\n`{shown}` ended with {}", output.status);
    Ok(text)
}

/// A command as messages show it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs `cargo deny check CHECKS`, after installing cargo-deny where it is missing.
///
/// # Errors
/// If cargo-deny cannot be installed or finds something.
pub fn deny(checks: &[&str]) -> Result<()> {
    let mut probe = cargo(&["deny", "--version"]);
    let installed = probe.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success();
    if !installed {
        // Without optimisation: it is built more often than it is waited for.
        run(cargo(&["install", "cargo-deny", "--locked", "--debug", "--version", CARGO_DENY_VERSION]))?;
    }
    let mut command = cargo(&["deny", "--locked", "check", "--hide-inclusion-graph"]);
    command.args(checks);
    run(command)
}
