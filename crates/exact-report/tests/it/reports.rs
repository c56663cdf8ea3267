//! What must be in a report, whatever it looks like.

use crate::common::{LOSSES, check, compare, fit, plots, test_metrics, toy};
use exact_eval::record::{
    ColumnUnit, CompareRecord, CrossValidation, EpochRecord, ImageCompareRecord, ImageCompareRow,
    ImageDataRecord, ImageEvaluateRecord, ImageTrainRecord, LossSettingRecord, Mistake, NetworkRun,
    PairedRecord, ShapeCurve, ShapeFunctionRecord, Spread, ToyRecord, TrialRecord, ValidationMetrics,
    test_spread, validation_spread,
};
use exact_report::{
    MistakePicture, ReportError, compare_report, fit_report, image_compare_report, image_evaluate_report,
    image_train_report, toy_report,
};

fn report(name: &str, record: &CompareRecord) -> String {
    check(name, compare_report(record).unwrap())
}

#[test]
fn a_comparison_shows_every_loss_and_plot() {
    let record = compare(&LOSSES, 7, Some(2723));
    let html = report("compare", &record);
    for row in &record.rows {
        assert!(html.contains(&format!("<th scope=\"row\"><bdi>{}</bdi>", row.loss)), "{}", row.loss);
        assert!(html.contains(&format!("{:.2} ± ", 100.0 * row.cv.as_ref().unwrap().mean)));
        assert!(html.contains(&format!("{:.2}", 100.0 * row.test.as_ref().unwrap().macro_f1)));
    }
    assert_eq!(plots(&html), 3);
    assert_eq!(html.matches("<table class=\"confusion\">").count(), 2);
    for name in ["Barbunya", "Sira", "10\u{202f}888", "2723"] {
        assert!(html.contains(name), "{name}");
    }
}

#[test]
fn sparse_penalties_have_columns_where_there_are_some() {
    let mut record = compare(&["exact", "cross-entropy"], 3, Some(60));
    let without = report("no-l1", &record);
    assert!(!without.contains(">L1<") && without.contains("colspan=\"3\">selected<"));
    record.rows[1].selected.l1 = Some(0.0125);
    let html = report("l1", &record);
    assert!(html.contains("colspan=\"4\">selected<") && html.contains("<th scope=\"col\">L1</th>"));
    assert!(html.contains("<td>1e−4</td>\n<td>–</td>") && html.contains("<td>0.001</td>\n<td>0.0125</td>"));
    assert!(!html.contains("group L1"));
    record.rows[0].selected.group_l1 = Some(0.05);
    let html = report("group-l1", &record);
    assert!(html.contains("colspan=\"5\">selected<") && html.contains("<th scope=\"col\">group L1</th>"));
    assert!(html.contains("<td>1e−4</td>\n<td>–</td>\n<td>0.05</td>"));
    assert!(html.contains("<td>0.001</td>\n<td>0.0125</td>\n<td>–</td>"));
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let record = compare(&LOSSES[..3], 3, Some(100));
    assert_eq!(compare_report(&record).unwrap(), compare_report(&record).unwrap());
}

#[test]
fn hostile_names_are_text() {
    let hostile = "</style><script>alert(1)</script>\"' & {{ 7 * 7 }} $x^2$ ]]> <!-- onload=x";
    let mut record = compare(&["exact", "cross-entropy"], 3, Some(60));
    record.data.name = Some(hostile.into());
    record.data.target = hostile.into();
    record.data.class_names = vec![hostile.into(); 3];
    record.rows.push(record.rows[0].clone());
    record.rows[2].loss = hostile.into();
    record.rows[2].chosen_loss = Some(hostile.into());
    let html = report("hostile", &record);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    assert!(html.contains("{{ 7 * 7 }}") && !html.contains("49 }}") && html.contains("$x^2$"));

    let mut record = fit();
    record.model = Some(hostile.into());
    record.solver = hostile.into();
    record.outcome.loss = hostile.into();
    check("hostile-fit", fit_report(&record, &[]).unwrap());

    let mut record = toy();
    record.runs[0].loss = hostile.into();
    record.curves[0].loss = hostile.into();
    check("hostile-toy", toy_report(&record).unwrap());
}

#[test]
fn little_is_enough() {
    let mut record = compare(&["exact", "cross-entropy"], 3, None);
    assert_eq!(plots(&report("no-test", &record)), 2);
    record.sigma_path.clear();
    record.folds = 0;
    for row in &mut record.rows {
        row.cv = None;
    }
    let html = report("train-only", &record);
    assert_eq!(plots(&html), 0);
    assert!(html.contains("No accuracy on held-out rows"));
    record.rows.clear();
    assert!(matches!(compare_report(&record), Err(ReportError::NoLosses)));

    let mut record = compare(&["hinge"], 3, Some(50));
    record.sigma_path.truncate(1);
    record.rows[0].cv = CrossValidation::of_folds(vec![0.9]);
    report("single", &record);

    let mut record = compare(&["cross-entropy", "exact"], 2, Some(1));
    record.rows[0].cv = None;
    record.rows[1].cv = None;
    assert!(report("one-test-row", &record).contains("the spread of this difference is not known"));
}

#[test]
fn a_class_may_be_absent_from_the_test_rows() {
    let mut record = compare(&["exact", "cross-entropy"], 4, Some(40));
    for (i, row) in record.rows.iter_mut().enumerate() {
        row.test = Some(test_metrics(40, 4, 0.9, Some(2), i));
    }
    assert!(report("absent-class", &record).contains("<td class=\"recall\">–</td>"));
}

#[test]
fn values_that_are_not_finite_do_not_reach_the_page() {
    let mut record = compare(&["exact", "cross-entropy"], 3, Some(50));
    record.rows[0].seconds = f64::NAN;
    record.rows[0].train.accuracy = f64::NAN;
    record.rows[0].selected.sigma = Some(f64::INFINITY);
    if let Some(test) = &mut record.rows[0].test {
        test.accuracy = f64::NAN;
        test.log_loss = f64::INFINITY;
    }
    record.sigma_path[3].sigma = 0.0;
    record.sigma_path[4].expected_accuracy = f64::NAN;
    report("not-finite", &record);
}

#[test]
fn many_classes_stay_readable() {
    let record = compare(&["exact", "cross-entropy"], 20, Some(2000));
    assert!(report("classes-20", &record).contains("<table class=\"confusion compact\">"));
    let record = compare(&["exact", "cross-entropy"], 100, Some(4000));
    let html = report("classes-100", &record);
    assert!(html.contains("confusion dense") && html.contains("Most frequent confusions"));
    let record = compare(&["exact", "cross-entropy"], 300, Some(4000));
    let html = report("classes-300", &record);
    assert!(!html.contains("confusion dense") && html.contains("Most frequent confusions"));
    assert!(html.len() < 100_000);
}

#[test]
fn a_fit_shows_its_model() {
    let html = check("fit", fit_report(&fit(), &[]).unwrap());
    for text in ["dry-bean.safetensors", "lbfgs", "Test accuracy", "chose the loss exact"] {
        assert!(html.contains(text), "{text}");
    }
    assert_eq!(plots(&html), 3);
}

/// A column whose contribution to one of many classes is U-shaped.
fn shape_function(column: &str, unit: ColumnUnit, range: [f64; 2], classes: usize) -> ShapeFunctionRecord {
    let curve = |class: usize| {
        let height = 1.0 - (class as f64 - 1.0).abs() / classes as f64;
        let value = |point: i32| height * ((f64::from(point) / 50.0 - 1.0).powi(2) - 1.0 / 3.0);
        ShapeCurve {
            class: format!("<{class}>"),
            variation: height,
            contributions: (0..=100).map(value).collect(),
        }
    };
    let histogram = (0..30).map(|bin| 10 + bin * (29 - bin)).collect();
    let curves = (0..classes).map(curve).collect();
    ShapeFunctionRecord { column: column.into(), unit, range, curves, histogram }
}

#[test]
fn smooth_curves_are_drawn() {
    let shapes = [
        shape_function("<Area>", ColumnUnit::Number, [-20_000.0, 250_000.0], 3),
        shape_function("ordered", ColumnUnit::Moment, [1_700_000_000.0, 1_720_000_000.0], 20),
        shape_function("at", ColumnUnit::Hour, [0.5, 23.5], 2),
    ];
    let html = check("fit-shapes", fit_report(&fit(), &shapes).unwrap());
    assert_eq!(plots(&html), 6);
    for text in [
        "The 6 of 20 classes whose curves vary most.",
        "2023-11-14",
        "<bdi>&lt;Area&gt;</bdi>",
        "<th scope=\"col\"><bdi>&lt;5&gt;</bdi></th></tr>",
        "<td>0.667</td>",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert_eq!(html.matches("whose curves vary most").count(), 1);
    let mut damaged = shapes;
    damaged[0].curves[1].contributions[3] = f64::NAN;
    damaged[1].range = [1.0, 1.0];
    damaged[2].curves.clear();
    assert_eq!(plots(&check("fit-no-shapes", fit_report(&fit(), &damaged).unwrap())), 3);
}

/// Two classes of names that a page must not take for its own text, four test images, and one run for each
/// seed.
fn image_train(seeds: u64, expects: bool) -> ImageTrainRecord {
    let epoch = |epoch: usize, seed: u64| EpochRecord {
        epoch,
        loss: 1.0 / (epoch + seed as usize) as f64,
        validation_accuracy: 1.0 - 0.5 / epoch as f64,
        expected_validation_accuracy: expects.then_some(0.9 - 0.5 / epoch as f64),
        learning_rate: 0.1 / epoch as f64,
        sigma: expects.then_some(10.0 / epoch as f64),
    };
    let run = |seed| NetworkRun {
        seed,
        epochs: (1..=8).map(|number| epoch(number, seed)).collect(),
        best_epoch: 8,
        validation: ValidationMetrics { accuracy: 0.9375 },
        test: test_metrics(200, 3, 0.9, None, seed as usize),
        model: "run/model.safetensors".into(),
    };
    ImageTrainRecord {
        data: ImageDataRecord {
            name: "mnist & <b>".into(),
            train_images: 48_000,
            validation_images: 12_000,
            test_images: 10_000,
            classes: 3,
            class_names: vec!["T-shirt/top".into(), "<i>".into(), "Bag".into()],
        },
        network: "small-cnn".into(),
        loss: "exact".into(),
        runs: (0..seeds).map(run).collect(),
        seconds: 125.0,
    }
}

fn image_compare() -> ImageCompareRecord {
    let row = |name: &str, p_value: Option<f64>| {
        let ImageTrainRecord { runs, .. } = image_train(3, name == "exact");
        let paired = runs.iter().map(|run| PairedRecord {
            seed: run.seed,
            only_this: 41,
            only_baseline: 30,
            p_value: p_value.unwrap_or(1.0),
        });
        let setting = |value: f64| LossSettingRecord { name: "last-sigma".into(), value };
        let trial = |accuracy: Option<f64>| TrialRecord {
            learning_rate: 0.032,
            setting: (name == "exact").then(|| setting(0.19)),
            validation: accuracy.map(|accuracy| ValidationMetrics { accuracy }),
        };
        ImageCompareRow {
            name: name.into(),
            network: "small-cnn".into(),
            trials: vec![trial(Some(0.9)), trial(Some(0.9375)), trial(None)],
            selected: 1,
            validation: validation_spread(&runs),
            test: test_spread(&runs),
            paired: if p_value.is_some() { paired.collect() } else { Vec::new() },
            runs,
            p_value,
        }
    };
    ImageCompareRecord {
        data: image_train(1, true).data,
        rows: vec![row("exact", Some(0.02)), row("cross-entropy", None), row("hinge", Some(0.7))],
        baseline: "cross-entropy".into(),
        trials: 3,
        seeds: 3,
        seconds: 4000.0,
        report: None,
    }
}

#[test]
fn a_comparison_on_images_shows_every_loss_setting_and_test() {
    let mut record = image_compare();
    record.rows[0].test = Some(Spread { mean: 0.92, std: 0.001 });
    record.rows[1].test = Some(Spread { mean: 0.91, std: 0.002 });
    let recipes = [("exact".to_owned(), "epochs = 8".to_owned())];
    let html = check("images-compare", image_compare_report(&record, &recipes).unwrap());
    // Test accuracy, learning curves and calibration.
    assert_eq!(plots(&html), 3);
    assert_eq!(html.matches("<table class=\"confusion\">").count(), 2);
    for text in [
        "EXACT is ahead of cross-entropy by 1.00 points (p = 0.020)",
        "92.00 ± 0.10",
        "learning rate 0.032, last-sigma 0.19",
        "diverged",
        "Tests by seed",
        "epochs = 8",
    ] {
        assert!(html.contains(text), "{text}");
    }
    for (test, p_value, headline) in [
        (0.92, Some(0.049), "EXACT is ahead of cross-entropy by 1.00 points (p = 0.049)<"),
        (
            0.92,
            Some(0.05),
            "EXACT is ahead of cross-entropy by 1.00 points, which may be chance (p = 0.050)<",
        ),
        (0.92, Some(0.0004), "EXACT is ahead of cross-entropy by 1.00 points (p &lt; 0.001)<"),
        (0.92, None, "EXACT is ahead of cross-entropy by 1.00 points, which may be chance<"),
        (0.90, Some(0.049), "EXACT is behind cross-entropy by 1.00 points (p = 0.049)<"),
        (
            0.90,
            Some(0.05),
            "EXACT is not ahead of cross-entropy: 1.00 points, which may be chance (p = 0.050)<",
        ),
        (0.91, None, "EXACT is not ahead of cross-entropy: 0.00 points, which may be chance<"),
    ] {
        record.rows[0].test = Some(Spread { mean: test, std: 0.001 });
        record.rows[0].p_value = p_value;
        let html = image_compare_report(&record, &[]).unwrap();
        assert!(html.contains(headline), "{headline}");
    }
    record.rows.remove(0);
    let html = check("images-compare-two", image_compare_report(&record, &[]).unwrap());
    assert!(html.contains("Highest mean test accuracy: "));
    record.rows.clear();
    assert!(matches!(image_compare_report(&record, &[]), Err(ReportError::NoLosses)));
}

fn mistake() -> MistakePicture {
    let mistake = Mistake { image: 7, label: 0, prediction: 1, probability: 0.987 };
    MistakePicture { mistake, png: vec![0x89, b'P', b'N', b'G'] }
}

#[test]
fn the_training_of_a_network_is_shown() {
    let record = image_train(1, true);
    let html = check("images", image_train_report(&record, "model = \"small-cnn\"\n", &[mistake()]).unwrap());
    // Accuracy, loss, sigma and calibration.
    assert_eq!(plots(&html), 4);
    for text in [
        "src=\"data:image/png;base64,iVBORw==\"",
        "98.70 %",
        "48\u{202f}000",
        "expected accuracy",
        "model = &quot;small-cnn&quot;",
        "&lt;i&gt;",
    ] {
        assert!(html.contains(text), "{text}");
    }
    let cross_entropy = image_train(1, false);
    let html = check("images-plain", image_train_report(&cross_entropy, "", &[]).unwrap());
    assert_eq!(plots(&html), 3);
    assert!(!html.contains("expected accuracy") && !html.contains("Most confident mistakes"));
}

#[test]
fn several_seeds_have_a_mean_and_a_spread() {
    let record = image_train(3, true);
    let html = check("images-seeds", image_train_report(&record, "", &[mistake()]).unwrap());
    let accuracies: Vec<f64> = record.runs.iter().map(|run| 100.0 * run.test.accuracy).collect();
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    assert!(html.contains(&format!("Test accuracy {mean:.2} ± ")), "{accuracies:?}");
    assert_eq!(plots(&html), 4);
    let none = ImageTrainRecord { runs: Vec::new(), ..record };
    assert!(matches!(image_train_report(&none, "", &[]), Err(ReportError::NoRuns)));
}

#[test]
fn the_evaluation_of_a_network_is_shown() {
    let ImageTrainRecord { data, network, runs, .. } = image_train(1, true);
    let record = ImageEvaluateRecord { data, network, model: "m".into(), test: runs[0].test.clone() };
    let html = check("images-evaluation", image_evaluate_report(&record, &[mistake()]).unwrap());
    assert_eq!(plots(&html), 1);
    assert!(html.contains("Most confident mistakes") && html.contains("<table class=\"confusion\">"));
}

#[test]
fn the_toy_example_shows_every_loss() {
    let record = toy();
    let html = check("toy", toy_report(&record).unwrap());
    assert_eq!(plots(&html), 2 + record.curves.len());
    assert!(html.contains("is reached by exact; not by cross-entropy, hinge"));
    let empty = ToyRecord { x: vec![], labels: vec![], best_accuracy: 0.0, curves: vec![], runs: vec![] };
    check("toy-empty", toy_report(&empty).unwrap());
    let uneven = ToyRecord { labels: vec![1], ..record };
    assert!(matches!(toy_report(&uneven), Err(ReportError::Labels { points: 5, labels: 1 })));
}
