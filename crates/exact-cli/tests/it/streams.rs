//! Standard streams: results and nothing else on standard output, readers that go away, programs that wait.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::common::{Finished, Folder, table};

/// A folder with a model and more rows to predict than a pipe holds.
fn folder_with_model() -> Folder {
    let folder = Folder::new();
    folder.write("data.csv", table(120));
    folder.write("long.csv", format!("x,kind\n{}", "7,red\n".repeat(100_000)));
    let fit = ["fit", "data.csv", "--target", "label", "--loss", "cross-entropy", "--out", "model"];
    let run = folder.exact(&fit).succeeded();
    assert_eq!(run.stderr, "", "there is no progress bar outside a terminal");
    folder
}

/// Runs a script in which `$EXACT` is the binary.
#[cfg(unix)]
fn run_script(folder: &Folder, script: &str) -> Finished {
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).env("EXACT", env!("CARGO_BIN_EXE_exact")).current_dir(folder.path());
    Finished::of(&bash.output().unwrap())
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_success() {
    let folder = folder_with_model();
    folder.write("lines", "{\"mu\":[0,0],\"sigma\":1,\"label\":0}\n".repeat(20_000));
    for command in [
        "predict model long.csv --proba",
        "predict model long.csv --proba --out /dev/stdout",
        "integrate < lines",
        "completions bash",
        "--help",
    ] {
        // `true` reads nothing, so that even the first bytes can find the pipe broken.
        for reader in ["head -n 1", "true"] {
            let run = run_script(&folder, &format!("$EXACT {command} | {reader}; echo ${{PIPESTATUS[0]}}"));
            assert!(run.stdout.ends_with("0\n") && run.stderr.is_empty(), "{command} | {reader}: {run:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_cannot_be_written_is_a_failure() {
    let folder = folder_with_model();
    folder.write("line", "{\"mu\":[0,0],\"sigma\":1,\"label\":0}\n");
    let commands =
        ["predict model data.csv", "evaluate model data.csv --json", "integrate < line", "datasets"];
    for command in commands {
        run_script(&folder, &format!("$EXACT {command} > /dev/full"))
            .refused(&["cannot write to standard output: "]);
    }
}

#[test]
fn integrate_answers_before_its_input_ends() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_exact"))
        .arg("integrate")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        requests.write_all(b"{\"mu\":[0,0,0],\"sigma\":1,\"label\":2}\n").unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert!((answer["p"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-14);
    }
    drop(requests);
    assert!(answers.next().is_none() && child.wait().unwrap().success());
}

#[test]
fn answers_before_a_bad_line_are_printed() {
    let input =
        "{\"mu\":[0,0],\"sigma\":1,\"label\":0}\n\nnonsense\n{\"mu\":[0,0],\"sigma\":1,\"label\":0}\n";
    let run = Folder::new().exact_with_input(&["integrate"], input);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(2), 1));
    assert!(run.stderr.starts_with("error: standard input, line 3, column "), "{run:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn tables_are_read_from_pipes() {
    let folder = folder_with_model();
    let run = run_script(&folder, "cat data.csv | $EXACT evaluate model /dev/stdin --json");
    assert_eq!(run.json(), folder.exact(&["evaluate", "model", "data.csv", "--json"]).json());
}
