//! The rules of the repository that no compiler checks: files stay short, finished and free of machine paths.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A longer Rust file holds more than one concept.
const MAX_LINES: usize = 700;

/// As in rustfmt.toml, which leaves comments and texts as they are.
const MAX_WIDTH: usize = 110;

/// Kinds of files that people write. Data and generated reports are not read.
const WRITTEN: &[&str] = &["rs", "toml", "md", "cff", "py", "sh", "yml", "yaml", "json", "css", "js", ""];

/// Hidden directories that belong to the repository.
const HIDDEN: &[&str] = &[".cargo", ".ci", ".github"];

// Each text is split, so that this file passes its own check.
/// Paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &[concat!("/tm", "p/"), concat!("/roo", "t/"), concat!("/hom", "e/")];

/// Marks of unfinished code and of tests that do not run.
const UNFINISHED: &[&str] = &[concat!("tod", "o!"), concat!("unimplemente", "d!"), concat!("#[ignor", "e")];

/// Checks every written file below `root`.
///
/// The directory tree is walked rather than asking git, which a fresh machine may not have.
///
/// # Errors
/// If a file cannot be read, or a rule is broken: the message lists every place.
pub fn check(root: &Path) -> Result<()> {
    let mut findings = Vec::new();
    let mut files = Vec::new();
    collect(root, &mut files)?;
    for path in &files {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            findings.extend(findings_in(path.strip_prefix(root).unwrap_or(path), &text));
        }
    }
    if !findings.is_empty() {
        bail!("{} places break the rules of the repository:\n{}", findings.len(), findings.join("\n"));
    }
    println!("{} files checked", files.len());
    Ok(())
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let cannot_list = || format!("cannot list {}", directory.display());
    for entry in fs::read_dir(directory).with_context(cannot_list)? {
        let entry = entry.with_context(cannot_list)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            let outside = name == "target" || (name.starts_with('.') && !HIDDEN.contains(&name.as_ref()));
            if !outside {
                collect(&path, files)?;
            }
        } else if name != ".git" && WRITTEN.contains(&extension(&path)) {
            // In a worktree `.git` is a file that holds a machine path.
            files.push(path);
        }
    }
    Ok(())
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
}

fn findings_in(path: &Path, text: &str) -> Vec<String> {
    let place = path.display();
    let rust = extension(path) == "rs";
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if rust && lines > MAX_LINES {
        findings
            .push(format!("{place}: {lines} lines, at most {MAX_LINES} are allowed: split it by concept"));
    }
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let width = line.chars().count();
        if rust && width > MAX_WIDTH {
            findings.push(format!("{place}:{number}: {width} characters, at most {MAX_WIDTH} are allowed"));
        }
        if let Some(found) = MACHINE_PATHS.iter().find(|found| holds_absolute(line, found)) {
            findings.push(format!("{place}:{number}: `{found}` is a path of one machine"));
        }
        if let Some(found) = UNFINISHED.iter().find(|found| rust && line.contains(**found)) {
            findings.push(format!("{place}:{number}: `{found}`: finish it or remove it"));
        }
    }
    findings
}

/// Whether `path` begins a path in the line, rather than being the middle of an address or a relative path.
fn holds_absolute(line: &str, path: &str) -> bool {
    let continues = |before: char| before.is_alphanumeric() || "._-~}".contains(before);
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(continues))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        findings_in(Path::new(path), text)
    }

    #[test]
    fn a_clean_file_has_no_findings() {
        assert!(findings("a.rs", "fn main() {}\n").is_empty());
        assert!(findings("README.md", "relative/path and a/roots/b\n").is_empty());
    }

    #[test]
    fn the_line_limit_is_inclusive_and_for_rust_only() {
        assert!(findings("a.rs", &"//\n".repeat(MAX_LINES)).is_empty());
        let long = "//\n".repeat(MAX_LINES + 1);
        assert_eq!(
            findings("a.rs", &long),
            ["a.rs: 701 lines, at most 700 are allowed: split it by concept"]
        );
        assert!(findings("data.json", &long).is_empty());
    }

    #[test]
    fn long_lines_are_found_in_rust_only() {
        let long = "x".repeat(MAX_WIDTH + 1);
        assert_eq!(findings("a.rs", &long), ["a.rs:1: 111 characters, at most 110 are allowed"]);
        assert!(findings("a.md", &long).is_empty() && findings("a.rs", &long[1..]).is_empty());
    }

    #[test]
    fn machine_paths_are_found_in_every_kind_of_file() {
        for found in MACHINE_PATHS {
            let text = format!("first\nsee {found}file\n");
            assert_eq!(findings("a.md", &text), [format!("a.md:2: `{found}` is a path of one machine")]);
            assert!(findings("a.md", &format!("https://example.org{found}file\n")).is_empty());
        }
    }

    #[test]
    fn unfinished_code_is_found_in_rust_only() {
        for found in UNFINISHED {
            let text = format!("    {found}(\"later\")]\n");
            assert_eq!(findings("a.rs", &text), [format!("a.rs:1: `{found}`: finish it or remove it")]);
            assert!(findings("a.md", &text).is_empty());
        }
    }

    #[test]
    fn build_output_and_foreign_hidden_directories_are_skipped() {
        let root = std::env::temp_dir().join(format!("exact-learn-hygiene-{}", std::process::id()));
        for directory in ["src", "target", ".venv", ".ci"] {
            fs::create_dir_all(root.join(directory)).unwrap();
            fs::write(root.join(directory).join("a.rs"), UNFINISHED[0]).unwrap();
        }
        fs::write(root.join("table.csv"), MACHINE_PATHS[0]).unwrap();
        let message = check(&root).unwrap_err().to_string();
        fs::remove_dir_all(&root).unwrap();
        assert!(message.starts_with("2 places"), "{message}");
    }
}
