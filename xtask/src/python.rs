//! `cargo xtask python`: builds the wheel, installs it in a fresh environment and tests the installed package.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo::{self, Profile};

/// Directories of tests that need optional dependencies, and the group of these in pyproject.toml.
const EXTRAS: [(&str, &str); 4] =
    [("onnx", "test-onnx"), ("sklearn", "test-sklearn"), ("ray", "ray"), ("torch", "torch")];

/// Tests without the optional dependencies come first: they must not need any.
///
/// On Linux the wheel of torch loads all of its CUDA libraries when it is imported, so that none can be left out.
pub fn run(profile: Profile) -> Result<()> {
    // It exports networks for the tests of ONNX.
    let exact = cargo::build_exact(profile)?;
    let environment = Environment::create()?;
    let wheel = environment.build_wheel(profile)?;
    environment.install(&[with_extra(&wheel, "test")])?;
    let tests = cargo::root().join("python").join("tests");
    println!("==> NumPy");
    let ignored = EXTRAS.map(|(directory, _)| {
        let mut ignored = OsString::from("--ignore=");
        ignored.push(tests.join(directory));
        ignored
    });
    environment.test(&exact, &[&[tests.clone().into()], &ignored[..]].concat())?;
    for (directory, extra) in EXTRAS {
        environment.install(&[with_extra(&wheel, extra)])?;
        println!("==> {directory}");
        environment.test(&exact, &[tests.join(directory).into()])?;
    }
    Ok(())
}

/// The wheel with one of the optional groups of dependencies in pyproject.toml.
fn with_extra(wheel: &Path, extra: &str) -> OsString {
    let mut requirement = wheel.as_os_str().to_owned();
    requirement.push(format!("[{extra}]"));
    requirement
}

/// A virtual environment below the target directory.
pub struct Environment {
    directory: PathBuf,
}

impl Environment {
    /// The one that [`run`] has left, with the package and all of its optional dependencies.
    pub fn open() -> Result<Self> {
        let environment = Self { directory: directory() };
        let exists = environment.programs().exists();
        ensure!(
            exists,
            "there is no environment of the Python package\nhint: run `cargo xtask python` first"
        );
        Ok(environment)
    }

    /// A new one.
    fn create() -> Result<Self> {
        let directory = directory();
        if directory.exists() {
            let cannot_remove = || format!("cannot remove {}", directory.display());
            fs::remove_dir_all(&directory).with_context(cannot_remove)?;
        }
        let mut create = Command::new("python3");
        create.args(["-m", "venv"]).arg(directory.join("environment"));
        cargo::run(create).context(
            "a virtual environment is needed\nhint: install Python 3.10 or newer with its venv module",
        )?;
        let environment = Self { directory };
        let requirements = cargo::root().join("python").join("requirements-build.txt");
        environment.install(&["--requirement".into(), requirements.into()])?;
        Ok(environment)
    }

    /// The directory of its programs.
    pub fn programs(&self) -> PathBuf {
        self.directory.join("environment").join(if cfg!(windows) { "Scripts" } else { "bin" })
    }

    /// Runs a module of Python in a directory without modules of its own, so that it is the installed package that is
    /// imported.
    pub fn module(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs().join("python"));
        command.args(["-m", name]).current_dir(&self.directory);
        command
    }

    pub fn install(&self, requirements: &[OsString]) -> Result<()> {
        let mut install = self.module("pip");
        install.args(["install", "--quiet", "--disable-pip-version-check"]).args(requirements);
        cargo::run(install)
    }

    fn build_wheel(&self, profile: Profile) -> Result<PathBuf> {
        let wheels = self.directory.join("wheels");
        let mut build = Command::new(self.programs().join("maturin"));
        build.args(["build", "--locked", "--profile", profile.name(), "--out"]).arg(&wheels);
        build.current_dir(cargo::root());
        cargo::run(build)?;
        let cannot_list = || format!("cannot list {}", wheels.display());
        let mut built = fs::read_dir(&wheels).with_context(cannot_list)?;
        let wheel =
            built.next().with_context(|| format!("maturin wrote no wheel to {}", wheels.display()))?;
        Ok(wheel.with_context(cannot_list)?.path())
    }

    fn test(&self, exact: &Path, arguments: &[OsString]) -> Result<()> {
        let mut test = self.module("pytest");
        test.args(["--quiet", "-p", "no:cacheprovider"]).args(arguments).env("EXACT", exact);
        cargo::run(test)
    }
}

/// Where the environment and the wheel are.
fn directory() -> PathBuf {
    cargo::target_directory().join("python")
}
