//! Tables as people have them: whatever their form, the column that tells the classes apart is understood.

use serde_json::Value;

use crate::common::{Finished, Folder};

#[test]
fn labels_that_look_missing_are_those_of_the_model() {
    let folder = Folder::new();
    let rows: String =
        (0..60).map(|row| format!("{row},{}\n", if row < 30 { "NA" } else { "yes" })).collect();
    folder.write("train.csv", format!("x,y\n{rows}"));
    folder.write("test.csv", format!("x,y\n{rows}61,maybe\n"));
    let arguments = ["fit", "train.csv", "--target", "y", "--categorical=y", "--loss", "cross-entropy"];
    let more = ["--test", "test.csv", "--out", "model", "--json"];
    let run = folder.exact(&[&arguments[..], &more].concat());
    assert!(run.stderr.contains("1 row with labels") && run.stderr.contains("`maybe`"), "{}", run.stderr);
    let record = run.json();
    assert_eq!(record["data"]["test_rows"], 60);
    let metrics = folder.exact(&["evaluate", "model", "train.csv", "--json"]).json();
    assert_eq!(metrics["confusion"].as_array().unwrap().len(), 2);
    let first: u64 = metrics["confusion"][0].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(first, 30);
    let predictions = folder.exact(&["predict", "model", "train.csv", "--id", "x"]).succeeded().stdout;
    assert!(predictions.starts_with("x,prediction\n0,NA\n"), "{predictions}");
    folder
        .exact(&["predict", "train.csv", "model"])
        .refused(&["train.csv is a table, not a model", "hint: "]);
}

#[test]
fn a_number_for_missing_values_is_kept_with_the_model() {
    let folder = Folder::new();
    let rows: String =
        (0..60).map(|row| format!("{},{}\n", if row % 3 == 0 { -9999 } else { row }, row / 30)).collect();
    folder.write("train.csv", format!("x,y\n{rows}"));
    let arguments =
        ["fit", "train.csv", "--target", "y", "--loss", "cross-entropy", "--out", "model", "--json"];
    let record = folder.exact(&[&arguments[..], &["--missing=-9999"]].concat()).json();
    assert_eq!(column(&record, "x")["missing"], 20);
    let metrics = folder.exact(&["evaluate", "model", "train.csv", "--json"]).json();
    assert!(metrics["accuracy"].as_f64().unwrap() > 0.75, "{metrics}");
}

/// A number between 0 and 1 that looks random, and is the same in every run.
fn noise(row: usize, stream: usize) -> f64 {
    let mixed = ((row * 31 + stream * 7919 + 1) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 40) as f64 / f64::from(1 << 24)
}

/// The width of a row, with a point and two decimals, and its label.
fn row(row: usize) -> (f64, &'static str) {
    let width = (100.0 * (20.0 * noise(row, 0) - 10.0)).round() / 100.0;
    (width, if width + 0.5 * (noise(row, 1) - 0.5) > 0.0 { "yes" } else { "no" })
}

/// Rows written by a function of the row's number, its width and its label.
fn rows(range: std::ops::Range<usize>, write: impl Fn(usize, f64, &str) -> String) -> String {
    range
        .map(|at| {
            let (width, label) = row(at);
            write(at, width, label) + "\n"
        })
        .collect()
}

/// Fits on 200 rows, measures on 100 others.
fn fit(folder: &Folder, train: &str, test: &str, more: &[&str]) -> Finished {
    let arguments = ["fit", train, "--test", test, "--loss", "cross-entropy", "--json", "--out", "model"];
    folder.exact(&[&arguments[..], more].concat())
}

/// The record of a fit that understands the width: nothing else tells the labels apart.
fn understood(name: &str, run: Finished) -> (Value, String) {
    let stderr = run.stderr.clone();
    let record = run.json();
    let accuracy = record["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.93, "{name}: {accuracy}\n{stderr}\n{}", record["columns"]);
    (record, stderr)
}

fn column<'a>(record: &'a Value, name: &str) -> &'a Value {
    record["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}

/// Text of a header and rows, delimited by a character.
struct Case<'a> {
    name: &'a str,
    header: &'a str,
    write: &'a dyn Fn(usize, f64, &str) -> String,
    arguments: &'a [&'a str],
    /// What standard error must say; nothing else may be said if it is empty.
    says: &'a [&'a str],
    kind: &'a str,
}

/// 1234.5 as `1,234.50`, with any separators.
fn grouped(value: f64, grouping: &str, decimal: &str) -> String {
    let (whole, decimals) = (value.abs().trunc() as u64, (value.abs().fract() * 100.0).round() as u64);
    let groups = if whole >= 1000 {
        format!("{}{grouping}{:03}", whole / 1000, whole % 1000)
    } else {
        whole.to_string()
    };
    format!("{}{groups}{decimal}{decimals:02}", if value < 0.0 { "-" } else { "" })
}

fn comma(value: f64) -> String {
    format!("{value:.2}").replace('.', ",")
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of cases")]
fn numbers_dates_and_missing_values_in_every_writing() {
    let missing = |token: &'static str| {
        move |at: usize, width: f64, label: &str| {
            let field = if at.is_multiple_of(20) { token.to_string() } else { width.to_string() };
            format!("{field},{label}")
        }
    };
    let (na, null, none, dash, typo) =
        (missing("NA"), missing("null"), missing("#N/A"), missing("-"), missing("1O.5"));
    let day = |width: f64| (width * 100.0).round() as i64 + 1100;
    let date = |width: f64| {
        // Days from the beginning of 2020, of years without leap days for simplicity.
        let day = day(width) - 100;
        let (year, rest) = (2018 + day / 365, day % 365);
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (mut month, mut left) = (0, rest);
        while left >= lengths[month] {
            left -= lengths[month];
            month += 1;
        }
        (year, month + 1, left + 1)
    };
    let cases = [
        Case { name: "NA", header: "width,label", write: &na, arguments: &[], says: &[], kind: "numeric" },
        Case {
            name: "null",
            header: "width,label",
            write: &null,
            arguments: &[],
            says: &[],
            kind: "numeric",
        },
        Case {
            name: "#N/A",
            header: "width,label",
            write: &none,
            arguments: &[],
            says: &[],
            kind: "numeric",
        },
        Case {
            name: "dash",
            header: "width,label",
            write: &dash,
            arguments: &[],
            says: &["width", "`-` in line 2"],
            kind: "numeric",
        },
        Case {
            name: "typo",
            header: "width,label",
            write: &typo,
            arguments: &[],
            says: &["width", "1O.5"],
            kind: "numeric",
        },
        Case {
            name: "decimal comma",
            header: "width;label",
            arguments: &[],
            says: &[],
            kind: "numeric",
            write: &|_, width, label| format!("{};{label}", comma(width)),
        },
        Case {
            name: "thousands",
            header: "width;label",
            arguments: &[],
            says: &[],
            kind: "numeric",
            write: &|_, width, label| format!("{};{label}", grouped(width * 500.0, ",", ".")),
        },
        Case {
            name: "continental",
            header: "width;label",
            arguments: &[],
            says: &[],
            kind: "numeric",
            write: &|_, width, label| format!("{};{label}", grouped(width * 500.0, ".", ",")),
        },
        Case {
            name: "currency",
            header: "width,label",
            arguments: &[],
            says: &[],
            kind: "numeric",
            write: &|_, width, label| {
                format!("\"{}\",{label}", grouped(width * 500.0, ",", ".").replace('-', "-$"))
            },
        },
        Case {
            name: "accountants",
            header: "width,label",
            arguments: &[],
            says: &[],
            kind: "numeric",
            write: &|_, width, label| {
                let field = if width < 0.0 { format!("({:.2})", -width) } else { format!("{width:.2}") };
                format!("{field},{label}")
            },
        },
        Case {
            name: "minus",
            header: "width,label",
            arguments: &[],
            says: &[],
            kind: "numeric",
            write: &|_, width, label| format!("{},{label}", format!("{width:.2}").replace('-', "\u{2212}")),
        },
        Case {
            name: "percent",
            header: "width,label",
            arguments: &[],
            says: &[],
            kind: "numeric",
            write: &|_, width, label| format!("{width:.2} %,{label}"),
        },
        Case {
            name: "unit",
            header: "width,label",
            arguments: &[],
            says: &[],
            kind: "numeric",
            write: &|_, width, label| format!("{width:.2} mm,{label}"),
        },
        Case {
            name: "ISO dates",
            header: "width,label",
            arguments: &[],
            says: &[],
            kind: "date",
            write: &|_, width, label| {
                let (year, month, day) = date(width);
                format!("{year}-{month:02}-{day:02},{label}")
            },
        },
        Case {
            name: "American dates",
            header: "width,label",
            arguments: &[],
            says: &[],
            kind: "date",
            write: &|_, width, label| {
                let (year, month, day) = date(width);
                format!("{month}/{day}/{year},{label}")
            },
        },
        Case {
            name: "times",
            header: "width,label",
            arguments: &[],
            says: &[],
            kind: "date",
            write: &|_, width, label| {
                let (year, month, day) = date(width);
                format!("{day:02}.{month:02}.{year} 13:45,{label}")
            },
        },
        Case {
            name: "identifier",
            header: "customer,width,label",
            arguments: &[],
            says: &["`customer`", "--categorical=customer"],
            kind: "numeric",
            write: &|at, width, label| format!("C{:05},{width},{label}", at * 7919 % 100_000),
        },
        Case {
            name: "row numbers",
            header: "customer_id,width,label",
            arguments: &[],
            says: &["`customer_id`", "--numeric=customer_id"],
            kind: "numeric",
            write: &|at, width, label| format!("{},{width},{label}", at * 7919 % 100_000),
        },
        Case {
            name: "free text",
            header: "remark,width,label",
            arguments: &[],
            says: &["`remark`", "--text=remark"],
            kind: "numeric",
            write: &|at, width, label| {
                format!("came on day {} by train,{width},{label}", at * 7919 % 100_000)
            },
        },
        Case {
            name: "weights and dropped columns",
            header: "leak,w,width,label",
            says: &[],
            kind: "numeric",
            arguments: &["--drop", "leak", "--weight", "w"],
            write: &|at, width, label| {
                format!("{},{},{width},{label}", at < 200 && label == "yes", 1 + at % 3)
            },
        },
        Case {
            name: "labels with missing values",
            header: "width,label",
            arguments: &[],
            says: &["10 rows without a label"],
            kind: "numeric",
            write: &|at, width, label| format!("{width},{}", if at.is_multiple_of(20) { "" } else { label }),
        },
    ];
    for Case { name, header, write, arguments, says, kind } in cases {
        let folder = Folder::new();
        folder.write("train.csv", format!("{header}\n{}", rows(0..200, write)));
        folder.write("test.csv", format!("{header}\n{}", rows(200..300, write)));
        let run = fit(&folder, "train.csv", "test.csv", &[&["--target", "label"], arguments].concat());
        let (record, stderr) = understood(name, run);
        assert_eq!(column(&record, "width")["kind"], kind, "{name}: {}", record["columns"]);
        for words in says {
            assert!(stderr.contains(words), "{name}: {stderr}");
        }
        assert!(!says.is_empty() || stderr.is_empty(), "{name}: {stderr}");
        let evaluated = folder.exact(&["evaluate", "model", "test.csv", "--json"]).json();
        assert_eq!(evaluated["accuracy"], record["test"]["accuracy"], "{name}");
    }
}

/// Bytes of the training and the test file, and the name that both end in.
type Files = (Vec<u8>, Vec<u8>);

fn csv(range: std::ops::Range<usize>) -> String {
    format!("width,label\n{}", rows(range, |_, width, label| format!("{width},{label}")))
}

fn both(make: impl Fn(String) -> Vec<u8>) -> Files {
    (make(csv(0..200)), make(csv(200..300)))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn files_of_every_form() {
    let lines = |prefix: &'static str| both(move |text| format!("{prefix}{text}").into_bytes());
    let replaced =
        |from: &'static str, to: &'static str| both(move |text| text.replace(from, to).into_bytes());
    let utf16 = both(|text| {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    });
    let json = |range| {
        rows(range, |_, width, label| format!("{{\"width\": {width}, \"label\": \"{label}\"}}")).into_bytes()
    };
    let arff = |range| {
        let head = "% made up\n@relation t\n@attribute width numeric\n@attribute label {no, yes}\n@data\n";
        format!("{head}{}", rows(range, |_, width, label| format!("{width},{label}"))).into_bytes()
    };
    let libsvm = |range| {
        rows(range, |_, width, label| format!("{} 1:{width} 7:1", if label == "yes" { "+1" } else { "-1" }))
            .into_bytes()
    };
    let index = |range| {
        format!(",width,label\n{}", rows(range, |at, width, label| format!("{at},{width},{label}")))
            .into_bytes()
    };
    let in_r = |range| {
        format!(
            "\"width\" \"label\"\n{}",
            rows(range, |at, width, label| format!("\"{at}\" {width} \"{label}\""))
        )
        .into_bytes()
    };
    let latin = both(|text| {
        let text = text.replace("yes", "j\u{e4}");
        text.chars().map(|c| c as u8).collect()
    });
    let cases: [(&str, Files, &[&str]); 16] = [
        ("sep line", lines("sep=,\n"), &["--target", "label"]),
        ("title lines", lines("Measured in May\nby hand\n"), &["--skip", "2", "--target", "label"]),
        ("comments", lines("# by hand, in \"May\n"), &["--comment", "#", "--target", "label"]),
        ("byte order mark", lines("\u{feff}"), &["--target", "label"]),
        ("tabs", replaced(",", "\t"), &["--target", "label"]),
        ("white space", replaced(",", "   "), &["--target", "label"]),
        ("trailing delimiters", replaced("\n", ",\n"), &["--target", "label"]),
        (
            "no header",
            both(|text| text.replace("width,label\n", "").into_bytes()),
            &["--no-header", "--target", "-1"],
        ),
        ("UTF-16", utf16, &["--target", "label"]),
        ("Latin-1", latin, &["--encoding", "latin1", "--target", "label"]),
        ("gzip", both(|text| gzip(&text)), &["--target", "label"]),
        ("JSON lines", (json(0..200), json(200..300)), &["--target", "label"]),
        ("ARFF", (arff(0..200), arff(200..300)), &["--target", "label"]),
        ("libsvm", (libsvm(0..200), libsvm(200..300)), &[]),
        ("index of pandas", (index(0..200), index(200..300)), &["--target", "label"]),
        ("row names of R", (in_r(0..200), in_r(200..300)), &["--target", "label"]),
    ];
    for (name, (train, test), arguments) in cases {
        let folder = Folder::new();
        // The content tells, not the name.
        folder.write("train", train);
        folder.write("test", test);
        let (record, _) = understood(name, fit(&folder, "train", "test", arguments));
        assert_eq!(record["data"]["classes"], 2, "{name}");
        let form: Vec<&str> = if name == "Latin-1" { vec!["--encoding", "latin1"] } else { vec![] };
        let evaluated = folder.exact(&[&["evaluate", "model", "test", "--json"][..], &form].concat()).json();
        assert_eq!(evaluated["accuracy"], record["test"]["accuracy"], "{name}");
    }
}

#[test]
fn several_files_and_standard_input() {
    let folder = Folder::new();
    folder.write("a.csv", csv(0..100));
    folder.write("b.csv", csv(100..200));
    folder.write("test.csv", csv(200..300));
    let fit_of = |train: &[&str]| {
        let more = ["--test", "test.csv", "--target", "label", "--loss", "cross-entropy", "--json"];
        let mut record = folder.exact(&[&["fit"], train, &more].concat()).json();
        record["seconds"] = Value::Null;
        record["data"]["name"] = Value::Null;
        record
    };
    let record = fit_of(&["a.csv", "b.csv"]);
    assert_eq!(record["data"]["train_rows"], 200);
    assert_eq!(fit_of(&["[ab].csv"]), record);
    folder
        .exact(&["fit", "a.csv", "--target", "label", "--loss", "cross-entropy", "--out", "model"])
        .succeeded();
    let from_file = folder.exact(&["predict", "model", "test.csv"]).succeeded().stdout;
    let from_input =
        folder.exact_with_input(&["predict", "model", "-", "--out", "-"], &csv(200..300)).succeeded();
    assert_eq!(from_input.stdout, from_file);
    folder.write("other.csv", "width,tag\n1,no\n");
    folder.exact(&["fit", "a.csv", "other.csv", "--target", "label"]).refused(&[
        "other.csv",
        "`label`",
        "`tag`",
        "hint: ",
    ]);
    folder.exact(&["fit", "*.tsv", "--target", "label"]).refused(&["*.tsv", "hint: "]);
}

#[test]
fn columns_by_name_and_position() {
    let folder = Folder::new();
    let write = |at: usize, width: f64, label: &str| format!("{width},{label},id{at}");
    folder.write("train.csv", format!("width,label,key\n{}", rows(0..200, write)));
    let fit = |arguments: &[&str]| {
        folder.exact(
            &[&["fit", "train.csv", "--loss", "cross-entropy", "--json", "--out", "model"], arguments]
                .concat(),
        )
    };
    for arguments in [["--target", "2", "--drop", "-1"], ["--target", "-2", "--keep", "width"]] {
        let record = fit(&arguments).json();
        assert_eq!((&record["data"]["target"], &record["data"]["features"]), (&"label".into(), &1.into()));
    }
    let run = folder.exact(&["predict", "model", "train.csv", "--id", "key"]).succeeded();
    assert!(run.stdout.starts_with("key,prediction\nid0,"), "{}", run.stdout);
    fit(&["--target", "lable"]).refused(&["`lable`", "did you mean `label`?"]);
    fit(&[]).refused(&[
        "which column of train.csv is to be predicted?",
        "--target",
        "`width`, `label`, `key`",
    ]);
    let both = ["--target", "label", "--drop", "width", "--numeric", "width"];
    fit(&both).refused(&["`width`", "dropped", "numeric", "hint: "]);
    fit(&["--target", "label", "--drop", "label"]).refused(&["`label`", "the target", "dropped"]);
    fit(&["--target", "label", "--weight", "label"]).refused(&["`label`", "the target", "the weight"]);
}

#[test]
fn weights_that_cannot_be() {
    let folder = Folder::new();
    for (weight, problem) in
        [("-1", "is -1, below 0"), ("", "is missing"), ("0", "is 0, and so are all others")]
    {
        folder.write(
            "t.csv",
            format!("w,width,label\n{}", rows(0..40, |_, width, label| format!("{weight},{width},{label}"))),
        );
        let arguments = ["fit", "t.csv", "--target", "label", "--weight", "w", "--out", "model"];
        folder.exact(&arguments).refused(&["t.csv, line 2, column `w`", problem, "hint: "]);
        assert_eq!(folder.names(), ["t.csv"]);
    }
}

#[test]
fn classes_are_weighed() {
    let folder = Folder::new();
    // A tenth of the rows are of the class that noise hides.
    let write = |at: usize, width: f64, _: &str| {
        let rare = at.is_multiple_of(10);
        format!("{},{}", width / 4.0 + if rare { 1.5 } else { 0.0 }, if rare { "rare" } else { "usual" })
    };
    folder.write("t.csv", format!("width,label\n{}", rows(0..400, write)));
    folder.write("weights.csv", "class,weight\nrare,9\n");
    let recall = |arguments: &[&str]| {
        let fit =
            ["fit", "t.csv", "--test", "t.csv", "--target", "label", "--loss", "cross-entropy", "--json"];
        let record = folder.exact(&[&fit[..], arguments].concat()).json();
        record["test"]["balanced_accuracy"].as_f64().unwrap()
    };
    let (plain, balanced, weighed) =
        (recall(&[]), recall(&["--class-weight", "balanced"]), recall(&["--class-weight", "weights.csv"]));
    assert!(balanced > plain + 0.05 && (weighed - balanced).abs() < 0.02, "{plain} {balanced} {weighed}");
    folder.write("weights.csv", "class,weight\nrara,9\n");
    let unknown = ["fit", "t.csv", "--target", "label", "--class-weight", "weights.csv"];
    folder.exact(&unknown).refused(&["weights.csv, line 2", "`rara`", "did you mean `rare`?"]);
}

#[test]
fn new_data_may_differ_in_form_but_not_in_silence() {
    let folder = Folder::new();
    let write = |at: usize, width: f64, label: &str| format!("{width},{},{label}", ["3", "4"][at % 2]);
    folder.write("train.csv", format!("width,doors,label\n{}", rows(0..200, write)));
    let fit = [
        "fit",
        "train.csv",
        "--target",
        "label",
        "--categorical",
        "doors",
        "--loss",
        "cross-entropy",
        "--out",
        "model",
    ];
    folder.exact(&fit).succeeded();
    folder.write("plain.csv", "width,doors\n1,3\n-2,4\n");
    let plain = folder.exact(&["predict", "model", "plain.csv", "--proba"]).succeeded();
    // Other order, other writing, further columns.
    folder.write("other.csv", "x;doors;width\na;3.0;1,0\nb;4.0;-2,0\n");
    let other = folder.exact(&["predict", "model", "other.csv", "--proba"]).succeeded();
    assert_eq!((other.stdout, other.stderr), (plain.stdout, String::new()));
    folder.write("new.csv", "width,doors\n1,3\n2,7\n3,7\n");
    let run = folder.exact(&["predict", "model", "new.csv"]).succeeded();
    assert!(
        run.stderr.contains("column `doors` has 2 values that training did not have, like `7` in line 3"),
        "{run:?}"
    );
}

#[test]
fn words_of_text_are_features() {
    let folder = Folder::new();
    let write = |at: usize, width: f64, label: &str| {
        let word = if label == "yes" { "splendid" } else { "dreadful" };
        format!("\"It was {word}, {} times, {width}\",{label}", at % 13)
    };
    folder.write("train.csv", format!("review,label\n{}", rows(0..200, write)));
    folder.write("test.csv", format!("review,label\n{}", rows(200..300, write)));
    let run = fit(&folder, "train.csv", "test.csv", &["--target", "label", "--text", "review"]);
    let (record, stderr) = understood("text", run);
    assert_eq!((column(&record, "review")["kind"].as_str(), stderr.as_str()), (Some("text"), ""));
    let shown = folder.exact(&["inspect", "model"]).succeeded().stdout;
    assert!(shown.contains("review:splendid"), "{shown}");
}

#[test]
fn labels_are_read_alike_from_every_format() {
    let folder = Folder::new();
    let truth = |label: &str, t: &'static str, f: &'static str| if label == "yes" { t } else { f };
    folder.write(
        "t.csv",
        format!(
            "width,label\n{}",
            rows(0..200, |_, width, label| format!("{width},{}", truth(label, "True", "False")))
        ),
    );
    folder.write(
        "t.jsonl",
        rows(200..300, |_, width, label| {
            format!("{{\"width\":{width},\"label\":{}}}", truth(label, "true", "false"))
        }),
    );
    understood("booleans", fit(&folder, "t.csv", "t.jsonl", &["--target", "label"]));
    folder.write(
        "t.csv",
        format!(
            "width,label\n{}",
            rows(0..200, |at, width, label| {
                format!("{width},{}{}", truth(label, "1", "0"), if at % 2 == 0 { ".0" } else { "" })
            })
        ),
    );
    let (record, _) = understood("numbers", fit(&folder, "t.csv", "t.csv", &["--target", "label"]));
    assert_eq!(record["data"]["class_names"], serde_json::json!(["0", "1"]));
}
