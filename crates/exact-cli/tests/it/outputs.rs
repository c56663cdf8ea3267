//! Files that commands write: never half-written, never over an input, refused before work that would be
//! lost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Finished, Folder, table};

const FIT: [&str; 7] = ["fit", "data.csv", "--target", "label", "--loss", "cross-entropy", "--out"];

fn folder_with_model() -> Folder {
    let folder = Folder::new();
    folder.write("data.csv", table(120));
    folder.exact(&[&FIT[..], &["model"]].concat()).succeeded();
    folder
}

#[test]
fn results_do_not_take_the_place_of_inputs_or_of_each_other() {
    let folder = folder_with_model();
    let model = std::fs::read(folder.path().join("model")).unwrap();
    std::os::unix::fs::symlink("data.csv", folder.path().join("link.csv")).unwrap();
    let refuse = |arguments: &[&str], fragments: &[&str]| {
        folder.exact(arguments).refused(&[fragments, &["hint: name another file"]].concat());
    };
    for out in ["data.csv", "./data.csv", "link.csv"] {
        let fit = [&FIT[..], &[out]].concat();
        refuse(&fit, &[&format!("--out would overwrite {out}, which is the table to train on")]);
    }
    let report = ["--test", "model", "--report", "model"];
    let compare = [&["compare", "data.csv", "--target", "label"][..], &report].concat();
    refuse(&compare, &["--report would overwrite model, which is the table to test on"]);
    refuse(
        &[&FIT[..], &["new", "--report", "new"]].concat(),
        &["--report would overwrite new, which is --out"],
    );
    refuse(&["predict", "model", "data.csv", "--out", "model"], &["which is the model"]);
    refuse(&["predict", "model", "data.csv", "--out", "data.csv"], &["which is the data"]);
    assert_eq!(folder.names(), ["data.csv", "link.csv", "model"]);
    assert_eq!(std::fs::read(folder.path().join("model")).unwrap(), model);
    assert_eq!(std::fs::read_to_string(folder.path().join("data.csv")).unwrap(), table(120));
}

/// A full disk is simulated by a limit on the size of files, in blocks of 1024 bytes: writing fails in the
/// middle.
#[test]
fn a_full_disk_leaves_the_old_model_and_predictions() {
    let folder = folder_with_model();
    folder.write("long.csv", format!("x,kind\n{}", "7,red\n".repeat(1000)));
    for command in [&[&FIT[..], &["old"]].concat()[..], &["predict", "model", "long.csv", "--out", "old"]] {
        folder.write("old", "the old file");
        let before = folder.names();
        let script = format!("trap '' XFSZ; ulimit -f 1; exec '{}' \"$@\"", env!("CARGO_BIN_EXE_exact"));
        let mut bash = Command::new("bash");
        bash.args(["-c", &script, "bash"]).args(command).current_dir(folder.path());
        Finished::of(&bash.output().unwrap()).refused(&["cannot write old: "]);
        assert_eq!(std::fs::read_to_string(folder.path().join("old")).unwrap(), "the old file");
        assert_eq!(folder.names(), before, "a temporary file is left");
    }
}

/// Killed at moments from the start to past the end of training.
#[test]
fn a_killed_training_leaves_the_old_model_or_the_whole_new_one() {
    let folder = folder_with_model();
    let path = folder.path().join("model");
    let new = std::fs::read(&path).unwrap();
    let start = Instant::now();
    folder.exact(&[&FIT[..], &["model"]].concat()).succeeded();
    let whole_run = start.elapsed();
    let mut left_old = 0;
    for part in 0..=12 {
        std::fs::write(&path, "the old model").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_exact"))
            .args([&FIT[..], &["model"]].concat())
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole_run.mul_f64(f64::from(part) / 10.0) + Duration::from_micros(1));
        child.kill().unwrap();
        child.wait().unwrap();
        let left = std::fs::read(&path).unwrap();
        assert!(left == new || left == b"the old model", "killed after {part} tenths of a run");
        left_old += usize::from(left != new);
    }
    assert!(left_old > 0, "no run was interrupted before its end");
}

#[test]
fn a_model_round_trips_to_the_same_bytes_and_predictions() {
    let folder = folder_with_model();
    folder.exact(&[&FIT[..], &["again"]].concat()).succeeded();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(read("model") == read("again"));
    // Columns in another order, and one the model does not know; labels are not needed.
    let shuffled: String = table(120)
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|fields| format!("{},note,{}\n", fields[1], fields[0]))
        .collect();
    folder.write("shuffled.csv", shuffled);
    let predict = |data: &str| folder.exact(&["predict", "model", data, "--proba"]).succeeded().stdout;
    assert_eq!(predict("shuffled.csv"), predict("data.csv"));
}

/// The table of a column's contributions in a report: a value and the contribution to each class.
fn contributions(html: &str, column: &str) -> Vec<(String, Vec<f64>)> {
    let of_column = html.split(&format!("Contribution of <bdi>{column}</bdi>")).nth(1).unwrap();
    let body = of_column.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
    let row = |row: &str| {
        let mut cells = row.split("</t").map(|cell| cell.rsplit('>').next().unwrap().replace('−', "-"));
        let value = cells.next().unwrap();
        (value, cells.filter_map(|cell| cell.parse().ok()).collect())
    };
    body.split("<tr>").skip(1).map(row).collect()
}

#[test]
fn the_report_draws_smooth_curves_in_the_units_of_the_table() {
    let folder = Folder::new();
    let row = |row: usize| {
        let (degrees, pressure) = (10.0 + (row * 37 % 301) as f64 / 10.0, row * 17 % 11);
        let label = if (degrees - 25.0).abs() > 6.0 + pressure as f64 / 5.0 { "refused" } else { "taken" };
        format!("{degrees},2024-{:02}-{:02},{pressure},{label}\n", 1 + row % 12, 1 + row % 28)
    };
    let rows: String = (0..300).map(row).collect();
    folder.write("data.csv", format!("degrees,day,pressure,label\n{rows}"));
    let fit = |features: &str| {
        let arguments = ["fit", "data.csv", "--target", "label", "--loss", "cross-entropy", "--folds", "3"];
        let more = ["--features", features, "--report", "report.html"];
        folder.exact(&[&arguments[..], &more].concat()).succeeded();
        std::fs::read_to_string(folder.path().join("report.html")).unwrap()
    };
    assert!(!fit("linear").contains("Contributions of columns"));
    let html = fit("splines");
    assert!(html.contains("Contributions of columns"));
    let drawn = html.split("The contribution of the column ").skip(1);
    let drawn: Vec<&str> = drawn.map(|text| text.split(' ').next().unwrap()).collect();
    assert_eq!(drawn[0], "degrees");
    assert!(drawn.contains(&"day"), "{drawn:?}");

    let degrees = contributions(&html, "degrees");
    let (first, middle, last) = (&degrees[0], &degrees[5], &degrees[10]);
    assert_eq!([&first.0, &middle.0, &last.0], ["10.1", "25", "39.9"]);
    let (refused, taken) = (0, 1);
    assert!(first.1[refused] > 1.0 && last.1[refused] > 1.0 && middle.1[refused] < -1.0, "{degrees:?}");
    assert!(first.1[taken] < -1.0 && last.1[taken] < -1.0 && middle.1[taken] > 1.0, "{degrees:?}");
    let day = contributions(&html, "day");
    assert!(day[0].0.starts_with("2024-01-") && day[10].0.starts_with("2024-12-"), "{day:?}");
}
