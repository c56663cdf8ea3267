//! `exact vision`: training, resuming, measuring and predicting on IDX files.
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::common::{Finished, Folder};

/// Writes the four files of a data set of 12 x 12 pixels: a bright bar upright or lying.
pub fn write_images(folder: &Folder) {
    std::fs::create_dir(folder.path().join("bars")).unwrap();
    for (set, n, first) in [("train", 120_u8, 0), ("t10k", 30, 5)] {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 12, 0, 0, 0, 12];
        let mut labels = vec![0, 0, 8, 1, 0, 0, 0, n];
        for sample in 0..u32::from(n) {
            let (class, place) = (sample % 2, (sample / 2 + first) % 12);
            for at in 0..144_u32 {
                let bright = if class == 0 { at % 12 == place } else { at / 12 == place };
                let noise = (sample * 144 + at).wrapping_mul(2_654_435_761) >> 25;
                images.push(if bright { 230 } else { noise as u8 });
            }
            labels.push(class as u8);
        }
        folder.write(&format!("bars/{set}-images-idx3-ubyte"), images);
        folder.write(&format!("bars/{set}-labels-idx1-ubyte"), labels);
    }
}

const TRAIN: [&str; 13] = [
    "vision",
    "train",
    "--data",
    "bars",
    "--model",
    "small-cnn",
    "--loss",
    "exact",
    "--batch-size",
    "16",
    "--out",
    "run",
    "--json",
];

fn train(more: &[&'static str]) -> Vec<&'static str> {
    [TRAIN.as_slice(), more].concat()
}

#[test]
fn a_network_is_trained_measured_and_applied() {
    let folder = Folder::new();
    write_images(&folder);
    let record = folder.exact(&train(&["--epochs", "8", "--seed", "3"])).json();
    assert_eq!(record["data"]["train_images"], 96);
    assert_eq!(record["data"]["validation_images"], 24);
    assert_eq!(record["data"]["test_images"], 30);
    assert_eq!(record["data"]["classes"], 2);
    assert_eq!(record["recipe"]["seed"], 3);
    assert_eq!(record["epochs"].as_array().unwrap().len(), 8);
    assert!(record["validation"]["accuracy"].as_f64().unwrap() >= 0.9, "{record}");
    assert!(record["test"]["accuracy"].as_f64().unwrap() >= 0.9, "{record}");
    let best = record["best_epoch"].as_u64().unwrap() as usize;
    assert_eq!(record["epochs"][best - 1]["validation_accuracy"], record["validation"]["accuracy"]);

    let model = record["model"].as_str().unwrap();
    let metrics = folder.exact(&["vision", "evaluate", model, "--data", "bars", "--json"]).json();
    assert_eq!(metrics, record["test"]);
    let run = folder.exact(&["vision", "predict", model, "--data", "bars", "--proba"]).succeeded();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!((lines.len(), lines[0]), (31, "prediction,confidence,p_0,p_1"));
    let right = lines[1..].iter().enumerate().filter(|(at, line)| line.starts_with(&(at % 2).to_string()));
    assert_eq!(right.count() as f64 / 30.0, metrics["accuracy"].as_f64().unwrap());
}

#[test]
fn a_run_is_taken_up_and_not_overwritten() {
    let folder = Folder::new();
    write_images(&folder);
    let first = folder.exact(&train(&["--epochs", "2"])).json();
    let model = std::fs::read(folder.path().join("run/model.safetensors")).unwrap();
    folder.exact(&train(&["--epochs", "2"])).refused(&["run holds a run already", "hint: ", "--resume"]);
    let again = folder.exact(&train(&["--epochs", "2", "--resume"])).json();
    assert_eq!((&again["epochs"], &again["test"]), (&first["epochs"], &first["test"]));
    folder.exact(&train(&["--epochs", "3", "--resume"])).refused(&["another recipe"]);
    assert_eq!(std::fs::read(folder.path().join("run/model.safetensors")).unwrap(), model);
}

#[test]
fn recipes_are_read_and_refused() {
    let folder = Folder::new();
    write_images(&folder);
    folder.write(
        "good.toml",
        "model = \"small-cnn\"\nepochs = 9\naugmentation = [{ crop = { padding = 1 } }]\n",
    );
    folder.write("typing-error.toml", "model = \"small-cnn\"\nepoch = 9\n");
    folder.write("impossible.toml", "model = \"small-cnn\"\nmixup = -1.0\n");
    let run = |recipe: &str| {
        let arguments = ["vision", "train", "--data", "bars", "--out", "run", "--recipe", recipe];
        folder.exact(&[&arguments[..], &["--epochs", "1", "--json"]].concat())
    };
    run("typing-error.toml").refused(&["typing-error.toml", "line 2", "`epoch`"]);
    run("impossible.toml").refused(&["impossible.toml", "alpha of mixup"]);
    run("none.toml").refused(&["none.toml"]);
    assert!(!folder.path().join("run").exists());
    let record = run("good.toml").json();
    assert_eq!(record["epochs"].as_array().unwrap().len(), 1);
    assert_eq!(record["recipe"]["augmentation"][0]["crop"]["padding"], 1);
}

#[test]
fn the_recipe_of_the_paper_has_a_name() {
    let folder = Folder::new();
    write_images(&folder);
    let paper = ["vision", "train", "--data", "bars", "--out", "run", "--recipe", "paper", "--json"];
    let record = folder.exact(&[&paper[..], &["--model", "small-cnn", "--epochs", "1"]].concat()).json();
    assert_eq!(record["recipe"]["learning-rate"]["shape"], "geometric");
    assert_eq!(record["recipe"]["augmentation"][0], "auto-augment");
    folder.exact(&paper).refused(&["--recipe paper needs --model"]);
}

#[test]
fn what_cannot_be_trained_on_is_refused() {
    let folder = Folder::new();
    write_images(&folder);
    let train = |model, data| ["vision", "train", "--data", data, "--model", model, "--out", "run"];
    folder.exact(&train("lenet", "bars")).refused(&["lenet", "small-cnn"]);
    folder.exact(&train("m3", "bars")).refused(&["m3 needs images of at least 21 x 21 pixels"]);
    folder.exact(&train("small-cnn", "nowhere")).refused(&["nowhere"]);
    folder.exact(&["vision", "train", "--model", "m3", "--out", "run"]).refused(&["--data", "--dataset"]);
    folder.exact(&[&train("m3", "bars")[..], &["--resize", "28"]].concat()).refused(&["such as 32x32"]);
    folder
        .exact(&[&train("small-cnn", "bars")[..], &["--resume"]].concat())
        .refused(&["run/checkpoint.safetensors"]);
    let labels = folder.path().join("bars/train-labels-idx1-ubyte");
    let whole = std::fs::read(&labels).unwrap();
    std::fs::write(&labels, &whole[..100]).unwrap();
    folder.exact(&train("small-cnn", "bars")).refused(&["train-labels-idx1-ubyte"]);
    assert_eq!(folder.names(), ["bars"]);
}

#[test]
fn a_device_that_is_not_built_in_is_refused() {
    let folder = Folder::new();
    write_images(&folder);
    let on = |device: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exact"));
        let command = command.args(train(&["--epochs", "1"])).current_dir(folder.path());
        Finished::of(&command.env("BURN_DEVICE", device).output().unwrap())
    };
    on("abacus").refused(&["BURN_DEVICE names `abacus`", "flex", "hint: unset BURN_DEVICE"]);
    assert_eq!(folder.names(), ["bars"]);
    on("flex").succeeded();
}

#[test]
fn what_is_no_network_for_these_images_is_refused() {
    let folder = Folder::new();
    write_images(&folder);
    folder.exact(&train(&["--epochs", "1"])).succeeded();
    let (model, checkpoint) = ("run/model.safetensors", "run/checkpoint.safetensors");
    let evaluate =
        |model: &str, data: [&str; 2]| folder.exact(&["vision", "evaluate", model, data[0], data[1]]);
    let bars = ["--data", "bars"];
    let bytes = std::fs::read(folder.path().join(model)).unwrap();
    folder.write("half", &bytes[..bytes.len() / 2]);
    evaluate("half", bars).refused(&["half cannot be used", "truncated"]);
    let mut damaged = bytes;
    *damaged.last_mut().unwrap() ^= 1;
    folder.write("damaged", damaged);
    evaluate("damaged", bars).refused(&["damaged cannot be used", "checksum"]);
    evaluate(checkpoint, bars).refused(&["checkpoint of image training", "expected"]);
    evaluate("none", bars).refused(&["cannot read none"]);
    evaluate(model, ["--dataset", "fashion-mnist-small"])
        .refused(&["class 0 of the images is `T-shirt/top`, class 0 of the network is `0`", "hint: "]);
    let network = ["vision", "train", "--data", "bars", "--model", "resnet-18", "--out", "run", "--resume"];
    folder.exact(&network).refused(&["it is of the network small-cnn, expected resnet-18"]);
    let predict = ["vision", "predict", model, "--data", "bars", "--out", model];
    folder.exact(&predict).refused(&["--out would overwrite run/model.safetensors, which is the model"]);
}

/// The step is named, and what the last whole epoch left stays.
#[test]
fn a_run_that_diverges_stops() {
    let folder = Folder::new();
    write_images(&folder);
    folder.write(
        "wild.toml",
        "model = \"small-cnn\"\nepochs = 4\nlearning-rate = { first = 1e-6, last = 1e30 }\n\
         optimizer = { gradient-scaling = \"unscaled\" }\n",
    );
    let wild = ["vision", "train", "--data", "bars", "--out", "run", "--recipe", "wild.toml"];
    folder.exact(&wild).refused(&["the loss is no longer finite in step", "hint: lower the learning rate"]);
    folder.exact(&["vision", "evaluate", "run/model.safetensors", "--data", "bars"]).succeeded();
    assert!(folder.path().join("run/checkpoint.safetensors").exists());
}

#[test]
fn several_seeds_are_trained_and_reported() {
    let folder = Folder::new();
    write_images(&folder);
    let more = ["--epochs", "2", "--seeds", "2", "--seed", "5", "--report", "report.html"];
    let record = folder.exact(&train(&more)).json();
    assert_eq!(folder.names(), ["bars", "report.html", "run"]);
    let runs = record["runs"].as_array().unwrap();
    assert_eq!((&runs[0]["seed"], &runs[1]["seed"]), (&5.into(), &6.into()));
    let accuracies = [0, 1].map(|run: usize| runs[run]["test"]["accuracy"].as_f64().unwrap());
    let spread = &record["test"]["accuracy"];
    let mean = f64::midpoint(accuracies[0], accuracies[1]);
    assert!((spread["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{record}");
    let std = (accuracies[0] - accuracies[1]).abs() / 2_f64.sqrt();
    assert!((spread["std"].as_f64().unwrap() - std).abs() < 1e-12, "{record}");
    let html = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(html.contains("name = &quot;exact&quot;") && html.contains("data:image/png;base64,"));

    // The second run is gone: the first is taken up as it is, the second begun.
    std::fs::remove_dir_all(folder.path().join("run/seed-6")).unwrap();
    folder.exact(&train(&more)).refused(&["run/seed-5 holds a run already"]);
    let again = folder.exact(&train(&[&more[..], &["--resume"]].concat())).json();
    assert_eq!(again["runs"], record["runs"]);

    let evaluate = ["vision", "evaluate", "run/seed-5/model.safetensors", "--data", "bars", "--json"];
    let metrics = folder.exact(&[&evaluate[..], &["--report", "evaluation.html"]].concat()).json();
    assert_eq!(metrics, runs[0]["test"]);
    assert!(folder.names().contains(&"evaluation.html".to_owned()));
    let over = ["--report", "run/seed-5/model.safetensors"];
    folder.exact(&[&evaluate[..], &over].concat()).refused(&["which is the model"]);
}

#[test]
fn losses_are_compared_with_settings_that_validation_chooses() {
    let folder = Folder::new();
    write_images(&folder);
    let compare = [
        "vision",
        "compare",
        "--data",
        "bars",
        "--model",
        "small-cnn",
        "--batch-size",
        "16",
        "--out",
        "runs",
    ];
    let compare = |more: &[&'static str]| folder.exact(&[&compare[..], more].concat());
    let more =
        ["--losses", "exact,cross-entropy", "--epochs", "2", "--trials", "2", "--seeds", "2", "--json"];
    let record = compare(&[&more[..], &["--report", "report.html"]].concat()).json();
    assert_eq!(
        (&record["baseline"], &record["trials"], &record["seeds"]),
        (&"cross-entropy".into(), &2.into(), &2.into())
    );
    let rows = record["rows"].as_array().unwrap();
    for (row, name) in rows.iter().zip(["exact", "cross-entropy"]) {
        assert_eq!(row["name"], name);
        let accuracy = |trial: usize| row["trials"][trial]["validation"]["accuracy"].as_f64().unwrap();
        let accuracies = [accuracy(0), accuracy(1)];
        let selected = row["selected"].as_u64().unwrap() as usize;
        assert!(accuracies.iter().all(|&accuracy| accuracy <= accuracies[selected]), "{row}");
        let runs = row["runs"].as_array().unwrap();
        assert_eq!(runs[0]["validation"]["accuracy"].as_f64(), Some(accuracies[selected]));
        let model = format!("runs/{name}/trial-{}/seed-1/model.safetensors", selected + 1);
        assert_eq!(runs[1]["model"], model);
        let evaluate = ["vision", "evaluate", &model, "--data", "bars", "--json"];
        assert_eq!(folder.exact(&evaluate).json(), runs[1]["test"]);
        let tested = |run: usize| runs[run]["test"]["accuracy"].as_f64().unwrap();
        assert!((row["test"]["mean"].as_f64().unwrap() - f64::midpoint(tested(0), tested(1))).abs() < 1e-12);
    }
    // Both seeds were tested, and of two p-values the larger counts.
    let p = |seed: usize| rows[0]["paired"][seed]["p_value"].as_f64().unwrap();
    assert_eq!(rows[0]["p_value"].as_f64(), Some(p(0).max(p(1))));
    assert_eq!((&rows[1]["paired"], &rows[1]["p_value"]), (&serde_json::json!([]), &serde_json::Value::Null));
    assert!(folder.names().contains(&"report.html".to_owned()));

    // Finished runs are not trained again: the same comes out, and one that is gone is trained anew.
    compare(&more).refused(&["exact: runs/exact/trial-1/seed-0 holds a run already", "hint: ", "--resume"]);
    std::fs::remove_dir_all(folder.path().join("runs/cross-entropy/trial-2/seed-0")).unwrap();
    let again = compare(&[&more[..], &["--resume"]].concat()).succeeded();
    assert_eq!(again.stderr.lines().filter(|line| line.starts_with("epoch ")).count(), 2, "{}", again.stderr);
    assert_eq!(again.json()["rows"], record["rows"]);
}

#[test]
fn recipes_are_compared() {
    let folder = Folder::new();
    write_images(&folder);
    let recipe = |loss: &str| format!("model = \"small-cnn\"\nepochs = 1\nbatch-size = 16\nloss = {loss}\n");
    folder.write("hinge.toml", recipe("{ name = \"hinge\", margin = 0.5 }"));
    let part = |name: &str| format!("{{ weight = 0.5, loss = {{ name = \"{name}\" }} }}");
    let (exact, cross_entropy) = (part("exact"), part("cross-entropy"));
    folder.write(
        "mixed.toml",
        recipe(&format!("{{ name = \"weighted-sum\", parts = [{exact}, {cross_entropy}] }}")),
    );
    let compare = ["vision", "compare", "--data", "bars", "--out", "runs", "--recipe", "hinge.toml"];
    let compare = |more: &[&'static str]| folder.exact(&[&compare[..], more].concat());
    let printed = compare(&["--recipe", "mixed.toml"]).succeeded();
    for text in ["│ hinge", "│ mixed", "learning rate 0.1, margin 0.5", "McNemar's test against hinge"] {
        assert!(printed.stdout.contains(text), "{}", printed.stdout);
    }
    assert!(
        printed.stderr.starts_with("hinge, trial 1 of 1, seed 0: learning rate 0.1"),
        "{}",
        printed.stderr
    );
    compare(&["--recipe", "hinge.toml"]).refused(&["two of the compared are called `hinge`"]);
    compare(&["--recipe", "mixed.toml", "--losses", "all"])
        .refused(&["--losses is for one recipe, there are 2"]);
    compare(&[]).refused(&["--losses, or several of --recipe, are needed"]);
    compare(&["--losses", "exakt"]).refused(&["exakt"]);
}

#[test]
fn networks_are_exported() {
    let folder = Folder::new();
    write_images(&folder);
    folder.exact(&train(&["--epochs", "1"])).succeeded();
    let model = "run/model.safetensors";
    let export = |out: &str| folder.exact(&["vision", "export", model, "--out", out]);
    export("network.onnx").succeeded();
    export("weights.safetensors").succeeded();
    export("network.pt").refused(&["the name must end in .onnx or .safetensors"]);
    export(model).refused(&["which is the model"]);
    assert_eq!(folder.names(), ["bars", "network.onnx", "run", "weights.safetensors"]);
}

/// Real images: 480 of Fashion-MNIST choose the weights, 120 the epoch.
#[test]
fn bundled_images_are_learned() {
    let folder = Folder::new();
    let arguments = [
        "vision",
        "train",
        "--dataset",
        "fashion-mnist-small",
        "--model",
        "small-cnn",
        "--loss",
        "exact",
        "--epochs",
        "20",
        "--out",
        "run",
        "--json",
    ];
    let run = folder.exact(&arguments).succeeded();
    assert_eq!(run.stderr.lines().count(), 20);
    assert!(run.stderr.starts_with("epoch 1/20: loss "), "{}", run.stderr);
    let record = run.json();
    assert!(record["test"]["accuracy"].as_f64().unwrap() >= 0.7, "{record}");
}

/// A new last layer, trained on what the network makes of images, predicts in the network as it does by
/// itself.
#[test]
fn the_last_layer_is_trained_anew() {
    let folder = Folder::new();
    write_images(&folder);
    folder.exact(&train(&["--epochs", "2"])).succeeded();
    let model = "run/model.safetensors";
    let embed = ["vision", "embed", model, "--data", "bars", "--train", "train.npz", "--test", "test.npz"];
    folder.exact(&embed).succeeded();
    let expanded = ["fit", "train.npz", "--target", "label", "--features", "splines", "--out", "expanded"];
    folder.exact(&expanded).succeeded();
    let replace = ["vision", "replace-head", model, "expanded", "--out", "new"];
    folder.exact(&replace).refused(&["splines", "--features linear"]);
    let fit = ["fit", "train.npz", "--target", "label", "--loss", "cross-entropy", "--test", "test.npz"];
    let fit = [&fit[..], &["--features", "linear"]].concat();
    let record = folder.exact(&[&fit[..], &["--out", "head", "--json"]].concat()).json();
    let accuracy = record["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.9, "{record}");
    folder.exact(&["vision", "replace-head", model, "head", "--out", "new"]).succeeded();
    let predictions = |arguments: &[&str]| -> Vec<String> {
        let printed = folder.exact(arguments).succeeded().stdout;
        printed.lines().map(|line| line.split(',').next().unwrap().to_owned()).collect()
    };
    assert_eq!(
        predictions(&["vision", "predict", "new", "--data", "bars"]),
        predictions(&["predict", "head", "test.npz"])
    );
    let metrics = folder.exact(&["vision", "evaluate", "new", "--data", "bars", "--json"]).json();
    assert_eq!(metrics["accuracy"], record["test"]["accuracy"]);

    folder.write("other.csv", "x_0,x_84,label\n1,2,0\n2,3,0\n3,9,1\n4,1,1\n");
    folder.write("classes.csv", "x_0,x_1,label\n1,2,0\n2,3,0\n3,9,2\n4,1,2\n");
    for (table, problem) in [("other", "trained on `x_84`"), ("classes", "does not know the class `1`")] {
        let file = format!("{table}.csv");
        let fit = [
            "fit",
            file.as_str(),
            "--target",
            "label",
            "--loss",
            "cross-entropy",
            "--folds",
            "2",
            "--out",
            table,
        ];
        folder.exact(&fit).succeeded();
        let replace = ["vision", "replace-head", model, table, "--out", "none"];
        folder.exact(&replace).refused(&[table, problem, "hint: train it with `exact fit`"]);
    }
    folder.exact(&["vision", "embed", model, "--data", "bars"]).refused(&["--train"]);
    folder.exact(&["vision", "embed", model, "--data", "bars", "--test", model]).refused(&["overwrite"]);
    assert!(!folder.path().join("none").exists());
}

/// The run is killed, goes on with a limit on the size of files in place of a full disk, and then without
/// one. The limit ends a write within a file; the signal that comes with it and not with a full disk is
/// ignored.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_a_run_that_can_be_taken_up() {
    let folder = Folder::new();
    write_images(&folder);
    let arguments = train(&["--epochs", "30"]);
    let mut killed = Command::new(env!("CARGO_BIN_EXE_exact"))
        .args(&arguments)
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = BufReader::new(killed.stderr.take().unwrap()).lines().next().unwrap().unwrap();
    assert!(first.starts_with("epoch 1/30: "), "{first}");
    killed.kill().unwrap();
    killed.wait().unwrap();

    let contents = || -> BTreeMap<_, _> {
        let entries = std::fs::read_dir(folder.path().join("run")).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect()
    };
    let before = contents();
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_exact")])
        .args(&arguments)
        .arg("--resume")
        .current_dir(folder.path())
        .output()
        .unwrap();
    Finished::of(&limited).refused(&["cannot write run/", "hint: make room there"]);
    assert!(contents() == before, "a failed write left something behind, or took something away");

    let resumed = folder.exact(&[&arguments[..], &["--resume"]].concat()).json();
    let mut uninterrupted = arguments;
    let out = uninterrupted.iter().position(|&argument| argument == "run").unwrap();
    uninterrupted[out] = "whole";
    let whole = folder.exact(&uninterrupted).json();
    assert_eq!((&resumed["epochs"], &resumed["test"]), (&whole["epochs"], &whole["test"]));
    let model = |run: &str| std::fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("whole"));
}

/// Weights of `PyTorch`, as a checkpoint, are applied and refused.
#[test]
fn weights_of_pytorch_are_imported() {
    let folder = Folder::new();
    write_images(&folder);
    let checkpoint = concat!(env!("CARGO_MANIFEST_DIR"), "/../exact-vision/tests/data/pytorch/wrn-10-2.pth");
    let import = ["vision", "import", checkpoint, "--model", "wrn-10-2", "--out", "model"];
    folder.write("names.txt", "zero\none\ntwo\nthree\n");
    folder.exact(&[&import[..], &["--classes", "names.txt"]].concat()).succeeded();
    folder
        .exact(&["vision", "evaluate", "model", "--data", "bars"])
        .refused(&["class 0 of the images is `0`, class 0 of the network is `zero`"]);
    let normalized = ["--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25", "--resize", "12x12"];
    folder.exact(&[&import[..], &normalized].concat()).succeeded();
    folder.exact(&[&import[..], &["--mean", "0.5,0.5,0.5"]].concat()).refused(&["--std"]);
    folder
        .exact(&[&import[..], &["--mean", "0.5", "--std", "0.25"]].concat())
        .refused(&["red, green and blue need"]);
    folder
        .exact(&["vision", "import", "names.txt", "--model", "wrn-10-2", "--out", "none"])
        .refused(&["names.txt cannot be used", "neither a whole safetensors file nor a checkpoint"]);
    assert_eq!(folder.names(), ["bars", "model", "names.txt"]);
}
