//! The command line that other programs rely on: arguments, exit codes and the names in JSON.

use crate::common::{Finished, Folder, table};
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn assert_has(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value.get(name).is_some(), "`{name}` is missing in {:?}", keys(value));
    }
}

#[test]
fn fit_prints_the_record_of_the_model_it_writes() {
    let folder = Folder::new();
    folder.write("train.csv", table(120));
    let test: String = table(120).lines().take(61).map(|line| format!("{line}\n")).collect();
    folder.write("test.csv", &test);
    let arguments =
        ["fit", "train.csv", "--target", "label", "--test", "test.csv", "--out", "m.safetensors", "--json"];
    let record = folder.exact(&[&arguments[..], &["--report", "fit.html"]].concat()).json();
    assert_has(&record, &["data", "loss", "selected", "cv", "train", "test", "seconds", "model"]);
    assert_has(&record["data"], &["train_rows", "test_rows", "features", "classes"]);
    assert_has(&record["selected"], &["l2", "sigma", "margin"]);
    assert_has(&record["cv"], &["mean", "std"]);
    assert_has(&record["test"], &["accuracy", "balanced_accuracy", "macro_f1", "log_loss"]);
    assert_eq!((&record["data"]["train_rows"], &record["data"]["test_rows"]), (&120.into(), &60.into()));
    assert_eq!((&record["loss"], &record["model"]), (&"auto".into(), &"m.safetensors".into()));
    assert!(record["test"]["accuracy"].as_f64().unwrap() > 0.8, "{record}");
    assert!(std::fs::read_to_string(folder.path().join("fit.html")).unwrap().contains("<svg"));

    // The model measures what training measured, and its predictions agree.
    let evaluated = folder.exact(&["evaluate", "m.safetensors", "test.csv", "--json"]).json();
    assert_has(&evaluated, &["accuracy", "balanced_accuracy", "macro_f1", "log_loss", "confusion"]);
    for metric in ["accuracy", "balanced_accuracy", "macro_f1", "log_loss"] {
        assert_eq!(evaluated[metric], record["test"][metric], "{metric}");
    }
    let out = ["predict", "m.safetensors", "test.csv", "--proba", "--out", "p.csv"];
    folder.exact(&out).succeeded();
    let predictions = std::fs::read_to_string(folder.path().join("p.csv")).unwrap();
    let mut lines = predictions.lines();
    assert_eq!(lines.next(), Some("prediction,p_no,p_yes"));
    let mut correct = 0;
    for (line, row) in lines.zip(test.lines().skip(1)) {
        let fields: Vec<&str> = line.split(',').collect();
        let (no, yes): (f64, f64) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        assert!((no + yes - 1.0).abs() < 1e-12);
        assert_eq!(fields[0] == "yes", yes > no);
        correct += usize::from(row.ends_with(&format!(",{}", fields[0])));
    }
    assert_eq!(evaluated["accuracy"].as_f64().unwrap(), correct as f64 / 60.0);
    let printed = folder.exact(&["predict", "m.safetensors", "test.csv", "--proba"]).succeeded();
    assert_eq!(printed.stdout, predictions);
}

#[test]
fn the_same_seed_gives_the_same_model_whatever_the_number_of_threads() {
    let folder = Folder::new();
    let fit = |out: &str, extra: &[&str]| {
        let arguments = ["fit", "--dataset", "balance-scale", "--folds", "2", "--out", out];
        folder.exact(&[&arguments[..], extra].concat()).succeeded();
        std::fs::read(folder.path().join(out)).unwrap()
    };
    let one = fit("one", &["--threads", "1"]);
    assert!(one == fit("two", &["--threads", "2"]) && one == fit("again", &[]));
    assert!(one != fit("other", &["--seed", "1", "--loss", "exact"]));
}

#[test]
fn compare_prints_a_row_per_loss_and_writes_the_report() {
    let folder = Folder::new();
    let record = folder.exact(&["compare", "--dataset", "wine", "--json"]).json();
    assert_has(&record, &["data", "rows", "report"]);
    let rows = record["rows"].as_array().unwrap();
    let losses: Vec<&str> = rows.iter().map(|row| row["loss"].as_str().unwrap()).collect();
    let all = [
        "cross-entropy",
        "exact",
        "probit",
        "hinge",
        "sigmoid",
        "beta-bernoulli",
        "polynomial",
        "poly1",
        "auto",
    ];
    assert_eq!(losses, all);
    for row in rows {
        assert_has(row, &["loss", "selected", "cv", "train", "test", "seconds"]);
        assert!(row["train"]["accuracy"].as_f64().unwrap() > 0.97, "{row}");
    }
    let report = std::fs::read_to_string(folder.path().join("exact-report-wine.html")).unwrap();
    assert!(all.iter().all(|loss| report.contains(loss)));
    let two =
        folder.exact(&["compare", "--dataset", "wine", "--losses", "hinge,exact", "--report", "r.html"]);
    let two = two.succeeded().stdout;
    assert!(two.contains("hinge") && two.contains("exact") && !two.contains("sigmoid"), "{two}");
    assert_eq!(folder.names(), ["exact-report-wine.html", "r.html"]);
}

#[test]
fn every_loss_and_both_solvers_fit() {
    let folder = Folder::new();
    for loss in ["probit", "hinge", "sigmoid", "beta-bernoulli", "polynomial", "poly1"] {
        let record = folder.exact(&["fit", "--dataset", "wine", "--loss", loss, "--json"]).json();
        assert!(record["test"]["accuracy"].as_f64().unwrap() > 0.9, "{loss}: {record}");
    }
    folder.write("train.csv", table(100));
    let sgd =
        ["fit", "train.csv", "--target", "label", "--loss", "cross-entropy", "--solver", "sgd", "--json"];
    let record = folder.exact(&sgd).json();
    assert_eq!(record["solver"], "sgd");
    assert!(record["train"]["accuracy"].as_f64().unwrap() > 0.8);
}

#[test]
fn integrate_answers_each_line() {
    let input = r#"{"mu":[0,0,0],"sigma":2.0,"label":1}
{"mu":[1.0,0.0],"sigma":[0.3,0.4],"label":0,"k":1}

{"mu":[0,0,0,0],"sigma":1,"label":2,"k":2}
"#;
    let folder = Folder::new();
    for precision in ["f64", "f32"] {
        let run = folder.exact_with_input(&["integrate", "--precision", precision], input).succeeded();
        let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let tolerance = if precision == "f64" { 1e-14 } else { 1e-6 };
        let p = |i: usize| lines[i]["p"].as_f64().unwrap();
        assert_eq!(lines.len(), 3);
        assert!((p(0) - 1.0 / 3.0).abs() < tolerance);
        // Two classes: Φ(1 / 0.5).
        assert!((p(1) - 0.977_249_868_051_820_8).abs() < tolerance);
        assert!((p(2) - 0.5).abs() < tolerance);
        assert_has(&lines[0], &["p", "one_minus_p", "log_p", "grad", "dsigma"]);
        assert_eq!(lines[1]["dsigma"].as_array().unwrap().len(), 2);
        assert!(lines[2]["dsigma"].is_number());
    }
    let one = input.lines().next().unwrap();
    for method in ["genz", "genz-quasi", "monte-carlo"] {
        let answers = ["f64", "f32"].map(|precision| {
            let arguments =
                ["--method", method, "--precision", precision, "--samples", "20000", "--seed", "3"];
            let answer = folder.exact_with_input(&[&["integrate"], &arguments[..]].concat(), one).json();
            assert!((answer["p"].as_f64().unwrap() - 1.0 / 3.0).abs() < 0.02, "{method}: {answer}");
            answer
        });
        assert_ne!(answers[0]["grad"], answers[1]["grad"], "{method}: precision makes a difference");
    }
    let nearest = ["integrate", "--method", "genz", "--nearest-classes", "1"];
    let answer = folder.exact_with_input(&nearest, one).json();
    assert!((answer["p"].as_f64().unwrap() - 0.5).abs() < 1e-12, "one rival is left: {answer}");
    // No draw is won by a label that is far behind.
    let hopeless = r#"{"mu":[-50,0],"sigma":1,"label":0}"#;
    let answer = folder.exact_with_input(&["integrate", "--method", "monte-carlo"], hopeless).json();
    assert_eq!(answer["p"], 0.0);
    assert!(answer["log_p"].is_null());
}

/// A matrix in an NPY file, whose last column is the label: the head of a network is trained on its
/// embeddings.
#[test]
fn embeddings_are_fitted_and_predicted() {
    let folder = Folder::new();
    let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 3), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.as_bytes());
    for row in 0..40_u8 {
        let label = row % 2;
        for value in [f32::from(label) + f32::from(row) / 100.0, f32::from(row % 7), f32::from(label)] {
            bytes.extend(value.to_le_bytes());
        }
    }
    folder.write("embeddings.npy", bytes);
    let fit =
        ["fit", "embeddings.npy", "--target", "x_2", "--loss", "cross-entropy", "--out", "model", "--json"];
    let record = folder.exact(&fit).json();
    assert_eq!((&record["data"]["features"], &record["data"]["classes"]), (&2.into(), &2.into()));
    assert_eq!(record["train"]["accuracy"], 1.0);
    let predictions = folder.exact(&["predict", "model", "embeddings.npy"]).succeeded().stdout;
    assert_eq!(predictions.lines().take(4).collect::<Vec<_>>(), ["prediction", "0", "1", "0"]);
}

#[test]
fn datasets_and_the_toy_example_are_listed() {
    let folder = Folder::new();
    let datasets = folder.exact(&["datasets", "--json"]).json();
    assert_eq!(datasets["datasets"].as_array().unwrap().len(), 10);
    let images = datasets["images"].as_array().unwrap();
    assert_eq!(images.len(), 6);
    assert!(images.iter().all(|set| set["bundled"] == (set["name"] == "fashion-mnist-small")));
    assert!(folder.exact(&["datasets"]).succeeded().stdout.contains("cylinder-bands"));
    let toy = folder.exact(&["toy", "--json", "--report", "toy.html"]).json();
    let accuracy = |loss: &str| {
        let run = toy["runs"].as_array().unwrap().iter().find(|run| run["loss"] == loss).unwrap().clone();
        run["accuracy"].as_f64().unwrap()
    };
    assert_eq!((accuracy("exact"), accuracy("cross-entropy"), accuracy("hinge")), (0.8, 0.6, 0.6));
    assert_eq!(folder.names(), ["toy.html"]);
}

#[test]
fn completions_name_the_commands() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(folder.exact(&["completions", shell]).succeeded().stdout.contains("integrate"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new();
    let many: String = "{\"mu\":[0,0],\"sigma\":1,\"label\":0}\n".repeat(20_000);
    folder.write("lines", many);
    let script =
        format!("'{}' integrate < lines | head -n 1; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_exact"));
    let output =
        std::process::Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let run = Finished::of(&output);
    assert!(run.stdout.ends_with("\n0\n") && run.stderr.is_empty(), "{run:?}");
}

#[test]
fn gzip_zstd_tabs_and_declared_kinds_are_read() {
    let folder = Folder::new();
    folder.write("t.tsv", table(100).replace(',', "\t"));
    let fit = |extra: &[&str]| {
        let arguments = ["fit", "t.tsv", "--target", "label", "--loss", "cross-entropy", "--json"];
        folder.exact(&[&arguments[..], extra].concat()).json()
    };
    assert_eq!(fit(&[])["data"]["features"], 4);
    // One feature per value of x, as a category.
    assert_eq!(fit(&["--categorical", "x"])["data"]["features"], 103);
}

#[test]
fn columns_without_information_are_dropped_with_a_warning() {
    let folder = Folder::new();
    let with_columns: String = table(60)
        .lines()
        .enumerate()
        .map(|(i, line)| if i == 0 { format!("{line},same,none\n") } else { format!("{line},7,\n") })
        .collect();
    folder.write("train.csv", with_columns);
    let run = folder.exact(&["fit", "train.csv", "--target", "label", "--loss", "cross-entropy"]).succeeded();
    assert!(run.stderr.contains("warning: train.csv: column `same` is constant and is dropped"), "{run:?}");
    assert!(run.stderr.contains("warning: train.csv: column `none` has no values and is dropped"), "{run:?}");
}
