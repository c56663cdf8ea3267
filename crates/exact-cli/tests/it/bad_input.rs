//! Bad input: exit code 2, a message that says what is wrong, where and how to mend it, and no file left
//! behind.

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{Float64Array, RecordBatch};
use arrow_ipc::reader::read_footer_length;
use arrow_ipc::root_as_footer;
use arrow_ipc::writer::FileWriter;

use crate::common::{Finished, Folder, rows, table};

/// Fits on a file and expects refusal; nothing but the file may stand in the folder afterwards.
fn refuse_training(contents: impl AsRef<[u8]>, fragments: &[&str]) {
    let folder = Folder::new();
    folder.write("train.csv", contents);
    let arguments = ["fit", "train.csv", "--target", "label", "--out", "model", "--report", "report.html"];
    folder.exact(&arguments).refused(fragments);
    assert_eq!(folder.names(), ["train.csv"]);
}

#[test]
fn files_without_rows() {
    refuse_training("", &["train.csv is empty", "hint: "]);
    refuse_training("x,label\n", &["train.csv has a header but no rows", "hint: "]);
}

#[test]
fn broken_lines_and_headers() {
    refuse_training("x,label\n1,a\n2,b,c\n", &["train.csv", "line 3", "hint: "]);
    refuse_training("x,x,label\n1,2,a\n", &["train.csv", "`x`", "hint: "]);
    refuse_training("x,y\n1,2\n", &["train.csv has no column `label`", "hint: the columns are `x`, `y`"]);
    refuse_training(b"x,label\n1,a\n\xff\xfe,b\n", &["train.csv", "line 3", "UTF-8", "hint: "]);
}

#[test]
fn a_field_of_ten_megabytes() {
    let long = format!("x,label\n1,a\n{},b\n", "9".repeat(10 << 20));
    refuse_training(long, &["train.csv", "line 3", "`x`", "hint: "]);
}

#[test]
fn numbers_that_are_not_finite() {
    for value in ["inf", "-inf", "1e999"] {
        let contents = format!("x,kind,label\n{}{value},red,no\n", rows(40));
        refuse_training(contents, &["train.csv", "line 42", "`x`", "hint: "]);
    }
    let folder = Folder::new();
    folder.write("train.csv", format!("x,kind,label\n{}-inf,red,no\n", rows(40)));
    // As the hint says.
    let arguments = ["fit", "train.csv", "--target", "label", "--loss", "cross-entropy", "--missing=-inf"];
    folder.exact(&arguments).succeeded();
    // NaN is a missing value.
    folder.write("train.csv", format!("x,kind,label\n{}NaN,red,no\n", rows(40)));
    folder.exact(&arguments[..6]).succeeded();
}

#[test]
fn unusable_classes() {
    refuse_training("x,label\n1,a\n2,a\n3,a\n", &["train.csv", "`label`", "hint: "]);
    refuse_training("x,label\n1,\n2,\n3,\n", &["train.csv", "line 2", "`label`", "hint: "]);
    let continuous: String = (0..40).map(|row| format!("{row},{}.5\n", row * row)).collect();
    refuse_training(format!("x,label\n{continuous}"), &["`label`", "is this a regression?", "hint: "]);
    refuse_training(
        "x,label\n1,a\n2,a\n3,b\n4,b\n",
        &["train.csv: 4 rows", "5", "hint: use fewer folds or more rows"],
    );
    refuse_training("x,label\n1,a\n1,a\n1,b\n1,b\n", &["train.csv", "hint: "]);
}

#[test]
fn test_files_that_do_not_fit() {
    let folder = Folder::new();
    folder.write("train.csv", table(60));
    folder.write("columns.csv", "y,label\n1,no\n");
    folder.write("kinds.csv", "x,kind,label\n1,red,no\nmany,red,no\n");
    let fit = |test: &str| {
        folder.exact(&["fit", "train.csv", "--target", "label", "--test", test, "--out", "model"])
    };
    fit("columns.csv").refused(&["columns.csv", "`x`", "hint: "]);
    folder.write("labels.csv", "x,kind,label\n1,red,nein\n2,red,maybe\n");
    fit("labels.csv").refused(&["labels.csv, line 2", "`label`", "nein", "hint: "]);
    fit("kinds.csv").refused(&["kinds.csv, line 3", "`x`", "many", "hint: "]);
    fit("nowhere.csv").refused(&["cannot read nowhere.csv"]);
    assert!(!folder.path().join("model").exists());
}

#[test]
fn unknown_names_and_settings() {
    let folder = Folder::new();
    folder.exact(&["fit", "--dataset", "cars"]).refused(&["'cars'", "mice-protein", "hint: ", "'car'"]);
    folder.exact(&["fit", "--dataset", "car", "--loss", "exakt"]).refused(&[
        "cross-entropy",
        "hint: ",
        "'exact'",
    ]);
    folder.exact(&["compare", "--dataset", "car", "--losses", "hinge,poly"]).refused(&["hint: ", "'poly1'"]);
    folder.exact(&["fit", "--dataset", "car", "--solver", "newton"]).refused(&["newton", "lbfgs"]);
    folder.exact(&["fit", "--dataset", "wine", "--folds", "1"]).refused(&["folds", "at least 2"]);
    folder.exact(&["fit", "--dataset", "wine", "--threads", "0"]).refused(&["--threads must be at least 1"]);
    folder.write("train.csv", table(60));
    let fit = ["fit", "train.csv", "--target", "label"];
    folder.exact(&[&fit[..], &["--out", "-"]].concat()).refused(&["--out -", "hint: name a file"]);
    folder.exact(&[&fit[..], &["--class-weight", "balance"]].concat()).refused(&["did you mean `balanced`?"]);
    assert_eq!(folder.names(), ["train.csv"]);
    let kinds = ["fit", "train.csv", "--target", "label", "--categorical", "colour"];
    folder.exact(&kinds).refused(&["colour", "hint: "]);
    let numeric = ["fit", "train.csv", "--target", "label", "--numeric", "kind"];
    folder.exact(&numeric).refused(&["train.csv, line 2", "`kind`", "hint: "]);
}

/// Runs a command line in a shell.
#[cfg(unix)]
fn shell(folder: &Folder, line: &str) -> Finished {
    let line = format!("'{}' {line}", env!("CARGO_BIN_EXE_exact"));
    Finished::of(&Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap())
}

/// What stands in backquotes behind a text.
#[cfg(unix)]
fn quoted<'a>(text: &'a str, before: &str) -> &'a str {
    let behind = text.split_once(before).map(|(_, behind)| behind);
    behind.and_then(|behind| behind.split('`').nth(1)).expect(text)
}

#[cfg(unix)]
#[test]
fn options_in_warnings_can_be_typed_as_they_stand() {
    for name in ["key", "order date", "weight, kg", "the user's $key", "-1", "\"q\"", "é"] {
        let folder = Folder::new();
        let field = format!("\"{}\"", name.replace('"', "\"\""));
        let rows: String = (0..40).map(|row| format!("C{row},{},{row}\n", row % 2)).collect();
        folder.write("t.csv", format!("{field},a,b\n{rows}"));
        let run = folder.exact(&["inspect", "t.csv"]).succeeded();
        let option = quoted(&run.stderr, "is left out (");
        let run = shell(&folder, &format!("inspect t.csv --json {option}")).succeeded();
        assert_eq!((run.stderr.as_str(), run.stdout.contains("declared categorical")), ("", true), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn tokens_in_hints_can_be_typed_as_they_stand() {
    for token in ["not known", "1,2,3", "it's", "-", "--", "$HOME", "*"] {
        let folder = Folder::new();
        folder.write("t.csv", format!("x,y\n1,2\n\"{token}\",3\n2,5\n"));
        let run = folder.exact(&["inspect", "t.csv", "--numeric", "x"]);
        run.refused(&["t.csv, line 3", "is not a number"]);
        let option = quoted(&run.stderr, "or name it (");
        shell(&folder, &format!("inspect t.csv --numeric x {option}")).succeeded();
    }
}

#[cfg(unix)]
#[test]
fn values_that_begin_with_a_dash_are_told_how_to_be_typed() {
    let folder = Folder::new();
    folder.write("-t.csv", table(40));
    folder.write("t.csv", table(40));
    let hint = |line: &str| shell(&folder, line).stderr;
    let fit = "fit t.csv --target label --loss cross-entropy";
    for (before, value, after, typed) in [
        ("inspect", "-t.csv", "", "./-t.csv"),
        ("inspect t.csv", "-t.csv", "", "./-t.csv"),
        ("inspect --json", "-t.csv", "", "./-t.csv"),
        ("fit", "-t.csv", "--target label --loss cross-entropy", "./-t.csv"),
        (fit, "--test -t.csv", "", "--test=-t.csv"),
        (fit, "--out -m", "--json", "--out=-m"),
        (fit, "--out '-my model'", "", "'--out=-my model'"),
    ] {
        let stderr = hint(&format!("{before} {value} {after}"));
        assert_eq!(quoted(&stderr, "as a value, use "), typed, "{stderr}");
        shell(&folder, &format!("{before} {typed} {after}")).succeeded();
    }
    for line in ["inspect t.csv --jsn", "evaluate m t.csv --bla", "fit t.csv --folds -1", "-x"] {
        assert!(!hint(line).contains("as a value"), "{}", hint(line));
    }
    // Options of columns take such names as they are.
    shell(&folder, "fit t.csv --target -x").refused(&["has no column `-x`"]);
}

#[test]
fn integrals_that_make_no_sense() {
    let folder = Folder::new();
    let refuse = |line: &str, fragments: &[&str]| {
        let input = format!("{{\"mu\":[0,0],\"sigma\":1,\"label\":0}}\n{line}\n");
        let run = folder.exact_with_input(&["integrate"], &input);
        assert_eq!(run.code, Some(2), "{line}: {run:?}");
        for fragment in [&["standard input, line 2", "hint: "], fragments].concat() {
            assert!(run.stderr.contains(fragment), "{line}: {}", run.stderr);
        }
    };
    refuse(r#"{"mu":[0,0],"sigma":0,"label":0}"#, &["sigma must be positive"]);
    refuse(r#"{"mu":[0,0],"sigma":-1,"label":0}"#, &["sigma must be positive"]);
    refuse(r#"{"mu":[0,0],"sigma":NaN,"label":0}"#, &["expected an object"]);
    refuse(r#"{"mu":[0,0],"sigma":[1,1,1],"label":0}"#, &["one for each of the 2 classes, got 3"]);
    refuse(r#"{"mu":[0,0],"sigma":"1","label":0}"#, &["sigma must be a number or a list of numbers"]);
    refuse(r#"{"mu":[0,0],"sigma":1,"label":-1}"#, &["line 2, column 32", "-1"]);
    refuse(r#"{"mu":[0,0],"label":0}"#, &["missing field `sigma`"]);
    refuse(r#"{"mu":[0,0],"sigma":1,"#, &["line 2, column 22"]);
    refuse(r#"{"mu":[0,0],"sigma":1,"label":2}"#, &["label must be below the number of classes, 2, got 2"]);
    refuse(r#"{"mu":[],"sigma":1,"label":0}"#, &["at least one class"]);
    refuse(r#"{"mu":[0,1e999],"sigma":1,"label":0}"#, &["expected an object"]);
    refuse(r#"{"mu":[0,0],"sigma":1,"label":0,"k":0}"#, &["k must be at least 1"]);
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_training() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    for out in ["nowhere/model", "taken"] {
        folder.exact(&["fit", "--dataset", "wine", "--out", out]).refused(&["cannot write", out]);
        folder.exact(&["compare", "--dataset", "wine", "--report", out]).refused(&["cannot write", out]);
    }
    assert_eq!(folder.names(), ["taken"]);
}

#[test]
fn models_that_are_not_intact() {
    let folder = Folder::new();
    folder.exact(&["fit", "--dataset", "wine", "--loss", "cross-entropy", "--out", "model"]).succeeded();
    folder.write("data.csv", "a\n1\n");
    let bytes = std::fs::read(folder.path().join("model")).unwrap();
    let mut altered = bytes.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    folder.write("altered", altered);
    folder.write("short", &bytes[..bytes.len() / 2]);
    folder.write("empty", "");
    folder.write("foreign", "{\"weights\": [1, 2, 3]}");
    for name in ["altered", "short", "empty", "foreign"] {
        folder.exact(&["predict", name, "data.csv"]).refused(&[name, "is not a usable model", "hint: "]);
        folder.exact(&["evaluate", name, "data.csv"]).refused(&[name, "is not a usable model"]);
    }
    folder.exact(&["predict", "nowhere", "data.csv"]).refused(&["cannot read nowhere"]);
    folder.exact(&["predict", "model", "data.csv", "--out", "p"]).refused(&["data.csv", "`alcohol`"]);
    assert!(!folder.path().join("p").exists());
}

/// Damage at which the reader of the format panics: the length of a message in the footer is below 0.
#[test]
fn a_damaged_arrow_file_is_an_error_and_nothing_else() {
    let numbers = Arc::new(Float64Array::from(vec![0.5; 10]));
    let batch = RecordBatch::try_from_iter([("x", numbers as _)]).unwrap();
    let mut file = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    file.write(&batch).unwrap();
    let mut bytes = file.into_inner().unwrap();
    let end = bytes.len() - 10;
    let start = end - read_footer_length(*bytes.last_chunk().unwrap()).unwrap();
    let footer = &bytes[start..end];
    let offset = root_as_footer(footer).unwrap().recordBatches().unwrap().get(0).offset().to_le_bytes();
    let at = start + footer.windows(8).position(|window| window == offset).unwrap();
    bytes[at + 8..at + 12].fill(0xff);
    let folder = Folder::new();
    folder.write("t.arrow", bytes);
    let run = folder.exact(&["inspect", "t.arrow"]);
    run.refused(&["damaged in a way that its reader does not expect"]);
    assert_eq!(run.stderr.lines().count(), 2, "an error and a hint are expected: {}", run.stderr);
}

/// A disk that is full, as the limit on the size of files: writing past it fails in the middle of the file.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::new();
    folder.write("report.html", "the old report");
    let script =
        format!("trap '' XFSZ; ulimit -f 8; exec '{}' toy --report report.html", env!("CARGO_BIN_EXE_exact"));
    let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let run = Finished::of(&output);
    run.refused(&["cannot write report.html"]);
    assert!(!run.stderr.contains(".exact-"), "the name of the temporary file is shown: {}", run.stderr);
    assert_eq!(std::fs::read_to_string(folder.path().join("report.html")).unwrap(), "the old report");
    assert_eq!(folder.names(), ["report.html"]);
}

/// A process that is killed leaves the old file or the whole new one.
#[test]
fn an_interrupted_run_leaves_no_half_written_file() {
    let folder = Folder::new();
    let arguments = ["toy", "--report", "report.html"];
    let start = Instant::now();
    folder.exact(&arguments).succeeded();
    let duration = start.elapsed();
    let whole = std::fs::read(folder.path().join("report.html")).unwrap();
    let moments = (0..20).map(|i| duration * i / 20);
    let mut unfinished = 0;
    for moment in moments {
        folder.write("report.html", "the old report");
        let mut child = Command::new(env!("CARGO_BIN_EXE_exact"))
            .args(arguments)
            .current_dir(folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let left = std::fs::read(folder.path().join("report.html")).unwrap();
        assert!(left == b"the old report" || left == whole, "killed after {moment:?}");
        unfinished += usize::from(left != whole);
    }
    assert!(unfinished > 0, "no run was interrupted before its end");
}
