//! `cargo xtask guide`: runs the code blocks of the guide and the README, and builds the guide as HTML.

use std::env;
use std::path::Path;

use anyhow::Result;

use crate::cargo::{self, Profile};
use crate::python::Environment;

/// The blocks call `exact` and the installed Python package. Broken links within the guide are errors.
pub fn run(profile: Profile) -> Result<()> {
    let documents = cargo::root().join("docs");
    let environment = Environment::open()?;
    environment.install(&["--requirement".into(), documents.join("requirements.txt").into()])?;
    let exact = cargo::build_exact(profile)?;

    let mut programs = vec![environment.programs()];
    programs.extend(exact.parent().map(Path::to_path_buf));
    programs.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut blocks = environment.module("pytest");
    blocks.args(["--quiet", "-p", "no:cacheprovider", "-p", "code_blocks"]);
    blocks.args([documents.join("guide"), cargo::root().join("README.md")]);
    blocks.env("PATH", env::join_paths(programs)?).env("PYTHONPATH", &documents);
    cargo::run(blocks)?;

    let built = cargo::target_directory().join("guide");
    let mut html = environment.module("sphinx");
    // Pages that are not read again would not be checked again.
    html.args(["--builder", "html", "--fresh-env", "--quiet", "--fail-on-warning", "--keep-going"]);
    html.arg("--doctree-dir").arg(built.join("doctrees")).arg(&documents).arg(built.join("html"));
    cargo::run(html)?;
    println!("{}", built.join("html").join("index.html").display());
    Ok(())
}
