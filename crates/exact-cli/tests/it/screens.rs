//! What a person sees, whole: help, results and messages. `cargo insta review`, or `INSTA_UPDATE=always`,
//! accepts changes.

use crate::common::{Finished, Folder, table};

/// The screen after a command, with what differs from run to run replaced.
macro_rules! assert_screen {
    ($name:expr, $run:expr) => {
        insta::with_settings!({
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => [
                // The seconds of a comparison, right-aligned in the last column.
                (r"[ \d]{4}\.\d\d │\n", "   ?.?? │\n"),
            ],
        }, { insta::assert_snapshot!($name, screen($run)) })
    };
}

fn screen(run: Finished) -> String {
    let Finished { code, stdout, stderr } = run;
    // The end of the binary's name differs between systems.
    let stderr = stderr.replace("exact.exe", "exact");
    format!("{stdout}{stderr}[exit code {}]\n", code.unwrap())
}

#[test]
fn help() {
    let folder = Folder::new();
    assert_screen!("help", folder.exact(&["--help"]));
    let commands = [
        "fit",
        "compare",
        "benchmark",
        "predict",
        "evaluate",
        "inspect",
        "integrate",
        "datasets",
        "toy",
        "completions",
    ];
    for command in commands {
        assert_screen!(format!("help-{command}"), folder.exact(&[command, "--help"]));
    }
}

/// Whatever is asked of it, a build without networks says how to build them in.
#[cfg(not(feature = "vision"))]
#[test]
fn vision_is_not_built_in() {
    let folder = Folder::new();
    for arguments in [&["vision"][..], &["vision", "--help"], &["vision", "train", "--data", "images"]] {
        assert_screen!("vision-not-built-in", folder.exact(arguments));
    }
}

#[cfg(feature = "vision")]
#[test]
fn help_of_vision() {
    let folder = Folder::new();
    assert_screen!("help-vision", folder.exact(&["vision", "--help"]));
    for command in ["train", "compare", "evaluate", "predict", "export", "import", "embed", "replace-head"] {
        assert_screen!(format!("help-vision-{command}"), folder.exact(&["vision", command, "--help"]));
    }
}

#[test]
fn comparison_of_all_losses() {
    let folder = Folder::new();
    assert_screen!("compare", folder.exact(&["compare", "--dataset", "wine"]));
}

/// More methods than stand side by side: the losses, and three of another program.
#[test]
fn benchmark() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("sets")).unwrap();
    let mut scores = vec!["method,set,split,score".to_string()];
    for (set, rows) in [("long-name-of-a-data-set", 60), ("second", 80), ("third", 90)] {
        folder.write(&format!("sets/{set}.csv"), table(rows));
        for method in ["LogisticRegressionCV", "RandomForest", "HistGradientBoosting"] {
            scores.push(format!("{method},{set},1,0.{}", rows - method.len()));
        }
    }
    folder.write("scores.csv", scores.join("\n"));
    let run = folder.exact(&["benchmark", "sets", "--splits", "1", "--scores", "scores.csv"]);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 100), "{}", run.stdout);
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("benchmark", screen(run));
    });
}

#[test]
fn fit_and_evaluate() {
    let folder = Folder::new();
    folder.write("train.csv", table(120));
    let fit =
        ["fit", "train.csv", "--target", "label", "--test", "train.csv", "--loss", "hinge", "--out", "m"];
    // These tables have no seconds, but numbers where the filter looks for them.
    let unfiltered = |name: &str, arguments: &[&str]| {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, screen(folder.exact(arguments)));
        });
    };
    unfiltered("fit", &fit);
    unfiltered("evaluate", &["evaluate", "m", "train.csv"]);
    unfiltered("toy", &["toy"]);
    unfiltered("datasets", &["datasets"]);
    let datasets = folder.exact(&["datasets"]).stdout;
    assert!(datasets.lines().all(|line| line.chars().count() <= 100), "{datasets}");
}

#[test]
fn what_is_in_a_table_and_in_a_model() {
    let folder = Folder::new();
    let rows = (0..40).map(|row| {
        let width = if row == 7 { "wide".to_string() } else { format!("{row},5 mm").replace(" mm", "") };
        let (day, colour) = (row % 28 + 1, ["red", "blue"][row % 2]);
        format!("C{row};{width};{day}.{}.2024;{colour};1;{}\n", row % 12 + 1, ["no", "yes"][row / 20])
    });
    folder.write("t.csv", format!("key;width;day;colour;same;label\n{}", rows.collect::<String>()));
    assert_screen!("inspect", folder.exact(&["inspect", "t.csv"]));
    let fit = ["fit", "t.csv", "--target", "label", "--loss", "cross-entropy", "--out", "m"];
    folder.exact(&fit).succeeded();
    assert_screen!("inspect-model", folder.exact(&["inspect", "m"]));
}

#[test]
fn messages() {
    let folder = Folder::new();
    folder.write("good.csv", table(60));
    folder.write("empty.csv", "");
    folder.write("ragged.csv", "x,label\n1,a\n2,b,c\n");
    folder.write("infinite.csv", "x,label\n1,a\n2,a\n3,b\ninf,b\n");
    folder.write("once.csv", format!("{}1,red,maybe\n", table(60)));
    folder.write("other.csv", "y,Kind,label\n1,red,no\n");
    folder.write("unseen.csv", "x,kind,label\n1,red,no\n2,red,nope\n");
    folder.write("foreign", "{\"weights\": [1, 2, 3]}");
    let fit = |data: &str, more: &[&str]| {
        folder.exact(&[&["fit", data, "--target", "label", "--loss", "cross-entropy"], more].concat())
    };
    let integrate = |line: &str, more: &[&str]| {
        folder.exact_with_input(&[&["integrate"], more].concat(), &format!("{line}\n"))
    };
    assert_screen!("no-arguments", folder.exact(&[]));
    assert_screen!("no-data", folder.exact(&["fit"]));
    assert_screen!("unknown-command", folder.exact(&["evalute"]));
    assert_screen!("unknown-option", folder.exact(&["fit", "--dataset", "wine", "--thread", "3"]));
    assert_screen!("unknown-dataset", folder.exact(&["compare", "--dataset", "wines"]));
    assert_screen!("unknown-loss", folder.exact(&["fit", "--dataset", "wine", "--loss", "exakt"]));
    assert_screen!("too-few-folds", fit("good.csv", &["--folds", "1"]));
    assert_screen!("bad-delimiter", fit("good.csv", &["--delimiter", "::"]));
    assert_screen!("no-target", folder.exact(&["fit", "good.csv"]));
    assert_screen!("no-such-file", fit("nowhere.csv", &[]));
    assert_screen!("empty-file", fit("empty.csv", &[]));
    assert_screen!("ragged-row", fit("ragged.csv", &[]));
    assert_screen!("not-finite", fit("infinite.csv", &[]));
    assert_screen!("class-with-one-row", fit("once.csv", &[]));
    assert_screen!("no-such-column", folder.exact(&["fit", "good.csv", "--target", "lable"]));
    assert_screen!("other-columns", fit("good.csv", &["--test", "other.csv"]));
    assert_screen!("unseen-label", fit("good.csv", &["--test", "unseen.csv"]));
    assert_screen!("no-such-folder", fit("good.csv", &["--out", "nowhere/model"]));
    assert_screen!("overwrites-input", fit("good.csv", &["--out", "good.csv"]));
    assert_screen!("foreign-model", folder.exact(&["predict", "foreign", "good.csv"]));
    assert_screen!("integrate-syntax", integrate(r#"{"mu": [0, 1], "sigma": 1, "label": 0"#, &[]));
    assert_screen!("integrate-label", integrate(r#"{"mu": [0, 1], "sigma": 1, "label": 2}"#, &[]));
    assert_screen!("integrate-sigma", integrate(r#"{"mu": [0, 1], "sigma": -1, "label": 0}"#, &[]));
    let list = r#"{"mu": [0, 1], "sigma": [1, 2], "label": 0}"#;
    assert_screen!("integrate-genz-sigmas", integrate(list, &["--method", "genz"]));
    assert_screen!("integrate-nodes", integrate(list, &["--nodes", "2000"]));
    assert_screen!("integrate-nearest-classes", integrate(list, &["--nearest-classes", "3"]));
}
