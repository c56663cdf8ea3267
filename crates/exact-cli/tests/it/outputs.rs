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
