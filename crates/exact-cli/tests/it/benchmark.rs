//! Benchmarks over folders of data sets.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::{Folder, table};

/// Losses that are quick to train.
const LOSSES: [&str; 2] = ["--losses", "cross-entropy,hinge"];

/// Three sets, each in two tables, beside a file that is none.
fn folder_of_folders() -> Folder {
    let folder = Folder::new();
    for (set, rows) in [("a", 60), ("b", 80), ("deep/c", 100)] {
        std::fs::create_dir_all(folder.path().join("sets").join(set)).unwrap();
        let all = table(rows);
        let (train, test): (Vec<_>, Vec<_>) = all.lines().enumerate().partition(|(at, _)| at % 4 != 1);
        let text = |lines: Vec<(usize, &str)>| {
            let lines = lines.iter().filter(|(at, _)| *at > 0).map(|(_, line)| *line);
            std::iter::once("x,kind,label").chain(lines).map(|line| format!("{line}\n")).collect::<String>()
        };
        folder.write(&format!("sets/{set}/train.csv"), text(train));
        folder.write(&format!("sets/{set}/test.csv"), text(test));
    }
    folder.write("sets/manifest.json", "{\"sets\": 3}");
    folder
}

/// Sets that are a table each.
fn folder_of_tables(tables: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("sets")).unwrap();
    for (name, contents) in tables {
        folder.write(&format!("sets/{name}"), contents);
    }
    folder
}

fn benchmark<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["benchmark", "sets"], &LOSSES[..], &["--splits", "2", "--folds", "2"], more].concat()
}

/// The lines of a CSV file after its header, as fields.
fn lines(folder: &Folder, file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(String::from).collect()).collect()
}

#[test]
fn every_loss_is_measured_on_every_split_of_every_set() {
    let folder = folder_of_folders();
    let json = benchmark(&["--json", "--report", "r.html"]);
    let run = folder.exact(&json).succeeded();
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(record["splits"], 2);
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().into()).collect()
    };
    assert_eq!(names(&record["methods"]), ["cross-entropy", "hinge"]);
    assert_eq!(names(&record["sets"]), ["a", "b", "deep/c"]);
    for (set, rows) in record["sets"].as_array().unwrap().iter().zip([60, 80, 100]) {
        assert_eq!((&set["rows"], &set["columns"], &set["classes"]), (&rows.into(), &2.into(), &2.into()));
        assert_eq!(set["target"], "label");
        for result in set["results"].as_array().unwrap() {
            assert_eq!(result["splits"].as_array().unwrap().len(), 2);
            assert!(result["mean"].as_f64().unwrap() > 0.7, "{set}");
        }
    }
    let tests = &record["tests"];
    assert!(tests["friedman"]["p_value"].as_f64().unwrap() <= 1.0);
    assert!((tests["critical_difference"].as_f64().unwrap() - 1.96 / 3.0_f64.sqrt()).abs() < 1e-3);
    assert_eq!(tests["pairs"].as_array().unwrap().len(), 1);
    let report = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(report.contains("deep&#x2f;c") && report.contains("critical difference"));
    // Whatever the number of threads; another seed has other splits.
    let again = folder.exact(&[&json[..], &["--threads", "1"]].concat()).succeeded();
    assert_eq!(again.stdout, run.stdout);
    for seed in ["1", "18446744073709551615"] {
        let other = folder.exact(&[&json[..], &["--seed", seed]].concat()).json();
        assert_ne!(other["sets"], record["sets"]);
    }
}

#[test]
fn other_programs_see_the_same_splits() {
    let folder = folder_of_folders();
    let written = folder.exact(&benchmark(&["--write-splits", "splits.csv"])).succeeded();
    assert_eq!(written.stdout, "2 splits of 3 data sets written to splits.csv\n");
    // Rows to test on, by set and split.
    let mut tested: BTreeMap<(String, String), Vec<(usize, String)>> = BTreeMap::new();
    for line in lines(&folder, "splits.csv") {
        let [set, split, row, label] = line.try_into().unwrap();
        tested.entry((set, split)).or_default().push((row.parse().unwrap(), label));
    }
    assert_eq!(tested.len(), 6);
    let mut scores = vec!["split,score,method,set".to_string()];
    for ((set, split), rows) in &tested {
        let all: Vec<Vec<String>> = ["train", "test"]
            .iter()
            .flat_map(|part| lines(&folder, &format!("sets/{set}/{part}.csv")))
            .collect();
        assert_eq!(rows.len(), all.len() / 5, "a fifth is tested on");
        for (row, label) in rows {
            assert_eq!(&all[*row][2], label, "row {row} of {set}");
        }
        // A method that always says no.
        let right = rows.iter().filter(|(_, label)| label == "no").count();
        scores.push(format!("{split},{},always no,{set}", right as f64 / rows.len() as f64));
    }
    folder.write("scores.csv", scores.join("\n"));
    let record = folder.exact(&benchmark(&["--scores", "scores.csv", "--json"])).json();
    assert_eq!(record["methods"][2]["name"], "always no");
    let results = &record["sets"][0]["results"];
    let mean = |method: usize| results[method]["mean"].as_f64().unwrap();
    assert!(mean(2) < mean(0) && mean(2) > 0.3, "{results}");
    assert_eq!(record["tests"]["pairs"].as_array().unwrap().len(), 3);
}

#[test]
fn each_table_is_a_set_where_none_is_called_train() {
    // The target is the last column, or as it is said; rows without a label do not count.
    let table = table(60);
    let swapped: String = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|fields| format!("{}\t{}\t{}\n", fields[2], fields[0], fields[1]))
        .collect();
    let folder = folder_of_tables(&[("one.csv", &table), ("two.tsv", &(swapped + "\t1\tred\n"))]);
    let last = folder.exact(&benchmark(&["--json"])).json();
    assert_eq!((&last["sets"][0]["target"], &last["sets"][1]["target"]), (&"label".into(), &"kind".into()));
    let named = folder.exact(&benchmark(&["--json", "--target", "label"])).json();
    let numbers = |set: usize, key: &str| named["sets"][set][key].as_u64().unwrap();
    assert_eq!((numbers(1, "rows"), numbers(1, "columns"), numbers(1, "classes")), (60, 2, 2));
    assert_eq!(named["sets"][0]["results"], named["sets"][1]["results"], "the same rows in the same order");
    // A set of train and test tables may be the folder itself.
    let folder = folder_of_tables(&[("train.csv", &table), ("notes.txt", "none")]);
    let record = folder.exact(&benchmark(&["--json"])).json();
    assert_eq!((&record["sets"][0]["name"], &record["tests"]), (&"sets".into(), &Value::Null));
}

#[test]
fn what_cannot_be_compared_is_not_tested() {
    let folder = folder_of_tables(&[("one.csv", &table(60))]);
    let screen = folder.exact(&benchmark(&[])).succeeded().stdout;
    assert!(screen.contains("One data set says nothing of others: tests need at least two."), "{screen}");
    let folder = folder_of_tables(&[("one.csv", &table(60)), ("two.csv", &table(80))]);
    let screen =
        folder.exact(&["benchmark", "sets", "--losses", "hinge", "--splits", "2"]).succeeded().stdout;
    assert!(screen.contains("With one method there is nothing to test."), "{screen}");
}

#[test]
fn all_problems_of_data_sets_are_named_before_any_training() {
    let good = table(60);
    let folder = folder_of_tables(&[
        ("good.csv", &good),
        ("empty.csv", ""),
        ("one-class.csv", "x,label\n1,a\n2,a\n3,a\n"),
        ("few.csv", "x,label\n1,a\n2,a\n3,b\n4,b\n"),
        ("constant.csv", "x,label\n1,a\n1,a\n1,b\n1,b\n1,b\n1,a\n1,a\n1,b\n"),
    ]);
    let more = ["--report", "r.html", "--folds", "5"];
    let run = folder.exact(&[&["benchmark", "sets"], &more[..]].concat());
    run.refused(&[
        "error: 4 data sets cannot be used:\n  sets/constant.csv",
        "\n  sets/empty.csv is empty (",
        "\n  sets/few.csv, split 1: ",
        "\n  sets/one-class.csv: every row has the label `a`",
        "hint: mend them, or take them out of the folder",
    ]);
    assert_eq!(folder.names(), ["sets"]);
    let folder = folder_of_tables(&[("good.csv", &good), ("empty.csv", "")]);
    folder.exact(&benchmark(&[])).refused(&["error: sets/empty.csv is empty\n", "hint: the first line"]);
}

#[test]
fn folders_without_sets_and_sets_in_too_many_files() {
    let folder = folder_of_tables(&[]);
    folder.exact(&benchmark(&[])).refused(&["sets: there is no such table"]);
    folder.exact(&["benchmark", "nowhere"]).refused(&["cannot read nowhere"]);
    let folder = folder_of_tables(&[("one.csv", &table(60)), ("one.tsv", &table(60))]);
    folder
        .exact(&benchmark(&[]))
        .refused(&["the data set `one` has several tables: sets/one.csv, sets/one.tsv"]);
    let folder = folder_of_folders();
    std::fs::remove_file(folder.path().join("sets/b/train.csv")).unwrap();
    folder.exact(&benchmark(&[])).refused(&["the data set `b` has sets/b/test.csv, but no table `train`"]);
}

#[test]
fn settings_that_make_no_sense() {
    let folder = folder_of_tables(&[("one.csv", &table(60))]);
    let refuse = |arguments: &[&str], message: &str| {
        folder.exact(&[&["benchmark", "sets"], arguments].concat()).refused(&[message]);
    };
    refuse(&["--splits", "0"], "--splits must be at least 1, got 0");
    refuse(&["--test-share", "1"], "--test-share must be above 0 and below 1, got 1");
    refuse(&["--test-share", "NaN"], "--test-share must be above 0 and below 1, got NaN");
    refuse(&["--alpha", "0"], "--alpha must be above 0 and below 1, got 0");
    refuse(&["--folds", "1"], "--folds must be at least 2, got 1");
    refuse(&["--target", "colour"], "sets/one.csv has no column `colour`");
    refuse(&["--test-share", "0.001"], "sets/one.csv: 60 rows cannot be divided into 2 parts");
    refuse(&["--write-splits", "s.csv", "--json"], "cannot be used with");
}

#[test]
fn scores_that_are_not_all_scores() {
    let folder = folder_of_tables(&[("one.csv", &table(60)), ("two.csv", &table(80))]);
    let refuse = |lines: &str, fragments: &[&str]| {
        folder.write("scores.csv", format!("method,set,split,score\n{lines}"));
        let run = folder.exact(&benchmark(&["--scores", "scores.csv", "--report", "r.html"]));
        run.refused(&[fragments, &["hint: "]].concat());
        assert_eq!(folder.names(), ["scores.csv", "sets"]);
    };
    let all = "m,one,1,0.5\nm,one,2,0.5\nm,two,1,0.5\nm,two,2,0.5\n";
    refuse(&format!("{all}m,three,1,0.5\n"), &["scores.csv, line 6: there is no data set `three`", "`one`"]);
    refuse(&format!("{all}m,one,3,0.5\n"), &["line 6: there is no split `3`, they are 1 to 2"]);
    refuse(&format!("{all}m,one,0,0.5\n"), &["line 6: there is no split `0`"]);
    refuse(&format!("{all}m,one,1,0.5\n"), &["line 6: `m` has two scores of split 1 of `one`"]);
    for score in ["NaN", "inf", "-0.1", "1.01", "93 %", ""] {
        let message = format!("line 2: the score `{score}` is not a number between 0 and 1");
        refuse(&format!("m,one,1,{score}\n"), &[&message]);
    }
    refuse("hinge,one,1,0.5\n", &["line 2: `hinge` is also a loss that is trained here"]);
    refuse(" ,one,1,0.5\n", &["line 2: the method has no name"]);
    refuse(
        "m,one,1,0.5\nm,two,2,0.5\n",
        &["scores.csv: no score of `m` on split 2 of `one`, `m` on split 1 of"],
    );
    refuse("m,one,1,0.5,2\n", &["scores.csv: ", "line: 2"]);
    refuse("", &["scores.csv: there are no scores"]);
    folder.write("scores.csv", "method,set,score\nm,one,0.5\n");
    let run = folder.exact(&benchmark(&["--scores", "scores.csv"]));
    run.refused(&[
        "scores.csv: there is no column `split`",
        "hint: the columns are method, set, split, score",
    ]);
    folder.exact(&benchmark(&["--scores", "none.csv"])).refused(&["cannot read none.csv"]);
}

#[test]
fn results_do_not_take_the_place_of_data_sets_or_scores() {
    let folder = folder_of_tables(&[("one.csv", &table(60))]);
    folder.write("scores.csv", "method,set,split,score\n");
    let refuse = |arguments: &[&str], message: &str| {
        folder.exact(&benchmark(arguments)).refused(&[message, "hint: name another file"]);
    };
    refuse(
        &["--write-splits", "sets/one.csv"],
        "--write-splits would overwrite sets/one.csv, which is a data set",
    );
    refuse(&["--report", "sets/one.csv"], "--report would overwrite sets/one.csv, which is a data set");
    refuse(
        &["--scores", "scores.csv", "--report", "scores.csv"],
        "--report would overwrite scores.csv, which is the scores",
    );
    assert_eq!(std::fs::read_to_string(folder.path().join("sets/one.csv")).unwrap(), table(60));
}
