//! Selection by other metrics than accuracy, decisions by cost, and folds by groups.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::common::Folder;

/// A number between 0 and 1 that looks random, and is the same in every run.
fn noise(row: usize, stream: usize) -> f64 {
    let mixed = ((row * 31 + stream * 7919 + 1) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 40) as f64 / f64::from(1 << 24)
}

/// Rows of which a tenth are of the class `rare`, with the one they overlap with beside.
fn unbalanced(rows: std::ops::Range<usize>) -> String {
    let mut text = String::from("x,y,label\n");
    for row in rows {
        let label = ["rare", "usual", "other"][[0, 1, 1, 1, 1, 1, 1, 2, 2, 2][row % 10]];
        let (x, y) = match label {
            "rare" => (1.0, 0.0),
            "usual" => (0.0, 0.0),
            _ => (0.0, 2.0),
        };
        let spread = |stream| 2.0 * (noise(row, stream) + noise(row, stream + 10) - 1.0);
        writeln!(text, "{:.3},{:.3},{label}", x + spread(0), y + spread(1)).unwrap();
    }
    text
}

/// A folder with tables to train and to test on.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("train.csv", unbalanced(0..300));
    folder.write("test.csv", unbalanced(300..900));
    folder
}

const FIT: [&str; 9] =
    ["fit", "train.csv", "--target", "label", "--test", "test.csv", "--features", "linear", "--json"];

fn fit(folder: &Folder, more: &[&str]) -> Value {
    folder.exact(&[&FIT[..], more].concat()).json()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn balanced_accuracy_is_better_by_selection_for_it_than_for_accuracy() {
    let folder = folder();
    let plain = fit(&folder, &["--loss", "exact"]);
    assert_eq!((&plain["metric"], &plain["test_value"]), (&"accuracy".into(), &plain["test"]["accuracy"]));
    let balanced = fit(&folder, &["--loss", "exact", "--metric", "balanced-accuracy"]);
    assert_eq!(balanced["metric"], "balanced-accuracy");
    assert_eq!(balanced["test_value"], balanced["test"]["balanced_accuracy"]);
    let [plain, special] = [&plain, &balanced].map(|record| number(&record["test"]["balanced_accuracy"]));
    assert!(special > plain + 0.05, "{plain} {special}");
    assert!((number(&balanced["cv"]["mean"]) - special).abs() < 0.1);
}

#[test]
fn every_metric_is_reported_with_that_of_cross_entropy_beside_it() {
    let folder = folder();
    for (metric, words) in [("top-2", "top-2 accuracy"), ("macro-f1", "macro F1"), ("log-loss", "log loss")] {
        let more = ["--metric", metric, "--report", "report.html", "--out", "model"];
        let record = fit(&folder, &more);
        assert_eq!(record["metric"], metric);
        let [value, cv] = [&record["test_value"], &record["cv"]["mean"]].map(number);
        assert!(value > 0.0 && (value - cv).abs() < 0.15, "{metric}: {value} {cv}");
        match &record["cross_entropy_cv"]["mean"] {
            Value::Null => assert_eq!(record["chosen_loss"], "cross-entropy"),
            other => {
                let gain = if metric == "log-loss" { number(other) - cv } else { cv - number(other) };
                assert!(gain > 0.0 && record["chosen_loss"] == "exact", "{metric}: {other} {cv}");
            }
        }
        let named = metric.replace('-', "_");
        assert!(record["test"].get(&named).is_none_or(|other| *other == record["test_value"]), "{metric}");
        let report = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
        assert!(report.contains(&format!("Test {words}")), "{metric}");
        let inspected = folder.exact(&["inspect", "model", "--json"]).json();
        assert_eq!(
            (&inspected["metric"], &inspected["cross_validated"]),
            (&record["metric"], &record["cv"]["mean"])
        );
    }
    let arguments: Vec<&str> = FIT.iter().copied().filter(|argument| *argument != "--json").collect();
    let text = folder.exact(&[&arguments[..], &["--metric", "log-loss"]].concat()).succeeded().stdout;
    assert!(text.contains("\ncross-validated log loss  0."), "{text}");
    assert!(text.contains("\ntest log loss             0."), "{text}");
    assert!(text.contains("\naccuracy                  "), "{text}");
    let balanced = [&arguments[..], &["--metric", "balanced-accuracy"]].concat();
    let text = folder.exact(&balanced).succeeded().stdout;
    assert!(
        text.contains("\ncross-validated balanced accuracy  ") && text.contains(" % (cross-entropy "),
        "{text}"
    );
}

#[test]
fn losses_are_compared_in_the_metric() {
    let folder = folder();
    let losses = ["--losses", "cross-entropy,exact", "--metric", "macro-f1", "--folds", "3"];
    let arguments = [&["compare"], &FIT[1..8], &losses].concat();
    let text = folder.exact(&arguments).succeeded().stdout;
    assert!(text.contains("cross-validated macro F1 %") && text.contains("test macro F1 %"), "{text}");
    let record = folder.exact(&[&arguments[..], &["--json"]].concat()).json();
    for row in record["rows"].as_array().unwrap() {
        assert_eq!((&row["metric"], &row["test_value"]), (&"macro-f1".into(), &row["test"]["macro_f1"]));
    }
    let report = std::fs::read_to_string(folder.path().join("exact-report-train.html")).unwrap();
    assert!(report.contains("Cross-validated macro F1: ") && report.contains("Macro F1 by loss"));
}

/// The costs of the rows of the test table, given what was predicted.
fn mean_cost(predictions: &str, costs: &HashMap<(&str, &str), f64>) -> f64 {
    let test = unbalanced(300..900);
    let labels = test.lines().skip(1).map(|line| line.rsplit(',').next().unwrap());
    let pairs = labels.zip(predictions.lines().skip(1));
    pairs.map(|pair| costs[&pair]).sum::<f64>() / 600.0
}

#[test]
fn costs_decide_and_rows_are_rejected() {
    let folder = folder();
    folder.write(
        "costs.csv",
        "label,usual,rare,other,reject\nother,1,1,0,0.2\nrare,10,0,10,0.2\nusual,0,1,1,0.2\n",
    );
    let mut costs = HashMap::new();
    for label in ["usual", "rare", "other"] {
        costs.insert((label, "reject"), 0.2);
        for prediction in ["usual", "rare", "other"] {
            let dear = if label == "rare" { 10.0 } else { 1.0 };
            costs.insert((label, prediction), if label == prediction { 0.0 } else { dear });
        }
    }
    let loss = ["--loss", "cross-entropy", "--out", "model"];
    fit(&folder, &loss);
    let plain = mean_cost(&folder.exact(&["predict", "model", "test.csv"]).succeeded().stdout, &costs);
    let record = fit(&folder, &[&loss[..], &["--metric", "cost:costs.csv"]].concat());
    let predictions = folder.exact(&["predict", "model", "test.csv"]).succeeded().stdout;
    let rejected = predictions.lines().filter(|line| *line == "reject").count();
    assert!((50..550).contains(&rejected), "{rejected}");
    assert!((number(&record["test"]["rejected"]) - rejected as f64 / 600.0).abs() < 1e-12);
    let special = mean_cost(&predictions, &costs);
    assert!((number(&record["test_value"]) - special).abs() < 1e-12);
    assert!(special < 0.5 * plain && special <= 0.2, "{plain} {special}");
    assert_eq!(record["metric"], "cost");
    let evaluated = folder.exact(&["evaluate", "model", "test.csv", "--json"]).json();
    assert_eq!(evaluated["rejected"], record["test"]["rejected"]);

    // Without rejection, what is trained for the cost is better at it than what is trained for accuracy.
    folder.write("costs.csv", "label,usual,rare,other\nother,1,1,0\nrare,10,0,10\nusual,0,1,1\n");
    let record = fit(&folder, &["--loss", "exact", "--metric", "cost:costs.csv", "--out", "model"]);
    let predictions = folder.exact(&["predict", "model", "test.csv"]).succeeded().stdout;
    assert!((number(&record["test_value"]) - mean_cost(&predictions, &costs)).abs() < 1e-12);
    assert!(record["test"].get("rejected").is_none());
    assert!(number(&record["test_value"]) < 0.7 * plain, "{plain} {}", record["test_value"]);
}

#[test]
fn metrics_that_are_none_are_refused() {
    let folder = folder();
    let refuse = |metric: &str, fragments: &[&str]| {
        folder.exact(&[&FIT[..], &["--metric", metric, "--out", "model"]].concat()).refused(fragments);
    };
    refuse("recall", &["there is no metric 'recall'", "macro-f1"]);
    refuse("top-0", &["there is no metric 'top-0'"]);
    refuse("top-4", &["top-4 of 3 classes"]);
    refuse("cost", &["cost:FILE.csv"]);
    refuse("cost:none.csv", &["none.csv"]);
    folder.write("costs.csv", "label,usual,rare\nrare,1,0\nusual,0,1\n");
    refuse("cost:costs.csv", &["costs.csv has no row for the classes: `other`", "hint: "]);
    folder.write("costs.csv", "label,usual,rare,other\nrare,1,0,1\nusual,0,1,1\nother,1,many,0\n");
    refuse("cost:costs.csv", &["costs.csv, line 4, column `rare`: the cost is `many`", "hint: "]);
    assert_eq!(folder.names(), ["costs.csv", "test.csv", "train.csv"]);
    let overwrites = ["--metric", "cost:costs.csv", "--out", "costs.csv"];
    folder.exact(&[&FIT[..], &overwrites].concat()).refused(&["would overwrite costs.csv"]);
}

/// Twelve persons, each with a number that tells who it is, and all rows of a person with the same label.
fn persons() -> String {
    let mut text = String::from("person,fold,size,label\n");
    for row in 0..240 {
        let person = row % 12;
        let size = noise(person, 5) + 0.002 * noise(row, 6);
        writeln!(text, "p{person},{},{size:.4},{}", "abc".as_bytes()[person % 3] as char, person % 2)
            .unwrap();
    }
    text
}

#[test]
fn groups_are_not_divided_and_folds_are_taken_as_they_are() {
    let folder = Folder::new();
    folder.write("persons.csv", persons());
    let fit = |more: &[&str]| {
        let arguments = ["fit", "persons.csv", "--target", "label", "--features", "kernel", "--json"];
        folder.exact(&[&arguments[..], more].concat())
    };
    let cv = |more: &[&str]| {
        let record = fit(more).json();
        assert_eq!(record["data"]["features"], 1, "{more:?}");
        (number(&record["cv"]["mean"]), record["cv"]["folds"].as_array().unwrap().len())
    };
    let loss = ["--loss", "cross-entropy"];
    // Rows of a person are known from others of the same.
    let (plain, _) = cv(&[&loss[..], &["--drop", "person,fold"]].concat());
    let (grouped, n_folds) =
        cv(&[&loss[..], &["--drop", "fold", "--group", "person", "--folds", "4"]].concat());
    assert_eq!(n_folds, 4);
    assert!(grouped < plain - 0.15, "{plain} {grouped}");
    let (given, n_folds) = cv(&[&loss[..], &["--drop", "person", "--fold", "2"]].concat());
    assert_eq!(n_folds, 3);
    assert!(given < plain - 0.15, "{plain} {given}");

    let refuse = |more: &[&str], fragments: &[&str]| fit(more).refused(fragments);
    refuse(
        &["--group", "person", "--folds", "13"],
        &["persons.csv", "12 groups of rows cannot be divided into 13 folds", "hint: "],
    );
    refuse(&["--group", "person", "--fold", "fold"], &["cannot be used with"]);
    refuse(&["--folds", "3", "--fold", "fold"], &["cannot be used with"]);
    refuse(&["--group", "persons"], &["no column `persons`", "did you mean `person`?"]);
    refuse(&["--group", "label"], &["`label`"]);
    folder.write("persons.csv", "person,size,label\na,1,x\na,2,y\na,3,x\na,4,y\n");
    refuse(&["--fold", "person"], &["1 group of rows cannot be divided into 2 folds"]);
    folder.write("persons.csv", "person,size,label\na,1,x\n,2,y\nb,3,x\nb,4,y\n");
    refuse(&["--group", "person"], &["persons.csv, line 3, column `person`: the row has no group", "hint: "]);
}
