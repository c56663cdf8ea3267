//! `exact vision` on files and folders of images as people have them.

use exact_images::{ImageSize, Images};

use crate::common::Folder;
use crate::vision::write_images;

/// A PNG file of a bright bar at a place, upright for class 0 and lying for class 1, on darkness.
fn write_bar(folder: &Folder, name: &str, class: usize, place: usize, side: usize, channels: usize) {
    let lit = |at: usize| if class == 0 { at % side } else { at / side } * 12 / side == place;
    let plane = (0..side * side).map(|at| if lit(at) { 230 } else { 60 });
    let pixels = (0..channels).flat_map(|_| plane.clone()).collect();
    let size = ImageSize { height: side, width: side };
    let image = Images::new(pixels, channels, size, vec![0], vec!["bar".into()]).unwrap();
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, image.png(0).unwrap()).unwrap();
}

/// Folders of both classes, as many images of each.
fn write_classes(folder: &Folder, name: &str, images: usize, channels: usize) {
    for class in [0, 1] {
        for at in 0..images {
            let kind = ["upright", "lying"][class];
            write_bar(folder, &format!("{name}/{kind}/{at}.png"), class, at % 12, 12, channels);
        }
    }
}

/// A folder with a network for grey bars of 12 x 12 pixels, whose classes are 0 and 1.
fn trained() -> Folder {
    let folder = Folder::new();
    write_images(&folder);
    let train = ["vision", "train", "--data", "bars", "--model", "small-cnn", "--loss", "cross-entropy"];
    let settings = ["--epochs", "8", "--batch-size", "16", "--seed", "3", "--out", "run"];
    folder.exact(&[&train[..], &settings].concat()).succeeded();
    folder
}

const MODEL: &str = "run/model.safetensors";

/// The rows after the header, and the header.
fn rows(csv: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<&str>>());
    (lines.next().unwrap_or_default(), lines.collect())
}

#[test]
fn photos_are_classified() {
    let folder = trained();
    for place in [3, 5, 8] {
        write_bar(&folder, &format!("photos/upright-{place}.png"), 0, place, 12, 1);
        write_bar(&folder, &format!("photos/holidays/lying-{place}.PNG"), 1, place, 48, 3);
    }
    folder.write("photos/notes.txt", "no image");
    let predict = |more: &[&str]| folder.exact(&[&["vision", "predict", MODEL], more].concat());
    let run = predict(&["photos"]).succeeded();
    let (header, predictions) = rows(&run.stdout);
    assert_eq!(header, ["file", "prediction", "confidence"]);
    let files: Vec<&str> = predictions.iter().map(|row| row[0]).collect();
    let lying = ["3", "5", "8"].map(|place| format!("photos/holidays/lying-{place}.PNG"));
    let upright = ["3", "5", "8"].map(|place| format!("photos/upright-{place}.png"));
    assert_eq!(files, [&lying[..], &upright].concat());
    for row in &predictions {
        assert_eq!(row[1], if row[0].contains("upright") { "0" } else { "1" }, "{}", run.stdout);
        assert!((0.5..=1.0).contains(&row[2].parse::<f64>().unwrap()), "{}", run.stdout);
    }
    assert_eq!(run.stderr, "warning: 3 coloured images are read as grey\n");

    // The same by other names, and in a file.
    assert_eq!(predict(&["photos/*/*", "photos/*.png"]).succeeded().stdout, run.stdout);
    let list = format!("{}\n", files.join("\n"));
    let listed = folder.exact_with_input(&["vision", "predict", MODEL, "-"], &list).succeeded();
    assert_eq!(listed.stdout, run.stdout);
    let written = predict(&["photos", "--out", "predictions.csv"]).succeeded();
    assert_eq!(written.stdout, "");
    assert_eq!(std::fs::read_to_string(folder.path().join("predictions.csv")).unwrap(), run.stdout);

    let run = predict(&["photos/upright-3.png", "--top", "2", "--proba"]).succeeded();
    let (header, predictions) = rows(&run.stdout);
    let names = ["file", "prediction", "confidence", "prediction_2", "confidence_2", "p_0", "p_1"];
    assert_eq!(header, names);
    let [_, best, confidence, other, rest, zero, one] = predictions[0][..] else { panic!("{}", run.stdout) };
    assert_eq!((best, other, confidence, rest), ("0", "1", zero, one));
}

/// More images than are read at once, in their order.
#[test]
fn many_photos_are_classified_in_batches() {
    let folder = trained();
    write_bar(&folder, "upright.png", 0, 4, 12, 1);
    write_bar(&folder, "lying.png", 1, 4, 12, 1);
    let list: Vec<&str> = (0..300).map(|at| ["upright.png", "lying.png"][at % 2]).collect();
    let list = list.join("\n");
    let run = folder.exact_with_input(&["vision", "predict", MODEL, "-"], &list).succeeded();
    let (_, predictions) = rows(&run.stdout);
    assert_eq!(predictions.len(), 300);
    for (at, row) in predictions.iter().enumerate() {
        assert_eq!(row[..2], [["upright.png", "0"], ["lying.png", "1"]][at % 2]);
        assert_eq!(row[2], predictions[at % 2][2]);
    }
}

#[test]
fn photos_that_cannot_be_read_are_named() {
    let folder = trained();
    write_bar(&folder, "photos/1.png", 0, 4, 12, 1);
    write_bar(&folder, "photos/3.png", 0, 4, 12, 1);
    folder.write("photos/2.jpg", "no image");
    let gif = b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    folder.write("photos/4.gif", gif);
    let predict = |more: &[&str]| folder.exact(&[&["vision", "predict", MODEL], more].concat());
    let run = predict(&["photos", "--out", "predictions.csv"]);
    assert_eq!(run.code, Some(2));
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(lines[0].starts_with("warning: cannot decode photos/2.jpg: "), "{lines:?}");
    assert!(lines[1].starts_with("warning: photos/4.gif has 65535x65535 pixels"), "{lines:?}");
    assert_eq!(lines[2], "error: 2 of 4 images cannot be read");
    let csv = std::fs::read_to_string(folder.path().join("predictions.csv")).unwrap();
    let (_, predictions) = rows(&csv);
    assert_eq!(predictions.iter().map(|row| row[0]).collect::<Vec<_>>(), ["photos/1.png", "photos/3.png"]);

    let strict = predict(&["photos", "--strict", "--out", "strict.csv"]);
    strict.refused(&["cannot decode photos/2.jpg", "hint: "]);
    predict(&["photos/2.jpg", "--out", "none.csv"]).refused(&["1 of 1 images cannot be read"]);
    let list = folder.exact_with_input(&["vision", "predict", MODEL, "-"], "photos/1.png\nphotos/9.png\n");
    assert_eq!((list.code, list.stdout.lines().count()), (Some(2), 2), "{list:?}");
    assert!(list.stderr.starts_with("warning: cannot read photos/9.png: "), "{}", list.stderr);
    assert_eq!(folder.names(), ["bars", "photos", "predictions.csv", "run"]);
}

#[test]
fn what_cannot_be_predicted_is_refused() {
    let folder = trained();
    write_bar(&folder, "1.png", 0, 4, 12, 1);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let predict = |more: &[&str]| folder.exact(&[&["vision", "predict", MODEL], more].concat());
    predict(&[]).refused(&["PATH"]);
    predict(&["none.png"]).refused(&["cannot read none.png"]);
    predict(&["*.jpg"]).refused(&["*.jpg matches nothing", "hint: "]);
    predict(&["empty"]).refused(&["empty holds no images", "hint: "]);
    predict(&["-"]).refused(&["no images are named"]);
    predict(&["1.png", "--data", "bars"]).refused(&["cannot be used with"]);
    predict(&["1.png", "--top", "3"]).refused(&["--top 3: the network has 2 classes"]);
    predict(&["1.png", "--top", "0"]).refused(&["--top"]);
    predict(&["1.png", "--out", "1.png"]).refused(&["--out would overwrite 1.png, which is an image"]);
    assert_eq!(folder.names(), ["1.png", "bars", "empty", "run"]);
}

/// Folders of classes, a part of which is held out, and the same as a list; grey images for a network of
/// coloured ones.
#[test]
fn folders_and_lists_are_trained_on_and_measured() {
    let folder = Folder::new();
    write_classes(&folder, "bars", 40, 3);
    let train = ["vision", "train", "--model", "small-cnn", "--batch-size", "16", "--epochs", "2", "--json"];
    let run = folder.exact(&[&train[..], &["--data", "bars", "--out", "run"]].concat());
    assert!(
        run.stderr.starts_with("warning: bars has no images to test on: 16 of 80 images"),
        "{}",
        run.stderr
    );
    let record = run.json();
    assert_eq!(record["data"]["test_images"], 16);
    assert_eq!(record["data"]["class_names"], serde_json::json!(["lying", "upright"]));
    let evaluate =
        |data: &[&str]| folder.exact(&[&["vision", "evaluate", MODEL, "--json"], data].concat()).succeeded();
    assert_eq!(evaluate(&["--data", "bars"]).json(), record["test"]);

    let all = evaluate(&["--data", "bars", "--all"]);
    assert_eq!(all.stderr, "");
    let all = all.json();
    let counts = |metrics: &serde_json::Value| -> u64 {
        let rows = metrics["confusion"].as_array().unwrap();
        rows.iter().flat_map(|row| row.as_array().unwrap()).map(|count| count.as_u64().unwrap()).sum()
    };
    assert_eq!((counts(&all), counts(&record["test"])), (80, 16));

    let mut list = "file,label\n".to_string();
    for kind in ["lying", "upright"] {
        let mut names: Vec<String> = (0..40).map(|at| format!("bars/{kind}/{at}.png,{kind}\n")).collect();
        names.sort();
        list += &names.concat();
    }
    folder.write("labels.csv", &list);
    assert_eq!(evaluate(&["--labels", "labels.csv"]).json(), record["test"]);
    folder.write("relative.csv", list.replace("bars/", ""));
    assert_eq!(evaluate(&["--labels", "relative.csv", "--data", "bars"]).json(), record["test"]);
    folder
        .exact(&["vision", "evaluate", MODEL, "--labels", "relative.csv"])
        .refused(&["relative.csv: 80 files are not there: lying/0.png (line 2)", "hint: "]);

    write_classes(&folder, "grey", 5, 1);
    let run = evaluate(&["--data", "grey"]);
    assert!(run.stderr.ends_with("warning: 2 grey images are read as coloured\n"), "{}", run.stderr);
}

#[test]
fn folders_that_cannot_be_trained_on_are_refused() {
    let folder = Folder::new();
    write_classes(&folder, "bars", 5, 1);
    for name in ["bars/upright/5.png", "bars/lying/9.jpg"] {
        folder.write(name, "no image");
    }
    let train = |data: &str| {
        folder.exact(&["vision", "train", "--model", "small-cnn", "--out", "run", "--data", data])
    };
    train("bars").refused(&["2 images cannot be read:", "bars/upright/5.png", "bars/lying/9.jpg", "hint: "]);
    train("bars/upright").refused(&["no data set of images that is known", "hint: "]);
    write_bar(&folder, "one/upright/1.png", 0, 1, 12, 1);
    train("one").refused(&["one has images of the class `upright` alone", "hint: "]);
    for part in ["few/train", "few/test"] {
        write_classes(&folder, part, 1, 1);
    }
    train("few")
        .refused(&["images are too few to train on some and to choose the epoch by a share of 0.", "hint: "]);
    assert_eq!(folder.names(), ["bars", "few", "one"]);
}

#[test]
fn a_network_learns_other_classes_from_what_it_knows() {
    let folder = trained();
    // Coloured, twice as large, and with other names than the 0 and 1 of the network.
    write_classes(&folder, "photos", 20, 3);
    let from = |more: &[&str]| {
        let train = ["vision", "train", "--data", "photos", "--from", MODEL, "--out", "tuned", "--json"];
        folder.exact(&[&train[..], more].concat())
    };
    let run = from(&["--epochs", "6", "--batch-size", "8", "--freeze", "2"]).succeeded();
    let record: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(record["recipe"]["model"], "small-cnn");
    assert_eq!(record["recipe"]["freeze"], 2);
    assert_eq!(record["recipe"]["first-layer-rate"], 0.1);
    assert!(record["test"]["accuracy"].as_f64().unwrap() >= 0.9, "{record}");
    assert!(run.stderr.contains("coloured images are read as grey"), "{}", run.stderr);
    let predict = ["vision", "predict", "tuned/model.safetensors", "photos/lying/3.png"];
    let printed = folder.exact(&predict).succeeded();
    let (_, predictions) = rows(&printed.stdout);
    assert_eq!(predictions[0][1], "lying");

    std::fs::remove_dir_all(folder.path().join("tuned")).unwrap();
    from(&["--freeze", "9"]).refused(&["9 layers are to be frozen, the network has 4 before the last"]);
    from(&["--freeze", "some"]).refused(&["a number or all, got `some`"]);
    from(&["--model", "m3"]).refused(&["--model", "--from"]);
    from(&["--augmentation", "wild"]).refused(&["none, light, standard or strong"]);
    let plain = ["vision", "train", "--data", "photos", "--model", "small-cnn", "--out", "tuned"];
    folder.exact(&[&plain[..], &["--freeze", "all"]].concat()).refused(&["--from"]);
    assert!(!folder.path().join("tuned").exists());
}
