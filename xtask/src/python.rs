//! `cargo xtask python`: builds the wheel, installs it in an environment and tests the installed
//! package.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, anyhow, ensure};

use crate::cargo::{self, Profile};

/// Tests that may import some of the optional dependencies in pyproject.toml, and must do without the others.
struct Group {
    /// Their directory below python/tests; of the first, what is in none.
    name: &'static str,
    /// What they may import.
    imports: &'static [&'static str],
}

const GROUPS: [Group; 5] = [
    Group { name: "numpy", imports: &[] },
    Group { name: "onnx", imports: &["onnx", "onnxruntime", "scipy", "skl2onnx", "sklearn"] },
    Group { name: "sklearn", imports: SKLEARN },
    Group { name: "ray", imports: &["pandas", "pyarrow", "ray", "scipy", "sklearn", "tqdm"] },
    Group { name: "torch", imports: OPTIONAL },
];
const SKLEARN: &[&str] = &["matplotlib", "pandas", "polars", "pyarrow", "scipy", "sklearn", "tqdm"];
/// The modules of all optional dependencies.
const OPTIONAL: &[&str] = &[
    "matplotlib",
    "onnx",
    "onnxruntime",
    "pandas",
    "polars",
    "pyarrow",
    "ray",
    "scipy",
    "skl2onnx",
    "sklearn",
    "torch",
    "tqdm",
];
/// The optional dependencies in pyproject.toml that bring them.
///
/// On Linux the wheel of torch loads all of its CUDA libraries when it is imported, so that none can be left
/// out.
const EXTRAS: [&str; 5] = ["test", "test-onnx", "test-sklearn", "ray", "torch"];

/// The environment that is being made.
static PREPARED: Mutex<Option<JoinHandle<Result<()>>>> = Mutex::new(None);

/// Begins to make the environment, much of which is waiting for downloads and disks, beside other checks.
pub fn prepare() {
    let mut prepared = PREPARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    prepared.get_or_insert_with(|| thread::spawn(create_environment));
}

/// Waits for the environment.
fn prepared() -> Result<()> {
    let handle = PREPARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    handle.map_or(Ok(()), |handle| {
        handle.join().unwrap_or_else(|_| Err(anyhow!("making the environment panicked")))
    })
}

pub fn run(profile: Profile) -> Result<()> {
    prepare();
    // It exports networks for the tests of ONNX.
    let exact = cargo::build_exact(profile)?;
    prepared()?;
    let wheel = build_wheel(profile)?;
    let tests = cargo::root().join("python").join("tests");
    let environment = Environment::open()?;
    environment.install(&["--force-reinstall".into(), "--no-deps".into(), wheel.clone().into()])?;
    // What it depends on is there already, unless the wheel says otherwise.
    environment.install(&[with_extras(&wheel)])?;
    // Much of what some wait for is other processes that start.
    thread::scope(|scope| {
        let tested = GROUPS.each_ref().map(|group| scope.spawn(|| group.test(&exact, &tests)));
        tested
            .into_iter()
            .try_for_each(|tested| tested.join().unwrap_or_else(|_| Err(anyhow!("running tests panicked"))))
    })
}

impl Group {
    /// Runs its tests with the installed package.
    fn test(&self, exact: &Path, tests: &Path) -> Result<()> {
        let directory = tests.join(self.name);
        let arguments = if directory.exists() { vec![directory.into()] } else { without_groups(tests) };
        let hidden = OPTIONAL.iter().filter(|module| !self.imports.contains(module)).copied();
        let mut test = Environment::open()?.module("pytest");
        test.args(["--quiet", "-p", "no:cacheprovider"]).args(arguments);
        test.env("EXACT", exact).env("HIDDEN_MODULES", hidden.collect::<Vec<_>>().join(","));
        let output = cargo::output(test)?;
        println!("==> {}\n{output}", self.name);
        Ok(())
    }
}

/// The arguments of pytest for the tests that need no optional dependencies.
fn without_groups(tests: &Path) -> Vec<OsString> {
    let ignored = GROUPS.iter().map(|group| {
        let mut ignored = OsString::from("--ignore=");
        ignored.push(tests.join(group.name));
        ignored
    });
    std::iter::once(tests.into()).chain(ignored).collect()
}

/// The wheel with all optional dependencies.
fn with_extras(wheel: &Path) -> OsString {
    let mut requirement = wheel.as_os_str().to_owned();
    requirement.push(format!("[{}]", EXTRAS.join(",")));
    requirement
}

/// What the package and some of its optional groups depend on, as pyproject.toml says.
fn requirements(extras: &[&str]) -> Result<Vec<OsString>> {
    let path = cargo::root().join("pyproject.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let project: toml::Table = text.parse().with_context(|| format!("cannot read {}", path.display()))?;
    let project = project.get("project").context("pyproject.toml has no table `project`")?;
    let optional =
        project.get("optional-dependencies").context("pyproject.toml has no optional dependencies")?;
    let mut found = Vec::new();
    for list in
        std::iter::once(project.get("dependencies")).chain(extras.iter().map(|extra| optional.get(extra)))
    {
        let list =
            list.and_then(toml::Value::as_array).context("pyproject.toml lacks a list of dependencies")?;
        for requirement in list.iter().filter_map(toml::Value::as_str) {
            match requirement.strip_prefix("exact-learn[").and_then(|rest| rest.strip_suffix(']')) {
                Some(extra) => found.extend(requirements(&[extra])?),
                None => found.push(requirement.into()),
            }
        }
    }
    Ok(found)
}

/// Makes an environment with all that builds and tests the package, but the package itself, unless there is
/// one.
fn create_environment() -> Result<()> {
    let of_build = cargo::root().join("python").join("requirements-build.txt");
    let mut all = requirements(&EXTRAS)?;
    all.extend(fs::read_to_string(&of_build)?.lines().map(OsString::from));
    let list: Vec<String> = all.iter().map(|requirement| requirement.to_string_lossy().into()).collect();
    let (list, made) = (list.join("\n"), directory().join("requirements.txt"));
    if fs::read_to_string(&made).is_ok_and(|made| made == list) {
        return Ok(());
    }
    remove(&directory())?;
    let mut create = Command::new("python3");
    create.args(["-m", "venv"]).arg(directory().join("environment"));
    cargo::run(create).context(
        "a virtual environment is needed\nhint: install Python 3.10 or newer with its venv module",
    )?;
    Environment::open()?.install(&all)?;
    fs::write(&made, list).with_context(|| format!("cannot write {}", made.display()))
}

fn remove(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    Ok(())
}

/// The wheel of the package.
fn build_wheel(profile: Profile) -> Result<PathBuf> {
    let wheels = directory().join("wheels");
    remove(&wheels)?;
    match profile {
        Profile::Dev => pack_wheel(profile, &wheels)?,
        Profile::Dist => {
            let mut build = maturin()?;
            build.args(["build", "--locked", "--profile", profile.name(), "--out"]).arg(&wheels);
            cargo::run(build)?;
        }
    }
    let cannot_list = || format!("cannot list {}", wheels.display());
    let mut built = fs::read_dir(&wheels).with_context(cannot_list)?;
    let wheel = built.next().with_context(|| format!("maturin wrote no wheel to {}", wheels.display()))?;
    Ok(wheel.with_context(cannot_list)?.path())
}

/// Packs the library that was built with the tests. Maturin would compile it, and most of what it depends on,
/// once more, because cargo chooses other features for one package than for all.
fn pack_wheel(profile: Profile, wheels: &Path) -> Result<()> {
    let (contents, tools) = (directory().join("contents"), Environment::open()?);
    remove(&contents)?;
    let mut describe = maturin()?;
    describe.args(["pep517", "write-dist-info", "--quiet", "--metadata-directory"]).arg(&contents);
    describe.arg("--interpreter").arg(tools.programs().join("python"));
    cargo::run(describe)?;
    let package = contents.join("exact_learn");
    copy_sources(&cargo::root().join("python").join("exact_learn"), &package)?;
    let library = format!("{}exact_python{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let library = cargo::target_directory().join(profile.directory()).join(library);
    copy(&library, &package.join(if cfg!(windows) { "_core.pyd" } else { "_core.abi3.so" }))?;
    fs::create_dir_all(wheels).with_context(|| format!("cannot create {}", wheels.display()))?;
    let mut pack = tools.module("wheel");
    pack.arg("pack").arg(&contents).arg("--dest-dir").arg(wheels).stdout(Stdio::null());
    cargo::run(pack)
}

/// Copies the modules of a package.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    let cannot_list = || format!("cannot list {}", from.display());
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(cannot_list)? {
        let path = entry.with_context(cannot_list)?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "__pycache__" {
            copy_sources(&path, &to.join(name))?;
        } else if path.extension().is_some_and(|extension| extension == "py" || extension == "pyi")
            || name == "py.typed"
        {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// What builds the package.
fn maturin() -> Result<Command> {
    let mut maturin = Command::new(Environment::open()?.programs().join("maturin"));
    maturin.current_dir(cargo::root());
    Ok(maturin)
}

/// How long to wait after each attempt to install packages that failed, before the next.
const INSTALL_PAUSES: [Duration; 2] = [Duration::from_secs(10), Duration::from_mins(1)];

/// The virtual environment below the target directory.
pub struct Environment {
    directory: PathBuf,
}

impl Environment {
    /// The one that [`prepare`] has made; after [`run`] it has the package with all optional dependencies.
    pub fn open() -> Result<Self> {
        let environment = Self { directory: directory() };
        let exists = environment.programs().exists();
        ensure!(
            exists,
            "there is no environment of the Python package\nhint: run `cargo xtask python` first"
        );
        Ok(environment)
    }

    /// The directory of its programs.
    pub fn programs(&self) -> PathBuf {
        self.directory.join("environment").join(if cfg!(windows) { "Scripts" } else { "bin" })
    }

    /// Runs a module of Python in a directory without modules of its own, so that it is the installed package
    /// that is imported.
    pub fn module(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs().join("python"));
        command.args(["-m", name]).current_dir(&self.directory);
        command
    }

    /// Installs packages; a download that breaks off is begun again, and what has arrived is in pip's cache.
    pub fn install(&self, requirements: &[OsString]) -> Result<()> {
        let attempt = || {
            let mut install = self.module("pip");
            // Modules are compiled when they are imported, which most of them never are.
            install
                .args(["install", "--quiet", "--disable-pip-version-check", "--no-compile"])
                .args(["--retries", "10", "--timeout", "60"])
                .args(requirements);
            cargo::run(install)
        };
        for pause in INSTALL_PAUSES {
            let Err(error) = attempt() else { return Ok(()) };
            eprintln!("{error:#}\ntrying again in {} s", pause.as_secs());
            thread::sleep(pause);
        }
        attempt()
    }
}

/// Where the environment and the wheel are.
fn directory() -> PathBuf {
    cargo::target_directory().join("python")
}
