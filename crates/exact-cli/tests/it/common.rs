//! Running the binary on files of a temporary folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that goes with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path
    }

    /// The names in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs `exact` in the folder.
    pub fn exact(&self, arguments: &[&str]) -> Finished {
        self.exact_with_input(arguments, "")
    }

    pub fn exact_with_input(&self, arguments: &[&str], input: &str) -> Finished {
        let mut child = Command::new(env!("CARGO_BIN_EXE_exact"))
            .args(arguments)
            .current_dir(self.path())
            // The width that help and errors are wrapped to.
            .env_remove("COLUMNS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may have closed it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Finished::of(&child.wait_with_output().unwrap())
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.succeeded().stdout).unwrap()
    }

    /// Asserts exit code 2, nothing on standard output and all fragments in the message.
    pub fn refused(&self, fragments: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert_eq!(self.stdout, "");
        assert!(self.stderr.contains("error: "), "{}", self.stderr);
        for fragment in fragments {
            assert!(self.stderr.contains(fragment), "`{fragment}` is missing in: {}", self.stderr);
        }
    }
}

/// Rows of two classes that overlap a little, after the header `x,kind,label`.
pub fn rows(n: usize) -> String {
    (0..n)
        .map(|i| {
            let label = if (i * 7 % n < n / 2) == (i % 11 == 0) { "yes" } else { "no" };
            format!("{},{},{label}\n", i * 7 % n, ["red", "green", "blue"][i % 3])
        })
        .collect()
}

pub fn table(n: usize) -> String {
    format!("x,kind,label\n{}", rows(n))
}
